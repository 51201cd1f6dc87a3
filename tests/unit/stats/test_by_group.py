"""Many groups in one call: the same as one by one, and honest where a group is poor."""

from __future__ import annotations

import time

import numpy as np
import pytest

from evalkit.stats.by_group import binary_by_group, scores_by_group
from evalkit.stats.clusters import bias_reduced_estimate
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.units import cluster_units


def test_scores_by_group_are_one_t_each() -> None:
    """Each group has the limits and the one-sided p-value of its own paired t."""
    rng = np.random.default_rng(0)
    d, group = rng.normal(-0.02, 0.2, 300), rng.integers(0, 5, 300)
    found = scores_by_group(d, group, groups=5)
    for g in range(5):
        own = paired_t(d[group == g])
        assert isinstance(own, Estimate)
        interval = own.interval(level=0.95)
        assert (found.low[g], found.high[g]) == pytest.approx((interval.low, interval.high))
        assert found.p_value[g] == pytest.approx(own.p_value(side="less").value)
        assert found.difference[g] == pytest.approx(own.mean)


def test_clusters_by_group_are_one_estimate_each() -> None:
    """Within each group whole clusters are the units."""
    rng = np.random.default_rng(1)
    d, group, clusters = rng.normal(0, 0.2, 400), rng.integers(0, 4, 400), rng.integers(0, 30, 400)
    found = scores_by_group(d, group, groups=4, clusters=clusters)
    for g in range(4):
        own = bias_reduced_estimate(cluster_units(d[group == g], clusters[group == g]))
        assert isinstance(own, Estimate)
        assert found.p_value[g] == pytest.approx(own.p_value(side="less").value)


def test_poor_groups() -> None:
    """An empty group has nothing; a common difference has the sign-flip's p-value and no limits."""
    d = np.array([-0.5, -0.5, -0.5, 0.5, 0.5, 0.0, -0.25])
    group = np.array([0, 0, 0, 1, 1, 2, 3])
    found = scores_by_group(d, group, groups=5)
    assert found.p_value[:4].tolist() == [0.125, 1.0, 1.0, 0.5]
    assert np.isnan(found.low).all()
    assert np.isnan(found.p_value[4])
    binary = binary_by_group(np.sign(d), group, groups=5)
    assert binary.p_value[:4].tolist() == [0.125, 1.0, 1.0, 0.5]
    assert np.isnan(binary.low).tolist() == [False] * 4 + [True]


@pytest.mark.slow
def test_ten_thousand_slices_take_a_moment() -> None:
    """10,000 slices of 1,000,000 memberships are one vectorised call."""
    rng = np.random.default_rng(0)
    d = rng.integers(-1, 2, 1_000_000).astype(np.float64)
    group = rng.integers(0, 10_000, 1_000_000)
    start = time.perf_counter()
    binary_by_group(d, group, groups=10_000)
    scores_by_group(d, group, groups=10_000, clusters=rng.integers(0, 50_000, 1_000_000))
    assert time.perf_counter() - start < 10
