"""The base's second answers for the A/A comparison: once drawn, every later run carries them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from evalkit.model import Case, Suite
from evalkit.pipeline.plan import Plan, asks
from evalkit.store import Answers


def with_noise_known(plan: Plan, store: Answers, identities: Mapping[str, str]) -> Plan:
    """Return ``plan`` with the A/A comparison on each case that the store has all answers for.

    After a run that was stopped early or limited these are only those that it asked. A plan that
    asks the base twice anyway is returned as it is, and noted for the runs to come.
    """
    bases = [identities[model.name] for model in plan.models if model.role == "base"]
    if plan.aa:
        for identity in bases:
            store.note_again(identity)
        return plan
    if not store.asked_again(bases):
        return plan
    twice = replace(plan, aa=True)
    keys = {
        (suite.name, case.id): [*_second_keys(twice, suite, case, identities)]
        for suite in plan.suites
        for case in suite.cases
    }
    stored = store.get_many([key for of_case in keys.values() for key in of_case])
    known = (at for at, needed in keys.items() if needed and all(key in stored for key in needed))
    return replace(plan, again=frozenset(known))


def _second_keys(
    plan: Plan, suite: Suite, case: Case, identities: Mapping[str, str]
) -> Iterator[str]:
    for ask in asks(plan, suite, case):
        if ask.request.sample >= suite.sampling.samples:
            yield ask.request.key(identities[ask.model])
