"""Choosing the best: the luck of the choice is taken out, and what cannot be said is not said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.stats import norm, truncnorm

from evalkit.stats.arrays import FloatArray
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.rows import complete_rows
from evalkit.stats.selection import (
    CaseSet,
    Judged,
    Selected,
    best_by_luck,
    dev_test,
    joint_tests,
    select_best,
)
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


def best_of(*sets: FloatArray, resamples: int = 999) -> Selected:
    """Select with a fixed seed and few flips."""
    rng = np.random.default_rng(3)
    return select_best([CaseSet(d) for d in sets], rng=rng, resamples=resamples)


def split(d: FloatArray, dev: ArrayLike, clusters: ArrayLike | None = None) -> Selected:
    """Select on a dev split with a fixed seed."""
    rng = np.random.default_rng(3)
    return dev_test([CaseSet(d, clusters)], [dev], rng=rng, resamples=999)


def only(found: Selected) -> Judged:
    """Return what was found on the one set of cases."""
    (judged,) = found.sets
    return judged


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
    (luck,) = best_by_luck([complete_rows(d)], rng=rng)
    assert luck == pytest.approx(expected_best(10) * 0.01, rel=0.06)
    (same,) = best_by_luck([complete_rows(np.tile(d[:, :1], 4))], rng=rng)
    assert same == pytest.approx(0.0, abs=1e-3)
    assert best_by_luck([complete_rows(np.zeros((0, 3)))], rng=rng) == ()


def test_luck_over_two_sets() -> None:
    """The mean over two equal sets has an error smaller by the root of two, and so has its luck."""
    rng = np.random.default_rng(0)
    one, two = (complete_rows(rng.normal(0, 0.3, (900, 10))) for _ in range(2))
    luck = best_by_luck([one, two], rng=rng)
    assert sum(luck) / 2 == pytest.approx(expected_best(10) * 0.01 / np.sqrt(2), rel=0.06)
    assert luck == pytest.approx((luck[0], luck[0]), rel=0.2)


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
    """The largest mean is chosen; what it shows, its limits and the correction stand together."""
    d = candidates()
    d[:, 2] += 0.02
    found = best_of(d)
    index = int(np.argmax(d.mean(axis=0)))
    judged = only(found)
    assert found.index == index
    assert judged.difference == judged.joint.estimates[index] == pytest.approx(d.mean(axis=0).max())
    alone = paired_t(d[:, index])
    assert isinstance(alone, Estimate)
    naive, honest = alone.interval(level=0.95), limits(judged.interval)
    assert honest[0] < naive.low
    assert honest[1] > naive.high
    assert isinstance(found.corrected, Corrected)
    assert judged.difference is not None
    assert found.corrected.estimate < judged.difference
    assert 0 < judged.luck < 0.1
    assert (judged.n_dev, judged.n_test, judged.excluded) == (100, 0, 0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sets", [1, 2])
def test_selected_p_value_and_interval_agree(seed: int, sets: int) -> None:
    """The interval leaves 0 out exactly when the adjusted p-value rejects."""
    d = candidates(seed=seed)
    d[:, 0] += 0.02 * seed / 4
    for judged in best_of(*[d] * sets).sets:
        low, high = limits(judged.interval)
        assert isinstance(judged.p_value, PValue)
        assert (low > 0 or high < 0) == (judged.p_value.value <= 0.05)


def test_sets_weigh_alike() -> None:
    """What is better by more on the small set is chosen, though the large one has more cases."""
    small, large = np.full((20, 2), [0.4, 0.0]), np.full((500, 2), [0.0, 0.3])
    assert best_of(small, large).index == 0
    assert best_of(np.concatenate([small, large])).index == 1


def test_the_first_of_equals_is_chosen() -> None:
    """Also where equal means differ by rounding."""
    d = np.tile([[0.1, 0.3], [0.2, 0.2], [0.3, 0.1]], (4, 1))
    assert best_of(d).index == best_of(d[:, ::-1]).index == 0


def test_several_sets_are_tested_together() -> None:
    """Each of two sets is held to half of the error, which widens all limits."""
    rows = complete_rows(candidates())
    alone, both = (
        joint_tests([rows] * sets, rng=np.random.default_rng(1), resamples=999)[0]
        for sets in (1, 2)
    )
    narrow, wide = limits(alone.intervals[0]), limits(both.intervals[0])
    assert wide[0] < narrow[0]
    assert wide[1] > narrow[1]
    assert both.p_values[0] == pytest.approx(min(1.0, 2 * (alone.p_values[0] or 0.0)))
    assert isinstance(both.intervals[0], Interval)
    assert both.intervals[0].level == 0.95


def test_a_candidate_must_have_answered_every_set() -> None:
    """One that is missing in a set is tested where it is there, and cannot be chosen."""
    one, two = candidates(40, 3), candidates(50, 3, seed=1)
    one[:, 1] = np.nan
    two[:, 1] += 1
    found = best_of(one, two)
    assert found.index in {0, 2}
    assert [judged.joint.p_values[1] is None for judged in found.sets] == [True, False]
    assert isinstance(found.corrected, Corrected)


def test_the_correction_is_that_of_the_mean_over_the_sets() -> None:
    """Two sets with the same numbers: the same means with half the variance."""
    d = candidates(60, 4, seed=2)
    rows = complete_rows(d)
    _, law = winner(rows.means, rows.covariance / 2, step=rows.step / 2)
    assert isinstance(law, Winner)
    assert best_of(d, d).corrected == hybrid(law, units=60)


def test_dev_test_uses_fresh_cases() -> None:
    """Chosen on the dev rows, judged by the usual comparison on the others."""
    d = candidates(200, 6)
    dev = np.arange(200) < 80
    found = split(d, dev)
    judged = only(found)
    index = int(np.argmax(d[:80].mean(axis=0)))
    alone = paired_t(d[80:, index])
    assert isinstance(alone, Estimate)
    assert found.index == index
    own = alone.interval(level=0.95)
    assert limits(judged.interval) == pytest.approx((own.low, own.high))
    assert isinstance(judged.p_value, PValue)
    assert judged.p_value.value == pytest.approx(alone.p_value().value)
    assert judged.difference == pytest.approx(d[80:, index].mean())
    assert judged.joint.estimates[index] == pytest.approx(d[:80, index].mean())
    assert (judged.n_dev, judged.n_test) == (80, 120)
    changed = d.copy()
    changed[80:, [j for j in range(6) if j != index]] = np.nan
    assert split(changed, dev) == found


def test_dev_test_counts_missing_answers() -> None:
    """Dev rows need all candidates, test rows the chosen one."""
    d = candidates(60, 3)
    d[:, 1] += 1
    d[0, 2] = d[40, 1] = d[41, 0] = np.nan
    found = split(d, np.arange(60) < 30)
    judged = only(found)
    assert found.index == 1
    assert (judged.n_dev, judged.n_test, judged.excluded) == (29, 29, 2)


def test_a_torn_cluster_is_no_test() -> None:
    """A passage with cases in both splits carries the luck over."""
    d, clusters = candidates(40, 3), np.arange(40) // 4
    torn = only(split(d, np.arange(40) < 22, clusters))
    assert torn.interval == torn.p_value
    assert isinstance(torn.interval, NotEstimable)
    assert torn.interval.why.startswith("1 cluster has cases in both splits")
    whole = only(split(d, np.arange(40) < 20, clusters))
    assert isinstance(whole.interval, Interval)


@pytest.mark.parametrize(
    "d", [np.zeros((0, 3)), np.zeros((4, 0)), np.full((5, 2), np.nan)], ids=["n", "k", "nan"]
)
def test_nothing_to_choose_from(d: FloatArray) -> None:
    """Without a common case, or a candidate, nothing is chosen and nothing raised."""
    for found in (best_of(d), split(d, np.ones(len(d), dtype=bool)), best_of(d, candidates())):
        assert found.index is None
        assert found.sets == ()
        assert isinstance(found.corrected, NotEstimable)


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("value", [-0.5, 0.0, 1.0])
def test_constant_differences(n: int, value: float) -> None:
    """Cases that all differ alike: chosen, but not corrected, and without certainty."""
    found = best_of(np.full((n, 3), value))
    judged = only(found)
    assert found.index == 0
    assert judged.difference == value
    assert isinstance(found.corrected, NotEstimable)
    assert isinstance(judged.p_value, PValue)
    assert judged.p_value.value > 0.01
    fresh = only(split(np.full((2 * n, 3), value), np.arange(2 * n) < n))
    assert limits(fresh.interval)[0] < limits(fresh.interval)[1]


def test_no_test_cases() -> None:
    """All cases were used for the choice: no test, and the reason."""
    found = split(candidates(20, 2), np.ones(20, dtype=bool))
    judged = only(found)
    assert found.index is not None
    assert judged.interval == NotEstimable("the chosen candidate answered no test case")
    assert (judged.n_test, judged.difference) == (0, None)


def test_clusters_of_unlike_sizes_count_by_what_they_tell() -> None:
    """Thirty clusters of two beside two of seventy tell as much as four: no correction is made."""
    rng = np.random.default_rng(1)
    for sizes, corrected in (([2] * 30 + [70, 70], False), ([10] * 20, True)):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        d = rng.normal(size=(len(labels), 3)) / 4 + rng.normal(size=(len(sizes), 3))[labels] / 4
        found = select_best([CaseSet(d, clusters=labels)], rng=rng)
        assert isinstance(found.corrected, NotEstimable) != corrected
