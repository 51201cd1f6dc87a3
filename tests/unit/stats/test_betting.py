"""The betting confidence sequence: checked against its authors' code, its tests, and its edges."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.arrays import FloatArray
from evalkit.stats.betting import Bets, Betting, begin, bet, betting_interval, log_capital
from evalkit.stats.values import Interval, NotEstimable, PValue

DIFFERENCES = st.lists(st.integers(-4, 4).map(lambda k: k / 4), max_size=150)


def example() -> FloatArray:
    """Return 300 values that confseq was given as (d + 1) / 2."""
    x = np.random.default_rng(7).beta(4, 2, size=300).round(3)
    return 2 * x - 1


def limits(found: object) -> tuple[float, float]:
    """Return the limits of an interval that must be one."""
    assert isinstance(found, Interval)
    return found.low, found.high


# confseq at commit 70b1ef30 with numpy 2: betting_mart(x[:k], .6, alpha=.1, theta=1,
# trunc_scale=.5, m_trunc=True, N=N), logarithm of the last entry.
@pytest.mark.parametrize(
    ("cases", "population", "expected"),
    [
        (10, None, 0.55436195),
        (100, None, 4.7459116),
        (300, None, 10.74520854),
        (10, 300, 0.56494012),
        (100, 300, 5.96059609),
        (200, 300, 12.66516882),
    ],
)
def test_capital_of_the_authors_code(cases: int, population: int | None, expected: float) -> None:
    """The capital against a mean of .6 (.2 as a difference) is that of the authors' own code."""
    bets = Bets(null=0.2, level=0.8, population=population)
    state = bet(begin(bets), example()[:cases])
    at = int(np.searchsorted(state.grid, 0.2))
    assert state.higher.now[at] == pytest.approx(expected, abs=1e-7)


# hedged_cs(x[:k], alpha=.1, breaks=2000, trunc_scale=.5, running_intersection=True, N=N).
@pytest.mark.parametrize(
    ("cases", "population", "expected"),
    [(100, None, (0.623, 0.715)), (300, None, (0.6505, 0.7015)), (200, 300, (0.655, 0.697))],
)
def test_limits_of_the_authors_code(
    cases: int, population: int | None, expected: tuple[float, float]
) -> None:
    """The interval is theirs up to the steps of the two grids, .0005 and .0015 there."""
    low, high = limits(betting_interval(example()[:cases], level=0.9, population=population))
    assert ((low + 1) / 2, (high + 1) / 2) == pytest.approx(expected, abs=0.002)


@given(DIFFERENCES, st.integers(1, 80), st.sampled_from([None, 60]))
def test_blocks_change_nothing(d: list[float], size: int, tuned_for: int | None) -> None:
    """Case by case, in blocks, or at once: one state."""
    bets = Bets(null=-0.1, tuned_for=tuned_for)
    whole, parts = bet(begin(bets), d), begin(bets)
    for start in range(0, len(d), size):
        parts = bet(parts, d[start : start + size])
    np.testing.assert_allclose(whole.higher.highest, parts.higher.highest, atol=1e-9)
    np.testing.assert_allclose(whole.lower.now, parts.lower.now, atol=1e-9)
    assert whole.n == parts.n == len(d)
    if d:
        assert whole.mean == pytest.approx(np.mean(d))


@given(DIFFERENCES, st.sampled_from([-0.1, 0.0, 0.03]), st.sampled_from([None, 200]))
def test_interval_and_tests_agree(d: list[float], null: float, population: int | None) -> None:
    """A hypothesis about the null falls exactly when the interval lies on its other side."""
    state = bet(begin(Bets(null=null, population=population)), d)
    low, high = limits(state.interval)
    attainable = population is None
    if attainable:
        assert state.above == (low > null)
        assert state.below == (high < null)
    assert not (state.above and low <= null)
    assert not (state.below and high >= null)
    for p, rejected in ((state.p_above, state.above), (state.p_below, state.below)):
        assert isinstance(p, PValue)
        assert (p.value <= 0.05) == rejected


@given(DIFFERENCES, st.sampled_from([0.0, 0.05]), st.sampled_from([None, 150]))
def test_swapping_the_models_mirrors_everything(
    d: list[float], null: float, population: int | None
) -> None:
    """Interval and tests of the swapped comparison are the mirror image."""
    one = bet(begin(Bets(null=null, population=population)), d)
    other = bet(begin(Bets(null=-null, population=population)), [-x for x in d])
    low, high = limits(one.interval)
    assert limits(other.interval) == pytest.approx((-high, -low), abs=1e-9)
    assert (one.above, one.below) == (other.below, other.above)


@given(DIFFERENCES)
def test_interval_never_grows(d: list[float]) -> None:
    """What was once excluded stays excluded."""
    state, before = begin(Bets()), (-1.0, 1.0)
    for x in d[:60]:
        state = bet(state, x)
        now = limits(state.interval)
        assert now[0] >= before[0]
        assert now[1] <= before[1]
        before = now


@given(DIFFERENCES)
def test_capital_falls_in_the_mean(d: list[float]) -> None:
    """Capital against higher means is smaller, so that what is kept is an interval."""
    for population in (None, 150):
        state = bet(begin(Bets(population=population)), d)
        with np.errstate(invalid="ignore"):
            assert not (np.diff(state.higher.now) > 1e-9).any()
            assert not (np.diff(state.lower.now) < -1e-9).any()


def test_the_bet_is_fair() -> None:
    """Over all 3^7 runs of a law with mean null, capital is 1 on average; it is below for less."""
    runs = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 7)).reshape(7, -1)
    for gained, lost, fair in ((0.2, 0.3, 1.0), (0.1, 0.3, None)):
        chance = {1.0: gained, 0.0: 1 - gained - lost, -1.0: lost}
        weight = np.prod([[chance[x] for x in row] for row in runs.tolist()], axis=0)
        for tuned_for in (None, 5):
            bets = Bets(null=-0.1 - 1e-6, tuned_for=tuned_for)
            mean = float(weight @ np.exp(log_capital(runs, bets)[-1]))
            assert mean == pytest.approx(fair, abs=1e-12) if fair else mean < 1


def test_without_replacement_is_fair() -> None:
    """Over all orders of six cases, capital against their own mean is 1 on average."""
    rng = np.random.default_rng(0)
    cases = np.array([1.0, -1.0, 0.0, 0.0, 0.5, -1.0])
    orders = np.array([rng.permutation(6) for _ in range(4_000)])
    null = float(cases.mean())
    bets = Bets(null=null, population=6)
    at = int(np.searchsorted(begin(bets).grid, null))
    capital = [math.exp(bet(begin(bets), cases[o[:4]]).higher.now[at]) for o in orders[:600]]
    spread = float(np.std(capital)) / math.sqrt(len(capital))
    assert np.mean(capital) == pytest.approx(1.0, abs=4 * spread)


def test_many_runs_are_played_at_once() -> None:
    """The columns of a matrix have the capital that each has alone."""
    rng = np.random.default_rng(3)
    runs = rng.integers(-1, 2, size=(90, 4)).astype(np.float64)
    bets = Bets(null=-0.05, tuned_for=45)
    together = log_capital(runs, bets)
    for column, path in zip(runs.T, together.T, strict=True):
        np.testing.assert_allclose(log_capital(column, bets), path)
        state = bet(begin(bets), column)
        assert isinstance(state.p_above, PValue)
        assert state.p_above.value == pytest.approx(math.exp(-max(float(path.max()), 0.0)))


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=60), st.data())
def test_a_population_holds_its_own_mean_at_the_end(d: list[float], data: st.DataObject) -> None:
    """All of the population seen, the interval is its mean; before, what can still be reached."""
    seen = data.draw(st.integers(0, len(d)))
    low, high = limits(betting_interval(d[:seen], population=len(d)))
    rest = len(d) - seen
    assert low >= (sum(d[:seen]) - rest) / len(d) - 1e-9
    assert high <= (sum(d[:seen]) + rest) / len(d) + 1e-9
    whole = limits(betting_interval(d, population=len(d)))
    assert whole == pytest.approx((np.mean(d), np.mean(d)), abs=1e-9)


def test_a_population_needs_fewer_cases() -> None:
    """Half of a population says more about it than the same cases about a larger world."""
    d = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], size=1_000, p=[0.1, 0.75, 0.15])
    within, beyond = (
        limits(betting_interval(d[:500], population=population)) for population in (1_000, None)
    )
    assert within[1] - within[0] < 0.9 * (beyond[1] - beyond[0])


@pytest.mark.parametrize("d", [[], [0.0], [1.0], [-1.0, 1.0], [0.0, 0.0]])
def test_few_cases_claim_nothing(d: list[float]) -> None:
    """Up to two cases leave nearly all of [-1, 1] and reject nothing."""
    state = bet(begin(Bets(null=-0.02)), d)
    low, high = limits(state.interval)
    assert low < -0.5
    assert high > 0.5
    assert not state.above
    assert not state.below
    assert state.mean is None if not d else state.mean == np.mean(d)


def test_equal_cases_are_not_certain_at_once() -> None:
    """A hundred ties cannot show that nothing is lost within 2 points, a thousand can."""
    assert not bet(begin(Bets(null=-0.02)), np.zeros(100)).above
    assert bet(begin(Bets(null=-0.02)), np.zeros(1_000)).above


def test_a_difference_that_is_no_number_gives_no_result() -> None:
    """What is nan or infinite is counted, and the state says so instead of guessing."""
    state = bet(begin(Bets(null=-0.5)), [*[0.9] * 50, math.nan, math.inf])
    assert state.unusable == 2
    assert not state.above
    for found in (state.interval, state.p_above, state.p_below):
        assert isinstance(found, NotEstimable)
        assert "2 of the differences" in found.why


def test_what_cannot_be_is_an_error() -> None:
    """Differences beyond 1, more cases than the population, impossible bets."""
    with pytest.raises(ValueError, match="between -1 and 1"):
        bet(begin(Bets()), [1.5])
    with pytest.raises(ValueError, match="population"):
        bet(begin(Bets(population=2)), [0.0, 0.0, 0.0])
    for bets in (Bets(null=1.0), Bets(null=math.nan), Bets(level=1.0)):
        with pytest.raises(ValueError, match="between"):
            begin(bets)
    with pytest.raises(ValueError, match="with replacement"):
        log_capital([0.0], Bets(population=3))


def test_the_state_is_a_value() -> None:
    """Playing on leaves the earlier state as it was."""
    first = bet(begin(Bets()), np.ones(20))
    kept = first.higher.now.copy()
    bet(first, -np.ones(20))
    np.testing.assert_array_equal(first.higher.now, kept)
    assert isinstance(first, Betting)


@pytest.mark.slow
def test_a_hundred_thousand_cases() -> None:
    """100,000 cases in blocks of 500: at most 15 seconds of one core."""
    d = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], size=100_000, p=[0.05, 0.9, 0.05])
    start, state = time.process_time(), begin(Bets(null=-0.01, tuned_for=50_000))
    for block in d.reshape(-1, 500):
        state = bet(state, block)
    assert state.above
    assert time.process_time() - start < 15
