"""Many slices that share cases, tested together: one sign per case flips it in all its slices.

Holm and its kin know nothing of the dependence between slices, and count slices that cannot show
anything. Flipping each case (or cluster) in all its slices at once takes both into account: the
p-value of a slice is the share of flips in which some slice of the family stands out as much.
[Westfall & Young 1993; for sign flips Romano & Wolf 2005.]

- *max-T* compares T / sqrt(sum of squares), with T the sum of the slice's differences. No flip
  changes the denominator, and for units of one size Student's t is an increasing function of this.
- *min-p* compares p-values. Where all units of a slice differ by the same amount (scores of 0 and
  1) that is the exact binomial one; elsewhere the normal tail of the above, never below 2^-units,
  the least that so many signs can give. Small slices then do not stand in the way of large ones.

Of six losses of 40 points in 20 binary slices of 15 cases, Holm finds 12 %, Tarone-Holm 33 %, max-T
39 % and min-p 40 %; of six of 20 points in slices of 40 cases 18, 27, 33 and 33 %; on scores all
find the same (`evalkit.validation.families`).

Exact if within each unit base and candidate are exchangeable, and close to it for means of many
units. Step-down keeps the error over any set of true hypotheses where those hold in every unit; a
slice whose cases got better and worse by equal amounts has symmetric differences too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from evalkit.stats.arrays import TIE, FloatArray, IntArray
from evalkit.stats.assumptions import Assuming
from evalkit.stats.multiplicity import Adjusted
from evalkit.stats.random_signs import Signs, count_hits, signs_for
from evalkit.stats.values import Side

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Statistic = Literal["max-t", "min-p"]


@dataclass(frozen=True, slots=True)
class Memberships:
    """One entry per case and slice it is in; as for `evalkit.stats.by_group`, plus the unit.

    ``unit`` numbers the case, or the cluster, that the difference belongs to, from 0; ``group`` its
    slice, from 0 to ``groups`` - 1. A nan difference is no membership.
    """

    differences: FloatArray
    group: IntArray
    unit: IntArray
    groups: int


@dataclass(frozen=True, slots=True)
class JointTests(Assuming):
    """Per group: memberships, differing units, mean difference, and its p-values.

    Arrays hold nan for a group without any membership; there `Adjusted` holds ``None``. ``p_value``
    is the sign-flip test of the group alone.
    """

    n: IntArray
    differing: IntArray
    difference: FloatArray
    p_value: FloatArray
    single_step: Adjusted
    step_down: Adjusted
    method: str


def joint_sign_flip(
    members: Memberships,
    *,
    rng: np.random.Generator,
    side: Side = "less",
    statistic: Statistic = "min-p",
    resamples: int = 9_999,
) -> JointTests:
    """Test every group for a loss ("less"), a gain or any change, corrected over all groups.

    A group in which nothing differs has a p-value of 1 and leaves the others alone.
    """
    known = ~np.isnan(members.differences)
    d, group = members.differences[known], members.group[known]
    n = np.bincount(group, minlength=members.groups)
    total = np.bincount(group, weights=d, minlength=members.groups)
    sums = _unit_sums(d, group, unit=members.unit[known], groups=members.groups)
    signs = signs_for(sums.shape[1], resamples=resamples)
    evidence = _evidence(sums, -1.0 if side == "less" else 1.0, statistic, both=side == "two-sided")
    hits = count_hits(
        evidence.of(np.ones((sums.shape[1], 1)))[:, 0],
        _flipped(evidence, signs, rng=rng),
        slack=TIE * max(1.0, float(np.sqrt(evidence.units.max(initial=0)))),
    )
    own, single, down = (
        np.where(n == 0, np.nan, signs.p_value(h))
        for h in (hits.own, hits.single_step, hits.step_down)
    )
    with np.errstate(invalid="ignore"):
        mean = np.where(n == 0, np.nan, total / n)
    name = f"{statistic}, {signs.method}"
    return JointTests(
        n, evidence.units, mean, own, _adjusted(single, name), _adjusted(down, name), name
    )


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The statistics of all groups as a function of the units' signs; larger is more extreme.

    ``scaled`` times the signs gives T / sqrt(sum of squares). For min-p ``cap`` is the normal score
    of 2^-units, and ``table`` holds those of the exact p-values of group g from ``start[g]`` on, by
    the number of positive units; ``start`` is -1 for a group of unequal units.
    """

    scaled: csr_array[np.float64]
    units: IntArray
    both: bool
    cap: FloatArray
    table: FloatArray
    start: IntArray

    def of(self, signs: FloatArray) -> FloatArray:
        """Return a row per group and a column per column of ``signs``."""
        z = np.asarray(self.scaled @ signs, dtype=np.float64)
        if self.both:
            z = np.abs(z)
        z = np.minimum(z, self.cap[:, None])
        even = np.flatnonzero(self.start >= 0)
        if len(even):
            m = self.units[even, None]
            positive = np.rint((m + z[even] * np.sqrt(m)) / 2).astype(np.int64)
            z[even] = self.table[self.start[even, None] + positive]
        z[self.units == 0] = -np.inf
        return z


def _flipped(
    evidence: _Evidence, signs: Signs, *, rng: np.random.Generator
) -> Iterator[FloatArray]:
    for drawn in signs.draw(rng, width=evidence.scaled.shape[0]):
        yield evidence.of(drawn)


def _unit_sums(
    d: FloatArray, group: IntArray, *, unit: IntArray, groups: int
) -> csr_array[np.float64]:
    """Return each unit's sum in each group, without units and entries in which nothing differs."""
    from scipy.sparse import csr_array

    size = np.abs(d)
    width = int(unit.max(initial=-1)) + 1
    key, label = np.unique(group * width + unit, return_inverse=True)
    summed = np.bincount(label, weights=d, minlength=len(key))
    weight = np.bincount(label, weights=size, minlength=len(key))
    kept = np.abs(summed) > TIE * weight
    rows, columns = np.divmod(key[kept], max(width, 1))
    units, numbered = np.unique(columns, return_inverse=True)
    return csr_array((summed[kept], (rows, numbered)), shape=(groups, len(units)))


def _evidence(
    sums: csr_array[np.float64], sign: float, statistic: Statistic, *, both: bool
) -> _Evidence:
    from scipy.sparse import csr_array

    units = np.diff(sums.indptr).astype(np.int64)
    owner = np.repeat(np.arange(len(units)), units)
    squares = np.bincount(owner, weights=sums.data**2, minlength=len(units))
    scaled = csr_array(
        (sign * sums.data / np.sqrt(squares[owner]), sums.indices, sums.indptr), shape=sums.shape
    )
    if statistic == "max-t":
        nothing = np.full(len(units), -1)
        return _Evidence(scaled, units, both, np.full(len(units), np.inf), np.zeros(0), nothing)
    even = (units > 0) & _one_size(np.abs(sums.data), owner, len(units))
    lengths = np.where(even, units + 1, 0)
    start = np.where(even, np.cumsum(lengths) - lengths, -1)
    table = _normal_scores(np.repeat(units, lengths), np.repeat(start, lengths), both=both)
    cap = np.where(even, np.inf, -ndtri(0.5 ** units.astype(np.float64)))
    return _Evidence(scaled, units, both, cap, table, start)


def _one_size(magnitudes: FloatArray, owner: IntArray, groups: int) -> NDArray[np.bool_]:
    """Return which groups have units that all differ by the same amount."""
    largest, smallest = np.zeros(groups), np.full(groups, np.inf)
    np.maximum.at(largest, owner, magnitudes)
    np.minimum.at(smallest, owner, magnitudes)
    return np.asarray(largest - smallest <= 1e-9 * largest)


def _normal_scores(units: IntArray, start: IntArray, *, both: bool) -> FloatArray:
    """Return normal scores of exact p-values for 0 to m positive units, group after group."""
    positive = np.arange(len(units)) - start
    if both:
        positive = np.maximum(positive, units - positive)
    p = bdtr((units - positive).astype(np.float64), units, 0.5)
    return np.asarray(-ndtri(np.minimum(p, 0.5) if both else p), dtype=np.float64)


def _adjusted(p: FloatArray, method: str) -> Adjusted:
    values = tuple(None if np.isnan(v) else float(v) for v in p)
    tested = len(values) - values.count(None)
    return Adjusted(values, tested, len(values) - tested, method)
