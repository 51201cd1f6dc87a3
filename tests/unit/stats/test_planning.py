"""Cases and margins: the formulas of the design, their exact counterparts, and their edges."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.flips import flip_rates
from evalkit.stats.multiplicity import holm
from evalkit.stats.power import (
    cases_for_binary_gain,
    cases_for_gain,
    cases_for_margin,
    mcnemar_power,
    smallest_margin,
)
from evalkit.stats.proportions import clopper_pearson, rule_of_three, wilson
from evalkit.stats.values import FlipRates, Interval, NotEstimable


@pytest.mark.parametrize(("margin", "n"), [(0.02, 1546), (0.03, 687), (0.05, 248)])
def test_cases_for_a_margin(margin: float, n: int) -> None:
    """10 % churn, 80 % power, one-sided 5 %: the design's own table."""
    found = cases_for_margin(margin, 0.1)
    assert found is not None
    assert found.n == n


@pytest.mark.parametrize(("gain", "asymptotic"), [(0.02, 1960), (0.03, 870), (0.05, 312)])
def test_cases_for_a_binary_gain(gain: float, asymptotic: int) -> None:
    """The exact test needs more than Connor's formula says, and just enough for its power."""
    found = cases_for_binary_gain(gain, 0.1)
    assert found is not None
    assert found.method == "exact power"
    assert asymptotic < found.n < 1.12 * asymptotic
    assert mcnemar_power(found.n, 0.1, gain=gain) >= 0.8
    assert mcnemar_power(found.n - 1, 0.1, gain=gain) < 0.8


def test_exact_power_at_connors_number() -> None:
    """870 cases for 3 points at 10 % churn have an exact power of .776 (enumerated)."""
    assert mcnemar_power(870, 0.1, gain=0.03) == pytest.approx(0.776, abs=5e-4)


def test_large_numbers_come_from_the_formula() -> None:
    """Above 3,000 cases nothing is enumerated."""
    found = cases_for_binary_gain(0.005, 0.1)
    assert found is not None
    assert found.method == "Connor's formula"
    assert found.n == pytest.approx(31_390, abs=20)


def test_exact_level_of_mcnemar() -> None:
    """Without a gain the power is the type I error, and never above its level."""
    for n in (10, 50, 200):
        for churn in (0.05, 0.3, 1.0):
            assert mcnemar_power(n, churn, gain=0.0, one_sided=True) <= 0.05
    assert mcnemar_power(20, 0.0, gain=0.0) == 0.0


def test_smallest_margin() -> None:
    """100 cases at 10 % churn certify 7.9 points; none certify nothing."""
    assert smallest_margin(100, 0.1) == pytest.approx(0.079, abs=5e-4)
    assert smallest_margin(0, 0.1) is None


def test_nothing_certifies_a_change_of_nothing() -> None:
    """A margin or gain of 0 has no number of cases."""
    assert cases_for_margin(0.0, 0.1) is None
    assert cases_for_gain(0.0, 0.1) is None
    assert cases_for_binary_gain(0.0, 0.1) is None


def test_a_gain_is_part_of_the_churn() -> None:
    """Churn below the gain is impossible and counts as the gain."""
    assert cases_for_binary_gain(0.3, 0.1) == cases_for_binary_gain(0.3, 0.3)
    whole = cases_for_binary_gain(1.0, 1.0)
    assert whole is not None
    assert whole.n == 6


@pytest.mark.parametrize("n", [1, 12, 60, 300])
def test_rule_of_three_is_the_exact_bound(n: int) -> None:
    """With none in n the upper limit is 1 - .05^(1/n), near 3/n and equal to Clopper-Pearson's."""
    exact = clopper_pearson(0, n, level=0.9)
    assert isinstance(exact, Interval)
    assert rule_of_three(n) == pytest.approx(exact.high)
    assert rule_of_three(n) <= 3 / n
    assert rule_of_three(0) == 1.0


@pytest.mark.parametrize("method", [wilson, clopper_pearson])
def test_proportions_at_the_edges(method: object) -> None:
    """None, all, or no case at all: limits in [0, 1] with width, or a reason."""
    assert callable(method)
    assert method(0, 0) == NotEstimable("no case")
    for successes, n in ((0, 1), (1, 1), (0, 40), (40, 40)):
        found = method(successes, n)
        assert isinstance(found, Interval)
        assert 0 <= found.low < found.high <= 1
        assert found.low == 0 if successes == 0 else found.high == pytest.approx(1)


def test_holm_counts_what_it_leaves_out() -> None:
    """Missing tests are no part of the family, and are counted."""
    found = holm([0.01, None, 0.04, float("nan"), 0.03])
    assert [p and round(p, 12) for p in found.values] == [0.03, None, 0.06, None, 0.06]
    assert (found.tested, found.excluded) == (3, 2)


def test_holm_of_nothing() -> None:
    """No test, no family."""
    assert holm([]).values == ()
    assert holm([None]).tested == 0


def test_holm_keeps_order_and_never_lowers() -> None:
    """Adjusted p-values stand where the raw ones stood and are at least as large."""
    raw = np.random.default_rng(0).uniform(0, 1, 50).tolist()
    adjusted = [p for p in holm(raw).values if p is not None]
    assert all(a >= r for a, r in zip(adjusted, raw, strict=True))
    assert sorted(range(50), key=lambda i: raw[i]) == sorted(
        range(50), key=lambda i: (adjusted[i], raw[i])
    )


def test_flip_rates_of_a_real_fine_tune() -> None:
    """A net gain can hide that a third of the right answers were lost (GSM8K, design A15)."""
    found = flip_rates(266, 208, lost=152, neither=693)
    assert isinstance(found, FlipRates)
    assert found.fixed - found.broken == pytest.approx(0.0425, abs=5e-4)
    assert found.broken == pytest.approx(0.115, abs=5e-4)
    assert found.churn == pytest.approx(0.273, abs=5e-4)
    assert found.broken_interval is not None
    assert found.broken_interval.low < found.broken < found.broken_interval.high
    assert found.relative_broken is not None
    assert 0 < found.relative_broken < 1


def test_flip_rates_at_the_edges() -> None:
    """Nothing to break and no error have no relative rate; no case has no rate at all."""
    perfect = flip_rates(10, 0, lost=0, neither=0)
    assert isinstance(perfect, FlipRates)
    assert perfect.relative_broken is None
    assert flip_rates(0, 0, lost=0, neither=0) == NotEstimable("no case")
