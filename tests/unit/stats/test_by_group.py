"""Many groups in one call: the same as one by one, and honest where a group is poor."""

from __future__ import annotations

import time

import numpy as np
import pytest

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.by_group import GroupTests, binary_by_group, scores_by_group
from evalkit.stats.paired import ON_SUMS, PairedComparison, compare
from evalkit.stats.values import Interval, NotEstimable


def own(d: FloatArray, clusters: IntArray | None = None) -> PairedComparison:
    """Return the comparison of one group by itself."""
    rng = np.random.default_rng(0)
    return compare(np.clip(-d, 0, None), np.clip(d, 0, None), clusters=clusters, rng=rng)


def assert_same(found: GroupTests, g: int, whole: PairedComparison, within: float = 1e-9) -> None:
    """Assert that a group has the numbers of its own comparison."""
    assert not isinstance(whole.procedure, NotEstimable)
    interval = whole.procedure.interval(level=0.95)
    assert isinstance(interval, Interval)
    limits = (interval.low, interval.high)
    assert (found.low[g], found.high[g]) == pytest.approx(limits, abs=within)
    p = whole.procedure.p_value(side="less").value
    assert found.p_value[g] == pytest.approx(p, abs=within)
    assert found.difference[g] == pytest.approx(whole.difference)


def drawn(rng: np.random.Generator, n: int, kind: int) -> FloatArray:
    """Return differences: regular, on a grid, few, or all alike."""
    if kind == 0:
        return rng.uniform(-0.5, 0.4, n)
    if kind == 1:
        return rng.integers(-3, 3, n) / 4
    if kind == 2:
        return np.where(rng.random(n) < 0.1, -0.5, 0.0)
    return np.full(n, -0.3)


@pytest.mark.parametrize("kind", range(4))
def test_a_group_is_judged_like_a_suite_of_its_cases(kind: int) -> None:
    """From 1 case to 60, whichever procedure serves: sums of gains and losses, sign-flip, or t."""
    rng = np.random.default_rng(kind)
    sizes = [1, 2, 4, 5, 6, 8, 10, 15, 16, 30, 60]
    parts = [drawn(rng, n, kind) for n in sizes]
    group = np.repeat(np.arange(len(sizes)), sizes)
    found = scores_by_group(np.concatenate(parts), group, groups=len(sizes), rng=rng)
    for g, d in enumerate(parts):
        assert_same(found, g, own(d))
        procedure = own(d).procedure
        assert not isinstance(procedure, NotEstimable)
        assert found.method[g].startswith(procedure.method)
        assert np.isnan(found.p_exact[g]) == (found.method[g] != ON_SUMS)


def test_more_flips_than_can_be_listed() -> None:
    """From 17 to 29 cases both the suite's and the group's flips are drawn: nearly the same."""
    rng = np.random.default_rng(5)
    d = rng.normal(-0.05, 0.2, 25)
    found = scores_by_group(d, np.zeros(25, dtype=np.int64), groups=1, rng=rng)
    assert_same(found, 0, own(d), within=0.02)


def test_clusters_by_group_are_one_comparison_each() -> None:
    """Within each group whole clusters are the units."""
    rng = np.random.default_rng(1)
    d, group, clusters = rng.normal(0, 0.2, 400), rng.integers(0, 4, 400), rng.integers(0, 30, 400)
    d[group == 3] = np.where(clusters[group == 3] == 2, -0.5, 0.0)
    found = scores_by_group(d, group, groups=4, rng=rng, clusters=clusters)
    for g in range(4):
        assert_same(found, g, own(d[group == g], clusters[group == g]))
    assert found.method[3] == ON_SUMS


def test_few_alike_losses_are_no_certainty() -> None:
    """Three of .5 and one of .4 in four cases: t says .1 %, by chance it is 6.3 %."""
    d = np.array([-0.5, -0.5, -0.5, -0.4])
    rng = np.random.default_rng(0)
    found = scores_by_group(d, np.zeros(4, dtype=np.int64), groups=1, rng=rng)
    assert found.p_alarm[0] >= 0.5**4


def test_poor_groups() -> None:
    """An empty group has nothing, one cluster no test; a few cases have limits all the same."""
    d = np.array([-0.5, -0.5, -0.5, 0.5, 0.5, 0.0, -0.25])
    group = np.array([0, 0, 0, 1, 1, 2, 3])
    rng = np.random.default_rng(0)
    found = scores_by_group(d, group, groups=5, rng=rng)
    assert found.p_exact[:4].tolist() == [0.125, 1.0, 1.0, 0.5]
    assert np.isnan(found.low).tolist() == [False] * 4 + [True]
    assert np.isnan(found.p_alarm).tolist() == [False] * 4 + [True]
    alone = scores_by_group(d, group, groups=5, rng=rng, clusters=group)
    assert np.isnan(alone.p_alarm).all()
    binary = binary_by_group(np.sign(d), group, groups=5)
    assert binary.p_exact[:4].tolist() == [0.125, 1.0, 1.0, 0.5]
    assert np.isnan(binary.low).tolist() == [False] * 4 + [True]


def test_the_p_value_of_a_group_is_the_intervals() -> None:
    """4 broken of 34: the interval excludes 0 and its p-value says so; an alarm asks more."""
    d = np.array([-1.0] * 4 + [0.0] * 30)
    found = binary_by_group(d, np.zeros(34, dtype=np.int64), groups=1)
    assert found.high[0] < 0
    assert found.p_value[0] < 0.025
    assert found.p_alarm[0] == found.p_exact[0] == 0.0625


@pytest.mark.slow
def test_ten_thousand_slices_take_a_moment() -> None:
    """10,000 slices of 1,000,000 memberships are one vectorised call."""
    rng = np.random.default_rng(0)
    d = rng.integers(-1, 2, 1_000_000).astype(np.float64)
    group = rng.integers(0, 10_000, 1_000_000)
    start = time.perf_counter()
    binary_by_group(d, group, groups=10_000)
    scores_by_group(d, group, groups=10_000, rng=rng, clusters=rng.integers(0, 50_000, 1_000_000))
    assert time.perf_counter() - start < 10


@pytest.mark.slow
def test_thousands_of_small_slices_take_a_while() -> None:
    """A group of few cases lists or draws its own flips: 2,000 of up to 29 cases in seconds."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(2_000), rng.integers(1, 30, 2_000))
    start = time.perf_counter()
    scores_by_group(rng.normal(0, 0.2, len(group)), group, groups=2_000, rng=rng)
    assert time.perf_counter() - start < 20
