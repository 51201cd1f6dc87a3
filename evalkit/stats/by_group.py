"""One regression test per group of cases, thousands of groups in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.clusters import CR2, FEWEST
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
    """Test groups of score differences: t on cases, or on clusters numbered from 0.

    As for one comparison (`evalkit.stats.clusters`): CR2 with Kish's number of units less 1, which
    for units of one size is Student's t. A group whose units all differ alike has no t; its p-value
    is the sign-flip's, 2^-units for a common loss and 1 otherwise, and it has no limits; nor has a
    group of which one cluster holds nearly all cases, its p-value being 1.
    """
    n = np.bincount(group, minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(group, weights=differences, minlength=groups) / n
        found = _residuals(differences, mean, group=group, clusters=clusters)
        flat = found.squares <= 1e-24 * np.maximum(n, 1)
        lonely = (found.kish < FEWEST) & (found.units > 1)
        error = np.sqrt(np.where(flat | (found.kish < FEWEST), np.nan, found.scaled)) / n
        t = mean / error
    df = np.maximum(found.kish - 1.0, FEWEST - 1.0)
    reach = -stdtrit(df, (1 - level) / 2) * error
    alike = np.where((mean < 0) & ~lonely, 0.5 ** np.minimum(found.units, 1000.0), 1.0)
    p = np.where(np.isnan(error), alike, stdtr(df, t))
    p = np.where(n == 0, np.nan, p)
    low, high = np.maximum(mean - reach, -1), np.minimum(mean + reach, 1)
    method, test = ("t", "t") if clusters is None else (CR2, "t on clusters")
    return GroupTests(n, mean, low, high, p, level, method, test)


@dataclass(frozen=True, slots=True)
class _Residuals:
    """Per group: its units, Kish's number of them, and its squared residual sums, plain and CR2."""

    units: FloatArray
    kish: FloatArray
    squares: FloatArray
    scaled: FloatArray


def _residuals(
    differences: FloatArray, mean: FloatArray, *, group: IntArray, clusters: IntArray | None
) -> _Residuals:
    """Return what the standard errors of all groups are made of."""
    residual = differences - mean[group]
    size = np.ones_like(residual)
    owner: NDArray[np.intp] = group
    if clusters is not None:
        key = group * (int(clusters.max(initial=0)) + 1) + clusters
        kinds, label = np.unique(key, return_inverse=True)
        residual = np.bincount(label, weights=residual, minlength=len(kinds)).astype(np.float64)
        size = np.bincount(label, minlength=len(kinds)).astype(np.float64)
        owner = kinds // (int(clusters.max(initial=0)) + 1)

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(owner, weights=values, minlength=len(mean)).astype(np.float64)

    cases, square = total(size), residual * residual
    kish = cases * cases / total(size * size)
    scaled = total(square / (1 - size / cases[owner]))
    return _Residuals(total(np.ones_like(size)), kish, total(square), scaled)
