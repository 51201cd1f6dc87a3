"""One regression test per group of cases, thousands of groups in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.paired_binary import mcnemar_exact, tango_interval


@dataclass(frozen=True, slots=True)
class GroupTests:
    """Per group: cases, mean difference, limits at ``level``, one-sided p-value of a loss.

    nan where there is none: no case (all four), or a spread that cannot be estimated (limits).
    """

    n: IntArray
    difference: FloatArray
    low: FloatArray
    high: FloatArray
    p_value: FloatArray
    level: float
    method: str
    test: str


def binary_by_group(
    differences: FloatArray, group: IntArray, *, groups: int, level: float = 0.95
) -> GroupTests:
    """Test groups of independent pairs with scores 0 or 1: exact McNemar, Tango's interval.

    ``group`` numbers the group of each difference from 0; a case in two groups stands there twice.
    """
    n = np.bincount(group, minlength=groups)
    gained = np.bincount(group[differences > 0], minlength=groups)
    lost = np.bincount(group[differences < 0], minlength=groups)
    limits = tango_interval(gained, lost, n, level=level)
    empty = n == 0
    low, high, p = (
        np.where(empty, np.nan, v)
        for v in (limits.low, limits.high, mcnemar_exact(gained, lost, side="less"))
    )
    difference = np.where(empty, np.nan, (gained - lost) / np.maximum(n, 1))
    return GroupTests(n, difference, low, high, p, level, limits.method, "exact McNemar")


def scores_by_group(
    differences: FloatArray,
    group: IntArray,
    *,
    groups: int,
    clusters: IntArray | None = None,
    level: float = 0.95,
) -> GroupTests:
    """Test groups of score differences: t on cases, or CR1 t on clusters numbered from 0.

    A group whose units all differ alike has no t; its p-value is the sign-flip's, 2^-units for a
    common loss and 1 otherwise, and it has no limits.
    """
    n = np.bincount(group, minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(group, weights=differences, minlength=groups) / n
        units, squares = _residuals(differences, mean, group=group, clusters=clusters)
        flat = squares <= 1e-24 * np.maximum(n, 1)
        error = np.sqrt(np.where(flat, np.nan, units / (units - 1) * squares)) / n
        t = mean / error
    df = np.maximum(units - 1.0, 1.0)
    reach = -stdtrit(df, (1 - level) / 2) * error
    alike = np.where(mean < 0, 0.5 ** np.minimum(units, 1000.0), 1.0)
    p = np.where(np.isnan(error), alike, stdtr(df, t))
    p = np.where(n == 0, np.nan, p)
    low, high = np.maximum(mean - reach, -1), np.minimum(mean + reach, 1)
    method, test = ("t", "t") if clusters is None else ("t on clusters (CR1)", "t on clusters")
    return GroupTests(n, mean, low, high, p, level, method, test)


def _residuals(
    differences: FloatArray, mean: FloatArray, *, group: IntArray, clusters: IntArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return per group the number of units and the sum of their squared residual sums."""
    residual = differences - mean[group]
    owner: NDArray[np.intp] = group
    if clusters is not None:
        key = group * (int(clusters.max(initial=0)) + 1) + clusters
        kinds, label = np.unique(key, return_inverse=True)
        residual = np.bincount(label, weights=residual, minlength=len(kinds)).astype(np.float64)
        owner = kinds // (int(clusters.max(initial=0)) + 1)
    units = np.bincount(owner, minlength=len(mean)).astype(np.float64)
    squares = np.bincount(owner, weights=residual * residual, minlength=len(mean))
    return units, squares.astype(np.float64)
