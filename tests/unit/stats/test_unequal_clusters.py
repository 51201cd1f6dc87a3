"""Clusters of unequal size: the error that decides allows for them."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.by_group import scores_by_group
from evalkit.stats.clusters import bias_reduced_estimate, spread_of
from evalkit.stats.paired import compare
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.units import case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable


def test_one_size_is_the_plain_error(rng: np.random.Generator) -> None:
    """Where sizes do not differ nothing changes: s / sqrt(n) with n - 1."""
    d = rng.normal(0.1, 0.2, 40)
    for clusters in (np.arange(40), np.arange(40) // 4):
        units = cluster_units(d, clusters)
        found = bias_reduced_estimate(units)
        assert isinstance(found, Estimate)
        assert found.df == pytest.approx(units.count - 1)
        sums = units.sums / units.sizes
        expected = sums.std(ddof=1) / np.sqrt(units.count)
        assert found.standard_error == pytest.approx(expected)


def test_a_large_cluster_counts_as_few(rng: np.random.Generator) -> None:
    """One cluster of 60 among forty single cases: less is known, so the interval is wider."""
    clusters = np.concatenate([np.zeros(60), np.arange(1, 41)])
    base = rng.choice([0.0, 0.25, 0.5], 100)
    candidate = base + rng.choice([0.0, 0.25, 0.5], 100)
    apart = compare(base, candidate, rng=rng)
    together = compare(base, candidate, clusters=clusters, rng=rng)
    limits = []
    for found in (together, apart):
        assert not isinstance(found.procedure, NotEstimable)
        interval = found.procedure.interval(level=0.9)
        assert isinstance(interval, Interval)
        limits.append(interval.low)
    assert limits[0] < limits[1] - 0.1


def test_nearly_everything_in_one_cluster_claims_nothing() -> None:
    """A group that is one cluster but for a case has wide limits and no small p-value."""
    d = np.full(40, -0.5) + np.linspace(0, 0.1, 40)
    clusters = np.array([0] * 39 + [1])
    rng = np.random.default_rng(0)
    found = scores_by_group(d, np.zeros(40, dtype=np.int64), groups=1, rng=rng, clusters=clusters)
    assert found.low[0] < -0.8
    assert found.high[0] > 0
    assert found.p_alarm[0] > 0.2


def test_single_cases_keep_their_own_name() -> None:
    """The name of the method says which error it was."""
    found = spread_of(case_units([0.1, 0.2, 0.4]), method="paired t")
    assert isinstance(found, Estimate)
    assert found.method == "paired t"
