"""What a run could show, before any call: every suite's forecast, and the number of requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit.decide import SuiteResult, from_dict
from evalkit.decide.forecast import Forecast, forecast
from evalkit.decide.rules import rule_for
from evalkit.pipeline.plan import Plan, asks
from evalkit.store.folder import MANIFEST


@dataclass(frozen=True, slots=True)
class Foresight:
    """What a run of a plan could show: ``requests`` by model, before stored answers are counted."""

    suites: tuple[Forecast, ...]
    requests: dict[str, int]


def foresee(plan: Plan, reports: Path) -> Foresight:
    """Return what a run of ``plan`` could show; earlier runs below ``reports`` say how much flips.

    The newest finished run with a suite of the same name counts; one that cannot be read does not.
    """
    earlier: dict[str, SuiteResult] = {}
    for result in _earlier(reports):
        earlier.setdefault(result.suite, result)
    suites = tuple(
        forecast(
            suite,
            rule_for(suite, plan.policy),
            earlier=earlier.get(suite.name),
            alpha=plan.policy.alpha,
        )
        for suite in plan.suites
    )
    return Foresight(suites, _requests(plan))


def _requests(plan: Plan) -> dict[str, int]:
    counts = dict.fromkeys(plan.project.models, 0)
    for suite in plan.suites:
        for case in suite.cases:
            for ask in asks(plan, suite, case):
                counts[ask.model] += 1
    return counts


def _earlier(reports: Path) -> Iterator[SuiteResult]:
    """Yield the results of finished runs, newest first; run ids sort by time."""
    for manifest in sorted(reports.glob(f"*/{MANIFEST}"), reverse=True):
        if manifest.parent.is_symlink():
            continue
        try:
            tree = json.loads((manifest.parent / "decision.json").read_bytes())
            decision = from_dict(tree)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for comparison in decision.comparisons:
            yield from comparison.suites
