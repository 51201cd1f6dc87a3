"""The independent units of a mean: cases, or clusters of cases as one unit each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import FloatArray, IntArray, exact_mean, floats


def kish(sizes: FloatArray) -> float:
    """Return how many units of one size tell as much: (sum of sizes)^2 / sum of their squares.

    [Kish 1965]. The number of units when all have one size, 0 without any.
    """
    squares = float((sizes * sizes).sum())
    return float(sizes.sum()) ** 2 / squares if squares else 0.0


@dataclass(frozen=True, slots=True)
class Units:
    """Each unit's sum of values and its number of cases.

    The mean over cases is sum(sums) / sum(sizes); only whole units are independent.
    """

    sums: FloatArray
    sizes: FloatArray
    clustered: bool = False

    @property
    def count(self) -> int:
        """The number of independent units."""
        return len(self.sums)

    @property
    def mean(self) -> float:
        """The mean over cases; of a non-empty sample only."""
        return exact_mean(self.sums) / exact_mean(self.sizes)

    @property
    def shares(self) -> FloatArray:
        """Each unit's part of the mean over cases."""
        return self.sums / float(self.sizes.sum())

    @property
    def kish(self) -> float:
        """How many units of one size are worth as much."""
        return kish(self.sizes)

    @property
    def effective(self) -> float:
        """How many units carry the differences: (sum of squares)^2 / sum of fourth powers.

        k units of one size among zeros give k; normal values n/3; no difference at all 0.
        """
        largest = float(np.abs(self.sums).max(initial=0.0))
        if largest == 0:
            return 0.0
        squares = (self.sums / largest) ** 2
        return float(squares.sum() ** 2 / (squares * squares).sum())


def case_units(values: ArrayLike) -> Units:
    """Return every case as a unit of its own."""
    sums = np.asarray(values, dtype=np.float64).reshape(-1)
    return Units(sums, np.ones_like(sums))


def cluster_units(values: ArrayLike, clusters: ArrayLike) -> Units:
    """Return each cluster as one unit. ``clusters`` holds a label per case, of any type."""
    cases = floats(values)
    _, label = np.unique(np.asarray(clusters), return_inverse=True)
    label = label.reshape(-1)
    sums = np.bincount(label, weights=cases).astype(np.float64)
    return Units(sums, np.bincount(label).astype(np.float64), clustered=True)


def both_known(
    one: ArrayLike, other: ArrayLike, *, clusters: ArrayLike | None
) -> tuple[FloatArray, FloatArray, IntArray | None]:
    """Return the cases with both values, and their clusters numbered from 0; nan is no value."""
    x, y = floats(one).reshape(-1), floats(other).reshape(-1)
    if x.shape != y.shape:
        raise ValueError("needed one entry per case in both arrays, as one score per case is")
    known = np.isfinite(x) & np.isfinite(y)
    if clusters is None:
        return x[known], y[known], None
    _, labels = np.unique(np.asarray(clusters).reshape(-1)[known], return_inverse=True)
    return x[known], y[known], labels.reshape(-1).astype(np.int64)
