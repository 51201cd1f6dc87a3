"""Sign-flip tests of a mean difference, and the interval that inverts them.

Under the hypothesis that base and candidate are exchangeable within a unit, each unit's difference
is as likely to carry the other sign. On differences in {-1, 0, 1} this is the exact McNemar test.
The p-value is exact up to 20 differing units or for scores on a grid, else by random flips with
p = (1 + as extreme) / (1 + flips) [Phipson & Smyth 2010], drawn as one binomial for each distinct
size. Beyond 512 distinct sizes the law is known better than any number of flips would tell
(`evalkit.stats.saddlepoint`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from evalkit.stats.arrays import TIE, FloatArray, IntArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.saddlepoint import serves, signed_sum_tail
from evalkit.stats.units import Units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side

ENUMERATED = 20
"""Units up to which all 2^n flips are listed."""

_FINEST_GRID = 240
_OFF_GRID = 1e-9
_LONGEST_LAW = 30_000
_GROUPS = 512
_SIGNS = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)


def sign_flip(
    differences: ArrayLike,
    *,
    rng: np.random.Generator,
    side: Side = "two-sided",
    resamples: int = 9_999,
) -> PValue:
    """Return the p-value of the sign-flip test of the mean of ``differences``, one per unit.

    For clusters these are the clusters' sums. 1 when nothing differs. Ties count as extreme, within
    a relative 1e-12. The result depends neither on the order of the differences nor, two-sided, on
    their common sign. ValueError if a difference is not a finite number: it would count as less
    extreme than every flip.
    """
    d = floats(differences)
    if not np.isfinite(d).all():
        raise ValueError("needed finite differences, got nan or infinity: leave such units out")
    d = d[d != 0]
    steps = _grid(d) if len(d) > ENUMERATED else None
    if steps is not None:
        # Sums of thirds that cancel leave a rounding error: a step of 0, so no difference.
        d = steps[steps != 0].astype(np.float64)
    magnitudes = np.sort(np.abs(d))
    total = math.fsum(d.tolist()) * (-1.0 if side == "less" else 1.0)
    slack = TIE * float(magnitudes.sum())
    law = _exact_law(magnitudes, on_grid=steps is not None)
    if law is not None:
        sums, weights, name = law
        p = float(weights[_extreme(sums, total, side, slack)].sum())
        return PValue(min(p, 1.0), f"sign-flip, {name}")
    if len(np.unique(magnitudes)) > _GROUPS and serves(magnitudes):
        tail = signed_sum_tail(magnitudes, abs(total) if side == "two-sided" else total)
        both = 2 if side == "two-sided" else 1
        return PValue(min(both * tail, 1.0), "sign-flip, saddlepoint")
    sums = _random_sums(magnitudes, resamples=resamples, rng=rng)
    hits = int(np.count_nonzero(_extreme(sums, total, side, slack)))
    return PValue((1 + hits) / (1 + resamples), f"sign-flip, {resamples:,} random flips")


@dataclass(frozen=True, slots=True)
class SubsetMeans(Assuming):
    """The sign-flip test of every possible mean at once, from the means of subsets of units.

    Flipping the units of a subset S leaves a total at least as large as the one seen exactly when
    mean(S) <= the hypothesised mean. So p rises by one flip at each subset mean, and the limits of
    the interval are order statistics of ``means`` [Hartigan 1969, JASA 64:1303]. ``flips`` counts
    all flips, among them ``always`` that are as extreme under every hypothesis (no unit flipped).
    """

    means: FloatArray
    flips: int
    always: int
    method: str

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value; two-sided it is twice the smaller tail."""
        slack = TIE * float(np.abs(self.means).max(initial=abs(null)))
        above = self._share(int(np.count_nonzero(self.means <= null + slack)))
        below = self._share(int(np.count_nonzero(self.means >= null - slack)))
        tails = {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}
        return PValue(tails[side], self.method)

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return every mean that the two-sided test at 1 - ``level`` keeps; a closed interval."""
        outside = math.floor((1 - level) / 2 * self.flips * (1 + TIE)) - self.always + 1
        if outside < 1:
            return NotEstimable("there are too few cases for a sign-flip test to exclude anything")
        low, high = float(self.means[outside - 1]), float(self.means[-outside])
        slack = TIE * float(np.abs(self.means).max())
        low, high = (0.0 if abs(limit) <= slack else limit for limit in (low, high))
        return Interval(low, high, level, self.method)

    def _share(self, as_extreme: int) -> float:
        return (self.always + as_extreme) / self.flips


def subset_means(
    units: Units,
    *,
    rng: np.random.Generator,
    resamples: int = 99_999,
    listed: int = ENUMERATED,
) -> SubsetMeans:
    """Return the sign-flip procedure for a few dozen units, from all subsets of up to ``listed``.

    Of more units ``resamples`` random subsets are taken.

    Swapping base and candidate mirrors every result, and the order of the units changes nothing,
    with random subsets too.
    """
    ordered, sign = _canonical(units)
    if units.count <= listed:
        sums, sizes = _all_subsets(ordered.sums), _all_subsets(ordered.sizes)
        flips, always, name = 2**units.count, 1, "inverted sign-flip"
    else:
        chosen = rng.integers(0, 2, size=(resamples, units.count)).astype(np.float64)
        sums, sizes = chosen @ ordered.sums, chosen @ ordered.sizes
        flips, always = resamples + 1, 1 + int(np.count_nonzero(sizes == 0))
        name = f"inverted sign-flip, {resamples:,} random flips"
    means = np.sort(sign * sums[sizes > 0] / sizes[sizes > 0])
    return SubsetMeans(means, flips, always, name)


def _canonical(units: Units) -> tuple[Units, float]:
    order = np.lexsort((units.sizes, units.sums))
    mirrored = np.lexsort((units.sizes, -units.sums))
    plain, flipped = (
        list(zip(s[o], units.sizes[o], strict=True))
        for s, o in ((units.sums, order), (-units.sums, mirrored))
    )
    if plain >= flipped:
        return Units(units.sums[order], units.sizes[order]), 1.0
    return Units(-units.sums[mirrored], units.sizes[mirrored]), -1.0


def _all_subsets(values: FloatArray) -> FloatArray:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _extreme(sums: FloatArray, total: float, side: Side, slack: float) -> NDArray[np.bool_]:
    if side == "two-sided":
        return np.asarray(np.abs(sums) >= abs(total) - slack)
    return np.asarray(sums >= total - slack)


def _exact_law(
    magnitudes: FloatArray, *, on_grid: bool
) -> tuple[FloatArray, FloatArray, str] | None:
    """Return all sums with their probabilities, if they can be listed."""
    if len(magnitudes) <= ENUMERATED:
        sums = 2 * _all_subsets(magnitudes) - magnitudes.sum()
        return sums, np.full(len(sums), 0.5 ** len(magnitudes)), "all flips"
    if not on_grid or magnitudes.sum() > _LONGEST_LAW:
        return None
    weights = _convolve(magnitudes.astype(np.int64))
    sums = 2.0 * np.arange(len(weights)) - magnitudes.sum()
    return sums, weights, "exact on the score grid"


def _grid(differences: FloatArray) -> IntArray | None:
    """Return the differences as whole multiples of the largest common step 1/k, if there is one."""
    distinct = np.unique(differences)
    if len(distinct) > 2 * _FINEST_GRID:
        return None
    for parts in range(1, _FINEST_GRID + 1):
        if np.abs(distinct * parts - np.rint(distinct * parts)).max() < _OFF_GRID:
            return np.rint(differences * parts).astype(np.int64)
    return None


def _convolve(steps: IntArray) -> FloatArray:
    """Return P(sum of a random subset of ``steps`` = j) for j = 0, 1, ..."""
    law = np.ones(1)
    for size, count in zip(*np.unique(steps, return_counts=True), strict=True):
        k = np.arange(count + 1)
        one = np.zeros(size * count + 1)
        one[::size] = np.exp(
            gammaln(count + 1) - gammaln(k + 1) - gammaln(count - k + 1) - count * math.log(2)
        )
        law = np.convolve(law, one)
    return law


def _random_sums(magnitudes: FloatArray, *, resamples: int, rng: np.random.Generator) -> FloatArray:
    distinct, counts = np.unique(magnitudes, return_counts=True)
    sums = np.zeros(resamples)
    if len(distinct) <= _GROUPS:
        for size, count in zip(distinct, counts, strict=True):
            sums += size * (2.0 * rng.binomial(count, 0.5, size=resamples) - count)
        return sums
    for table in _byte_tables(magnitudes):
        drawn = rng.integers(0, 256, size=(resamples, len(table)), dtype=np.uint8)
        sums += table[np.arange(len(table)), drawn].sum(axis=1)
    return sums


def _byte_tables(magnitudes: FloatArray) -> Iterator[FloatArray]:
    """Yield, for blocks of eight units each, the signed sums that each random byte stands for."""
    padded = np.append(magnitudes, np.zeros(-len(magnitudes) % 8)).reshape(-1, 8)
    for start in range(0, len(padded), _GROUPS):
        yield padded[start : start + _GROUPS] @ _SIGNS.T
