"""Small array helpers that every family shares."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TIE = 1e-12
"""Relative distance below which statistics count as tied: above rounding, far below data."""


def floats(values: ArrayLike) -> FloatArray:
    """Return ``values`` as an array of float64 with at least one dimension."""
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


def exact_mean(values: FloatArray) -> float:
    """Return the mean of a non-empty array, correctly rounded, whatever the order of ``values``."""
    return math.fsum(values.tolist()) / len(values)


def normal_quantile(level: float) -> float:
    """Return z so that a standard normal variable lies within +-z with probability ``level``."""
    return float(ndtri(0.5 + level / 2))
