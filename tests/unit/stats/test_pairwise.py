"""Position bias, preference from both orders, and preference at equal length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.pairwise import (
    LengthControlled,
    PositionBias,
    identical_pairs_bias,
    length_controlled,
    position_bias,
    preference,
)
from evalkit.stats.values import Interval, NotEstimable, PValue

nan = float("nan")
SCORE = st.sampled_from([0.0, 0.5, 1.0])
ORDERS = st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=40)


def fresh() -> np.random.Generator:
    """Return the same generator each time."""
    return np.random.default_rng(7)


def test_a_real_judge_against_itself() -> None:
    """GPT-3.5 on 79 identical pairs: 11 prefer the second, 1 the first, exact p .0063 (A13)."""
    found = identical_pairs_bias([1.0] * 11 + [0.0] + [0.5] * 67, rng=fresh())
    assert (found.second, found.first, found.n) == (11, 1, 79)
    assert found.estimate == pytest.approx(10 / 79)
    assert isinstance(found.sign_test, PValue)
    assert found.sign_test.value == pytest.approx(0.0063, abs=5e-5)
    assert not isinstance(found.procedure, NotEstimable)
    interval = found.procedure.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert 0 < interval.low < 10 / 79 < interval.high


def test_a_judge_of_places_prefers_nobody() -> None:
    """Always the second answer: a bias of 1, no preference, no consistent case."""
    n = 30
    bias = position_bias(np.ones(n), np.zeros(n), rng=fresh())
    assert bias.estimate == 1.0
    found = preference(np.ones(n), np.zeros(n), rng=fresh())
    assert (found.net, found.win_rate, found.consistent) == (0.0, 0.5, 0.0)


def test_a_judge_of_answers_has_no_bias() -> None:
    """The same verdict in both orders: no bias, and the preference is the verdicts' mean."""
    wins = np.array([1.0] * 20 + [0.0] * 8 + [0.5] * 4)
    bias = position_bias(wins, wins, rng=fresh())
    assert (bias.estimate, bias.second, bias.first) == (0.0, 0, 0)
    assert isinstance(bias.sign_test, PValue)
    assert bias.sign_test.value == 1.0
    found = preference(wins, wins, rng=fresh())
    assert found.net == pytest.approx(12 / 32)
    assert found.win_rate == pytest.approx(22 / 32)
    assert found.consistent == 1.0


@given(ORDERS)
def test_swapping_the_models_mirrors(rows: list[tuple[float, float]]) -> None:
    """Candidate for base: the bias stays, the preference changes sign, p-values stay."""
    second, first = (np.array(c) for c in zip(*rows, strict=True))
    bias, mirrored = (
        position_bias(second, first, rng=fresh()),
        position_bias(1 - first, 1 - second, rng=fresh()),
    )
    assert mirrored.estimate == bias.estimate
    assert mirrored.sign_test == bias.sign_test
    one, other = (
        preference(second, first, rng=fresh()),
        preference(1 - first, 1 - second, rng=fresh()),
    )
    assert one.net is not None
    assert other.net == pytest.approx(-one.net)
    assert other.consistent == one.consistent
    assert not isinstance(one.procedure, NotEstimable)
    assert not isinstance(other.procedure, NotEstimable)
    assert one.procedure.p_value().value == pytest.approx(other.procedure.p_value().value)


def test_clusters_are_the_units() -> None:
    """Ten cases about one passage are one case for the sign test."""
    second, first = np.ones(60), np.zeros(60)
    found = position_bias(second, first, clusters=np.arange(60) // 10, rng=fresh())
    assert (found.second, found.first, found.n) == (6, 0, 60)
    assert isinstance(found.sign_test, PValue)
    assert found.sign_test == PValue(2 / 64, "exact sign test on clusters")


@pytest.mark.parametrize("scores", [([], []), ([nan], [1.0])])
def test_nothing_judged(scores: tuple[list[float], list[float]]) -> None:
    """Without a case in both orders there is neither bias nor preference."""
    none = NotEstimable("no case was judged in both orders")
    bias = position_bias(*scores, rng=fresh())
    assert bias == PositionBias(None, none, none, 0, 0, 0)
    found = preference(*scores, rng=fresh())
    assert (found.net, found.win_rate, found.procedure) == (None, None, none)


def test_orders_must_match() -> None:
    """Both orders are aligned by case."""
    with pytest.raises(ValueError, match="one entry per case"):
        preference([1.0], [1.0, 0.0], rng=fresh())


def test_length_takes_its_part() -> None:
    """Where the longer answer always wins, nothing is left at equal length."""
    rng = np.random.default_rng(3)
    extra = rng.normal(80, 200, 400)
    wins = np.where(rng.random(400) < 0.5 + 0.4 * np.tanh(extra / extra.std(ddof=1)), 1.0, 0.0)
    found = length_controlled(wins, extra)
    assert isinstance(found, LengthControlled)
    assert found.raw > 0.15
    assert abs(found.procedure.mean) < 0.1
    assert found.slope.p_value().value < 1e-6
    assert found.win_rate == pytest.approx((1 + found.procedure.mean) / 2)


def test_hc3_of_statsmodels() -> None:
    """Intercept, slope and errors of statsmodels 0.15.0, OLS(...).fit(cov_type="HC3")."""
    extra = np.array([-2.0, -1.0, 0.0, 1.0, 3.0, 5.0])
    found = length_controlled([0.0, 0.5, 0.0, 1.0, 0.5, 1.0], extra)
    assert isinstance(found, LengthControlled)
    figures = (
        found.procedure.mean,
        found.slope.mean,
        found.procedure.standard_error,
        found.slope.standard_error,
    )
    expected = (-0.18031668603461817, 0.9570571205011609, 0.32917846465747713, 0.4501077925338639)
    assert figures == pytest.approx(expected, abs=1e-12)
    assert found.procedure.df == 4


def test_cr1_of_statsmodels() -> None:
    """Clustered errors of statsmodels 0.15.0, fit(cov_type="cluster"), defaults."""
    extra = np.array([-2.0, -1.0, 0.0, 1.0, 3.0, 5.0])
    found = length_controlled([0.0, 0.5, 0.0, 1.0, 0.5, 1.0], extra, clusters=[1, 1, 2, 2, 3, 3])
    assert isinstance(found, LengthControlled)
    figures = (found.procedure.standard_error, found.slope.standard_error)
    assert figures == pytest.approx((0.1118363120640981, 0.24712253116881155), abs=1e-12)
    assert found.procedure.df == 2


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 50))
def test_unit_of_length_does_not_matter(seed: int, unit: float) -> None:
    """Characters or tokens: only the ratio to the spread counts; swapping the models mirrors."""
    rng = np.random.default_rng(seed)
    wins, extra = rng.choice([0.0, 0.5, 1.0], 25), rng.normal(3, 10, 25)
    one, other = length_controlled(wins, extra), length_controlled(wins, unit * extra)
    mirrored = length_controlled(1 - wins, -extra)
    assert isinstance(one, LengthControlled)
    assert isinstance(other, LengthControlled)
    assert isinstance(mirrored, LengthControlled)
    assert other.procedure.mean == pytest.approx(one.procedure.mean)
    assert mirrored.procedure.mean == pytest.approx(-one.procedure.mean, abs=1e-12)
    assert mirrored.procedure.standard_error == pytest.approx(one.procedure.standard_error)


@pytest.mark.parametrize(
    ("scores", "extra", "clusters", "why"),
    [
        ([], [], None, "a regression on length needs 3 cases, there are 0"),
        ([1.0, 0.0], [1, 2], None, "a regression on length needs 3 cases, there are 2"),
        ([1.0, 0.0, 1.0], [5, 5, 5], None, "all cases have the same length difference"),
        (
            [1.0] * 4,
            [1, 2, 3, 4],
            None,
            "length explains every verdict, so nothing shows the spread",
        ),
        (
            [1.0, 0.0, 1.0],
            [1, 2, 3],
            list("aab"),
            "a regression on length needs 3 clusters, there are 2",
        ),
    ],
)
def test_no_length_control_says_why(scores: Any, extra: Any, clusters: Any, why: str) -> None:
    """Too few cases, one length, or no spread left."""
    assert length_controlled(scores, extra, clusters=clusters) == NotEstimable(why)
