"""What other tools would have said of the same pairs: shown beside the decision, never used in it.

Why each misleads:

- *Unpaired z-test and Welch's t* take two runs over the same cases for independent samples. Scores
  that rise and fall together make the interval far too wide, so that models no worse are held back
  and a real loss passes as "not significant"; scores that go apart make it too narrow.
- *Wald's interval* reads the spread off the discordant pairs seen. Without any its width is 0: a
  suite passes because it is small.
- *Agresti and Min's interval* adds half a pair to each cell, which widens it but draws the
  difference towards 0, that is away from a loss.
- *McNemar with continuity correction* takes one pair off the difference and rejects still less
  often than the exact test; and read as a gate, "no significant loss" means "too few cases".
- *Wilson's interval with continuity correction* is about one model alone, and wider than its level
  asks for.
- *A flat pass rate* knows neither the base nor the number of cases: a candidate exactly at the
  threshold passes by the toss of a coin, and easier cases let any model pass.

How often each promotes a model exactly at the margin is measured in `evalkit.validation.naive`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from evalkit.stats.arrays import FloatArray, exact_mean, floats, normal_quantile
from evalkit.stats.assumptions import Assuming
from evalkit.stats.gap import welch
from evalkit.stats.paired_binary import Limits, PairedTable
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.units import case_units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side

_ALPHA = 0.05
_BY_LIMIT = "the lower limit is above -margin"
_BY_TEST = "no significant loss"
_BY_RATE = "the candidate's rate reaches the threshold"
_BY_RATE_LIMIT = "the lower limit of the candidate's rate reaches the threshold"


@dataclass(frozen=True, slots=True)
class OtherTool(Assuming):
    """One other method's answer on ``n`` pairs, and whether its ``rule`` would have promoted.

    ``estimate`` is what its interval and p-value are about: the difference, or the candidate's
    mean. A method without an interval or without a p-value says so.
    """

    method: str
    estimate: float
    interval: Interval | NotEstimable
    p_value: PValue | NotEstimable
    n: int
    rule: str
    promotes: bool


def others_on_table(
    table: PairedTable, *, margin: float, threshold: float, level: float = 0.9
) -> tuple[OtherTool, ...]:
    """Return what other tools say of the counts of one paired table; nothing without a pair.

    ``margin`` is the loss that is allowed, ``threshold`` the flat pass rate. ``level`` is that of
    two-sided intervals, so their lower limits bound at (1 + level) / 2.
    """
    b, c, n = floats(table.gained), floats(table.lost), int(_pairs(table)[0])
    if n == 0:
        return ()
    right = floats(table.both) + b
    difference, rate = float((b - c)[0]) / n, float(right[0]) / n
    z = PValue(float(unpaired_z_p(table)[0]), "unpaired z")
    edwards = PValue(float(mcnemar_corrected_p(b, c)[0]), "McNemar with continuity correction")
    none = NotEstimable("the interval has no test beside it")
    found = [
        _by_limit(unpaired_interval(table, level=level).at(), z, difference, n, margin=margin),
        _by_limit(wald_interval(b, c, n, level=level).at(), none, difference, n, margin=margin),
        _by_limit(
            agresti_min_interval(b, c, n, level=level).at(), none, difference, n, margin=margin
        ),
        _by_test(z, difference, n),
        _by_test(edwards, difference, n),
        _by_rate(rate, n, wilson_corrected_interval(right, n, level=level).at(), threshold),
        _by_rate(rate, n, None, threshold),
    ]
    return tuple(found)


def others_on_scores(
    base: ArrayLike, candidate: ArrayLike, *, margin: float, threshold: float, level: float = 0.9
) -> tuple[OtherTool, ...]:
    """Return what other tools say of two arrays of scores, aligned by case; nothing without one.

    Scores are finite; where neither side varies there is no Welch's t, only the flat rate.
    """
    x, y = floats(base).reshape(-1), floats(candidate).reshape(-1)
    if not len(x):
        return ()
    flat = _by_rate(exact_mean(y), len(y), None, threshold)
    found = unpaired_welch(x, y)
    if isinstance(found, NotEstimable):
        return (flat,)
    interval, p = found.interval(level=level), found.p_value()
    limit = _by_limit(interval, p, found.mean, len(x), margin=margin)
    return (limit, _by_test(p, found.mean, len(x)), flat)


def unpaired_z_p(table: PairedTable, *, side: Side = "two-sided") -> FloatArray:
    """Return p-values of the pooled z-test of two proportions as if of independent samples.

    z = (p1 - p2) / sqrt(2 p (1 - p) / n), p the mean of both. 1 where no outcome varies.
    """
    ours, theirs, n = _rates(table)
    pooled = (ours + theirs) / 2
    error = np.sqrt(2 * pooled * (1 - pooled) / np.maximum(n, 1))
    z = np.where(error > 0, (ours - theirs) / np.where(error > 0, error, 1.0), 0.0)
    p = 2 * ndtr(-np.abs(z)) if side == "two-sided" else ndtr(-z if side == "greater" else z)
    return np.asarray(p, dtype=np.float64)


def unpaired_interval(table: PairedTable, *, level: float = 0.95) -> Limits:
    """Return Wald intervals of the difference of two proportions as if of independent samples."""
    ours, theirs, n = _rates(table)
    error = np.sqrt((ours * (1 - ours) + theirs * (1 - theirs)) / np.maximum(n, 1))
    return _around(ours - theirs, error, level=level, method="unpaired Wald")


def unpaired_welch(base: ArrayLike, candidate: ArrayLike) -> Estimate | NotEstimable:
    """Return Welch's t of candidate minus base as if their cases were not the same."""
    sides = [estimate(case_units(floats(s)), method="Welch") for s in (candidate, base)]
    for side in sides:
        if isinstance(side, NotEstimable):
            return side
    ours, theirs = (side for side in sides if isinstance(side, Estimate))
    return replace(welch(ours, theirs), method="unpaired Welch t")


def wald_interval(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> Limits:
    """Return paired Wald intervals, D +- z sqrt(b + c - (b - c)^2 / n) / n; [0, 0] if b = c = 0."""
    b, c, total = map(floats, (gained, lost, n))
    total = np.maximum(total, 1)
    error = np.sqrt(b + c - (b - c) ** 2 / total) / total
    return _around((b - c) / total, error, level=level, method="paired Wald")


def agresti_min_interval(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> Limits:
    """Return Wald intervals with half a pair added to each cell [Agresti & Min 2005]."""
    b, c, total = map(floats, (gained, lost, n))
    found = wald_interval(b + 0.5, c + 0.5, total + 2, level=level)
    return Limits(found.low, found.high, level, "Agresti-Min")


def mcnemar_corrected_statistic(gained: ArrayLike, lost: ArrayLike) -> FloatArray:
    """Return sign(b - c) max(|b - c| - 1, 0) / sqrt(b + c), the root of chi2 [Edwards 1948]."""
    b, c = floats(gained), floats(lost)
    size = np.maximum(np.abs(b - c) - 1, 0) / np.sqrt(np.maximum(b + c, 1))
    return np.asarray(np.sign(b - c) * size, dtype=np.float64)


def mcnemar_corrected_p(gained: ArrayLike, lost: ArrayLike) -> FloatArray:
    """Return two-sided p-values of McNemar's test with continuity correction."""
    z = mcnemar_corrected_statistic(gained, lost)
    return np.asarray(2 * ndtr(-np.abs(z)), dtype=np.float64)


def wilson_corrected_interval(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> Limits:
    """Return Wilson intervals with continuity correction [Newcombe 1998, Stat Med 17:857]."""
    x, total = map(floats, (successes, n))
    total = np.maximum(total, 1)
    z = normal_quantile(level)
    share, wide = x / total, 2 * (total + z * z)
    limits = []
    for sign, empty in ((-1.0, x <= 0), (1.0, x >= total)):
        inside = z * z + sign * 2 - 1 / total + 4 * share * (total * (1 - share) - sign)
        root = z * np.sqrt(np.maximum(inside, 0)) + 1
        limit = (2 * total * share + z * z + sign * root) / wide
        limits.append(np.where(empty, share, np.clip(limit, 0.0, 1.0)))
    return Limits(limits[0], limits[1], level, "Wilson with continuity correction")


def _pairs(table: PairedTable) -> FloatArray:
    a, b, c, d = map(floats, (table.both, table.gained, table.lost, table.neither))
    return a + b + c + d


def _rates(table: PairedTable) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the candidate's and the base's share of right answers, and the number of pairs."""
    a, n = floats(table.both), _pairs(table)
    least = np.maximum(n, 1)
    return (a + floats(table.gained)) / least, (a + floats(table.lost)) / least, n


def _around(centre: FloatArray, error: FloatArray, *, level: float, method: str) -> Limits:
    reach = normal_quantile(level) * error
    return Limits(np.maximum(centre - reach, -1), np.minimum(centre + reach, 1), level, method)


def _by_limit(
    interval: Interval, p: PValue | NotEstimable, estimate: float, n: int, *, margin: float
) -> OtherTool:
    promotes = interval.low > -margin
    return OtherTool(interval.method, estimate, interval, p, n, _BY_LIMIT, promotes)


def _by_test(p: PValue, difference: float, n: int) -> OtherTool:
    promotes = p.value > _ALPHA or difference >= 0
    none = NotEstimable("the rule looks at the p-value alone")
    return OtherTool(p.method, difference, none, p, n, _BY_TEST, promotes)


def _by_rate(rate: float, n: int, interval: Interval | None, threshold: float) -> OtherTool:
    none = NotEstimable("a rate is not compared with anything")
    if interval is None:
        bare = NotEstimable("the rule looks at the rate alone")
        return OtherTool("flat pass rate", rate, bare, none, n, _BY_RATE, rate >= threshold)
    promotes = interval.low >= threshold
    return OtherTool(interval.method, rate, interval, none, n, _BY_RATE_LIMIT, promotes)
