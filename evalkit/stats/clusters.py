"""Clustered cases (one passage, template or conversation): the cluster is the unit, not the case.

Coverage of 95 % intervals for 25 cases a cluster with intra-cluster correlation .2 (naive / CR0
with z / CR1 with t): 8 clusters .575 / .889 / .948; 20: .754 / .929 / .951; 200: .904 / .949 /
.951. That is for clusters of one size. Where sizes differ, CR1 with t(G - 1) rejects too often and
CR2 with Kish's number of clusters less one for its degrees of freedom does not. Type I error at a
nominal 5 %, correlation .2, 3,000 to 10,000 simulated runs (CR1 / CR2): 10 clusters of 2 to 120
cases .227 / .048; lognormal sizes with coefficient of variation 1: 10 clusters .096 / .053, 20
.087 / .065; 1.5: 20 clusters .107 / .057, 50 .076 / .052.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from evalkit.stats.arrays import TIE, FloatArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable

CR1 = "t on clusters (CR1)"
CR2 = "t on clusters (CR2)"
FEWEST = 1.5
"""Kish's number of clusters below which their spread cannot be told."""

_BISECTIONS = 60


def clustered_mean(values: ArrayLike, clusters: ArrayLike) -> Estimate | NotEstimable:
    """Return the mean over cases with the CR1 standard error and G - 1 degrees of freedom.

    [Miller 2024, arXiv:2411.00640, App. A, times G/(G-1)]. Not estimable below two clusters.
    """
    return cluster_estimate(cluster_units(values, clusters))


def cluster_estimate(units: Units) -> Estimate | NotEstimable:
    """Return the same from units that are clusters already."""
    return estimate(units, method=CR1)


def bias_reduced_estimate(units: Units) -> Estimate | NotEstimable:
    """Return the mean over cases with the CR2 standard error and Kish's number less 1 for its df.

    sqrt(sum_g e_g^2 / (1 - n_g / n)) / n, e_g being a cluster's residual sum [Bell & McCaffrey
    2002, Surv Methodol 28:169]; for clusters of one size this is CR1 with G - 1. Their degrees of
    freedom, which take cases for independent, reject a little more often in simulations (.064
    against .048 for ten clusters of 2 to 120 cases). Not estimable below two clusters, or if one
    holds about four of five cases.
    """
    plain = cluster_estimate(units)
    if isinstance(plain, NotEstimable):
        return plain
    if units.kish < FEWEST:
        return NotEstimable("one cluster holds nearly all cases")
    n = float(units.sizes.sum())
    residuals = units.sums - plain.mean * units.sizes
    squares = math.fsum((residuals * residuals / (1 - units.sizes / n)).tolist())
    return Estimate(plain.mean, math.sqrt(squares) / n, units.kish - 1, CR2)


def spread_of(units: Units, *, method: str) -> Estimate | NotEstimable:
    """Return the mean with the standard error that decides: CR2 for clusters, else s / sqrt(n).

    ``method`` names the latter.
    """
    return bias_reduced_estimate(units) if units.clustered else estimate(units, method=method)


@dataclass(frozen=True, slots=True)
class Clustering(Assuming):
    """How alike cases of one cluster are, and what that costs.

    ``correlation`` is the intra-cluster correlation (below 0 where cases of a cluster differ more
    than others) with its ``interval``; ``effect`` the design effect, by which clustering multiplies
    the variance of the mean; ``effective`` how many independent cases are worth as much. ``size``
    is the mean size of a case's cluster, ``n`` counts cases, ``clusters`` clusters.
    """

    correlation: float
    interval: Interval | NotEstimable
    size: float
    effect: float
    effective: float
    n: int
    clusters: int
    method: str = "analysis of variance"


def clustering(
    values: ArrayLike, clusters: ArrayLike, *, level: float = 0.95
) -> Clustering | NotEstimable:
    """Return the intra-cluster correlation of ``values``, one per case, and its design effect.

    rho = (MSB - MSW) / (MSB + (n0 - 1) MSW), n0 = (n - sum n_g^2 / n) / (G - 1) [Donner 1986, Int
    Stat Rev 54:67], with limits that are exact for normal values [Wald 1940, Ann Math Stat 11:96].
    The design effect is 1 + (m - 1) rho with m = sum n_g^2 / n, the mean size weighted by cases:
    for clusters of one size that size, and for others what the variance of a mean over cases has,
    where the plain mean size gives too little [Kish 1965]. A correlation below 0 counts
    as 0 there. Not estimable below two clusters, without a cluster of two cases, or for values
    that are all alike.
    """
    cases = floats(values).reshape(-1)
    if not np.isfinite(cases).all():
        return NotEstimable("a value is not a finite number")
    moments = _moments(cases, clusters)
    g, n = len(moments.sizes), float(moments.sizes.sum())
    if g < 2:
        return NotEstimable(f"a correlation needs 2 clusters, there {'is 1' if g else 'are none'}")
    if n == g:
        return NotEstimable("no cluster holds two cases")
    grand = float(moments.sizes @ moments.means) / n
    between = float(moments.sizes @ (moments.means - grand) ** 2) / (g - 1)
    within = float(moments.squares.sum()) / (n - g)
    if between + within <= (TIE * float(np.abs(cases).max())) ** 2:
        return NotEstimable("all values are alike, so their spread is unknown")
    weighted = float((moments.sizes**2).sum()) / n
    typical = (n - weighted) / (g - 1)
    correlation = (between - within) / (between + (typical - 1) * within)
    effect = 1 + (weighted - 1) * max(correlation, 0.0)
    interval = _correlation_limits(moments, within, level=level)
    return Clustering(correlation, interval, weighted, effect, n / effect, int(n), g)


@dataclass(frozen=True, slots=True)
class MacroMean:
    """The mean of the slices' means, each slice with the same weight, for two questions.

    ``fixed``: these slices and no others, new cases of each; the error is within slices alone.
    ``random``: slices are a sample of many; the error is between slices. A claim must say which.
    ``n`` counts cases.
    """

    estimate: float | None
    fixed: Estimate | NotEstimable
    random: Estimate | NotEstimable
    n: int
    slices: int


def macro_mean(values: ArrayLike, slices: ArrayLike) -> MacroMean:
    """Return the macro mean of ``values``, one per case, over the labels in ``slices``.

    Fixed slices: sqrt(sum_g s_g^2 / n_g) / G as in a stratified sample [Cochran 1977, sec. 5.4],
    with Satterthwaite's degrees of freedom; not estimable if a slice has one case, or none varies.
    Random slices: the standard deviation of the slices' means / sqrt(G), with G - 1. On 27 real
    tasks (6,511 cases) the two are .0069 and .0436; a pooled mean has .0073 if cases are taken as
    independent and .0439 by CR1.
    """
    cases = floats(values).reshape(-1)
    if not len(cases) or not np.isfinite(cases).all():
        none = NotEstimable("a value is not a finite number" if len(cases) else "no case")
        return MacroMean(None, none, none, len(cases), 0)
    moments = _moments(cases, slices)
    random = estimate(case_units(moments.means), method="t on slice means (random slices)")
    fixed = _stratified(moments)
    mean = math.fsum(moments.means.tolist()) / len(moments.means)
    return MacroMean(mean, fixed, random, len(cases), len(moments.means))


@dataclass(frozen=True, slots=True)
class _Moments:
    """Per group: size, mean, and sum of squared deviations from the mean."""

    sizes: FloatArray
    means: FloatArray
    squares: FloatArray


def _moments(values: FloatArray, labels: ArrayLike) -> _Moments:
    _, label = np.unique(np.asarray(labels), return_inverse=True)
    label = label.reshape(-1)
    sizes = np.bincount(label).astype(np.float64)
    means = np.bincount(label, weights=values) / sizes
    squares = np.bincount(label, weights=(values - means[label]) ** 2)
    return _Moments(sizes, means, squares.astype(np.float64))


def _stratified(moments: _Moments) -> Estimate | NotEstimable:
    if moments.sizes.min() < 2:
        return NotEstimable("a slice has only one case, so its spread is unknown")
    parts = moments.squares / (moments.sizes - 1) / moments.sizes
    largest = float(np.abs(moments.means).max())
    if parts.sum() <= (TIE * largest) ** 2:
        return NotEstimable("within each slice all values are alike, so their spread is unknown")
    g = len(parts)
    mean = math.fsum(moments.means.tolist()) / g
    df = float(parts.sum() ** 2 / (parts**2 / (moments.sizes - 1)).sum())
    return Estimate(mean, math.sqrt(float(parts.sum())) / g, df, "t on strata (fixed slices)")


def _correlation_limits(
    moments: _Moments, within: float, *, level: float
) -> Interval | NotEstimable:
    """Return the correlations at which the variance ratio of weighted means is F's quantile.

    With weights n_g / (1 + n_g lambda), lambda = rho / (1 - rho), that ratio has F's law whatever
    the sizes; it falls in rho.
    """
    alike = (TIE * float(np.abs(moments.means).max())) ** 2
    if within <= alike or moments.means.var() <= alike:
        where = "within clusters" if within <= alike else "of cluster means"
        return NotEstimable(f"there is no spread {where} to compare with")
    g, n = len(moments.sizes), float(moments.sizes.sum())
    # Just inside the lowest correlation there can be, at which a weight is infinite.
    tail, least = (1 - level) / 2, -(1 - 1e-9) / (float(moments.sizes.max()) - 1)
    limits = []
    for share in (1 - tail, tail):
        target = float(fdtri(g - 1, n - g, share)) * within * (g - 1)
        low, high = least, 1.0
        for _ in range(_BISECTIONS):
            rho = (low + high) / 2
            weights = moments.sizes / (1 - rho + moments.sizes * rho)
            centre = float(weights @ moments.means) / float(weights.sum())
            above = (1 - rho) * float(weights @ (moments.means - centre) ** 2) > target
            low, high = (rho, high) if above else (low, rho)
        limits.append((low + high) / 2)
    return Interval(limits[0], limits[1], level, "analysis of variance, F")
