"""Two models' names swapped within units at random: the draws that such tests share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import FloatArray, IntArray

_CHUNK = 1 << 21


def swap_units(
    n: int, clusters: ArrayLike | None, *, most: int, rng: np.random.Generator
) -> IntArray | None:
    """Return which unit of swapping each of ``n`` cases belongs to; ``None``: each is its own.

    A cluster is swapped as a whole, and so are random blocks where there are more than ``most``
    cases, which is as exact. ``clusters`` holds a label per case.
    """
    if clusters is not None:
        _, label = np.unique(np.asarray(clusters), return_inverse=True)
        return label.reshape(-1).astype(np.int64)
    return rng.permutation(n) % most if n > most else None


def summed(side: FloatArray, owner: IntArray | None) -> FloatArray:
    """Return the sums of the rows of ``side`` by their unit."""
    if owner is None:
        return side
    total = np.zeros((int(owner.max()) + 1, side.shape[1]))
    np.add.at(total, owner, side)
    return total


def coins(units: int, resamples: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Yield chunks of resamples x units: 1 where the names are swapped, else 0."""
    rows = max(1, _CHUNK // units)
    for start in range(0, resamples, rows):
        size = (min(rows, resamples - start), units)
        yield rng.integers(0, 2, size=size, dtype=np.uint8).astype(np.float64)
