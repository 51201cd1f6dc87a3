"""The generalisation gap: Welch where spreads can be read, score limits where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.gap import Gap, SquareAndAdd, generalisation_gap
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable, PValue


def gap_of(train: Units, heldout: Units, seed: int = 0) -> Gap:
    """Return the gap with a fixed seed and few shuffles."""
    return generalisation_gap(train, heldout, rng=np.random.default_rng(seed), resamples=999)


def interval_of(gap: Gap, level: float = 0.9) -> Interval:
    """Return the interval of a gap that must have one."""
    assert not isinstance(gap.procedure, NotEstimable)
    found = gap.procedure.interval(level=level)
    assert isinstance(found, Interval)
    return found


def test_welch_by_hand() -> None:
    """Mean difference, squared errors added, Satterthwaite's degrees of freedom."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.3, 0.2, 40), rng.normal(0.1, 0.3, 60)
    found = gap_of(case_units(x), case_units(y))
    v1, v2 = x.var(ddof=1) / 40, y.var(ddof=1) / 60
    assert found.gap == pytest.approx(x.mean() - y.mean())
    assert not isinstance(found.procedure, NotEstimable)
    assert found.procedure.method == "Welch"
    interval = interval_of(found, 0.95)
    assert (interval.high - interval.low) / 2 == pytest.approx(1.99 * np.sqrt(v1 + v2), rel=0.005)


@pytest.mark.parametrize("kind", ["few values", "many values"])
def test_permutation_follows_welch(kind: str) -> None:
    """On well-behaved data the shuffles give nearly the p-value of Welch's test."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.12, 0.3, 80), rng.normal(0.0, 0.3, 120)
    if kind == "few values":
        x, y = np.rint(x * 4) / 4, np.rint(y * 4) / 4
    found = gap_of(case_units(x), case_units(y))
    assert isinstance(found.permutation, PValue)
    assert not isinstance(found.procedure, NotEstimable)
    assert found.permutation.value == pytest.approx(found.procedure.p_value().value, abs=0.02)
    again = gap_of(case_units(x), case_units(y))
    assert again == found


def test_pure_memorisation_is_seen_and_not_certain() -> None:
    """All trained cases gained and no other: a gap of 1 whose interval has width."""
    found = gap_of(case_units(np.ones(50)), case_units(np.zeros(40)))
    interval = interval_of(found)
    assert found.gap == 1.0
    assert 0.8 < interval.low < 1.0 < interval.high
    assert not isinstance(found.procedure, NotEstimable)
    assert found.procedure.p_value().value < 1e-6
    assert found.permutation == PValue(1 / 1000, "studentised permutation, 999 shuffles")


def test_no_change_anywhere_is_no_gap() -> None:
    """Nothing changed on either side: a gap of 0, within limits that have width."""
    found = gap_of(case_units(np.zeros(30)), case_units(np.zeros(30)))
    interval = interval_of(found)
    assert interval.low < 0 < interval.high
    assert isinstance(found.permutation, PValue)
    assert found.permutation.value == 1.0


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_score_limits_and_their_p_value_agree(level: float) -> None:
    """The p-value is the level at which an end of the interval meets the null."""
    found = gap_of(case_units([1.0] * 4 + [0.0] * 26), case_units([0.0] * 30))
    assert isinstance(found.procedure, SquareAndAdd)
    p = found.procedure.p_value().value
    assert (interval_of(found, level).low > 0) == (p < 1 - level)
    assert found.procedure.p_value(side="greater").value == pytest.approx(p / 2)
    assert found.procedure.p_value(side="less").value == pytest.approx(1 - p / 2)


def test_clusters_widen_the_gap() -> None:
    """Ten clusters of ten equal cases know no more than ten cases."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(0.2, 0.3, 12), rng.normal(0.0, 0.3, 14)
    plain = gap_of(case_units(x), case_units(y))
    often = gap_of(
        cluster_units(np.repeat(x, 10), np.repeat(np.arange(12), 10)),
        cluster_units(np.repeat(y, 10), np.repeat(np.arange(14), 10)),
    )
    one, other = interval_of(plain), interval_of(often)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


@pytest.mark.parametrize(
    ("train", "heldout", "why"),
    [
        (case_units([]), case_units([0.5]), "no trained case was answered by both models"),
        (case_units([0.5]), case_units([]), "no held-out case was answered by both models"),
    ],
)
def test_an_empty_side_gives_no_gap(train: Units, heldout: Units, why: str) -> None:
    """Without cases on a side there is no gap, and the reason names the side."""
    found = gap_of(train, heldout)
    assert found == Gap(None, NotEstimable(why), NotEstimable(why))


@pytest.mark.parametrize("side", ["trained", "held-out"])
def test_one_cluster_on_a_side_is_refused(side: str) -> None:
    """A side that is one cluster has no spread."""
    one = cluster_units([0.5, 0.25], ["a", "a"])
    two = cluster_units([0.5, 0.25], ["a", "b"])
    found = gap_of(one, two) if side == "trained" else gap_of(two, one)
    assert found.procedure == NotEstimable(f"all {side} cases are in one cluster, two are needed")
    assert isinstance(found.permutation, NotEstimable)
    assert found.gap is not None


def test_single_cases_still_have_an_interval() -> None:
    """One case a side: the widest of intervals, and no permutation."""
    found = gap_of(case_units([1.0]), case_units([0.0]))
    interval = interval_of(found)
    assert interval.low < 0.1
    assert interval.high > 1.0
    assert isinstance(found.permutation, NotEstimable)
