"""Stated power and odds against simulation: what a plan says is what happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeVar, get_args

import numpy as np

from evalkit.decide.decision import Verdict
from evalkit.decide.verdict import verdict_of
from evalkit.stats.arrays import IntArray
from evalkit.stats.clusters import clustered_mean
from evalkit.stats.exact_power import (
    BinaryDesign,
    Claim,
    exact_cases,
    exact_power,
)
from evalkit.stats.paired_binary import TangoScore, mcnemar_exact, tango_interval, tango_p
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.planned_cases import planned_churn, upper_limit
from evalkit.stats.power import Planned
from evalkit.stats.score_power import ScoreDesign, score_power
from evalkit.stats.values import NotEstimable
from evalkit.stats.verdict_odds import VerdictOdds, verdict_odds
from evalkit.validation.draws import flips, tables
from evalkit.validation.rates import Rate, Study

Design = BinaryDesign | ScoreDesign
_Figure = TypeVar("_Figure")

_RUNS = 100_000
_SCORE_RUNS = 6_000
_CLAIMS = (
    (Claim("non_inferior", 0.05), BinaryDesign(269, 0.1)),
    (Claim("non_inferior", 0.05), BinaryDesign(269, 0.1, -0.02)),
    (Claim("superior", 0.0), BinaryDesign(337, 0.1, 0.05)),
    (Claim("superior", 0.05), BinaryDesign(150, 0.3, 0.2)),
    (Claim("equivalent", 0.1), BinaryDesign(100, 0.1)),
    (Claim("non_inferior", 0.3), BinaryDesign(12, 0.2)),
)
_SCORE_CLAIMS = (
    (Claim("non_inferior", 0.1), ScoreDesign(12, 0.04)),
    (Claim("superior", 0.0), ScoreDesign(34, 0.04, 0.1)),
    (Claim("equivalent", 0.1), ScoreDesign(36, 0.04)),
    (Claim("non_inferior", 0.1), ScoreDesign(200, 0.04, 0.0, 25, 0.2)),
)


def pairs(rng: np.random.Generator) -> Iterator[Rate]:
    """Enumerated power of the gate on right-or-wrong pairs."""
    for claim, design in _CLAIMS:
        b, c = _drawn(rng, design)
        limits = tango_interval(b, c, design.n, level=1 - 2 * claim.alpha)
        found = np.maximum(tango_p(b, c, design.n), mcnemar_exact(b, c)) <= claim.alpha
        shown = {
            "non_inferior": limits.low > -claim.bound,
            "equivalent": (-claim.bound < limits.low) & (limits.high < claim.bound),
            "superior": (limits.low > claim.bound) & found,
        }[claim.rule]
        measured = float(shown.mean())
        stated = _known(exact_power(design, claim))
        yield _rate(stated, measured, of=(claim, design), runs=_RUNS)


def scores(rng: np.random.Generator) -> Iterator[Rate]:
    """Noncentral t for few cases, and for few clusters."""
    for claim, design in _SCORE_CLAIMS:
        hits = sum(_shown(_estimate(rng, design), claim) for _ in range(_SCORE_RUNS))
        stated, measured = _known(score_power(design, claim)), hits / _SCORE_RUNS
        yield _rate(stated, measured, of=(claim, design), runs=_SCORE_RUNS)


def odds(rng: np.random.Generator) -> Iterator[Rate]:
    """The stated odds of each verdict, right-or-wrong cases judged as the decision judges them."""
    for difference in (0.0, -0.2, 0.2):
        design, seen = BinaryDesign(40, 0.4, difference), Counter[Verdict]()
        for gained, lost, runs in tables(*_drawn(rng, design)):
            score = TangoScore(gained, lost, design.n)
            tests = (score.p_value().value, float(mcnemar_exact(gained, lost)[0]))
            gate = score.interval(level=0.9)
            confirmed = max(tests) <= 0.05
            seen[verdict_of(gate, margin=0.2, gain_confirmed=confirmed)] += runs
        yield from _odds(_known(verdict_odds(design, 0.2)), seen, runs=_RUNS)


def score_odds(rng: np.random.Generator) -> Iterator[Rate]:
    """The same for scores, by t."""
    design, seen = ScoreDesign(30, 0.09), Counter[Verdict]()
    for _ in range(_SCORE_RUNS):
        estimate = _estimate(rng, design)
        confirmed = estimate.p_value().value <= 0.05
        gate = estimate.interval(level=0.9)
        seen[verdict_of(gate, margin=0.1, gain_confirmed=confirmed)] += 1
    yield from _odds(_known(verdict_odds(design, 0.1)), seen, runs=_SCORE_RUNS)


def churn(rng: np.random.Generator) -> Iterator[Rate]:
    """A plan from the upper limit of an earlier run's churn has its power in 80 % of plans.

    And the limit of a rate, at 95 %, lies below the true one in 5 % at most.
    """
    claim, truth, earlier, runs = Claim("non_inferior", 0.05), 0.1, 200, 20_000
    counts, times = np.unique(rng.binomial(earlier, truth, runs), return_counts=True)
    enough = held = 0
    for count, k in zip(counts, times, strict=True):
        planned = _known(planned_churn(int(count), earlier))
        cases = _known(exact_cases(claim, planned.value))
        enough += int(k) * (_known(exact_power(BinaryDesign(cases.n, truth), claim)).value >= 0.8)
        held += int(k) * (_known(upper_limit(int(count), earlier)).value >= truth)
    setting = f"{earlier} earlier pairs, churn {truth:.0%}"
    yield Rate("plan by planned churn", setting, "coverage", 0.8, enough / runs, runs, (0.8, 1.0))
    yield Rate("upper limit of a rate", setting, "coverage", 0.95, held / runs, runs, (0.95, 1.0))


def _drawn(rng: np.random.Generator, design: BinaryDesign) -> tuple[IntArray, IntArray]:
    gained = (design.discordant + design.difference) / 2
    lost = design.discordant - gained
    return flips(rng, design.n, gained=gained, lost=lost, runs=_RUNS)


def _estimate(rng: np.random.Generator, design: ScoreDesign) -> Estimate:
    """Draw normal differences with the correlation that the design supposes within a cluster."""
    size = int(design.cluster_size)
    own = np.sqrt(design.variance * (1 - design.icc))
    d = design.difference + rng.normal(0, own, design.n)
    if size == 1:
        return _known(paired_t(d))
    shared = rng.normal(0, np.sqrt(design.variance * design.icc), design.n // size)
    return _known(clustered_mean(d + np.repeat(shared, size), np.arange(design.n) // size))


def _shown(estimate: Estimate, claim: Claim) -> bool:
    limits = estimate.interval(level=1 - 2 * claim.alpha)
    if claim.rule == "superior":
        return limits.low > claim.bound and estimate.p_value().value <= claim.alpha
    return limits.low > -claim.bound and (claim.rule != "equivalent" or limits.high < claim.bound)


def _rate(stated: Planned, measured: float, *, of: tuple[Claim, Design], runs: int) -> Rate:
    claim, design = of
    rule = claim.rule.replace("_", "-")
    setting = f"n = {design.n}, {rule} {claim.bound:g}, true {design.difference:g}"
    value = stated.value
    name = f"power, {stated.method}"
    return Rate(name, setting, "power", value, measured, runs, (value, value))


def _odds(stated: VerdictOdds, seen: Counter[Verdict], *, runs: int) -> Iterator[Rate]:
    for verdict in get_args(Verdict):
        value, measured = getattr(stated, verdict), seen[verdict] / runs
        setting = f"{verdict}, true {stated.difference:g}"
        name = f"odds of verdicts, {stated.method}"
        yield Rate(name, setting, "power", value, measured, runs, (value, value))


def _known(found: _Figure | NotEstimable) -> _Figure:
    """Return a figure that the settings of a study must have."""
    if isinstance(found, NotEstimable):
        raise TypeError(found.why)
    return found


STUDIES: tuple[Study, ...] = (pairs, scores, odds, score_odds, churn)
