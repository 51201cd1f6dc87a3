"""Whole decisions at the boundary of each rule: records in, the gates' verdicts out.

A decision on right-or-wrong cases depends on the counts of its table alone, so each different table
that is drawn is decided once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evalkit.decide import Policy, RunData, SuiteRule, decide
from evalkit.decide.decision import ComparisonDecision
from evalkit.model import (
    Case,
    ModelSpec,
    Pair,
    Project,
    Purpose,
    Record,
    Reply,
    Sampling,
    Split,
    Suite,
)
from evalkit.validation.draws import flips, tables
from evalkit.validation.rates import Kind, Rate, Study

Table = tuple[int, int, int]
"""Cases gained, lost, and all together; of the rest every other one is right under both models."""

_SUITE = "suite"
_PROJECT = Project(
    Path(),
    {
        "base": ModelSpec("base", "base", "scripted", "base"),
        "tuned": ModelSpec("tuned", "candidate", "scripted", "tuned"),
    },
    (Pair("base", "tuned"),),
)
_AT_MARGIN: Kind = "promotions at the margin"


def guard(rng: np.random.Generator) -> Iterator[Rate]:
    """A candidate that is worse by exactly the margin passes the guard in 5 % at most."""
    for n, gained, lost in (
        (50, 0.02, 0.04),
        (50, 0.0, 0.02),
        (200, 0.05, 0.07),
        (200, 0.0, 0.02),
        (600, 0.02, 0.04),
    ):
        margin = lost - gained
        runs = 5_000

        def passed(table: Table, margin: float = margin) -> bool:
            return _status(_decide(table, margin=margin), "suite") == "passed"

        b, c = flips(rng, n, gained=gained, lost=lost, runs=runs)
        hits = sum(k for up, down, k in tables(b, c) if passed((up, down, n)))
        setting = f"n = {n}, {gained:.4g} gained, {lost:.4g} lost"
        yield Rate("guard passed", setting, _AT_MARGIN, 0.05, hits / runs, runs, (0, 0.055))


def target_without_gain(rng: np.random.Generator) -> Iterator[Rate]:
    """A candidate that changed nothing on average is called improved in 2.5 % at most."""
    runs = 20_000
    for churn in (0.02, 0.3):
        b, c = flips(rng, 100, gained=churn / 2, lost=churn / 2, runs=runs)
        hits = sum(k for up, down, k in tables(b, c) if _improved((up, down, 100)))
        setting = f"n = 100, churn {churn:.0%}"
        yield Rate("target improved", setting, "false alarms", 0.025, hits / runs, runs, (0, 0.025))


def target_at_min_gain(rng: np.random.Generator) -> Iterator[Rate]:
    """A true gain right at min_gain passes in about 5 %, not in half of all runs."""
    runs = 5_000
    policy = Policy(suites={_SUITE: SuiteRule(min_gain=0.1)})

    def passed(table: Table) -> bool:
        return _status(_decide(table, purpose="target", policy=policy), "suite") == "passed"

    b, c = flips(rng, 300, gained=0.15, lost=0.05, runs=runs)
    hits = sum(k for up, down, k in tables(b, c) if passed((up, down, 300)))
    setting = "n = 300, 0.15 gained, 0.05 lost"
    yield Rate("target passed", setting, _AT_MARGIN, 0.05, hits / runs, runs, (0, 0.06))


def honest_candidate(rng: np.random.Generator) -> Iterator[Rate]:
    """Trained cases that gain 5 points more, the most allowed, are flagged in 5 % at most."""
    runs = 800
    known = flips(rng, 60, gained=0.45, lost=0.05, runs=runs)
    new = flips(rng, 100, gained=0.40, lost=0.05, runs=runs)
    hits = sum(
        _status(_decide((int(b), int(c), 100), trained=(int(x), int(y), 60)), "overfitting")
        == "failed"
        for x, y, b, c in zip(*known, *new, strict=True)
    )
    setting = "60 and 100 cases, a gap of max_gap"
    yield Rate("overfitting flagged", setting, "false alarms", 0.05, hits / runs, runs, (0, 0.05))


def _improved(table: Table) -> bool:
    (result,) = _decide(table, purpose="target", margin=0.05).suites
    return result.verdict == "improved"


def _decide(
    table: Table,
    *,
    purpose: Purpose = "guard",
    margin: float = 0.1,
    trained: Table | None = None,
    policy: Policy | None = None,
) -> ComparisonDecision:
    answered = [*_answers(table, "heldout"), *_answers(trained or (0, 0, 0), "train")]
    records = [
        Record(_SUITE, case.id, model, 0, Reply(f"{model} says {score}", model=model), score=score)
        for case, *scores in answered
        for model, score in zip(("base", "tuned"), scores, strict=True)
    ]
    cases = tuple(case for case, *_ in answered)
    suite = Suite(_SUITE, purpose, cases, (), "exact", Sampling(), margin=margin)
    (comparison,) = decide(RunData(_PROJECT, (suite,), records), policy or Policy()).comparisons
    return comparison


def _answers(table: Table, split: Split) -> Iterator[tuple[Case, float, float]]:
    """Yield a case for each pair of a table, with the scores of base and candidate."""
    gained, lost, n = table
    alike = [(float(i % 2), float(i % 2)) for i in range(n - gained - lost)]
    trained = frozenset({"tuned"} if split == "train" else ())
    for i, scores in enumerate([(0.0, 1.0)] * gained + [(1.0, 0.0)] * lost + alike):
        yield Case(_SUITE, f"{split}-{i}", (), split=split, trained=trained), *scores


def _status(decision: ComparisonDecision, kind: str) -> str:
    (gate,) = (gate for gate in decision.gates if gate.kind == kind)
    return gate.status


STUDIES: tuple[Study, ...] = (guard, target_without_gain, target_at_min_gain, honest_candidate)
