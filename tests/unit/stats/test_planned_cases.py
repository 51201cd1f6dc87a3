"""What a plan starts from: published numbers of cases, churn with its uncertainty, edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from evalkit.stats.planned_cases import (
    PairedRates,
    RepeatedAnswers,
    cases_for_difference,
    cases_for_equivalence,
    cases_for_width,
    planned_churn,
    upper_limit,
)
from evalkit.stats.power import Cases, Planned, cases_for_gain
from evalkit.stats.proportions import rule_of_three
from evalkit.stats.values import NotEstimable


def test_the_effect_is_that_of_the_rates_unless_said() -> None:
    """.7 - .6 is .1."""
    rates = PairedRates(0.6, 0.7, 0.5)
    assert cases_for_difference(rates) == cases_for_difference(rates, effect=0.1)


@given(base=st.floats(0, 1), candidate=st.floats(0, 1), phi=st.floats(-1, 1))
def test_swapping_the_models_changes_nothing(base: float, candidate: float, phi: float) -> None:
    """Variance, churn and numbers of cases do not know which of the two is the base."""
    one, other = PairedRates(base, candidate, phi), PairedRates(candidate, base, phi)
    assert one.variance == pytest.approx(other.variance)
    assert one.churn == pytest.approx(other.churn)
    assert bool(one.fault) == bool(other.fault)


@given(
    both=st.floats(0.01, 1),
    gained=st.floats(0.01, 1),
    lost=st.floats(0.01, 1),
    rest=st.floats(0.01, 1),
)
def test_churn_of_a_table(both: float, gained: float, lost: float, rest: float) -> None:
    """Two rates and the phi of a 2 x 2 table give back its discordant share, and are possible."""
    total = both + gained + lost + rest
    a, b, c, d = (x / total for x in (both, gained, lost, rest))
    p1, p2 = a + c, a + b
    phi = (a * d - b * c) / math.sqrt(p1 * (1 - p1) * p2 * (1 - p2))
    rates = PairedRates(p1, p2, phi)
    assert rates.fault == ""
    assert rates.churn == pytest.approx(b + c, abs=1e-9)


@pytest.mark.parametrize(
    "rates",
    [
        PairedRates(0.2, 0.9, 0.9),
        PairedRates(0.5, 0.9, -0.9),
        PairedRates(1.2, 0.5, 0.0),
        PairedRates(0.5, math.nan, 0.0),
        PairedRates(0.5, 0.5, math.nan),
    ],
)
def test_pairs_that_cannot_be(rates: PairedRates) -> None:
    """Rates too far apart to correlate so, or that are none: a reason instead of a number."""
    for found in (
        cases_for_difference(rates, effect=0.1),
        cases_for_equivalence(rates, 0.9),
        cases_for_width(rates, 0.1),
    ):
        assert isinstance(found, NotEstimable)


def test_a_change_of_nothing_takes_infinitely_many_cases() -> None:
    """No difference, a margin no larger than the difference, or no width."""
    same = PairedRates(0.5, 0.5, 0.5)
    assert isinstance(cases_for_difference(same), NotEstimable)
    assert isinstance(cases_for_equivalence(PairedRates(0.5, 0.6, 0.5), 0.1), NotEstimable)
    assert isinstance(cases_for_width(same, 0.0), NotEstimable)
    assert isinstance(cases_for_width(same, math.nan), NotEstimable)


def test_models_that_always_agree_need_one_case() -> None:
    """Without any variance the formula gives 0, and one case is the least there is."""
    assert cases_for_width(PairedRates(0.5, 0.5, 1.0), 0.1) == Cases(1, "normal approximation")


def test_repeated_answers() -> None:
    """Miller's 969 cases (omega^2 = 1/9, 3 points), and what noise and samples do to them."""
    still = RepeatedAnswers(1 / 9, 0.0, 0.0)
    noisy = RepeatedAnswers(1 / 9, 1 / 6, 1 / 6)
    often = RepeatedAnswers(1 / 9, 1 / 6, 1 / 6, base_samples=10, candidate_samples=10)
    cases = [cases_for_gain(0.03, design.variance) for design in (still, noisy, often)]
    found = [c.n for c in cases if c]
    assert found[0] == pytest.approx(969, abs=1)
    assert found[1] == pytest.approx(4 * 969, abs=4)
    assert found[2] == pytest.approx(1.3 * 969, abs=3)


@given(events=st.integers(0, 300), more=st.integers(0, 300), level=st.floats(0.5, 0.999))
def test_the_upper_limit_is_where_so_few_become_unlikely(
    events: int, more: int, level: float
) -> None:
    """At the limit, as few events have a probability of 1 - level."""
    n = events + more
    found = upper_limit(events, n, level=level)
    if n == 0:
        assert isinstance(found, NotEstimable)
        return
    assert isinstance(found, Planned)
    if more == 0:
        assert found.value == 1
    else:
        assert binom.cdf(events, n, found.value) == pytest.approx(1 - level, rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 60, 10**6])
def test_none_in_n_is_the_rule_of_three(n: int) -> None:
    """The general limit is that rule where nothing happened."""
    found = upper_limit(0, n)
    assert isinstance(found, Planned)
    assert found.value == pytest.approx(rule_of_three(n))
    assert found.method == "Clopper-Pearson, one-sided 95%"


@pytest.mark.parametrize("events", [-1, 5])
def test_events_are_among_the_cases(events: int) -> None:
    """Five events in four cases are a mistake of the caller."""
    with pytest.raises(ValueError, match="4 cases"):
        upper_limit(events, 4)


def test_churn_of_an_earlier_run() -> None:
    """Above what was seen, never 0, and nearer to it with more cases."""
    few, many, none = (planned_churn(x, n) for x, n in ((10, 100), (1_000, 10_000), (0, 50)))
    assert isinstance(few, Planned)
    assert isinstance(many, Planned)
    assert isinstance(none, Planned)
    assert 0.1 < many.value < 0.105 < few.value < 0.15
    assert none.value == pytest.approx(1 - 0.2 ** (1 / 50))


def test_churn_without_an_earlier_run() -> None:
    """A guess is named as one, and without it there is no figure; an earlier run has precedence."""
    assert planned_churn(0, 0, guess=0.2) == Planned(0.2, "a guess: there is no earlier run")
    assert isinstance(planned_churn(0, 0), NotEstimable)
    assert planned_churn(3, 40, guess=0.9) == planned_churn(3, 40)
