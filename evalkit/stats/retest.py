"""Test-retest: do several runs of one judge give an answer the same score?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from evalkit.stats.arrays import FloatArray
from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import Interval, NotEstimable


@dataclass(frozen=True, slots=True)
class Reliability(Assuming):
    """How far ``runs`` scorings of ``items`` answers agree.

    ``icc`` is the share of a single score's variance that is the answers' own: ICC(2,1), absolute
    agreement. ``within_sd`` is the spread of repeated scores of one answer, in points of the scale.
    ``excluded`` items lack a score in some run.
    """

    icc: float | NotEstimable
    interval: Interval | NotEstimable
    within_sd: float
    items: int
    runs: int
    excluded: int
    method: str = "ICC(2,1)"


def retest_reliability(scores: ArrayLike, *, level: float = 0.95) -> Reliability | NotEstimable:
    """Return the reliability of an array items x runs of scores, nan where one is missing.

    ICC(2,1) = (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n) from the two-way mean squares
    [Shrout & Fleiss 1979], so a run that is harsher throughout counts as disagreement; limits by F
    with Satterthwaite's degrees of freedom [McGraw & Wong 1996], which take scores as normal. An
    ICC below 0 is possible and means none. It depends on how different the answers are; the
    within-item standard deviation does not.
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError("needed an array items x runs")
    full = x[np.isfinite(x).all(axis=1)]
    (n, k), excluded = full.shape, len(x) - len(full)
    if n < 1 or k < 2:
        return NotEstimable("needed one item with scores of 2 runs")
    within = math.sqrt(float(full.var(axis=1, ddof=1).mean()))
    icc = _icc(full, level=level)
    if isinstance(icc, NotEstimable):
        return Reliability(icc, icc, within, n, k, excluded)
    return Reliability(icc[0], icc[1], within, n, k, excluded)


def _icc(x: FloatArray, *, level: float) -> tuple[float, Interval | NotEstimable] | NotEstimable:
    n, k = x.shape
    if n < 2:
        return NotEstimable("an ICC needs 2 items")
    rows, columns = x.mean(axis=1), x.mean(axis=0)
    residual = x - rows[:, None] - columns + x.mean()
    msr = k * float(rows.var(ddof=1))
    msc = n * float(columns.var(ddof=1))
    mse = float((residual * residual).sum()) / ((n - 1) * (k - 1))
    floor = 1e-18 * max(float(np.abs(x).max()) ** 2, 1e-300)
    spread = msr + (k - 1) * mse + k * (msc - mse) / n
    if max(msr, msc, mse) <= floor:
        return NotEstimable("all scores are the same")
    if spread <= floor:
        return NotEstimable("two items that swap their scores leave no variance to divide")
    icc = (msr - mse) / spread
    if mse <= floor:
        why = "the runs differ by a constant at most, so the spread of repeats is not seen"
        return icc, NotEstimable(why)
    return icc, _f_limits(icc, (msr, msc, mse), n=n, k=k, level=level)


def _f_limits(
    icc: float, squares: tuple[float, float, float], *, n: int, k: int, level: float
) -> Interval:
    msr, msc, mse = squares
    # The variances behind the degrees of freedom can't be negative, though an estimate can.
    share = max(icc, 0.0) / (1 - max(icc, 0.0))
    a, b = k * share / n, 1 + k * share * (n - 1) / n
    parts = (a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1))
    df = (a * msc + b * mse) ** 2 / parts
    tail = 1 - (1 - level) / 2
    above, below = float(fdtri(n - 1, df, tail)), float(fdtri(df, n - 1, tail))
    others = k * msc + (k * n - k - n) * mse
    low = n * (msr - above * mse) / (above * others + n * msr)
    high = n * (below * msr - mse) / (others + n * below * msr)
    return Interval(low, high, level, "F, McGraw & Wong")
