"""Group-sequential bounds: published constants, error by simulation of the walk, and stops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from evalkit.stats.group_sequential import (
    Spending,
    _more_extreme,
    classic_design,
    drift_for_power,
    obrien_fleming_spending,
    pocock_spending,
    power_spending,
    repeated_interval,
    spending_design,
    stagewise_interval,
    stagewise_p,
    stopping,
    with_futility,
)
from evalkit.stats.values import Interval, NotEstimable

Reference = dict[str, dict[str, Any]]
FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]
SPENDINGS: dict[str, Spending] = {
    "O'Brien-Fleming": obrien_fleming_spending,
    "Pocock": pocock_spending,
    "cubic": power_spending(3),
}


def test_pocock_constant(reference: Reference) -> None:
    """Five looks, two-sided 5 %: 2.413 at each [Jennison & Turnbull 2000, Table 2.1]."""
    entry = reference["pocock_K5"]
    design = classic_design(entry["inputs"]["K"], alpha=entry["inputs"]["alpha"] / 2)
    assert list(design.upper) == pytest.approx(entry["expected"] * 5, abs=entry["tolerance"])


def test_obrien_fleming_constant(reference: Reference) -> None:
    """Five looks, two-sided 5 %: 2.040 sqrt(5/k) [Jennison & Turnbull 2000, Table 2.3]."""
    entry = reference["obf_K5"]
    design = classic_design(5, shape=0.0, alpha=entry["inputs"]["alpha"] / 2)
    assert design.upper[-1] == pytest.approx(entry["expected"]["C"], abs=entry["tolerance"])
    assert list(design.upper) == pytest.approx(entry["expected"]["z"], abs=entry["tolerance"])


@pytest.mark.parametrize("two_sided", [False, True])
def test_lan_demets_bounds(two_sided: bool, reference: Reference) -> None:
    """Spending of O'Brien and Fleming's type; a bound on the other side changes no digit of it."""
    entry = reference["lan_demets_obf_K5"]
    alpha = entry["inputs"]["alpha_one_sided"]
    design = spending_design(FIFTHS, alpha=alpha, two_sided=two_sided)
    assert list(design.upper) == pytest.approx(entry["expected"], abs=entry["tolerance"])


def test_futility_of_gsdesign() -> None:
    """Non-binding futility bounds agree with an integration on gsDesign's grid.

    Upper bounds of gsDesign's sfLDOF; both rows by root-finding on h1 and hupdate (r = 80) of the
    package gsdesign 0.1.5 from PyPI, one-sided alpha .025, beta .1, looks at thirds, drift 3.2951.
    """
    upper, lower = [3.7103031, 2.5114275, 1.9930475], [-0.7183797, 0.9687465]
    plain = spending_design([1 / 3, 2 / 3, 1.0], alpha=0.025)
    assert list(plain.upper) == pytest.approx(upper, abs=1e-6)
    design = with_futility(plain, drift=3.2951, beta=0.1)
    assert design.futility is not None
    assert list(design.futility)[:2] == pytest.approx(lower, abs=1e-6)
    assert design.futility[-1] == design.upper[-1]


def test_one_look_is_the_plain_test() -> None:
    """A single look at the end has the normal quantile, its power and all of the cases."""
    design = spending_design([1.0], alpha=0.05)
    assert design.upper[0] == pytest.approx(1.6448536, abs=1e-6)
    found = stopping(design, drift=2.0)
    assert found.upper.sum() == pytest.approx(float(ndtr(2.0 - 1.6448536)), abs=1e-6)
    assert found.expected_fraction == pytest.approx(1.0)
    assert drift_for_power(design, power=0.8) == pytest.approx(1.6448536 + 0.8416212, abs=1e-6)


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True),
    st.sampled_from(sorted(SPENDINGS)),
    st.sampled_from([0.01, 0.025, 0.05]),
    st.booleans(),
)
def test_unequal_looks_spend_what_they_should(
    steps: list[int], name: str, alpha: float, two_sided: bool
) -> None:
    """Whatever the looks, the chance of stopping up to each is what the function has spent."""
    times = np.array(sorted(steps)) / 40
    design = spending_design(
        times.tolist(), alpha=alpha, spending=SPENDINGS[name], two_sided=two_sided
    )
    found = stopping(design)
    spent = SPENDINGS[name](times, alpha)
    np.testing.assert_allclose(np.cumsum(found.upper), spent, atol=1e-9)
    if two_sided:
        np.testing.assert_allclose(found.lower, found.upper, atol=1e-9)


@pytest.mark.parametrize("name", SPENDINGS)
def test_spending_ends_at_alpha(name: str) -> None:
    """All of the level is spent at full information, none at the start."""
    spent = SPENDINGS[name](np.array([1e-9, 0.3, 0.7, 1.0]), 0.04)
    assert spent[0] == pytest.approx(0.0, abs=1e-9)
    assert spent[-1] == pytest.approx(0.04)
    assert (np.diff(spent) > 0).all()


def test_a_bound_does_not_depend_on_later_looks() -> None:
    """Another plan for the future leaves the bounds so far as they were."""
    early = spending_design([0.3, 0.5], alpha=0.05)
    late = spending_design([0.3, 0.5, 0.51, 1.0], alpha=0.05)
    assert list(late.upper[:2]) == pytest.approx(early.upper, abs=1e-9)


def test_chances_of_a_simulated_walk() -> None:
    """200,000 simulated walks stop where the integration says, with futility and a drift."""
    plain = spending_design([0.1, 0.35, 0.5, 1.0], alpha=0.05)
    drift = drift_for_power(plain, power=0.8)
    design = with_futility(plain, drift=drift, beta=0.2)
    rng = np.random.default_rng(5)
    at = np.array(design.times)
    steps = np.diff(at, prepend=0.0)
    for true in (0.0, drift):
        moves = rng.normal(size=(200_000, 4)) * np.sqrt(steps) + true * steps
        z = np.cumsum(moves, axis=1) / np.sqrt(at)
        outside = (z > design.upper) | (z < design.lower)
        first = np.where(outside.any(axis=1), outside.argmax(axis=1), 3)
        above = z[np.arange(len(z)), first] > np.array(design.upper)[first]
        found = stopping(design, drift=true)
        for k in range(4):
            share = float((above & (first == k)).mean())
            assert found.upper[k] == pytest.approx(share, abs=0.005)
        assert found.expected_fraction == pytest.approx(float(at[first].mean()), abs=0.004)


def test_futility_costs_no_level_and_the_power_it_states() -> None:
    """Obeyed or not, alpha holds; under the drift no more than beta is lost."""
    plain = spending_design(FIFTHS, alpha=0.05)
    drift = drift_for_power(plain, power=0.9)
    design = with_futility(plain, drift=drift, beta=0.1)
    assert stopping(design).upper.sum() < 0.05
    assert stopping(plain).upper.sum() == pytest.approx(0.05, abs=1e-9)
    assert 0.87 < stopping(design, drift=drift).upper.sum() < 0.9
    assert stopping(design).expected_fraction < 0.75
    with pytest.raises(ValueError, match="one-sided"):
        with_futility(classic_design(3), drift=2.0)


def test_many_looks_are_integrated_too() -> None:
    """100 looks: the level is met, and the last bound nears 1.96, that of looking all the time.

    P(max of a Brownian path > c) = 2 (1 - Phi(c)), and O'Brien-Fleming spending is made from it.
    """
    design = spending_design((np.arange(1, 101) / 100).tolist(), alpha=0.05)
    assert stopping(design).upper.sum() == pytest.approx(0.05, abs=1e-9)
    assert 1.88 < design.upper[-1] < 1.96


def test_nothing_to_spend_is_no_stop() -> None:
    """A look so early that no level is spent has an infinite bound and no repeated interval."""
    design = spending_design([0.001, 1.0], alpha=0.05)
    assert math.isinf(design.upper[0])
    assert isinstance(repeated_interval(design, 0, estimate=0.1, standard_error=0.1), NotEstimable)
    assert stopping(design).upper.sum() == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("times", [[], [0.0, 1.0], [0.5, 0.5], [0.5, 1.2], [0.6, 0.4]])
def test_looks_must_rise(times: list[float]) -> None:
    """Information fractions rise within (0, 1]."""
    with pytest.raises(ValueError, match="rise"):
        spending_design(times)


def test_stagewise_at_the_first_look_is_the_plain_interval() -> None:
    """Nothing came before, so z decides alone."""
    design = spending_design([0.5, 1.0], alpha=0.05)
    found = stagewise_interval(design, 0, estimate=0.06, standard_error=0.02, level=0.9)
    assert isinstance(found, Interval)
    reach = float(ndtri(0.95)) * 0.02
    assert (found.low, found.high) == pytest.approx((0.06 - reach, 0.06 + reach), abs=1e-8)
    assert stagewise_p(design, 0, z=3.0).value == pytest.approx(1 - float(ndtr(3.0)), abs=1e-10)


@settings(max_examples=20)
@given(st.floats(-3, 5), st.integers(0, 2), st.booleans())
def test_the_stagewise_interval_inverts_its_p(z: float, look: int, two_sided: bool) -> None:
    """Its lower limit is above the null exactly when the p-value is below the tail."""
    design = spending_design([0.4, 0.7, 1.0], alpha=0.05, two_sided=two_sided)
    found = stagewise_interval(design, look, estimate=z / 10, standard_error=0.1, level=0.9)
    assert isinstance(found, Interval)
    p = stagewise_p(design, look, z=z).value
    if abs(p - 0.05) > 1e-6:
        assert (found.low > 0) == (p < 0.05)
    assert found.low < found.high


@settings(max_examples=20)
@given(st.floats(-3, 4))
def test_a_stop_proves_exactly_beyond_its_bound(z: float) -> None:
    """At the last look the stagewise p-value is below alpha exactly for z above the bound."""
    design = spending_design([0.4, 1.0], alpha=0.05)
    if abs(z - design.upper[1]) > 1e-6:
        assert (stagewise_p(design, 1, z=z).value < 0.05) == (z > design.upper[1])
    repeated = repeated_interval(design, 1, estimate=z / 10, standard_error=0.1)
    assert isinstance(repeated, Interval)
    assert repeated.level == pytest.approx(0.9)
    if abs(z - design.upper[1]) > 1e-6:
        assert (repeated.low > 0) == (z > design.upper[1])


def test_stagewise_intervals_cover() -> None:
    """At a 90 % level the true drift is inside in 90 % of 1,500 stopped walks, give or take."""
    design = spending_design([0.3, 0.6, 1.0], alpha=0.05, two_sided=True)
    rng = np.random.default_rng(11)
    at = np.array(design.times)
    steps = np.diff(at, prepend=0.0)
    z = np.cumsum(rng.normal(size=(1_500, 3)) * np.sqrt(steps) + 1.5 * steps, axis=1)
    z /= np.sqrt(at)
    outside = np.abs(z) > np.array(design.upper)
    first = np.where(outside.any(axis=1), outside.argmax(axis=1), 2)
    p = [
        _more_extreme(design, int(k), z=row[k], drift=1.5, futile=False)
        for k, row in zip(first, z, strict=True)
    ]
    held = sum(0.05 <= value <= 0.95 for value in p)
    assert held / 1_500 == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize(("estimate", "error"), [(0.1, 0.0), (math.nan, 0.1), (0.1, math.nan)])
def test_a_stop_without_a_spread_is_not_estimable(estimate: float, error: float) -> None:
    """A standard error of 0, or no number, gives no interval."""
    design = spending_design([0.5, 1.0])
    found = stagewise_interval(design, 1, estimate=estimate, standard_error=error)
    assert isinstance(found, NotEstimable)
