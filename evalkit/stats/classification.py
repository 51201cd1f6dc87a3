"""Two models' labels on the same cases: figures of their confusion, limits, and what changed.

Limits come from leaving out one case (or cluster) at a time: the jackknife's standard error says
how many independent cases a figure is worth, Wilson's limits at that number are the figure's, and
the two models' limits are put together by square-and-add with the correlation that leaving out
shows, taken down as in Newcombe's method 10 [1998, Stat Med 17:2635; Zou & Donner 2008, Stat Med
27:1693]. They are never of width 0, and need no draws. Leaving out says nothing of a label whose
answers are all right, or all wrong; so limits of balanced accuracy, macro F1 and MCC are never
nearer than the labels' own recalls may move these figures (`evalkit.stats.label_rows`).

Coverage of 95 % intervals of the difference of macro F1 (this / percentile bootstrap / BCa /
bootstrap-t / jackknife with t), 300 to 2,000 simulated runs of two models that agree in most
answers:

| cases and labels | this | percentile | BCa | bootstrap-t | jackknife, t |
|---|---|---|---|---|---|
| 50, 2 | .993 | .900 | .860 | .870 | .956 |
| 50, 3, one in 20 | 1.000 | .900 | .832 | .857 | .968 |
| 100, 2, 95 % right | .998 | | .861 | | .910 |
| 200, 5, one in 20 | .991 | | .940 | | .953 |
| 500, 5, one in 20, 95 % right | .992 | | .875 | | .941 |

So it is on the safe side; where no label is rare (25 to 100 cases each) the moves of recalls make
limits of a difference 15 to 19 % wider, of one model 6 to 9 %, with 500 cases each 1 to 2 %. With
two to five cases of a label (98 + 2, 95 + 5, 80 + 17 + 3) the jackknife alone held one model's
balanced accuracy in .49, .81 and .69 of 200 runs; this holds it and its difference in .99 of 600,
macro F1 in .957 and MCC in .98 and more (`evalkit.validation.classification`).

Limits of one model's figures hold in fewer runs where clusters are few or differ in size: of 10
clusters whose cases correlate by .64 in .91 (accuracy) and .74 to .83 (precision and recall), of 20
in .95 and .88, of 50 in .95 and .94 (docs/metrics.md). Leaving out is CR3-like already and z is t's
at Kish's number of clusters less one; what fails is that few clusters may show little spread by
luck. Limits of the difference hold in .95 and more.

Resampling cases loses where few cases carry the difference: many resamples hold none of them.
The p-value swaps the two models' names within cases; it is another method than the interval's.
Where it is above 1 - level, an interval that leaves out 0 is drawn out to it, which can only raise
its coverage. Where it is below, the interval may still hold 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.confusion import MCC, OF_LABEL, OF_SUITE, Labelled, figures, weights, why_none
from evalkit.stats.label_rows import MOVED, moves, reach, score_limits
from evalkit.stats.swaps import coins, summed, swap_units
from evalkit.stats.units import kish
from evalkit.stats.values import Interval, NotEstimable, PValue

SINGLE = "jackknife, Wilson limits"
PAIRED = "paired jackknife, Wilson limits"

_CHUNK = 1 << 20
_BLOCKS = 2_000


_Limits = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of both models. ``label`` is the code it is about, ``None`` for all labels.

    ``difference`` is candidate minus base, ``interval`` its limits, ``p_value`` that of swapping.
    """

    name: str
    label: int | None
    base: float | NotEstimable
    candidate: float | NotEstimable
    difference: float | NotEstimable
    base_interval: Interval | NotEstimable
    candidate_interval: Interval | NotEstimable
    interval: Interval | NotEstimable
    p_value: PValue | NotEstimable

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the limits and of the p-value, as far as there are any."""
        found = (self.base_interval, self.interval, self.p_value)
        return tuple(f.method for f in found if not isinstance(f, NotEstimable))


@dataclass(frozen=True, slots=True)
class _Side:
    """One model's figures as rates from 0 to 1 (MCC as (1 + MCC) / 2), nan for none, with limits.

    ``worth`` is the number of cases that a figure is worth, ``z`` that of the limits' level.
    """

    sums: FloatArray
    rates: FloatArray
    low: FloatArray
    high: FloatArray
    worth: FloatArray
    z: float

    @property
    def spread(self) -> FloatArray:
        """Rate (1 - rate) of each figure, 0 for none."""
        return np.asarray(np.nan_to_num(self.rates * (1 - self.rates)))


@dataclass(frozen=True, slots=True)
class _Variation:
    """How both models' rates vary as units are left out: variances and covariance."""

    variances: tuple[FloatArray, FloatArray]
    covariance: FloatArray

    @property
    def correlation(self) -> FloatArray:
        """Of the two models' rates; 0 where one does not vary."""
        product = self.variances[0] * self.variances[1]
        known = product > TIE**4
        return np.where(known, self.covariance / np.sqrt(np.where(known, product, 1.0)), 0.0)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Both sides, the limits of the differences of their rates, and the p-values of swapping."""

    sides: tuple[_Side, _Side]
    low: FloatArray
    high: FloatArray
    p_values: FloatArray
    level: float
    resamples: int

    def change(self, place: int, name: str, label: int | None) -> Change:
        """Return the figure at ``place``."""
        scale = 2.0 if place == MCC else 1.0
        one, other = (self._one(side, place, name, label) for side in self.sides)
        values = partial(Change, name, label, one[0], other[0])
        for value, _ in (one, other):
            if isinstance(value, NotEstimable):
                return values(value, one[1], other[1], value, value)
        apart = scale * float(self.sides[1].rates[place] - self.sides[0].rates[place])
        low, high = scale * float(self.low[place]), scale * float(self.high[place])
        p = float(self.p_values[place])
        if p > 1 - self.level:
            low, high = min(low, 0.0), max(high, 0.0)
        interval = Interval(low, high, self.level, PAIRED)
        p_value = PValue(p, f"names swapped within case, {self.resamples:,} times")
        return values(apart, one[1], other[1], interval, p_value)

    def _one(
        self, side: _Side, place: int, name: str, label: int | None
    ) -> tuple[float | NotEstimable, Interval | NotEstimable]:
        value, low, high = (float(v[place]) for v in (side.rates, side.low, side.high))
        if math.isnan(value):
            none = NotEstimable(why_none(name, label, side.sums))
            return none, none
        if place == MCC:
            value, low, high = (2 * v - 1 for v in (value, low, high))
        return value, Interval(low, high, self.level, SINGLE)


def compare_labels(
    base: Labelled,
    candidate: Labelled,
    *,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 9_999,
) -> tuple[Change, ...]:
    """Return every figure of both models on the same cases: of all labels, then of each label.

    p-values are exact under exchangeability, that is if within a case (or cluster) either model
    could have given the other's answers. Swapping the models mirrors every figure and its limits.
    ValueError if the two have other cases or labels.
    """
    if base.named.shape != candidate.named.shape or (base.expected != candidate.expected).any():
        raise ValueError("needed both models' answers to the same cases, with the same labels")
    n, labels = base.named.shape
    names: list[tuple[str, int | None]] = [(name, None) for name in OF_SUITE]
    names += [(name, code) for name in OF_LABEL for code in range(labels)]
    if not n:
        none = NotEstimable("no case")
        return tuple(Change(*name, none, none, none, none, none, none, none) for name in names)
    owner = swap_units(n, clusters, most=n, rng=rng)
    units = (summed(base.parts, owner), summed(candidate.parts, owner))
    sides, variation = _left_out(units, level=level)
    shared = _shared(*sides, variation.correlation)
    sides, limits = _moved((base, candidate), sides, _limits(*sides, shared), shared=shared)
    found = _Comparison(
        sides,
        *limits,
        p_values=_swapped(units, sides, resamples=resamples, rng=rng),
        level=level,
        resamples=resamples,
    )
    return tuple(found.change(place, *name) for place, name in enumerate(names))


def _rates(sums: FloatArray) -> FloatArray:
    found = figures(sums)
    found[:, MCC] = (1 + found[:, MCC]) / 2
    return found


def _left_out(
    units: tuple[FloatArray, FloatArray], *, level: float
) -> tuple[tuple[_Side, _Side], _Variation]:
    """Return both models' rates with limits, from leaving out one unit at a time."""
    sums = units[0].sum(axis=0), units[1].sum(axis=0)
    rates = _rates(sums[0][None])[0], _rates(sums[1][None])[0]
    g, totals = len(units[0]), np.zeros((5, len(rates[0])))
    step = max(1, _CHUNK // units[0].shape[1])
    for start in range(0, g, step):
        # A figure that cannot do without the unit tells nothing of how it varies.
        x, y = (
            np.nan_to_num(_rates(total - unit[start : start + step]) - rate)
            for total, unit, rate in zip(sums, units, rates, strict=True)
        )
        totals += [v.sum(axis=0) for v in (x, y, x * x, y * y, x * y)]
    products = (totals[0] ** 2, totals[1] ** 2, totals[0] * totals[1])
    one, other, both = (g - 1) / g * (totals[2:] - np.stack(products) / g)
    sizes = units[0][:, : units[0].shape[1] // 3].sum(axis=1)
    worth = kish(sizes)
    z = -float(stdtrit(max(worth - 1, 1.0), (1 - level) / 2))
    sides = tuple(
        _side(total, rate, variance, share=worth / float(sizes.sum()), z=z)
        for total, rate, variance in zip(sums, rates, (one, other), strict=True)
    )
    return (sides[0], sides[1]), _Variation((one, other), both)


def _side(
    sums: FloatArray, rates: FloatArray, variances: FloatArray, *, share: float, z: float
) -> _Side:
    """Return Wilson's limits at the number of cases that each figure is worth.

    Where leaving out changes nothing, as with every answer right, that is the number of cases
    behind the figure, times ``share`` (independent units a case).
    """
    spread = np.nan_to_num(rates * (1 - rates))
    flat = (variances <= TIE**2) | (spread <= TIE)
    behind = np.maximum(weights(sums) * share, TIE)
    worth = np.where(flat, behind, spread / np.where(flat, 1.0, variances))
    return _Side(sums, rates, *score_limits(rates, worth, z=z), worth, z)


def _shared(base: _Side, candidate: _Side, correlation: FloatArray) -> FloatArray:
    """Return the correlation of both models' rates, taken down as in Newcombe's method 10."""
    product = base.spread * base.worth * candidate.spread * candidate.worth
    known = product > TIE
    less = 1 / (2 * np.sqrt(np.where(known, product, 1.0)))
    return np.where(known, np.clip(correlation - less, 0.0, 1.0), 0.0)


def _limits(base: _Side, candidate: _Side, r: FloatArray) -> _Limits:
    """Return the limits of candidate minus base by square-and-add of both models' limits."""
    low = _added(candidate.rates - candidate.low, base.high - base.rates, r)
    high = _added(candidate.high - candidate.rates, base.rates - base.low, r)
    apart = candidate.rates - base.rates
    return np.maximum(apart - low, -1.0), np.minimum(apart + high, 1.0)


def _added(x: FloatArray, y: FloatArray, r: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(x * x - 2 * r * x * y + y * y, 0.0)))


def _moved(
    models: tuple[Labelled, Labelled],
    sides: tuple[_Side, _Side],
    limits: _Limits,
    *,
    shared: FloatArray,
) -> tuple[tuple[_Side, _Side], _Limits]:
    """Return the sides and the limits of their difference, widened to where recalls may move.

    What both models' recalls of a label can move is put together by their own correlation.
    """
    labels = models[0].labels
    recalls = slice(len(OF_SUITE) + labels, len(OF_SUITE) + 2 * labels)
    (down, up), (other_down, other_up) = (
        moves(model, side.rates[recalls], side.worth[recalls], z=side.z)
        for model, side in zip(models, sides, strict=True)
    )
    r = shared[recalls][np.unique(models[0].expected)][:, None]
    apart = _added(other_down, up, r), _added(other_up, down, r)
    base, candidate = (
        replace(side, low=low, high=high)
        for side, moved in zip(sides, ((down, up), (other_down, other_up)), strict=True)
        for low, high in [_widened((side.low, side.high), side.rates, moved, lowest=0.0)]
    )
    rates = candidate.rates - base.rates
    return (base, candidate), _widened(limits, rates, apart, lowest=-1.0)


def _widened(limits: _Limits, rates: FloatArray, moved: _Limits, *, lowest: float) -> _Limits:
    """Return the limits, of the figures of `MOVED` no nearer to ``rates`` than moves reach."""
    (low, high), at = (limit.copy() for limit in limits), list(MOVED)
    down, up = map(reach, moved)
    low[at] = np.minimum(low[at], np.maximum(rates[at] - down, lowest))
    high[at] = np.maximum(high[at], np.minimum(rates[at] + up, 1.0))
    return low, high


def _swapped(
    units: tuple[FloatArray, FloatArray],
    sides: tuple[_Side, _Side],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the share of swaps with a difference as large, the one seen among them.

    A swap that leaves a figure without a value counts as one.
    """
    one, other = units
    total, seen = one.sum(axis=0) + other.sum(axis=0), np.abs(sides[1].rates - sides[0].rates)
    apart = (other - one)[np.any(one != other, axis=1)]
    apart = summed(apart, swap_units(len(apart), None, most=_BLOCKS, rng=rng))
    if not len(apart):
        return np.ones_like(seen)
    hits = np.zeros(len(seen))
    for chosen in coins(len(apart), resamples, rng):
        drawn = one.sum(axis=0) + chosen @ apart
        differences = np.abs(_rates(drawn) - _rates(total - drawn))
        hits += np.count_nonzero(~(differences < seen - TIE), axis=0)
    return (1 + hits) / (1 + resamples)
