"""False alarms of methods that are read again and again, and what stopping early saves.

The naive rule, a fixed-n test at every look, is shown, not claimed: it allows anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from evalkit.stats.arrays import FloatArray
from evalkit.stats.betting import Bets, begin, bet, log_capital
from evalkit.stats.confidence_sequences import (
    mean_confidence_sequence,
    rate_confidence_sequence,
)
from evalkit.stats.e_process import average_e, e_bh, log_e_mcnemar
from evalkit.stats.group_sequential import spending_design, stopping, with_futility
from evalkit.stats.paired_binary import mcnemar_asymptotic, mcnemar_exact, tango_statistic
from evalkit.stats.stopping import Plan, Stop, begin_watch, settle, watch
from evalkit.stats.values import Interval
from evalkit.validation.rates import Rate, Study

_ANY = (0.0, 1.0)
_LOOKS = 20
_Flags = NDArray[np.bool_]


def _flips(
    rng: np.random.Generator, cases: int, runs: int, *, gained: float, lost: float
) -> FloatArray:
    """Return differences (cases, runs) of scores 0 or 1."""
    drawn = rng.random((cases, runs))
    return np.where(drawn < gained, 1.0, np.where(drawn > 1 - lost, -1.0, 0.0))


def _counts(d: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return gains and losses so far, after each case."""
    return (
        np.cumsum(d > 0, axis=0).astype(np.float64),
        np.cumsum(d < 0, axis=0).astype(np.float64),
    )


def _ever(rejected: _Flags) -> float:
    return float(rejected.any(axis=0).mean())


def peeking(rng: np.random.Generator) -> Iterator[Rate]:
    """Twenty looks at 1,000 pairs of models between which nothing changed."""
    cases, runs, alpha = 1_000, 8_000, 0.05
    for churn in (0.1, 0.3):
        b, c = _counts(_flips(rng, cases, runs, gained=churn / 2, lost=churn / 2))
        at = np.arange(1, _LOOKS + 1) * (cases // _LOOKS) - 1
        setting = f"{_LOOKS} looks at {cases} cases, churn {churn:.0%}"

        def rate(
            method: str,
            rejected: _Flags,
            allowed: tuple[float, float],
            setting: str = setting,
        ) -> Rate:
            return Rate(method, setting, "false alarms", alpha, _ever(rejected), runs, allowed)

        looks_b, looks_c = b[at], c[at]
        yield rate("exact McNemar at every look", mcnemar_exact(looks_b, looks_c) <= alpha, _ANY)
        yield rate(
            "asymptotic McNemar at every look", mcnemar_asymptotic(looks_b, looks_c) <= alpha, _ANY
        )
        threshold = -math.log(alpha)
        for side in ("two-sided", "greater"):
            evidence = log_e_mcnemar(looks_b, looks_c, side=side)
            yield rate(f"e-process, {side}", evidence >= threshold, (0.0, alpha))
        z = (looks_b - looks_c) / np.sqrt(np.maximum(looks_b + looks_c, 1))
        design = spending_design(
            (np.arange(1, _LOOKS + 1) / _LOOKS).tolist(), alpha=alpha / 2, two_sided=True
        )
        bounds = np.array(design.upper)[:, None]
        yield rate("group sequential, O'Brien-Fleming spending", np.abs(z) > bounds, (0.0, 0.055))


def every_case(rng: np.random.Generator) -> Iterator[Rate]:
    """Looking after every case: e-process, betting at the margin, and the test for a loss."""
    cases, runs, alpha = 1_000, 3_000, 0.05
    d = _flips(rng, cases, runs, gained=0.05, lost=0.05)
    evidence = log_e_mcnemar(*_counts(d), side="greater")
    setting = f"after each of {cases} cases"
    threshold = -math.log(alpha)
    yield Rate(
        "e-process, greater", f"{setting}, nothing changed", "false alarms", alpha,
        _ever(evidence >= threshold), runs, (0.0, alpha),
    )  # fmt: skip
    laws = {
        "flips, 4 % gained, 7 % lost": (_flips(rng, cases, runs, gained=0.04, lost=0.07), -0.03),
        "flips, 0 % gained, 5 % lost": (_flips(rng, cases, runs, gained=0.0, lost=0.05), -0.05),
        "skewed scores": (rng.beta(0.5, 2.0, (cases, runs)) - 0.25, -0.05),
    }
    for law, (values, null) in laws.items():
        for tuned_for in (None, cases // 2):
            bets = Bets(null=null, level=1 - 2 * alpha, tuned_for=tuned_for)
            tuned = "open-ended" if tuned_for is None else "tuned for half"
            yield Rate(
                f"betting, {tuned}", f"{setting}, {law}, mean = -margin",
                "promotions at the margin", alpha,
                _ever(log_capital(values, bets) >= bets.threshold), runs, (0.0, alpha),
            )  # fmt: skip


def without_replacement(rng: np.random.Generator) -> Iterator[Rate]:
    """The mean of a suite of 60 cases is missed by its own betting sequence at some case."""
    runs, population, missed = 400, 60, 0
    cases = np.repeat([1.0, -1.0, 0.5, 0.0], [6, 9, 5, 40])
    mean = float(cases.mean())
    for _ in range(runs):
        state = bet(begin(Bets(null=mean, population=population)), rng.permutation(cases)[:45])
        missed += state.above or state.below
    yield Rate(
        "betting without replacement", "at any of the first 45 of 60 cases", "coverage", 0.9,
        1 - missed / runs, runs, (0.9, 1.0),
    )  # fmt: skip


def coverage(rng: np.random.Generator) -> Iterator[Rate]:
    """A sequence covers if no interval in it misses, after any of the cases."""
    level, runs = 0.95, 1_500
    for share in (0.02, 0.3):
        hits = rng.random((400, runs)) < share
        at = np.unique(np.geomspace(1, 400, 40).astype(int)) - 1
        counts = np.cumsum(hits, axis=0)[at].ravel()
        n = np.repeat(at + 1, runs)
        found = rate_confidence_sequence(counts, n, level=level)
        misses = ((found.low > share) | (found.high < share)).reshape(len(at), runs)
        yield Rate(
            "beta-binomial confidence sequence", f"rate {share:.0%}, 40 looks at 400 cases",
            "coverage", level, 1 - _ever(misses), runs, (level, 1.0),
        )  # fmt: skip
    d = _flips(rng, 400, runs, gained=0.1, lost=0.05)
    for tuned_for in (None, 200):
        bets = Bets(null=0.05, level=level, tuned_for=tuned_for)
        low, high = (
            log_capital(sign * d, replace(bets, null=sign * bets.null)) >= bets.threshold
            for sign in (1, -1)
        )
        yield Rate(
            "betting confidence sequence" + (", tuned" if tuned_for else ""),
            "flips, 10 % gained, 5 % lost, after each of 400 cases", "coverage", level,
            1 - _ever(low | high), runs, (level, 1.0),
        )  # fmt: skip
    for name, variance, allowed in (
        ("normal mixture, worst-case variance", 1.0, (level, 1.0)),
        ("normal mixture, estimated variance, from the 30th case", None, (0.93, 1.0)),
    ):
        missed = np.zeros(runs, dtype=bool)
        for run in range(runs):
            d = rng.choice([-1.0, 0.0, 1.0], size=500, p=[0.05, 0.85, 0.1])
            limits = mean_confidence_sequence(d, level=level, variance=variance)
            missed[run] = ((limits.low > 0.05) | (limits.high < 0.05))[30:].any()
        yield Rate(
            name, "flips, 10 % gained, 5 % lost, after each of 500 cases", "coverage", level,
            1 - float(missed.mean()), runs, allowed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stops:
    """The case at which each run stops (from 0), and whether it is promoted then."""

    case: NDArray[np.int64]
    proven: _Flags

    def share_used(self, planned: int) -> float:
        """Return the mean share of the planned cases."""
        return float((self.case + 1).mean()) / planned


def stops(d: FloatArray, plan: Plan) -> Stops:
    """Return where comparisons that may stop after every case do stop.

    ``d``: (planned cases, runs), scores 0 or 1. Many runs at once by the statistics that `settle`
    decides by; a unit test holds the two together.
    """
    n = plan.planned
    bets = begin_watch(plan).betting.bets
    above = log_capital(d, bets) >= bets.threshold
    below = log_capital(-d, replace(bets, null=-bets.null)) >= bets.threshold
    b, c = _counts(d)
    left = np.arange(n - 1, -1, -1.0)[:, None]
    z = -float(ndtri(plan.alpha * plan.kept))
    worst, best = _passes(b, c + left, plan, z), _passes(b + left, c, plan, z)
    first = [_first(flags) for flags in (above, below, worst, ~best)]
    stop = np.minimum.reduce([*first, np.full(d.shape[1], n - 1)])
    return Stops(stop, (first[0] == stop) | ((first[2] == stop) & (first[1] > stop)))


def _passes(b: FloatArray, c: FloatArray, plan: Plan, z: float) -> _Flags:
    passes = tango_statistic(b, c, plan.planned, null=plan.null) > z
    if plan.rule == "superior":
        passes &= mcnemar_exact(b, c, side="greater") <= plan.alpha * plan.kept
    return passes


def _first(flags: _Flags) -> NDArray[np.int64]:
    """Return the first case with the flag, or one beyond the last."""
    return np.where(flags.any(axis=0), flags.argmax(axis=0), len(flags))


def early_stopping(rng: np.random.Generator) -> Iterator[Rate]:
    """A model exactly at the margin, or without the gain, that may stop after every case."""
    runs = 6_000
    for plan, gained, lost in (
        (Plan("non_inferior", 0.03, planned=500), 0.05, 0.08),
        (Plan("non_inferior", 0.05, planned=200), 0.0, 0.05),
        (Plan("superior", 0.0, planned=500), 0.08, 0.08),
        (Plan("superior", 0.02, planned=500), 0.08, 0.06),
        (Plan("non_inferior", 0.03, planned=500, kept=0.5), 0.05, 0.08),
    ):
        found = stops(_flips(rng, plan.planned, runs, gained=gained, lost=lost), plan)
        law = f"{gained:.0%} gained, {lost:.0%} lost, {plan.kept:.0%} kept"
        yield Rate(
            "stopping", f"{plan.rule}, {plan.planned} planned, {law}", "promotions at the margin",
            plan.alpha, float(found.proven.mean()), runs, (0.0, 0.055),
        )  # fmt: skip


def graded_stopping(rng: np.random.Generator) -> Iterator[Rate]:
    """Graded scores with the margin as their mean loss; three looks at 150 planned cases.

    The interval at the stop is the one that is reported: does it hold the true mean?
    """
    runs, margin = 300, 0.05
    plan = Plan("non_inferior", margin, planned=150, binary=False)
    steps = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
    law = np.array([0.12, 0.2, 0.46, 0.12, 0.1])
    shifted = steps - float(steps @ law) - margin
    promoted, held = 0, 0
    for _ in range(runs):
        found = _first_stop(rng.choice(shifted, size=150, p=law), plan, looks=3)
        promoted += found.answer == "proven"
        interval = found.interval
        held += isinstance(interval, Interval) and interval.low <= -margin <= interval.high
    yield Rate(
        "stopping, graded scores", "3 looks at 150 planned, mean = -margin",
        "promotions at the margin", plan.alpha, promoted / runs, runs, (0.0, 0.055),
    )  # fmt: skip
    yield Rate(
        "stopping: the reported interval", "graded scores, 3 looks at 150 planned", "coverage",
        1 - 2 * plan.alpha, held / runs, runs, (1 - 2 * plan.alpha - 0.01, 1.0),
    )  # fmt: skip


def _first_stop(d: FloatArray, plan: Plan, *, looks: int) -> Stop:
    state = begin_watch(plan)
    found = settle(state)
    for block in np.split(d, looks):
        state = watch(state, block)
        found = settle(state)
        if found.stops:
            break
    return found


def cases_used(rng: np.random.Generator) -> Iterator[Rate]:
    """The share of the planned cases that is used, and the power left, for clear and dull effects.

    ``measured`` of the first is a mean share; the nominal 1 is what a fixed number of cases uses.
    """
    runs, plan = 1_500, Plan("non_inferior", 0.03, planned=1_000)
    for name, gained, lost, most in (
        ("clear gain", 0.12, 0.05, 0.4),
        ("clear loss", 0.03, 0.13, 0.4),
        ("identical answers", 0.0, 0.0, 0.4),
        ("nothing changed, churn 4 %", 0.02, 0.02, 0.6),
        ("nothing changed, churn 10 %", 0.05, 0.05, 0.85),
    ):
        d = _flips(rng, plan.planned, runs, gained=gained, lost=lost)
        found = stops(d, plan)
        setting = f"margin .03, 1,000 planned, {name}"
        yield Rate(
            "stopping: mean share of cases used", setting, "power", 1.0,
            found.share_used(plan.planned), runs, (0.0, most),
        )  # fmt: skip
        if lost <= gained:
            b, c = (float_counts[-1] for float_counts in _counts(d))
            fixed = _passes(b, c, plan, -float(ndtri(plan.alpha))).mean()
            yield Rate(
                "stopping: promoted, against all cases at once", setting, "power", float(fixed),
                float(found.proven.mean()), runs, (float(fixed) - 0.03, 1.0),
            )  # fmt: skip


def combined(rng: np.random.Generator) -> Iterator[Rate]:
    """Twenty suites that share their cases' luck, none changed: any discovery is a false alarm."""
    runs, suites, cases, alpha = 3_000, 20, 300, 0.05
    threshold, wrong, mean = -math.log(alpha), 0, 0
    for _ in range(runs):
        common = rng.random(cases) < 0.5
        flips = rng.random((suites, cases)) < 0.2
        ups = np.where(rng.random((suites, cases)) < 0.5, common, rng.random((suites, cases)) < 0.5)
        log_e = log_e_mcnemar((flips & ups).sum(axis=1), (flips & ~ups).sum(axis=1))
        wrong += any(e_bh(log_e.tolist(), alpha=alpha).rejected)
        mean += average_e(log_e) >= threshold
    setting = f"{suites} dependent suites, nothing changed"
    yield Rate("e-BH", setting, "false alarms", alpha, wrong / runs, runs, (0.0, alpha))
    yield Rate("averaged e-values", setting, "false alarms", alpha, mean / runs, runs, (0.0, alpha))


def planned_looks(rng: np.random.Generator) -> Iterator[Rate]:
    """A group-sequential non-inferiority test on score statistics, with futility bounds obeyed."""
    cases, runs, alpha, margin = 1_000, 20_000, 0.05, 0.03
    looks = np.array([0.25, 0.5, 0.75, 1.0])
    design = spending_design(looks.tolist(), alpha=alpha)
    sizes = np.diff(looks * cases, prepend=0).astype(int)
    for name, gained, lost in (("mean = -margin", 0.05, 0.08), ("nothing changed", 0.05, 0.05)):
        law = [gained, lost, 1 - gained - lost]
        drawn = np.cumsum([rng.multinomial(n, law, size=runs) for n in sizes], axis=0)
        b, c = (drawn[..., i].astype(np.float64) for i in (0, 1))
        n = np.repeat((looks * cases)[:, None], runs, axis=1)
        z = tango_statistic(b, c, n, null=-margin)
        drift = margin / math.sqrt(0.1 / cases)
        futile = with_futility(design, drift=drift, beta=0.1)
        up, down = z > np.array(design.upper)[:, None], z < futile.lower[:, None]
        first = np.minimum(_first(up | down), len(looks) - 1)
        setting = f"4 looks at {cases} cases, {gained:.0%} gained, {lost:.0%} lost"
        if name == "mean = -margin":
            for obeyed, promoted in (
                ("ignored", up.any(axis=0)),
                ("obeyed", up[first, range(runs)]),
            ):
                yield Rate(
                    f"group sequential, futility {obeyed}", setting, "promotions at the margin",
                    alpha, float(promoted.mean()), runs, (0.0, 0.056),
                )  # fmt: skip
            continue
        stated = stopping(futile, drift=drift)
        yield Rate(
            "group sequential: promoted", setting, "power", float(stated.upper.sum()),
            float(up[first, range(runs)].mean()), runs,
            (float(stated.upper.sum()) - 0.02, float(stated.upper.sum()) + 0.02),
        )  # fmt: skip
        yield Rate(
            "group sequential: mean share of cases used", setting, "power",
            stated.expected_fraction, float(looks[first].mean()), runs,
            (stated.expected_fraction - 0.02, stated.expected_fraction + 0.02),
        )  # fmt: skip


STUDIES: tuple[Study, ...] = (
    peeking,
    every_case,
    without_replacement,
    coverage,
    early_stopping,
    graded_stopping,
    cases_used,
    combined,
    planned_looks,
)
