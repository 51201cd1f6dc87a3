"""Choosing the best: the luck of the choice is taken out, and what cannot be said is not said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.stats import norm, truncnorm

from evalkit.stats.arrays import FloatArray
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.rows import complete_rows
from evalkit.stats.selection import Selected, best_by_luck, dev_test, select_best
from evalkit.stats.values import Interval, NotEstimable, PValue
from evalkit.stats.winners_curse import (
    Corrected,
    Winner,
    conditional,
    expected_best,
    hybrid,
    winner,
)

LARGE = 10**9


def best_of(d: FloatArray, **options: Any) -> Selected:
    """Select with a fixed seed and few flips."""
    return select_best(d, rng=np.random.default_rng(3), **{"resamples": 999, **options})


def split(d: FloatArray, dev: ArrayLike, **options: Any) -> Selected:
    """Select on a dev split with a fixed seed."""
    return dev_test(d, dev, rng=np.random.default_rng(3), **options)


def candidates(n: int = 100, k: int = 5, seed: int = 0) -> FloatArray:
    """Draw differences of ``k`` candidates equal to the base."""
    rng = np.random.default_rng(seed)
    return 0.2 * (rng.normal(size=(n, 1)) + rng.normal(size=(n, k)))


def limits(found: Interval | NotEstimable) -> tuple[float, float]:
    """Return the limits of an interval that must be one."""
    assert isinstance(found, Interval)
    return found.low, found.high


@pytest.mark.parametrize(
    ("k", "expected"), [(2, 0.56419), (3, 0.84628), (5, 1.16296), (10, 1.53875), (20, 1.86748)]
)
def test_expected_best(k: int, expected: float) -> None:
    """Means of the largest of k normal variables [Harter 1961, table 1]; 1/sqrt(pi) for two."""
    assert expected_best(k) == pytest.approx(expected, abs=1e-5)


def test_expected_best_of_few_and_many() -> None:
    """One or none gains nothing; for very many it is near sqrt(2 log k)."""
    assert expected_best(0) == expected_best(1) == 0
    assert expected_best(2) == pytest.approx(np.pi**-0.5, abs=1e-9)
    assert 4.8 < expected_best(10**6) < np.sqrt(2 * np.log(1e6))


def test_luck_is_measured_from_the_rows() -> None:
    """Independent candidates gain the expected number of errors, copies nothing."""
    rng = np.random.default_rng(0)
    d = rng.normal(0, 0.3, (900, 10))
    luck = best_by_luck(complete_rows(d), rng=rng)
    assert luck == pytest.approx(expected_best(10) * 0.01, rel=0.06)
    same = best_by_luck(complete_rows(np.tile(d[:, :1], 4)), rng=rng)
    assert same == pytest.approx(0.0, abs=1e-3)
    assert best_by_luck(complete_rows(np.zeros((0, 3))), rng=rng) is None


def test_two_candidates_by_hand() -> None:
    """Independent means 1.0 and 0.4 of unit variance: the winner's law is cut at 0.4."""
    j, law = winner([1.0, 0.4], np.eye(2))
    assert j == 0
    assert law == Winner(1.0, 1.0, 0.4, np.inf, 2)
    assert isinstance(law, Winner)
    found = conditional(law, units=LARGE)
    assert isinstance(found, Corrected)
    for mean, share in (
        (found.interval.low, 0.975),
        (found.estimate, 0.5),
        (found.interval.high, 0.025),
    ):
        theirs = truncnorm.cdf(1.0, 0.4 - mean, np.inf, loc=mean)
        assert theirs == pytest.approx(share, abs=1e-6)
    assert found.estimate < 1.0


def test_hybrid_limits_by_hand() -> None:
    """The hybrid law is cut at the mean +- the simultaneous quantile as well."""
    _, law = winner([1.0, 0.4], np.eye(2))
    assert isinstance(law, Winner)
    found = hybrid(law, units=LARGE)
    reach = norm.isf((1 - 0.995**0.5) / 2)
    for mean, share in (
        (found.interval.low, 1 - 0.045 / 0.995 / 2),
        (found.estimate, 0.5),
        (found.interval.high, 0.045 / 0.995 / 2),
    ):
        low, high = max(0.4, mean - reach) - mean, reach
        assert truncnorm.cdf(1.0, low, high, loc=mean) == pytest.approx(share, abs=1e-6)


def test_a_clear_winner_needs_no_correction() -> None:
    """Far ahead, the conditional interval is the usual one, and the hybrid nearly."""
    _, law = winner([9.0, 0.0, 1.0], 0.5 * np.eye(3) + 0.5)
    assert isinstance(law, Winner)
    for method in (conditional, hybrid):
        found = method(law, units=LARGE)
        assert isinstance(found, Corrected)
        assert found.estimate == pytest.approx(9.0, abs=1e-3)
        assert limits(found.interval) == pytest.approx((9 - 1.96, 9 + 1.96), abs=0.06)


def test_one_candidate_has_students_interval() -> None:
    """Nothing was chosen, so nothing is corrected: t with G - 1 degrees of freedom."""
    d = candidates(12, 1)
    rows = complete_rows(d)
    _, law = winner(rows.means, rows.covariance)
    alone = paired_t(d[:, 0])
    assert isinstance(law, Winner)
    assert isinstance(alone, Estimate)
    found = conditional(law, units=12)
    assert isinstance(found, Corrected)
    own = alone.interval(level=0.95)
    assert limits(found.interval) == pytest.approx((own.low, own.high))
    assert found.estimate == pytest.approx(alone.mean)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.floats(0, 0.9), st.floats(0, 0.3))
def test_corrections_stay_in_order(means: list[float], shared: float, step: float) -> None:
    """Low <= estimate <= high; the hybrid stays within reach of what was seen, the naive above."""
    cov = (1 - shared) * np.eye(len(means)) + shared
    j, law = winner(means, cov, step=step)
    assert means[j] == max(means)
    assert isinstance(law, Winner)
    found = hybrid(law, units=LARGE)
    assert found.interval.low <= found.estimate <= found.interval.high
    assert found.estimate <= law.mean + 1e-9
    assert law.mean - found.interval.low <= norm.isf(0.0025 / len(means)) + 1e-9
    narrow = conditional(law, units=LARGE)
    if isinstance(narrow, Corrected):
        assert narrow.interval.low <= narrow.estimate <= narrow.interval.high


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.floats(-5, 5), st.floats(0.1, 10))
def test_corrections_follow_shift_and_scale(means: list[float], shift: float, scale: float) -> None:
    """Other units of the score, and a common shift, move the result with them."""
    cov = 0.7 * np.eye(len(means)) + 0.3
    _, law = winner(means, cov)
    _, moved = winner(scale * np.array(means) + shift, scale**2 * cov)
    assert isinstance(law, Winner)
    assert isinstance(moved, Winner)
    one, two = hybrid(law, units=30), hybrid(moved, units=30)
    assert two.estimate == pytest.approx(scale * one.estimate + shift, abs=1e-5 * (1 + scale))


def test_a_tie_says_little_but_not_the_worst() -> None:
    """Two equal means: no conditional answer, the far end of the hybrid; a step makes room."""
    _, exact = winner([0.5, 0.5], np.eye(2))
    _, stepped = winner([0.5, 0.5], np.eye(2), step=0.5)
    assert isinstance(exact, Winner)
    assert isinstance(stepped, Winner)
    assert isinstance(conditional(exact, units=LARGE), NotEstimable)
    found = hybrid(stepped, units=LARGE)
    assert found.interval.low < found.estimate < 0.5 < found.interval.high
    tied = hybrid(exact, units=LARGE)
    assert tied.interval.low == pytest.approx(tied.interval.high)


def test_candidates_with_the_same_errors() -> None:
    """A copy of the winner cannot have overtaken it; a noisier rival cuts from above."""
    _, law = winner([1.0, 1.0], np.ones((2, 2)))
    assert law == Winner(1.0, 1.0, -np.inf, np.inf, 2)
    _, above = winner([1.0, 0.9], [[1.0, 2.0], [2.0, 9.0]])
    assert isinstance(above, Winner)
    assert above.low == -np.inf
    assert above.high == pytest.approx(1.1)


def test_a_winner_without_spread_is_refused() -> None:
    """All cases alike: no law, and the reason."""
    j, law = winner([0.0, 1.0], [[1.0, 0.0], [0.0, 0.0]])
    assert j == 1
    assert law == NotEstimable("the units of the chosen candidate all differ alike")


def test_selected_on_the_same_cases() -> None:
    """The largest mean is chosen; naive, simultaneous and corrected stand side by side."""
    d = candidates()
    d[:, 2] += 0.02
    found = best_of(d)
    assert found.index == int(np.argmax(d.mean(axis=0)))
    assert found.naive == pytest.approx(d.mean(axis=0).max())
    naive, honest = limits(found.naive_interval), limits(found.interval)
    assert honest[0] < naive[0]
    assert honest[1] > naive[1]
    assert isinstance(found.corrected, Corrected)
    assert found.naive is not None
    assert found.corrected.estimate < found.naive
    assert found.luck is not None
    assert 0 < found.luck < 0.1
    assert (found.n_dev, found.n_test, found.excluded) == (100, 0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_selected_p_value_and_interval_agree(seed: int) -> None:
    """The interval leaves 0 out exactly when the adjusted p-value rejects."""
    d = candidates(seed=seed)
    d[:, 0] += 0.02 * seed / 4
    found = best_of(d)
    low, high = limits(found.interval)
    assert isinstance(found.p_value, PValue)
    assert (low > 0 or high < 0) == (found.p_value.value <= 0.05)


def test_dev_test_uses_fresh_cases() -> None:
    """Chosen on the dev rows, judged by the usual comparison on the others."""
    d = candidates(200, 6)
    dev = np.arange(200) < 80
    found = split(d, dev)
    index = int(np.argmax(d[:80].mean(axis=0)))
    alone = paired_t(d[80:, index])
    assert isinstance(alone, Estimate)
    assert found.index == index
    own = alone.interval(level=0.95)
    assert limits(found.interval) == pytest.approx((own.low, own.high))
    assert isinstance(found.p_value, PValue)
    assert found.p_value.value == pytest.approx(alone.p_value().value)
    assert isinstance(found.corrected, Corrected)
    assert found.corrected.estimate == pytest.approx(d[80:, index].mean())
    assert (found.n_dev, found.n_test) == (80, 120)
    changed = d.copy()
    changed[80:, [j for j in range(6) if j != index]] = np.nan
    assert split(changed, dev) == found


def test_dev_test_counts_missing_answers() -> None:
    """Dev rows need all candidates, test rows the chosen one."""
    d = candidates(60, 3)
    d[:, 1] += 1
    d[0, 2] = d[40, 1] = d[41, 0] = np.nan
    found = split(d, np.arange(60) < 30)
    assert found.index == 1
    assert (found.n_dev, found.n_test, found.excluded) == (29, 29, 2)


def test_a_torn_cluster_is_no_test() -> None:
    """A passage with cases in both splits carries the luck over."""
    d, clusters = candidates(40, 3), np.arange(40) // 4
    found = split(d, np.arange(40) < 22, clusters=clusters)
    assert found.interval == found.p_value
    assert isinstance(found.interval, NotEstimable)
    assert found.interval.why.startswith("1 cluster has cases in both splits")
    whole = split(d, np.arange(40) < 20, clusters=clusters)
    assert isinstance(whole.interval, Interval)


@pytest.mark.parametrize(
    "d", [np.zeros((0, 3)), np.zeros((4, 0)), np.full((5, 2), np.nan)], ids=["n", "k", "nan"]
)
def test_nothing_to_choose_from(d: FloatArray) -> None:
    """Without a common case, or a candidate, nothing is chosen and nothing raised."""
    for found in (best_of(d), split(d, np.ones(len(d), dtype=bool))):
        assert found.index is None
        assert isinstance(found.corrected, NotEstimable)
        assert isinstance(found.p_value, NotEstimable)


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("value", [-0.5, 0.0, 1.0])
def test_constant_differences(n: int, value: float) -> None:
    """Cases that all differ alike: chosen, but not corrected, and without certainty."""
    found = best_of(np.full((n, 3), value))
    assert found.index == 0
    assert found.naive == value
    assert isinstance(found.corrected, NotEstimable)
    assert isinstance(found.p_value, PValue)
    assert found.p_value.value > 0.01
    fresh = split(np.full((2 * n, 3), value), np.arange(2 * n) < n)
    assert limits(fresh.interval)[0] < limits(fresh.interval)[1]


def test_no_test_cases() -> None:
    """All cases were used for the choice: no test, and the reason."""
    found = split(candidates(20, 2), np.ones(20, dtype=bool))
    assert found.index is not None
    assert found.interval == NotEstimable("the chosen candidate answered no test case")
    assert found.n_test == 0
