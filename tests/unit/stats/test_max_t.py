"""Several candidates on the same cases: test and interval agree, and nothing is certain."""

from __future__ import annotations

import math
import resource
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.arrays import FloatArray
from evalkit.stats.max_t import MaxT, max_t
from evalkit.stats.paired import compare
from evalkit.stats.paired_binary import TangoScore
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.rows import complete_rows
from evalkit.stats.values import Interval, NotEstimable, Side

SIDES: tuple[Side, ...] = ("greater", "less", "two-sided")


def run(d: Any, **options: Any) -> MaxT:
    """Test with a fixed seed and few flips."""
    return max_t(d, **{"resamples": 999, "rng": np.random.default_rng(11), **options})


def matrix(kind: str, n: int, k: int, *, gain: float = 0.0, seed: int = 0) -> FloatArray:
    """Draw differences of ``k`` candidates that share half of their errors."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 1)) + rng.normal(size=(n, k)) + gain
    if kind == "binary":
        return np.where(np.abs(z) > 1.5, np.sign(z), 0.0)
    return np.clip(0.2 * z, -1, 1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", ["binary", "scores"])
@given(st.data())
def test_interval_and_p_value_agree(kind: str, side: Side, data: st.DataObject) -> None:
    """A simultaneous interval leaves 0 out exactly when its single-step p-value rejects."""
    n, seed = data.draw(st.integers(1, 60)), data.draw(st.integers(0, 10_000))
    level = data.draw(st.sampled_from([0.8, 0.9, 0.95]))
    labels = np.arange(n) // 3 if data.draw(st.booleans()) else None
    d = matrix(kind, n, 3, gain=data.draw(st.floats(-1, 1)), seed=seed)
    found = run(d, side=side, clusters=labels)
    for j in range(3):
        p, interval = found.single_step.values[j], found.interval(j, level=level)
        if isinstance(interval, NotEstimable):
            assert p is None or p > 1 - level
            continue
        assert p is not None
        assert interval.low <= interval.high
        assert (interval.low > 0 or interval.high < 0) == (p <= (1 - level) * (1 + 1e-12))


@pytest.mark.parametrize("kind", ["binary", "scores"])
def test_never_narrower_than_alone(kind: str) -> None:
    """More candidates widen every interval; the estimate stays the plain mean."""
    d = matrix(kind, 80, 6, gain=0.4)
    found = run(d, side="two-sided")
    for j in range(6):
        alone, joint = found.alone[j], found.interval(j)
        assert isinstance(alone, TangoScore if kind == "binary" else Estimate)
        own = alone.interval(level=0.95)
        assert isinstance(joint, Interval)
        assert joint.low < own.low
        assert joint.high > own.high
        assert found.estimates[j] == pytest.approx(d[:, j].mean())
    assert (np.array(found.step_down.values) <= np.array(found.single_step.values)).all()


def test_one_candidate_has_nearly_its_own_interval() -> None:
    """With a single candidate the flips give Student's quantile again, within a few percent."""
    found = run(matrix("scores", 60, 1), side="two-sided", resamples=20_000)
    alone, joint = found.alone[0], found.interval(0)
    assert isinstance(alone, Estimate)
    assert isinstance(joint, Interval)
    assert joint.high - joint.low == pytest.approx(
        2 * (alone.interval(level=0.95).high - alone.mean), rel=0.04
    )


def test_copies_cost_nothing() -> None:
    """Ten copies of one candidate are one candidate, where Bonferroni counts ten."""
    d = matrix("scores", 100, 1, gain=0.3, seed=5)
    one, ten = run(d), run(np.tile(d, 10))
    assert ten.single_step.values == one.single_step.values * 10
    assert ten.interval(7) == one.interval(0)


def test_independent_candidates_cost_about_bonferroni() -> None:
    """For independent errors the critical value is close to that of 1 - .95^(1/k)."""
    d = np.random.default_rng(4).normal(0, 0.2, (400, 8))
    found = run(d, side="two-sided", resamples=20_000)
    alone, joint = found.alone[0], found.interval(0)
    assert isinstance(alone, Estimate)
    assert isinstance(joint, Interval)
    z = (joint.high - joint.low) / 2 / alone.standard_error
    assert z == pytest.approx(2.727, rel=0.02)  # two-sided normal quantile of .95^(1/8)


@pytest.mark.parametrize("resamples", [64, 999])
@pytest.mark.parametrize("kind", ["binary", "scores"])
@given(seed=st.integers(0, 999), n=st.integers(2, 30))
def test_swapping_the_models_mirrors_everything(
    kind: str, resamples: int, seed: int, n: int
) -> None:
    """A gain seen from the other side is a loss."""
    d = matrix(kind, n, 3, gain=0.3, seed=seed)
    for side, other in (("greater", "less"), ("two-sided", "two-sided")):
        one = run(d, side=side, resamples=resamples)
        two = run(-d, side=other, resamples=resamples)
        assert one.step_down.values == pytest.approx(two.step_down.values)
        for ours, theirs in zip(one.intervals(), two.intervals(), strict=True):
            if isinstance(ours, Interval):
                assert isinstance(theirs, Interval)
                assert (ours.low, ours.high) == pytest.approx((-theirs.high, -theirs.low))


@given(st.integers(0, 999), st.permutations(range(9)))
def test_order_of_the_cases(seed: int, order: list[int]) -> None:
    """With all flips listed the order of the cases changes nothing, nor that of the columns."""
    d = matrix("scores", 9, 3, seed=seed)
    found, again = run(d), run(d[order][:, ::-1])
    assert found.step_down.values == pytest.approx(again.step_down.values[::-1])


def test_clusters_are_the_units() -> None:
    """Rows repeated within clusters know no more than the rows themselves."""
    d = matrix("scores", 40, 4, gain=0.2)
    plain = run(d)
    often = run(np.repeat(d, 5, axis=0), clusters=np.repeat(np.arange(40), 5))
    assert often.n == 200
    assert often.single_step.values == pytest.approx(plain.single_step.values)


def test_clusters_of_unequal_size_are_judged_as_one_candidate_is() -> None:
    """By CR2 with Kish's number of clusters less one, which keeps its level where CR1 does not."""
    label = np.repeat(np.arange(60), [4, 5, 6, 8] * 15)
    d = np.random.default_rng(8).normal(0, 0.2, (len(label), 2))
    found = run(d, side="two-sided", clusters=label)
    for j, alone in enumerate(found.alone):
        own = compare(np.zeros(len(d)), d[:, j], clusters=label, rng=np.random.default_rng(1))
        assert isinstance(alone, Estimate)
        assert alone == own.procedure
        assert alone.method == "t on clusters (CR2)"


def test_missing_answers_are_counted() -> None:
    """Cases that some candidate lacks are left out; one without any answer leaves the family."""
    d = matrix("scores", 50, 4)
    d[:7, 1] = np.nan
    d[:, 3] = np.nan
    found = run(d)
    assert (found.n, found.excluded) == (43, 7)
    assert found.estimates[3] is found.single_step.values[3] is None
    assert (found.single_step.tested, found.single_step.excluded) == (3, 1)
    assert found.interval(3) == NotEstimable("the candidate answered no case")
    alone = run(d[7:, :3])
    assert found.single_step.values[:3] == alone.single_step.values


@pytest.mark.parametrize(
    "d",
    [
        np.zeros((0, 3)),
        np.full((4, 3), np.nan),
        np.array([[np.nan, 0.5, 0.1], [0.5, np.nan, 0.1]]),
        np.zeros((5, 0)),
    ],
)
def test_no_common_case(d: FloatArray) -> None:
    """Without a case that all answered nothing is tested, and nothing raised."""
    found = run(d)
    assert found.n == 0
    assert found.excluded == len(d)
    assert found.single_step.tested == 0
    assert all(isinstance(found.interval(j), NotEstimable) for j in range(d.shape[1]))


@pytest.mark.parametrize("n", [1, 2, 4, 5, 40])
@pytest.mark.parametrize("value", [-1.0, 0.0, 0.5, 1.0])
def test_constant_differences_are_not_certain(n: int, value: float) -> None:
    """Cases that all differ alike: no limits, or wide ones, and a p-value of at least 2^-n."""
    found = run(np.full((n, 2), value), side="two-sided")
    for j in range(2):
        p, interval = found.single_step.values[j], found.interval(j)
        assert p is not None
        assert p >= 0.5**n
        if n < 5:
            assert isinstance(interval, NotEstimable)
        else:
            assert isinstance(interval, Interval)
            assert interval.high - interval.low > 0.05
    if value == 0:
        assert found.single_step.values == (1.0, 1.0)


def test_one_cluster_is_refused() -> None:
    """Cases of one cluster say nothing about others."""
    found = run(matrix("scores", 6, 2), clusters=np.zeros(6))
    assert found.interval(0) == NotEstimable("all cases are in one cluster, two are needed")
    assert found.single_step.values == (None, None)


def test_too_few_flips_for_a_level() -> None:
    """19 flips cannot exclude anything at 99 %."""
    found = run(matrix("scores", 50, 2), resamples=19)
    assert isinstance(found.interval(0, level=0.99), NotEstimable)
    assert isinstance(found.interval(0, level=0.9), Interval)


def test_a_shared_effect_does_not_narrow_the_intervals() -> None:
    """The critical value comes from the errors: the same with a large effect of all candidates."""
    d = matrix("scores", 200, 5, seed=2)
    plain, moved = run(d, side="two-sided"), run(d + 0.2, side="two-sided")
    for one, other in zip(plain.intervals(), moved.intervals(), strict=True):
        assert isinstance(one, Interval)
        assert isinstance(other, Interval)
        assert other.low - one.low == pytest.approx(0.2)


def test_rows_say_how_far_means_lie_apart() -> None:
    """1/n for scores of 0 and 1, and by cluster too; 0 where nothing differs."""
    d = matrix("binary", 40, 3)
    assert complete_rows(d).step == pytest.approx(1 / 40)
    assert complete_rows(d, clusters=np.arange(40) // 4).step == pytest.approx(1 / 40)
    assert complete_rows(np.zeros((4, 2))).step == 0.0


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2)])
def test_a_matrix_is_needed(shape: tuple[int, ...]) -> None:
    """A vector has no columns to choose from."""
    with pytest.raises(ValueError, match="matrix"):
        complete_rows(np.zeros(shape))


@pytest.mark.slow
def test_a_million_cases() -> None:
    """1,000,000 cases and 20 candidates with 9,999 flips: 90 s of CPU, 3 GB at most."""
    rng = np.random.default_rng(0)
    d = rng.normal(0, 0.2, (1_000_000, 20))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = max_t(d, rng=rng)
    assert found.n == 1_000_000
    assert math.isfinite(float(found.largest[0]))
    assert time.process_time() - start < 90
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3_000_000
