"""The generalisation gap: the gain on trained cases minus the gain on held-out cases.

A difference in differences: subtracting the base model takes out that trained cases may be easier.
The two samples are independent. Coverage of Welch's 95 % interval at 120 and 300 cases: .951.
Where a side's spread cannot be read off its data (`evalkit.stats.paired`), the interval is put
together from the two sides' score intervals by square-and-add, so that "all trained cases gained,
no other did" gives a gap near 1 with honest limits instead of a division by zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evalkit.stats.arrays import TIE, FloatArray, IntArray
from evalkit.stats.assumptions import Assuming
from evalkit.stats.clusters import spread_of
from evalkit.stats.paired import bounded_tango, is_thin
from evalkit.stats.paired_binary import TangoScore, tango_interval
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.units import Units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side

_BISECTIONS = 60
_CHUNK = 4_000_000
_FEW_KINDS = 64


@dataclass(frozen=True, slots=True)
class SquareAndAdd(Assuming):
    """The difference of two means from an interval of each [Zou & Donner 2008]."""

    train: TangoScore
    heldout: TangoScore
    gap: float
    method: str = "square-and-add of Tango scores"

    def interval(self, *, level: float) -> Interval:
        """Return gap - and + the root of the two sides' squared distances to their limits."""
        ours, theirs = self.train, self.heldout
        gains, losses = (ours.gains, theirs.gains), (ours.losses, theirs.losses)
        limits = tango_interval(gains, losses, (ours.n, theirs.n), level=level)
        difference = np.array([(side.gains - side.losses) / side.n for side in (ours, theirs)])
        below, above = difference - limits.low, limits.high - difference
        down, up = math.hypot(below[0], above[1]), math.hypot(above[0], below[1])
        return Interval(max(self.gap - down, -2.0), min(self.gap + up, 2.0), level, self.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return 1 - the highest level whose interval excludes ``null``, halved one-sided."""
        inside, outside = 1.0, 0.0
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            found = self.interval(level=middle)
            if found.low <= null <= found.high:
                inside = middle
            else:
                outside = middle
        p = 1 - inside
        if side == "two-sided":
            return PValue(p, self.method)
        agrees = (self.gap > null) == (side == "greater")
        return PValue(p / 2 if agrees else 1 - p / 2, self.method)


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap (``None`` if a side is empty), its procedure, and the permutation test beside it."""

    gap: float | None
    procedure: Estimate | SquareAndAdd | NotEstimable
    permutation: PValue | NotEstimable


def generalisation_gap(
    train: Units, heldout: Units, *, rng: np.random.Generator, resamples: int = 9_999
) -> Gap:
    """Return mean(train) - mean(heldout) of paired differences, by case or by cluster."""
    for side, name in ((train, "trained"), (heldout, "held-out")):
        if not side.count:
            none = NotEstimable(f"no {name} case was answered by both models")
            return Gap(None, none, none)
    gap = train.mean - heldout.mean
    procedure = _procedure(train, heldout, gap)
    return Gap(gap, procedure, _permutation(train, heldout, rng=rng, resamples=resamples))


def welch(one: Estimate, other: Estimate) -> Estimate:
    """Return the difference of two independent means with Welch's degrees of freedom."""
    v1, v2 = one.standard_error**2, other.standard_error**2
    df = (v1 + v2) ** 2 / (v1 * v1 / one.df + v2 * v2 / other.df)
    return Estimate(one.mean - other.mean, math.sqrt(v1 + v2), df, "Welch", bound=2.0)


def _procedure(train: Units, heldout: Units, gap: float) -> Estimate | SquareAndAdd | NotEstimable:
    for side, name in ((train, "trained"), (heldout, "held-out")):
        if side.clustered and side.count < 2:
            return NotEstimable(f"all {name} cases are in one cluster, two are needed")
    spreads = [spread_of(side, method="t") for side in (train, heldout)]
    one, other = spreads
    thin = is_thin(train) or is_thin(heldout)
    if thin or isinstance(one, NotEstimable) or isinstance(other, NotEstimable):
        sides = [bounded_tango(s, method="Tango score") for s in (train, heldout)]
        return SquareAndAdd(sides[0], sides[1], gap)
    return welch(one, other)


def _permutation(
    train: Units, heldout: Units, *, rng: np.random.Generator, resamples: int
) -> PValue | NotEstimable:
    """Shuffle which units count as trained; studentised, so valid under unequal spreads too.

    [Janssen 1997]. p = (1 + as extreme) / (1 + shuffles).
    """
    if min(train.count, heldout.count) < 2:
        return NotEstimable("a shuffle needs 2 independent units on either side")
    moments = np.concatenate([_moments(train), _moments(heldout)])
    seen = _studentised(_moments(train).sum(axis=0)[None], moments.sum(axis=0))
    drawn = _random_sides(moments, train.count, resamples=resamples, rng=rng)
    hits = sum(
        int(np.count_nonzero(_studentised(part, moments.sum(axis=0)) >= seen * (1 - TIE)))
        for part in drawn
    )
    name = f"studentised permutation, {resamples:,} shuffles"
    return PValue((1 + hits) / (1 + resamples), name)


def _moments(units: Units) -> FloatArray:
    """Return per unit: 1, sum, size and their products; what a ratio mean and its CR1 need."""
    s, n = units.sums, units.sizes
    return np.stack([np.ones_like(s), s, n, s * s, s * n, n * n], axis=1)


def _studentised(train: FloatArray, both: FloatArray) -> FloatArray:
    """Return |gap| / standard error per row of ``train``; infinite for a gap without spread."""
    mean1, variance1 = _mean_and_variance(train)
    mean2, variance2 = _mean_and_variance(both - train)
    gap, error = np.abs(mean1 - mean2), np.sqrt(variance1 + variance2)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(error > TIE, gap / error, np.where(gap > TIE, np.inf, 0.0))
    return np.asarray(statistic, dtype=np.float64)


def _mean_and_variance(moments: FloatArray) -> tuple[FloatArray, FloatArray]:
    g, s, n, ss, sn, nn = moments.T
    mean = s / n
    squares = np.maximum(ss - 2 * mean * sn + mean * mean * nn, 0)
    return mean, g / (g - 1) * squares / (n * n)


def _random_sides(
    moments: FloatArray, take: int, *, resamples: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Yield moments of ``take`` units drawn without replacement, one row per draw."""
    kinds, counts = np.unique(moments, axis=0, return_counts=True)
    if len(kinds) <= _FEW_KINDS:
        drawn = rng.multivariate_hypergeometric(counts, take, size=resamples, method="marginals")
        yield drawn.astype(np.float64) @ kinds
        return
    total = len(moments)
    rows = max(1, _CHUNK // total)
    for start in range(0, resamples, rows):
        keys = rng.random((min(rows, resamples - start), total))
        chosen: IntArray = np.argpartition(keys, take - 1, axis=1)[:, :take]
        yield moments[chosen].sum(axis=1)
