"""Control charts: published tables and run lengths, plain recursions, the noise between reruns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri, stdtr

from evalkit.stats.arrays import FloatArray
from evalkit.stats.drift import (
    Chart,
    RerunNoise,
    cusum,
    cusum_arl,
    cusum_limit,
    ewma,
    ewma_arl,
    ewma_limit,
    false_alarm_chance,
    flip_cusum,
    flip_cusum_arl,
    flip_cusum_limit,
    rerun_noise,
    standardised,
)
from evalkit.stats.values import NotEstimable, PValue

Reference = dict[str, dict[str, Any]]
RUNS = st.lists(st.floats(-4, 4).map(lambda x: round(x, 3)), max_size=60)


def test_montgomerys_table(reference: Reference) -> None:
    """Upper sums of the last three of 30 observations, first signal at the 29th."""
    entry = reference["cusum_montgomery"]
    i, expected = entry["inputs"], entry["expected"]
    z = standardised(i["x"], sigmas=1.0, target=i["mu0"])
    assert not isinstance(z, NotEstimable)
    chart = cusum(z, slack=i["K"], limit=i["H"])
    assert chart.high[-3:].tolist() == pytest.approx(
        expected["Cplus_28_30"], abs=entry["tolerance"]
    )
    assert chart.first is not None
    assert chart.first + 1 == expected["first_signal"]
    assert chart.alarms == (28, 29)


def scores(x: list[float], **how: Any) -> FloatArray:
    """Return standardised runs that must be estimable."""
    z = standardised(x, **how)
    assert not isinstance(z, NotEstimable)
    return z


@given(RUNS, st.sampled_from([0.25, 0.5, 1.0]))
def test_cusum_is_its_recursion(z: list[float], slack: float) -> None:
    """The vectorised sums are max(0, C + z - k) and its mirror, step by step."""
    chart = cusum(z, slack=slack)
    up = down = 0.0
    for i, value in enumerate(z):
        up, down = max(0.0, up + value - slack), min(0.0, down + value + slack)
        assert chart.high[i] == pytest.approx(up, abs=1e-9)
        assert chart.low[i] == pytest.approx(down, abs=1e-9)


@given(RUNS, st.sampled_from([0.1, 0.2, 1.0]))
def test_ewma_is_its_recursion(z: list[float], weight: float) -> None:
    """The mean is w z + (1 - w) E, and its limits are its standard deviations at each run."""
    chart = ewma(z, weight=weight, limit=3.0)
    mean = variance = 0.0
    for i, value in enumerate(z):
        mean = weight * value + (1 - weight) * mean
        variance = weight**2 + (1 - weight) ** 2 * variance
        assert chart.high[i] == pytest.approx(mean, abs=1e-9)
        assert chart.limits[i] == pytest.approx(3 * math.sqrt(variance), abs=1e-9)


@given(RUNS)
def test_a_drop_alarms_as_a_rise_does(z: list[float]) -> None:
    """Mirrored runs mirror the charts and alarm at the same runs."""
    for draw in (cusum, ewma):
        chart, mirrored = draw(z), draw([-x for x in z])
        np.testing.assert_allclose(chart.low, -mirrored.high, atol=1e-12)
        assert chart.alarms == mirrored.alarms


# Lucas & Crosier 1982 (Technometrics 24:199) and Montgomery, Introduction to Statistical Quality
# Control, Table 9.3: two-sided tabular CUSUM with k = .5 (recalled).
@pytest.mark.parametrize(
    ("limit", "shift", "expected"),
    [(4, 0, 168), (5, 0, 465), (4, 0.5, 26.6), (5, 0.5, 38.0), (4, 1, 8.38), (5, 1, 10.4),
     (4, 2, 3.34), (5, 2, 4.01), (5, 3, 2.57)],
)  # fmt: skip
def test_published_run_lengths_of_the_cusum(limit: float, shift: float, expected: float) -> None:
    """The Markov chain gives the printed digits of the table."""
    assert cusum_arl(limit, shift=shift) == pytest.approx(expected, rel=0.003)


# Lucas & Saccucci 1990, Technometrics 32:1: EWMA with ARL0 500 and 370 (recalled).
@pytest.mark.parametrize(
    ("limit", "weight", "shift", "expected"),
    [(2.962, 0.2, 0, 500), (2.86, 0.2, 0, 370), (2.814, 0.1, 0, 500), (2.962, 0.2, 1, 10.5),
     (3.0, 1.0, 0, 370.4)],
)  # fmt: skip
def test_published_run_lengths_of_the_ewma(
    limit: float, weight: float, shift: float, expected: float
) -> None:
    """The Markov chain gives the printed digits; weight 1 is Shewhart's 3 sigma chart."""
    assert ewma_arl(limit, weight=weight, shift=shift) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("arl", [20.0, 370.0, 5_000.0])
def test_a_limit_has_the_run_length_asked_for(arl: float) -> None:
    """Choosing h and computing its run length are inverses."""
    assert cusum_arl(cusum_limit(arl)) == pytest.approx(arl, rel=1e-4)
    assert ewma_arl(ewma_limit(arl)) == pytest.approx(arl, rel=1e-4)
    assert cusum_limit(370) == pytest.approx(4.774, abs=0.001)


@pytest.mark.parametrize("arl", [0.5, 1.0, 1e8, math.nan])
def test_no_limit_for_impossible_run_lengths(arl: float) -> None:
    """A run length is above 1 and below what floating point can tell from never."""
    with pytest.raises(ValueError, match="run length"):
        cusum_limit(arl)


def test_run_lengths_of_flips_by_hand() -> None:
    """With a limit below one flip's weight the first flip alarms: geometric, 1/p cases."""
    assert flip_cusum_arl(0.3, [0.05], odds_ratio=2.0) == pytest.approx(20.0, rel=1e-9)
    mixed = flip_cusum_arl(0.1, [0.02, 0.08], odds_ratio=2.0)
    assert mixed == pytest.approx(20.0, rel=1e-9)


def test_run_lengths_of_flips_by_simulation() -> None:
    """A thousand simulated charts take as long as the chain says, give or take 10 %."""
    rng = np.random.default_rng(2)
    p = np.array([0.05, 0.1, 0.2])
    limit = flip_cusum_limit(300, p)
    rates = rng.choice(p, size=(3_000, 1_000))
    flipped = rng.random(rates.shape) < rates
    weights = flipped * math.log(2) - np.log1p(rates)
    sums = np.cumsum(weights, axis=0)
    high = sums - np.minimum(np.minimum.accumulate(sums, axis=0), 0)
    out = high > limit
    first = np.where(out.any(axis=0), out.argmax(axis=0) + 1, len(out))
    assert float(first.mean()) == pytest.approx(flip_cusum_arl(limit, p), rel=0.1)
    assert flip_cusum_arl(limit, p, true_ratio=2.0) < 120


@given(st.lists(st.booleans(), max_size=80), st.sampled_from([1.5, 2.0, 4.0]))
def test_flip_cusum_is_its_recursion(flipped: list[bool], ratio: float) -> None:
    """Each case adds its log likelihood ratio, and nothing falls below 0."""
    chart = flip_cusum(np.array(flipped, dtype=np.float64), 0.1, odds_ratio=ratio)
    level = 0.0
    for i, y in enumerate(flipped):
        level = max(0.0, level + y * math.log(ratio) - math.log(0.9 + 0.1 * ratio))
        assert chart.high[i] == pytest.approx(level, abs=1e-9)


def test_an_unanswered_case_is_no_flip_and_no_hold() -> None:
    """Cases without a number leave the flip chart where it was."""
    with_gap = flip_cusum([1.0, math.nan, 1.0], 0.1)
    without = flip_cusum([1.0, 1.0], 0.1)
    assert with_gap.high[[0, 2]].tolist() == pytest.approx(without.high.tolist())


def test_many_rates_are_grouped() -> None:
    """A rate for each of 1,000 cases is computed, close to the run length of their mean."""
    rates = np.linspace(0.045, 0.055, 1_000)
    assert flip_cusum_arl(2.0, rates) == pytest.approx(flip_cusum_arl(2.0, [0.05]), rel=0.05)


def test_false_alarms_within_a_horizon() -> None:
    """One year of nightly runs at ARL0 370: 63 % have a false alarm; none without a run."""
    assert false_alarm_chance(365, 365) == pytest.approx(1 - math.exp(-1))
    assert false_alarm_chance(370, 0) == 0.0


@pytest.mark.parametrize(
    ("differences", "sigmas", "why"),
    [
        ([], 0.1, "no run"),
        ([0.1, 0.2], None, "known spread"),
        ([0.1], 0.0, "spread between reruns is 0"),
        ([0.1, math.nan], 0.1, "no number"),
        ([0.1, 0.2], [0.1, math.nan], "no number"),
    ],
)
def test_what_cannot_be_standardised(differences: list[float], sigmas: object, why: str) -> None:
    """No run, no spread, no number: the reason instead of a chart."""
    found = standardised(differences, sigmas=sigmas, target=0.0)  # type: ignore[arg-type]
    assert isinstance(found, NotEstimable)
    assert why in found.why


def test_a_spread_for_each_run() -> None:
    """Each run is judged by its own standard error."""
    z = scores([0.01, 0.01], sigmas=[0.01, 0.02], target=0.0)
    assert z.tolist() == [1.0, 0.5]


def test_runs_are_compared_with_those_before() -> None:
    """By hand: 3 against 1 with spread 2 each, then 5 against their mean."""
    z = scores([1.0, 3.0, 5.0], sigmas=2.0)
    assert z.tolist() == pytest.approx([0.0, 2 / math.sqrt(8), 3 / math.sqrt(4 + 2)])
    weighted = scores([1.0, 3.0, 5.0], sigmas=[1.0, 2.0, 1.0])
    mean = (1.0 + 3.0 / 4) / 1.25
    assert weighted[2] == pytest.approx((5 - mean) / math.sqrt(1 + 1 / 1.25))


@given(
    st.lists(st.floats(-4, 4).map(lambda x: round(x, 2)), min_size=3, max_size=30),
    st.sampled_from([0.5, 3.0]),
)
def test_a_self_started_score_is_a_two_sample_t(x: list[float], unit: float) -> None:
    """Each score is the normal quantile of t between a run and all before; units do not matter."""
    z, scaled = scores(x), scores([unit * v + 7 for v in x])
    for i in range(2, len(x)):
        before = np.array(x[:i])
        if np.ptp(before) < 0.01:
            continue
        t = (x[i] - before.mean()) / (before.std(ddof=1) * math.sqrt(1 + 1 / i))
        if abs(t) < 1e4:
            assert z[i] == pytest.approx(float(ndtri(stdtr(i - 1, t))), abs=1e-4)
            assert scaled[i] == pytest.approx(z[i], abs=1e-4)
    assert z[:2].tolist() == [0.0, 0.0]


def test_nothing_before_says_nothing() -> None:
    """One run, or equal runs of unknown spread, are 0 and no alarm."""
    assert scores([0.3], sigmas=0.1).tolist() == [0.0]
    assert scores([0.3] * 5).tolist() == [0.0] * 5


def test_a_chart_without_runs() -> None:
    """No run, no alarm."""
    for chart in (cusum([]), ewma([]), flip_cusum([], 0.1)):
        assert isinstance(chart, Chart)
        assert chart.alarms == ()
        assert chart.first is None


def test_rerun_noise_by_hand() -> None:
    """Two reruns of ten cases, two of which flip: rate .2, sd of the difference sqrt(.2 / 10)."""
    first = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0.0])
    second = np.array([0, 1, 1, 1, 1, 1, 0, 0, 0, 0.0])
    found = rerun_noise([first, second])
    assert isinstance(found, RerunNoise)
    assert (found.cases, found.reruns) == (10, 2)
    assert found.flip_rate == pytest.approx(0.2)
    assert found.sd == pytest.approx(math.sqrt(0.02))
    assert found.interval.low < found.sd < found.interval.high
    assert found.flip_interval.low < 0.2 < found.flip_interval.high
    assert isinstance(found.whole_run, PValue)
    assert found.whole_run.value == 1.0


def test_noise_is_what_reruns_differ_by() -> None:
    """The sd is that of mean differences between 400 simulated pairs of reruns."""
    rng = np.random.default_rng(8)
    chance = rng.beta(0.3, 0.3, 300)
    draws = (rng.random((800, 300)) < chance).astype(np.float64)
    seen = float((draws[::2] - draws[1::2]).mean(axis=1).std())
    found = rerun_noise(draws[:6])
    assert isinstance(found, RerunNoise)
    assert found.sd == pytest.approx(seen, rel=0.1)
    assert isinstance(found.whole_run, PValue)
    assert found.whole_run.value > 0.01


@given(st.integers(0, 1_000))
def test_the_order_of_reruns_and_cases_changes_nothing(seed: int) -> None:
    """Noise is symmetric in reruns and in cases."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (3, 12)).astype(np.float64)
    one, other = rerun_noise(x), rerun_noise(x[rng.permutation(3)][:, rng.permutation(12)])
    assert isinstance(one, RerunNoise)
    assert isinstance(other, RerunNoise)
    assert (one.sd, one.flip_rate) == pytest.approx((other.sd, other.flip_rate))


def test_a_run_that_moves_all_its_cases_is_told() -> None:
    """A rerun that shifts every case shows in the p-value: the cases' variance is too small."""
    rng = np.random.default_rng(1)
    base = rng.random(400) * 0.5
    runs = [base + shift + rng.normal(0, 0.02, 400) for shift in (0.0, 0.05, 0.1)]
    found = rerun_noise(np.clip(runs, 0, 1))
    assert isinstance(found, RerunNoise)
    assert isinstance(found.whole_run, PValue)
    assert found.whole_run.value < 1e-6


def test_no_flip_is_no_certainty() -> None:
    """Equal reruns have an sd of 0 with an upper limit above 0, and no test of whole runs."""
    found = rerun_noise(np.ones((2, 100)))
    assert isinstance(found, RerunNoise)
    assert found.sd == 0.0
    assert found.interval.high > 0.01
    assert 0.03 < found.flip_interval.high < 0.05
    assert isinstance(found.whole_run, NotEstimable)


@pytest.mark.parametrize(
    "scores", [[], [[1.0, 0.0]], np.empty((2, 0)), [[math.nan, 1.0], [1.0, math.nan]]]
)
def test_noise_needs_two_reruns(scores: object) -> None:
    """One rerun, no case, or no case answered twice: not estimable."""
    assert isinstance(rerun_noise(scores), NotEstimable)  # type: ignore[arg-type]
