"""The base's second answers for the A/A comparison: once drawn, every later run carries them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from evalkit.model import AnswerStore
from evalkit.pipeline.plan import Plan, asks


def with_noise_known(plan: Plan, store: AnswerStore, identities: Mapping[str, str]) -> Plan:
    """Return ``plan`` with the A/A comparison if the store has every answer that it needs."""
    twice = replace(plan, aa=True)
    # Most projects have none: one look-up tells.
    first = list(islice(_second_keys(twice, identities), 1))
    if plan.aa or not first or not store.get_many(first):
        return plan
    keys = list(_second_keys(twice, identities))
    return twice if len(store.get_many(keys)) == len(keys) else plan


def _second_keys(plan: Plan, identities: Mapping[str, str]) -> Iterator[str]:
    for suite in plan.suites:
        for case in suite.cases:
            for ask in asks(plan, suite, case):
                if ask.request.sample >= suite.sampling.samples:
                    yield ask.request.key(identities[ask.model])
