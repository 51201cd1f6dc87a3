"""What is independent of what among templates: each by itself, or clusters of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import TIE, FloatArray, IntArray
from evalkit.stats.swaps import summed
from evalkit.stats.units import Units, case_units, cluster_units


def template_units(template: IntArray, cluster: IntArray) -> IntArray:
    """Return the unit of each template, both numbered from 0, from its number and cluster per case.

    Templates with cases in one cluster are one unit, and so is what a template in several clusters
    joins.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    templates = int(template.max(initial=-1)) + 1
    size = templates + int(cluster.max(initial=-1)) + 1
    edges = (np.ones(len(template)), (template, templates + cluster))
    _, unit = connected_components(coo_array(edges, shape=(size, size)), directed=False)
    numbered = np.unique(unit[:templates], return_inverse=True)[1]
    return np.asarray(numbered.reshape(-1), dtype=np.int64)


def independent_rows(
    table: FloatArray, clusters: ArrayLike | None
) -> tuple[FloatArray, IntArray | None]:
    """Return the complete rows with the cluster of each, or ``None`` if each is a unit.

    Of clusters of one size a row is the mean of each: independent values of one weight, for which
    what is known of single templates holds.
    """
    known = np.isfinite(table).all(axis=1)
    if clusters is None:
        return table[known], None
    _, label, size = np.unique(
        np.asarray(clusters).reshape(-1)[known], return_inverse=True, return_counts=True
    )
    label = label.reshape(-1).astype(np.int64)
    if len(size) < 2 or np.ptp(size):
        return table[known], label
    return summed(table[known], label) / size[0], None


def units_of(values: FloatArray, label: IntArray | None) -> Units:
    """Return the units of a mean; what rounding left of differences that cancel is none."""
    exact = np.where(np.abs(values) > TIE, values, 0.0)
    return case_units(exact) if label is None else cluster_units(exact, label)
