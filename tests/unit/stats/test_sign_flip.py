"""The sign-flip tests: exact where they can be, consistent with their interval, blind to order."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import sign_flip as module
from evalkit.stats.paired_binary import mcnemar_exact
from evalkit.stats.sign_flip import sign_flip, subset_means
from evalkit.stats.units import case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable, Side

GRID = st.integers(-4, 4).map(lambda k: k / 4)
SCORE = st.floats(-1, 1).map(lambda x: round(x, 3))
SIDES: tuple[Side, ...] = ("two-sided", "greater", "less")


def brute(d: list[float], side: Side) -> float:
    """Return the p-value by listing every flip."""
    total = sum(d)
    sums = [
        sum(s * x for s, x in zip(f, d, strict=True))
        for f in itertools.product((1, -1), repeat=len(d))
    ]
    hits = {
        "two-sided": sum(abs(s) >= abs(total) - 1e-9 for s in sums),
        "greater": sum(s >= total - 1e-9 for s in sums),
        "less": sum(s <= total + 1e-9 for s in sums),
    }
    return hits[side] / len(sums)


@given(st.lists(GRID, min_size=1, max_size=9), st.sampled_from(SIDES))
def test_exact_p_counts_every_flip(d: list[float], side: Side) -> None:
    """All flips listed by hand give the same p-value."""
    assert sign_flip(d, rng=np.random.default_rng(0), side=side).value == pytest.approx(
        brute(d, side)
    )


@given(st.lists(GRID.filter(bool), min_size=21, max_size=40), st.sampled_from(SIDES))
def test_grid_law_agrees_with_random_flips(d: list[float], side: Side) -> None:
    """Convolution on the score grid gives what 20,000 random flips approach."""
    exact = sign_flip(d, rng=np.random.default_rng(0), side=side)
    assert "grid" in exact.method
    with mock.patch.object(module, "_LONGEST_LAW", 0):
        drawn = sign_flip(d, rng=np.random.default_rng(1), side=side, resamples=19_999)
    assert "random" in drawn.method
    assert exact.value == pytest.approx(drawn.value, abs=0.02)


def test_rounding_does_not_hide_ties() -> None:
    """Thirds as floating point leaves them are still thirds."""
    d = np.array([1 / 3, 2 / 3 - 1 / 3, 1 - 2 / 3, -1 / 3, -(1 - 2 / 3)] * 6)
    assert len(set(np.abs(d).tolist())) > 1
    found = sign_flip(d, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(float(mcnemar_exact(18, 12)[0]))


@given(st.lists(SCORE, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_order_and_sign_change_nothing(d: list[float], random: object) -> None:
    """Cases in another order give the same p-value; swapped models the same two-sided one."""
    shuffled = list(d)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    p, other, mirrored = (
        sign_flip(x, rng=np.random.default_rng(3), resamples=499).value
        for x in (d, shuffled, [-x for x in d])
    )
    assert p == other == mirrored


@given(st.lists(SCORE, min_size=2, max_size=29), st.sampled_from([0.8, 0.9, 0.95]))
def test_interval_excludes_zero_exactly_when_its_test_rejects(d: list[float], level: float) -> None:
    """The interval holds exactly the means that the test keeps."""
    test = subset_means(case_units(d), rng=np.random.default_rng(5), resamples=1_999)
    interval = test.interval(level=level)
    if isinstance(interval, NotEstimable):
        assert test.p_value().value > 1 - level
        return
    rejects = test.p_value().value <= 1 - level + 1e-12
    assert (interval.low > 0 or interval.high < 0) == rejects


@given(st.lists(SCORE, min_size=6, max_size=29), st.randoms(use_true_random=False))
def test_interval_mirrors_and_ignores_order(d: list[float], random: object) -> None:
    """Swapping the models mirrors the interval exactly, even where subsets are drawn at random."""
    shuffled = list(d)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other, mirror = (
        subset_means(case_units(x), rng=np.random.default_rng(5), resamples=1_999).interval(
            level=0.9
        )
        for x in (d, shuffled, [-x for x in d])
    )
    assert isinstance(one, Interval)
    assert isinstance(mirror, Interval)
    assert one == other
    assert (one.low, one.high) == (-mirror.high, -mirror.low)


def test_limits_are_the_edge_of_rejection() -> None:
    """Just outside a limit the test rejects, at the limit it does not."""
    d = [0.49, -0.67, 0.08, 0.16, 0.06, 0.23, 0.28, 0.41, 0.14, 0.29, 0.56, 0.24, 0.75, 0.6, -0.48]
    test = subset_means(case_units(d), rng=np.random.default_rng(0))
    interval = test.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert test.p_value(null=interval.low - 1e-6, side="greater").value <= 0.025
    assert test.p_value(null=interval.low, side="greater").value > 0.025
    assert test.p_value(null=interval.high + 1e-6, side="less").value <= 0.025
    assert test.p_value(null=interval.high, side="less").value > 0.025


def test_clusters_are_flipped_whole() -> None:
    """Five clusters that all gain give 2/32, however many cases they hold."""
    units = cluster_units([0.5, 0.25, 0.5, 0.25, 1, 1, 0.5, 0.5], [0, 0, 1, 1, 2, 2, 3, 4])
    assert sign_flip(units.sums, rng=np.random.default_rng(0)).value == 2 / 32
    assert subset_means(units, rng=np.random.default_rng(0)).p_value().value == 2 / 32


def test_four_equal_gains_are_no_proof() -> None:
    """Equal differences have no spread, yet four of them are as likely as two heads in four."""
    assert sign_flip([0.25] * 4, rng=np.random.default_rng(0)).value == 0.125


@pytest.mark.parametrize("d", [[], [0.0], [0.0] * 100])
def test_nothing_differs(d: list[float]) -> None:
    """Without a difference there is nothing against the null."""
    assert sign_flip(d, rng=np.random.default_rng(0)).value == 1.0


def test_rounding_is_no_difference() -> None:
    """A sum of thirds that cancels but for the last bit is a unit that did not change."""
    third = 1 / 3
    almost = (1 - 2 * third) - third
    assert almost != 0
    units = [third] * 20 + [-third] * 5
    plain = sign_flip(units, rng=np.random.default_rng(0))
    assert sign_flip([*units, almost], rng=np.random.default_rng(0)) == plain


def test_two_cases_exclude_nothing() -> None:
    """Four flips cannot put anything outside a 90 % interval, and it says so."""
    found = subset_means(case_units([0.5, 0.4]), rng=np.random.default_rng(0)).interval(level=0.9)
    assert isinstance(found, NotEstimable)
    assert "too few cases" in found.why


def test_random_flips_never_give_zero() -> None:
    """However extreme the data, a random p-value is at least 1 / (flips + 1)."""
    few_kinds = np.repeat(np.linspace(0.5, 0.6, 300) ** 1.5, 200)
    assert sign_flip(few_kinds, rng=np.random.default_rng(0), resamples=999).value == 1 / 1000


def test_long_grid_laws_are_drawn() -> None:
    """A law of more than 30,000 steps is sampled, a step at a time for each size of difference."""
    d = np.tile([1.0, -1.0, 1 / 7, -1 / 7], 4_000)
    found = sign_flip(d, rng=np.random.default_rng(0), resamples=999)
    assert "random" in found.method
    assert found.value > 0.9
