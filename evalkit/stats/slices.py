"""Do slices differ in how much the candidate gained? Differences of differences between slices.

A slice is a set of independent units (cases, or clusters that lie wholly in it) with their paired
differences, candidate minus base.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import TIE, FloatArray, IntArray
from evalkit.stats.fairness import SMALLEST
from evalkit.stats.gap import welch
from evalkit.stats.mover import difference_of
from evalkit.stats.paired import bounded_tango, is_thin
from evalkit.stats.paired_scores import estimate
from evalkit.stats.units import Units
from evalkit.stats.values import NotEstimable, Procedure, PValue

_BUDGET, _FEWEST, _FEW_CELLS = 100_000_000, 199, 1_000
_CHUNK = 1 << 21


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """The gain of ``one`` slice minus that of the ``other``; ``None`` where one is empty."""

    difference: float | None
    procedure: Procedure | NotEstimable
    sizes: tuple[int, int]

    @property
    def shown(self) -> bool:
        """Whether both slices have enough units to show percentages."""
        return min(self.sizes) >= SMALLEST


@dataclass(frozen=True, slots=True)
class SliceGap:
    """One slice against all other units; ``adjusted`` for testing all slices."""

    slice: int
    against_rest: SliceDifference
    adjusted: PValue | NotEstimable


def slice_difference(one: Units, other: Units, *, binary: bool = False) -> SliceDifference:
    """Return mean(one) - mean(other) of paired differences of two independent slices.

    Differences of binary scores, and those that too few units carry (`evalkit.stats.paired`), by
    square-and-add of two Tango intervals, as Newcombe [1998] does with Wilson's; else Welch's t.
    """
    sizes = (one.count, other.count)
    if not one.count or not other.count:
        return SliceDifference(None, NotEstimable("a slice has no case"), sizes)
    value = one.mean - other.mean
    if any(side.clustered and side.count < 2 for side in (one, other)):
        why = "all cases of a slice are in one cluster, two are needed"
        return SliceDifference(value, NotEstimable(why), sizes)
    spreads = [estimate(side, method="t") for side in (one, other)]
    first, second = spreads
    plain = not (binary and not one.clustered) and not is_thin(one) and not is_thin(other)
    if plain and not isinstance(first, NotEstimable) and not isinstance(second, NotEstimable):
        return SliceDifference(value, welch(first, second), sizes)
    tango = [(side.mean, bounded_tango(side, method="Tango score")) for side in (one, other)]
    name = "square-and-add of Tango scores"
    return SliceDifference(value, difference_of(*tango, bound=2.0, method=name), sizes)


def slice_gaps(
    units: Units,
    slice_of: ArrayLike,
    *,
    rng: np.random.Generator,
    binary: bool = False,
    shuffles: int = 9_999,
) -> tuple[SliceGap, ...]:
    """Compare every slice with all other units, adjusted for looking at all of them.

    ``slice_of`` numbers each unit's slice from 0; every unit is in one. The adjusted p-value is by
    max-T [Westfall & Young 1993]: the slices' numbers are shuffled over the units, and a slice's
    studentised difference is set against the largest of all slices in each shuffle. Differences
    of few kinds are dealt as counts; of others above 10,000 units there are fewer ``shuffles``, 199
    at least. Small slices stay in the family; only their
    percentages should not be shown (`SliceDifference.shown`).
    """
    label = np.asarray(slice_of, dtype=np.int64).reshape(-1)
    if len(label) != units.count:
        raise ValueError("needed one slice per unit")
    order = np.argsort(label, kind="stable")
    ordered = Units(units.sums[order], units.sizes[order], units.clustered)
    sizes = np.bincount(label)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    found = []
    for j in range(len(sizes)):
        inside = np.zeros(units.count, dtype=bool)
        inside[starts[j] : starts[j + 1]] = True
        one, rest = (
            Units(ordered.sums[s], ordered.sizes[s], units.clustered) for s in (inside, ~inside)
        )
        found.append(slice_difference(one, rest, binary=binary))
    adjusted = _max_t(ordered, sizes, rng=rng, shuffles=shuffles)
    return tuple(SliceGap(j, d, p) for j, (d, p) in enumerate(zip(found, adjusted, strict=True)))


def _max_t(
    ordered: Units, sizes: IntArray, *, rng: np.random.Generator, shuffles: int
) -> list[PValue | NotEstimable]:
    tested = (sizes >= 2) & (sizes <= ordered.count - 2)
    why = NotEstimable("a shuffle needs 2 units in the slice and 2 outside")
    if not tested.any():
        return [why] * len(sizes)
    moments = _moments(ordered)
    seen = _studentised(_by_slice(moments[None], sizes))[0]
    hits, made = np.zeros(len(sizes), dtype=np.int64), 0
    for drawn in _shuffled(moments, sizes, shuffles=shuffles, rng=rng):
        largest = _studentised(drawn)[:, tested].max(axis=1)
        hits += (largest[:, None] >= seen * (1 - TIE)).sum(axis=0)
        made += len(largest)
    name = f"max-T, slices shuffled {made:,} times"
    p = (1 + hits) / (1 + made)
    return [PValue(float(p[j]), name) if tested[j] else why for j in range(len(sizes))]


def _moments(units: Units) -> FloatArray:
    """Return per unit: 1, sum, size and their products; what a ratio mean and its CR1 need."""
    s, m = units.sums, units.sizes
    return np.stack([np.ones_like(s), s, m, s * s, s * m, m * m], axis=1)


def _shuffled(
    moments: FloatArray, sizes: IntArray, *, shuffles: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Yield shuffles x slices x moments of the slices' numbers dealt anew over the units."""
    kinds, counts = np.unique(moments, axis=0, return_counts=True)
    if len(kinds) * len(sizes) <= _FEW_CELLS:
        yield _dealt(counts, sizes, shuffles=shuffles, rng=rng) @ kinds
        return
    n = len(moments)
    shuffles = min(shuffles, max(_BUDGET // n, _FEWEST))
    rows = max(1, _CHUNK // moments.size)
    for start in range(0, shuffles, rows):
        places = np.broadcast_to(np.arange(n), (min(rows, shuffles - start), n))
        yield _by_slice(moments[rng.permuted(places, axis=1)], sizes)


def _dealt(
    counts: IntArray, sizes: IntArray, *, shuffles: int, rng: np.random.Generator
) -> FloatArray:
    """Return how many units of each kind each slice gets (shuffles x slices x kinds)."""
    dealt = np.zeros((shuffles, len(sizes), len(counts)))
    left = np.tile(counts, (shuffles, 1))
    for j, size in enumerate(sizes.tolist()):
        need = np.full(shuffles, size)
        for kind in range(len(counts) - 1):
            others = left[:, kind + 1 :].sum(axis=1)
            got = rng.hypergeometric(left[:, kind], others, need)
            dealt[:, j, kind] = got
            need = need - got
        dealt[:, j, -1] = need
        left = left - dealt[:, j].astype(np.int64)
    return dealt


def _by_slice(moments: FloatArray, sizes: IntArray) -> FloatArray:
    """Return draws x slices x moments, summed over draws x units x moments in slice order."""
    filled = np.flatnonzero(sizes > 0)
    starts = np.concatenate([[0], np.cumsum(sizes[filled])[:-1]])
    total = np.zeros((len(moments), len(sizes), moments.shape[2]))
    total[:, filled] = np.add.reduceat(moments, starts, axis=1)
    return total


def _studentised(inside: FloatArray) -> FloatArray:
    """Return |slice mean - mean of the rest| / standard error per draw and slice."""
    outside = inside.sum(axis=1, keepdims=True) - inside
    one, other = _mean_and_variance(inside), _mean_and_variance(outside)
    gap, error = np.abs(one[0] - other[0]), np.sqrt(one[1] + other[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > TIE, gap / error, np.where(gap > TIE, np.inf, 0.0))
    return np.asarray(t, dtype=np.float64)


def _mean_and_variance(moments: FloatArray) -> tuple[FloatArray, FloatArray]:
    g, s, m, ss, sm, mm = np.moveaxis(moments, 2, 0)
    size = np.maximum(m, TIE)
    mean = s / size
    squares = np.maximum(ss - 2 * mean * sm + mean * mean * mm, 0)
    return mean, g / np.maximum(g - 1, 1) * squares / (size * size)
