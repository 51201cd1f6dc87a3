"""The studentised sign-flip test: listed by hand, equal to the plain one where it must be."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import studentised as module
from evalkit.stats.clusters import clustered_mean
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.studentised import studentised_sign_flip
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import NotEstimable, PValue, Side

SIDES: tuple[Side, ...] = ("two-sided", "greater", "less")
SCORE = st.floats(-1, 1).map(lambda x: round(x, 2))
CLUSTERS = st.lists(st.tuples(st.integers(-6, 6), st.integers(1, 9)), min_size=1, max_size=8)


def units_of(rows: list[tuple[int, int]]) -> Units:
    """Return clusters from (sum, size)."""
    sums, sizes = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    return Units(sums, sizes, clustered=True)


def p_of(units: Units, *, side: Side = "two-sided", null: float = 0.0, seed: int = 0) -> float:
    """Return a p-value that must exist."""
    found = studentised_sign_flip(
        units, rng=np.random.default_rng(seed), side=side, null=null, resamples=499
    ).p_value
    assert isinstance(found, PValue)
    return found.value


def brute(units: Units, side: Side) -> float:
    """Return the p-value by listing every flip, sums and sizes being whole numbers."""
    t = []
    for signs in itertools.product((1, -1), repeat=units.count):
        e = units.sums * np.array(signs)
        mean = e.sum() / units.sizes.sum()
        spread = float(((e - mean * units.sizes) ** 2).sum())
        if spread < 1e-9 * max(float((e * e).sum()), 1e-9):
            t.append(np.sign(mean) * np.inf if mean else 0.0)
        else:
            t.append(mean / np.sqrt(spread))
    values = np.array(t)
    if side == "two-sided":
        values = np.abs(values)
    elif side == "less":
        values = -values
    seen = values[0]
    close = values >= (seen if np.isinf(seen) else seen - 1e-9)
    return float(close.mean())


@given(CLUSTERS, st.sampled_from(SIDES))
def test_every_flip_is_counted(rows: list[tuple[int, int]], side: Side) -> None:
    """All flips of unequal clusters listed by hand give the same p-value."""
    units = units_of(rows)
    assert p_of(units, side=side) == pytest.approx(brute(units, side))


@given(st.lists(SCORE, min_size=1, max_size=15), st.sampled_from(SIDES))
def test_units_of_one_size_have_the_plain_test(d: list[float], side: Side) -> None:
    """There t rises with the sum, so listing every flip of t gives the test of the sum."""
    plain = sign_flip(d, rng=np.random.default_rng(0), side=side).value
    assert p_of(case_units(d), side=side) == plain
    if len(d) <= 8:
        assert brute(case_units(np.array(d)), side) == pytest.approx(plain)


def test_unequal_clusters_differ_from_the_plain_test() -> None:
    """A large cluster's residual depends on its size, so the order of flips changes."""
    units = units_of([(9, 40), (3, 2), (-4, 3), (5, 30), (4, 5), (-2, 1)])
    plain = sign_flip(units.sums, rng=np.random.default_rng(0)).value
    assert p_of(units) != plain


def test_statistic_is_t_on_clusters() -> None:
    """The statistic is the mean over its CR1 error, shifted by the null."""
    values, label = [0.5, -0.25, 0.5, 0.25, 1.0, 0.75], [0, 0, 1, 1, 1, 2]
    found = studentised_sign_flip(cluster_units(values, label), rng=np.random.default_rng(0))
    known = clustered_mean(values, label)
    assert isinstance(known, Estimate)
    assert found.statistic == pytest.approx(known.statistic())
    assert found.estimate == pytest.approx(known.mean)
    shifted = studentised_sign_flip(
        cluster_units(values, label), rng=np.random.default_rng(0), null=0.1
    )
    assert shifted.statistic == pytest.approx(known.statistic(null=0.1))


@given(
    st.lists(st.tuples(SCORE.filter(bool), st.integers(1, 9)), min_size=21, max_size=40),
    st.randoms(use_true_random=False),
)
def test_order_and_sign_change_nothing(rows: list[tuple[float, int]], random: object) -> None:
    """Random flips too are the same for units in another order and for swapped models."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (np.array(r, dtype=np.float64).T for r in (rows, shuffled))
    found = [p_of(Units(s, n, clustered=True)) for s, n in (one, other, (-one[0], one[1]))]
    assert found[0] == found[1] == found[2]
    up = p_of(Units(one[0], one[1], clustered=True), side="greater")
    assert up == p_of(Units(-one[0], one[1], clustered=True), side="less")


def test_random_flips_approach_all_flips() -> None:
    """40,000 random flips of 14 clusters give what listing all of them gives."""
    rng = np.random.default_rng(0)
    sums, sizes = rng.normal(0.4, 1, 14), rng.integers(1, 9, 14).astype(np.float64)
    units = Units(sums, sizes, clustered=True)
    listed = p_of(units)
    assert listed == pytest.approx(brute(units, "two-sided"))
    with mock.patch.object(module, "ENUMERATED", 0):
        found = studentised_sign_flip(units, rng=rng, resamples=40_000).p_value
    assert isinstance(found, PValue)
    assert "random" in found.method
    assert found.value == pytest.approx(listed, abs=0.01)


def test_random_flips_never_give_zero() -> None:
    """However extreme the clusters, p is at least 1 / (flips + 1)."""
    sizes = np.arange(1.0, 41.0)
    units = Units(0.5 * sizes + 0.01 * np.sqrt(sizes), sizes, clustered=True)
    assert p_of(units) == 1 / 500


def test_common_loss_of_all_clusters() -> None:
    """Equal differences have no spread: t is not given, and p is that of one flip of all."""
    found = studentised_sign_flip(
        Units(np.array([-1.0, -2.0, -4.0]), np.array([2.0, 4.0, 8.0]), clustered=True),
        rng=np.random.default_rng(0),
        side="less",
    )
    assert found.statistic is None
    assert isinstance(found.p_value, PValue)
    assert found.p_value.value == 1 / 8


@pytest.mark.parametrize(
    ("units", "p"),
    [
        (case_units([0.5]), 1.0),
        (case_units([0.0] * 40), 1.0),
        (Units(np.zeros(3), np.array([1.0, 2.0, 3.0]), clustered=True), 1.0),
        (case_units([0.25] * 4), 0.125),
        (Units(np.array([1.0, 1.0]), np.array([1.0, 3.0]), clustered=True), 0.5),
    ],
)
def test_little_data_claims_little(units: Units, p: float) -> None:
    """One unit, no difference and two clusters."""
    assert p_of(units) == p


@pytest.mark.parametrize("d", [[], [float("nan"), 0.5], [float("inf")]])
def test_no_data_has_no_p_value(d: list[float]) -> None:
    """No unit and values that are no numbers say why."""
    found = studentised_sign_flip(case_units(d), rng=np.random.default_rng(0))
    assert isinstance(found.p_value, NotEstimable)
    assert (found.estimate, found.statistic, found.n) == (None, None, len(d))
