"""Confidence sequences: published numbers, inversion of their tests, and degenerate counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln

from evalkit.stats.confidence_sequences import (
    log_normal_mixture,
    mean_confidence_sequence,
    mixture_weight,
    normal_mixture_boundary,
    rate_confidence_sequence,
)
from evalkit.stats.proportions import wilson
from evalkit.stats.values import Interval

Reference = dict[str, dict[str, Any]]


def test_normal_mixture_of_the_reference(reference: Reference) -> None:
    """Weight, log martingale and boundary as in confseq's own unit tests."""
    entry = reference["cs_normal_mixture"]
    i = entry["inputs"]
    rho = mixture_weight(i["v_opt"], alpha=i["alpha"])
    found = [
        rho,
        float(log_normal_mixture(i["s"], i["v"], rho=rho)[0]),
        float(normal_mixture_boundary(i["v"], rho=rho, alpha=i["alpha"])[0]),
    ]
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"])


@pytest.mark.parametrize("name", ["cs_bernoulli_1", "cs_bernoulli_2"])
def test_rates_of_the_reference(name: str, reference: Reference) -> None:
    """700 of 1,000 and 15 of 50; 1.5 to 1.7 times as wide as Wilson's interval."""
    entry = reference[name]
    i = entry["inputs"]
    found = rate_confidence_sequence(
        i["successes"], i["n"], level=1 - i["alpha"], tuned_for=i["t_opt"]
    ).at()
    assert (found.low, found.high) == pytest.approx(entry["expected"], abs=entry["tolerance"])
    fixed = wilson(i["successes"], i["n"])
    assert isinstance(fixed, Interval)
    assert 1.5 < (found.high - found.low) / (fixed.high - fixed.low) < 1.7


@given(st.floats(-30, 30), st.floats(0, 500), st.floats(0.5, 50))
def test_the_mixture_is_what_it_says(total: float, variance: float, rho: float) -> None:
    """Integrating exp(t S - t^2 V / 2) over t ~ N(0, 1/rho) gives the closed form."""
    centre = total / (variance + rho)
    width = 1 / math.sqrt(variance + rho)

    def ratio(t: float) -> float:
        log = t * total - t * t * (variance + rho) / 2 - total * centre / 2
        return math.exp(log) * math.sqrt(rho / (2 * math.pi))

    value, _ = quad(ratio, centre - 12 * width, centre + 12 * width)
    found = float(log_normal_mixture(total, variance, rho=rho)[0])
    assert found == pytest.approx(math.log(value) + total * centre / 2, abs=1e-6)


@given(st.floats(0.1, 1000), st.floats(0.5, 50), st.sampled_from([0.2, 0.05, 0.001]))
def test_the_boundary_is_where_the_mixture_rejects(v: float, rho: float, alpha: float) -> None:
    """At the boundary the martingale is exactly 1/alpha."""
    edge = normal_mixture_boundary(v, rho=rho, alpha=alpha)
    assert float(log_normal_mixture(edge, v, rho=rho)[0]) == pytest.approx(-math.log(alpha))


@given(st.integers(0, 80), st.integers(0, 80), st.sampled_from([0.8, 0.9, 0.95]))
def test_rates_mirror_and_hold_the_observed_one(s: int, f: int, level: float) -> None:
    """Successes and failures swap the limits; the observed rate always lies inside."""
    one = rate_confidence_sequence(s, s + f, level=level).at()
    other = rate_confidence_sequence(f, s + f, level=level).at()
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)
    assert 0 <= one.low <= s / max(s + f, 1) <= one.high <= 1


@given(st.integers(2, 60), st.integers(2, 60))
def test_rate_limits_are_where_the_bet_pays(s: int, f: int) -> None:
    """At a limit inside (0, 1) the likelihood ratio of the beta-binomial is 1/alpha."""
    found = rate_confidence_sequence(s, s + f, level=0.9, tuned_for=50).at()
    weight = mixture_weight(50, alpha=0.1) - 1
    for p in {found.low, found.high} - {0.0, 1.0}:
        a, b = weight * p, weight * (1 - p)
        ratio = betaln(s + a, f + b) - betaln(a, b) - s * math.log(p) - f * math.log1p(-p)
        assert ratio == pytest.approx(math.log(10), abs=1e-6)


def test_rates_without_a_case_say_nothing() -> None:
    """No case allows every rate, one nearly so; extremes keep their end."""
    found = rate_confidence_sequence([0, 0, 1, 0, 50], [0, 1, 1, 50, 50])
    assert found.low.tolist()[:4] == [0, 0, 0, 0]
    assert found.high.tolist()[:3] == [1, 1, 1]
    assert found.high[3] == pytest.approx(1 - found.low[4])
    assert 0.05 < found.high[3] < 0.15
    with pytest.raises(ValueError, match="between 0 and n"):
        rate_confidence_sequence(3, 2)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40), st.sampled_from([None, 1.0]))
def test_means_mirror_and_hold_the_observed_one(x: list[float], variance: float | None) -> None:
    """The sequence is centred on the mean so far and mirrors when the models are swapped."""
    one = mean_confidence_sequence(x, variance=variance)
    other = mean_confidence_sequence([-v for v in x], variance=variance)
    np.testing.assert_allclose(one.low, -other.high, atol=1e-9)
    means = np.cumsum(x) / np.arange(1, len(x) + 1)
    assert (one.low <= means + 1e-9).all()
    assert (one.high >= means - 1e-9).all()


def test_a_worst_case_mean_by_hand() -> None:
    """100 zeros at v_opt 100: the reference boundary 30.35209 over 100 either way."""
    found = mean_confidence_sequence(np.zeros(100)).at(99)
    assert (found.low, found.high) == pytest.approx((-0.3035209, 0.3035209), abs=1e-6)


@pytest.mark.parametrize("x", [[0.5], [0.25] * 30])
def test_no_spread_is_no_certainty(x: list[float]) -> None:
    """One value, or equal ones, have no estimated variance, and claim nothing."""
    found = mean_confidence_sequence(x, variance=None)
    assert set(found.low.tolist()) == {-1.0}
    assert set(found.high.tolist()) == {1.0}


def test_no_value_gives_no_limits() -> None:
    """Without values there is nothing to index."""
    assert len(mean_confidence_sequence([]).low) == 0
    assert len(mean_confidence_sequence([], variance=None).low) == 0
