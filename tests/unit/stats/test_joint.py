"""Slices that share cases, flipped together: exact where listable, and fair to small slices."""

from __future__ import annotations

import itertools
import resource
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.arrays import FloatArray
from evalkit.stats.joint import JointTests, Memberships, Statistic, joint_sign_flip
from evalkit.stats.multiplicity import holm
from evalkit.stats.paired_binary import mcnemar_exact
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.values import Side

STATISTICS: tuple[Statistic, ...] = ("max-t", "min-p")
SIDES: tuple[Side, ...] = ("less", "greater", "two-sided")


def joint(m: Memberships, **options: Any) -> JointTests:
    """Test with a fixed seed."""
    return joint_sign_flip(m, rng=np.random.default_rng(7), **options)


def crossed(d: list[float], groups: int = 3) -> Memberships:
    """Put case i into slices i mod ``groups`` and, every second one, the next slice too."""
    cases = np.arange(len(d))
    twice = cases[::2]
    unit = np.concatenate([cases, twice])
    group = np.concatenate([cases % groups, (twice + 1) % groups])
    return Memberships(np.array(d)[unit], group, unit, groups)


def as_array(values: tuple[float | None, ...]) -> FloatArray:
    """Return p-values with nan for ``None``."""
    return np.array(values, dtype=np.float64)


differences = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=3, max_size=7)
binary = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=3, max_size=7)


def by_hand(m: Memberships, side: Side, *, min_p: bool) -> tuple[list[float], list[float]]:
    """Return single-step and step-down p-values by listing every flip with plain loops."""
    units = np.unique(m.unit)
    rows = []
    for signs in itertools.product([1, -1], repeat=len(units)):
        d = m.differences * np.array(signs)[np.searchsorted(units, m.unit)]
        row = []
        for g in range(m.groups):
            own = d[m.group == g]
            size = np.sqrt((own**2).sum())
            lost, gained = int((own < 0).sum()), int((own > 0).sum())
            if size == 0:
                row.append(-np.inf)
            elif min_p:
                row.append(-float(mcnemar_exact(gained, lost, side=side)[0]))
            else:
                t = own.sum() / size
                row.append({"less": -t, "greater": t, "two-sided": abs(t)}[side])
        rows.append(row)
    law = np.array(rows)
    order = np.argsort(-law[0], kind="stable")
    single = [(law.max(axis=1) >= law[0, g] - 1e-9).mean() for g in range(m.groups)]
    down = np.zeros(m.groups)
    largest = 0.0
    for i, g in enumerate(order):
        largest = max(largest, (law[:, order[i:]].max(axis=1) >= law[0, g] - 1e-9).mean())
        down[g] = largest
    return single, down.tolist()


@pytest.mark.parametrize("side", SIDES)
@given(differences)
def test_max_t_by_hand(side: Side, d: list[float]) -> None:
    """With few units every flip is listed, and the p-values are exact."""
    m = crossed(d)
    found = joint(m, side=side, statistic="max-t")
    single, down = by_hand(m, side, min_p=False)
    assert found.single_step.values == pytest.approx(single)
    assert found.step_down.values == pytest.approx(down)
    assert found.method == "max-t, all sign flips"


@pytest.mark.parametrize("side", SIDES)
@given(binary)
def test_min_p_of_binary_scores_by_hand(side: Side, d: list[float]) -> None:
    """For scores of 0 and 1 the p-values compared are exact McNemar's."""
    m = crossed(d)
    found = joint(m, side=side, statistic="min-p")
    single, down = by_hand(m, side, min_p=True)
    assert found.single_step.values == pytest.approx(single)
    assert found.step_down.values == pytest.approx(down)


@pytest.mark.parametrize("statistic", STATISTICS)
@given(differences, st.sampled_from(SIDES))
def test_order_of_the_p_values(statistic: Statistic, d: list[float], side: Side) -> None:
    """Alone, stepping down, in one step: each at least as large as the one before."""
    found = joint(crossed(d), statistic=statistic, side=side)
    single, down = as_array(found.single_step.values), as_array(found.step_down.values)
    assert (found.p_value <= down + 1e-12).all()
    assert (down <= single + 1e-12).all()


@pytest.mark.parametrize("resamples", [4, 9_999])
@pytest.mark.parametrize("statistic", STATISTICS)
@given(differences)
def test_swapping_the_models_swaps_the_sides(
    statistic: Statistic, resamples: int, d: list[float]
) -> None:
    """A loss of one is a gain of the other, with listed and with random flips."""
    m = crossed(d)
    mirrored = Memberships(-m.differences, m.group, m.unit, m.groups)
    for side, other in (("less", "greater"), ("two-sided", "two-sided")):
        one = joint(m, statistic=statistic, side=side, resamples=resamples)
        two = joint(mirrored, statistic=statistic, side=other, resamples=resamples)
        assert one.step_down.values == two.step_down.values
        assert one.difference == pytest.approx(-two.difference)


@pytest.mark.parametrize("statistic", STATISTICS)
@given(differences, st.integers(0, 99))
def test_order_of_memberships_and_slices(statistic: Statistic, d: list[float], seed: int) -> None:
    """Shuffled memberships and renamed slices give the same p-values."""
    m = crossed(d)
    rng = np.random.default_rng(seed)
    order, name = rng.permutation(len(m.unit)), rng.permutation(m.groups)
    moved = Memberships(m.differences[order], name[m.group[order]], m.unit[order], m.groups)
    found, again = joint(m, statistic=statistic), joint(moved, statistic=statistic)
    assert as_array(again.step_down.values)[name] == pytest.approx(
        as_array(found.step_down.values), abs=1e-12
    )


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("side", SIDES)
def test_one_slice_is_the_sign_flip_test(statistic: Statistic, side: Side) -> None:
    """A family of one needs no correction."""
    d = np.array([0.5, -0.25, 0.75, -0.5, -1.0, -0.25, 0.125, -0.75])
    members = Memberships(d, np.zeros(8, dtype=np.int64), np.arange(8), 1)
    found = joint(members, statistic=statistic, side=side)
    own = sign_flip(d, rng=np.random.default_rng(0), side=side).value
    assert found.step_down.values == found.single_step.values
    assert found.p_value[0] == pytest.approx(own)
    if statistic == "max-t":
        assert found.step_down.values[0] == pytest.approx(own)


def test_random_flips_come_close_to_all_flips() -> None:
    """Ten units, listed (1,024) and drawn: the same to Monte Carlo accuracy."""
    d = np.random.default_rng(3).normal(-0.2, 0.3, 13).tolist()
    for statistic in STATISTICS:
        listed = joint(crossed(d), statistic=statistic)
        drawn = joint(crossed(d), statistic=statistic, resamples=8_000)
        assert "all" in listed.method
        assert "8,000 random" in drawn.method
        assert as_array(drawn.step_down.values) == pytest.approx(
            as_array(listed.step_down.values), abs=0.025
        )


def test_slices_that_show_nothing_leave_the_others_alone() -> None:
    """Slices of one discordant pair cost nothing by min-p, where Holm multiplies by 21."""
    d = np.array([-1.0] * 8 + [1.0] * 20)
    group = np.array([0] * 8 + list(range(1, 21)))
    found = joint(Memberships(d, group, np.arange(28), 21), resamples=20_000)
    first = found.step_down.values[0]
    assert first is not None
    assert first == pytest.approx(1 / 256, abs=0.003)
    alone = mcnemar_exact(np.bincount(group, d > 0), np.bincount(group, d < 0), side="less")
    assert holm(alone.tolist()).values[0] == pytest.approx(21 / 256)


def test_identical_slices_count_once() -> None:
    """Ten copies of a slice have its p-value, not ten times it."""
    d = np.array([-1.0] * 7 + [1.0] + [0.0] * 12)
    copies = Memberships(
        np.tile(d, 10), np.repeat(np.arange(10), 20), np.tile(np.arange(20), 10), 10
    )
    for statistic in STATISTICS:
        found = joint(copies, statistic=statistic)
        assert found.single_step.values == pytest.approx([9 / 256] * 10)


def test_clusters_flip_as_one() -> None:
    """Cases of a cluster keep one sign: three clusters reach 1/8 at best, in whatever slices."""
    cluster = np.repeat(np.arange(3), 6)
    slices = np.tile([0, 1], 9)
    found = joint(Memberships(np.full(18, -0.5), slices, cluster, 2))
    assert found.step_down.values == (0.125, 0.125)
    assert found.differing.tolist() == [3, 3]
    assert found.n.tolist() == [9, 9]


def test_a_cluster_that_cancels_out_is_no_unit() -> None:
    """0.1 + 0.2 - 0.3 is nothing, whatever the rounding."""
    d = np.array([0.1, 0.2, -0.3, -0.5])
    found = joint(Memberships(d, np.zeros(4, dtype=np.int64), np.array([0, 0, 0, 1]), 1))
    assert found.differing.tolist() == [1]
    assert found.step_down.values == (0.5,)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_poor_slices(statistic: Statistic) -> None:
    """Without cases no test; without a difference, or with nan alone, no evidence."""
    d = np.array([0.0, 0.0, np.nan, -0.5, np.nan])
    group = np.array([0, 0, 0, 1, 2])
    found = joint(Memberships(d, group, np.arange(5), 4), statistic=statistic)
    assert found.step_down.values == (1.0, 0.5, None, None)
    assert (found.step_down.tested, found.step_down.excluded) == (2, 2)
    assert found.n.tolist() == [2, 1, 0, 0]
    assert np.isnan(found.difference).tolist() == [False, False, True, True]
    assert np.isnan(found.p_value).tolist() == [False, False, True, True]


@pytest.mark.parametrize("groups", [0, 3])
def test_no_memberships_at_all(groups: int) -> None:
    """An empty family is answered, not refused."""
    nothing = np.zeros(0, dtype=np.int64)
    found = joint(Memberships(np.zeros(0), nothing, nothing, groups))
    assert found.step_down.values == (None,) * groups
    assert found.step_down.tested == 0


@pytest.mark.slow
@pytest.mark.parametrize("statistic", STATISTICS)
def test_ten_thousand_slices(statistic: Statistic) -> None:
    """10,000 slices of 100,000 memberships with 9,999 flips: 60 s of one core, 1 GB at most."""
    rng = np.random.default_rng(0)
    unit = rng.integers(0, 50_000, 100_000)
    d = rng.choice([-1.0, 0.0, 0.5, 1.0], 50_000)
    group = rng.integers(0, 10_000, 100_000)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    members = Memberships(d[unit], group, unit, 10_000)
    found = joint_sign_flip(members, rng=rng, statistic=statistic)
    assert found.step_down.tested + found.step_down.excluded == 10_000
    assert time.process_time() - start < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
