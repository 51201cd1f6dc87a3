"""The mean score of one model, unpaired: for learning curves, never for a decision."""

from __future__ import annotations

from numpy.typing import ArrayLike

from evalkit.stats.arrays import floats
from evalkit.stats.clusters import spread_of
from evalkit.stats.paired import is_binary, is_thin
from evalkit.stats.proportions import wilson
from evalkit.stats.units import case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable


def mean_interval(
    scores: ArrayLike, *, clusters: ArrayLike | None = None, level: float = 0.95
) -> Interval | NotEstimable:
    """Return the interval of a mean of scores in [0, 1].

    Wilson's for scores of 0 and 1, and for thin data (see `evalkit.stats.paired`), there with the
    number of units as n; else t on cases or clusters.
    """
    values = floats(scores).reshape(-1)
    units = case_units(values) if clusters is None else cluster_units(values, clusters)
    if not units.count:
        return NotEstimable("no case was answered")
    if units.clustered and units.count < 2:
        return NotEstimable("all cases are in one cluster, two are needed")
    spread = spread_of(units, method="t")
    binary = is_binary(values) and not units.clustered
    if binary or isinstance(spread, NotEstimable) or is_thin(units):
        return wilson(units.mean * units.count, units.count, level=level)
    found = spread.interval(level=level)
    return Interval(max(found.low, 0.0), min(found.high, 1.0), level, found.method)
