"""Power for scores: noncentral t where one bound matters, and edges."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import nctdtr, stdtrit

from evalkit.stats.exact_power import Claim
from evalkit.stats.power import Cases, Planned, cases_for_gain, cases_for_margin, smallest_margin
from evalkit.stats.score_power import (
    ScoreDesign,
    score_cases,
    score_power,
    score_smallest_gain,
    score_smallest_margin,
)
from evalkit.stats.values import NotEstimable


def value(found: object) -> float:
    """Return the figure that must be there."""
    assert isinstance(found, Planned)
    return found.value


def number(found: object) -> int:
    """Return the number of cases that must be there."""
    assert isinstance(found, Cases)
    return found.n


@given(n=st.integers(2, 3_000), margin=st.floats(0.001, 1), difference=st.floats(-0.5, 0.5))
def test_one_bound_is_the_noncentral_t(n: int, margin: float, difference: float) -> None:
    """The integral over the standard error's law agrees with scipy's distribution."""
    design = ScoreDesign(n, 0.04, difference)
    noncentral = (difference + margin) / design.standard_error
    assume(abs(noncentral) < 35)  # beyond, scipy's is nan
    expected = 1 - nctdtr(n - 1, noncentral, -stdtrit(n - 1, 0.05))
    found = value(score_power(design, Claim("non_inferior", margin)))
    assert found == pytest.approx(expected, abs=5e-6)


@given(n=st.integers(2, 500), gain=st.floats(0, 0.5))
def test_any_gain_is_the_two_sided_t_test(n: int, gain: float) -> None:
    """Of its two tails the one above counts."""
    design = ScoreDesign(n, 0.04, gain)
    assume(gain / design.standard_error < 35)
    expected = 1 - nctdtr(n - 1, gain / design.standard_error, -stdtrit(n - 1, 0.025))
    assert value(score_power(design, Claim("superior", 0.0))) == pytest.approx(expected, abs=5e-6)


@given(n=st.integers(2, 500), difference=st.floats(-0.3, 0.3))
def test_equivalence_is_symmetric(n: int, difference: float) -> None:
    """Swapping base and candidate changes nothing, and two claims at once are the harder ones."""
    claim = Claim("equivalent", 0.1)
    here, there = (
        value(score_power(ScoreDesign(n, 0.04, d), claim)) for d in (difference, -difference)
    )
    assert here == pytest.approx(there, abs=1e-9)
    one = score_power(ScoreDesign(n, 0.04, difference), Claim("non_inferior", 0.1))
    assert here <= value(one) + 1e-9


@pytest.mark.parametrize(("n", "margin", "expected"), [(36, 0.1, 0.805149), (12, 0.15, 0.571819)])
def test_equivalence_by_quadrature(n: int, margin: float, expected: float) -> None:
    """Two one-sided t tests, sd .2: Owen's integral by scipy 1.17.1's quad over the chi density."""
    found = score_power(ScoreDesign(n, 0.04), Claim("equivalent", margin))
    assert value(found) == pytest.approx(expected, abs=1e-6)


def test_power_of_another_package() -> None:
    """12 cases, half a standard deviation, one-sided: statsmodels 0.15.0 TTestPower().power."""
    found = score_power(ScoreDesign(12, 0.04), Claim("non_inferior", 0.1))
    assert value(found) == pytest.approx(0.491884, abs=1e-6)


def test_cases_of_another_package() -> None:
    """Statsmodels 0.15.0 TTestPower().solve_power: 100.29 one-sided at .25 sd, 33.37 two-sided."""
    assert number(score_cases(Claim("non_inferior", 0.05), ScoreDesign(1, 0.04))) == 101
    assert number(score_cases(Claim("superior", 0.0), ScoreDesign(1, 0.04, 0.1))) == 34


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("size", [1.0, 25.0])
def test_cases_are_just_enough(margin: float, size: float) -> None:
    """The power is reached with them and not with one unit fewer; never fewer than z says."""
    claim, shape = Claim("non_inferior", margin), ScoreDesign(1, 0.04, 0.0, size, 0.2)
    n = number(score_cases(claim, shape))
    assert n % size == 0
    assert value(score_power(replace(shape, n=n), claim)) >= 0.8
    fewer = score_power(replace(shape, n=n - int(size)), claim)
    assert isinstance(fewer, NotEstimable) or fewer.value < 0.8
    usual = cases_for_margin(margin, 0.04 * shape.design_effect)
    assert usual is not None
    assert n >= usual.n


def test_few_clusters_need_far_more_than_z_says() -> None:
    """20 points, sd .2, 25 cases a cluster, ICC .2: 4 clusters (100 cases), where z says 36."""
    design = ScoreDesign(1, 0.04, 0.0, 25, 0.2)
    assert design.design_effect == pytest.approx(5.8)
    found = score_cases(Claim("non_inferior", 0.2), design)
    assert found == Cases(100, "noncentral t on clusters (CR1)")
    usual = cases_for_margin(0.2, 0.04 * 5.8)
    assert usual is not None
    assert usual.n == 36


def test_many_cases_are_the_normal_approximation() -> None:
    """Where degrees of freedom no longer matter the two agree to a case or two."""
    usual = cases_for_gain(0.02, 0.04)
    assert usual is not None
    found = number(score_cases(Claim("superior", 0.0), ScoreDesign(1, 0.04, 0.02)))
    assert 0 <= found - usual.n <= 2


@given(n=st.integers(4, 2_000))
def test_the_smallest_margin_is_just_enough(n: int) -> None:
    """The power is reached at it, and not at less; above what z says."""
    design = ScoreDesign(n, 0.04)
    margin = value(score_smallest_margin(design))
    assert value(score_power(design, Claim("non_inferior", margin))) == pytest.approx(0.8)
    usual = smallest_margin(n, 0.04)
    assert usual is not None
    assert margin > usual


def test_the_smallest_gain() -> None:
    """Shown with the power asked for."""
    gain = value(score_smallest_gain(ScoreDesign(50, 0.04)))
    shown = score_power(ScoreDesign(50, 0.04, gain), Claim("superior", 0.0))
    assert value(shown) == pytest.approx(0.8)


@pytest.mark.parametrize(
    "design",
    [
        ScoreDesign(0, 0.04),
        ScoreDesign(1, 0.04),
        ScoreDesign(25, 0.04, 0.0, 25),
        ScoreDesign(10, 0.0),
        ScoreDesign(10, math.nan),
        ScoreDesign(10, math.inf),
        ScoreDesign(10, 0.04, math.nan),
        ScoreDesign(10, 0.04, 0.0, 0.5),
        ScoreDesign(10, 0.04, 0.0, math.nan),
        ScoreDesign(10, 0.04, 0.0, 3, math.nan),
    ],
)
def test_no_spread_no_power(design: ScoreDesign) -> None:
    """Fewer than two units, or no variance: a reason instead of a number."""
    assert isinstance(score_power(design, Claim("non_inferior", 0.1)), NotEstimable)
    assert isinstance(score_smallest_margin(design), NotEstimable)


def test_what_no_number_of_cases_shows() -> None:
    """A claim that is not true, or a variance that is none, has no n."""
    assert isinstance(
        score_cases(Claim("non_inferior", 0.1), ScoreDesign(1, 0.04, -0.1)), NotEstimable
    )
    assert isinstance(score_cases(Claim("superior", 0.0), ScoreDesign(1, 0.04)), NotEstimable)
    assert isinstance(score_cases(Claim("non_inferior", 0.1), ScoreDesign(1, 0.0)), NotEstimable)
