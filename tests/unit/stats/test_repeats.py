"""Repeated samples: case means, variance components against classical tables, what to buy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.arrays import FloatArray
from evalkit.stats.clusters import spread_of
from evalkit.stats.paired import compare
from evalkit.stats.repeats import (
    Components,
    Repeats,
    advise,
    components,
    matched,
    paired_components,
    repeats,
)
from evalkit.stats.units import cluster_units
from evalkit.stats.values import NotEstimable

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4).map(lambda k: k / 4)), min_size=1)


def rectangle(scores: FloatArray) -> Repeats:
    """Return the samples of a cases x samples array."""
    return repeats(scores, np.repeat(np.arange(len(scores)), scores.shape[1]))


def found_in(found: Components | NotEstimable) -> Components:
    """Return components that must exist."""
    assert isinstance(found, Components)
    return found


def test_a_case_counts_once_whatever_its_samples() -> None:
    """Ten samples of one case and one of another have the same weight; a failed one has none."""
    model = repeats([1.0] * 10 + [0.0, math.nan], ["a"] * 10 + ["b", "b"])
    assert model.means.tolist() == [1.0, 0.0]
    assert model.samples.tolist() == [10, 1]
    assert math.isnan(float(model.spread[1]))


def test_cases_without_a_score_are_named() -> None:
    """A case of which every sample failed has no mean, and is not forgotten."""
    model = repeats([0.5, math.nan, math.inf], ["a", "b", "b"])
    assert (model.cases.tolist(), model.lost.tolist()) == (["a"], ["b"])


def test_balanced_components_are_the_analysis_of_variance() -> None:
    """With one K everywhere: sampling = MSW, case = (MSB - MSW) / K, by `scipy.stats.f_oneway`."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (12, 1)) + rng.normal(0, 0.7, (12, 4))
    within = float(scores.var(axis=1, ddof=1).mean())
    between = 4 * float(scores.mean(axis=1).var(ddof=1))
    assert stats.f_oneway(*scores).statistic == pytest.approx(between / within)
    found = found_in(components(rectangle(scores)))
    assert found.noise[0].sampling == found.noise[0].judged == pytest.approx(within)
    assert found.case == pytest.approx((between - within) / 4)
    assert found.share == pytest.approx(within / between)
    assert found.noise[0].samples == pytest.approx(4)
    assert found.noise[0].judge is None
    assert found.estimate.standard_error**2 == pytest.approx(between / 4 / 12)


def test_balanced_judges_are_the_nested_analysis_of_variance() -> None:
    """With K samples of R judgements: judge = MSE, sampling = (MS samples - MSE) / R."""
    rng = np.random.default_rng(1)
    n, k, r = 9, 3, 2
    scores = (
        rng.normal(0, 1, (n, 1, 1)) + rng.normal(0, 0.6, (n, k, 1)) + rng.normal(0, 0.3, (n, k, r))
    )
    cases = np.repeat(np.arange(n), k * r)
    samples = np.tile(np.repeat(np.arange(k), r), n)
    found = found_in(components(repeats(scores, cases, samples=samples)))
    error = float(scores.var(axis=2, ddof=1).mean())
    by_sample = r * float(scores.mean(axis=2).var(axis=1, ddof=1).mean())
    noise = found.noise[0]
    assert noise.judge == pytest.approx(error)
    assert noise.sampling == pytest.approx((by_sample - error) / r)
    assert noise.judged == pytest.approx(by_sample / r)


def test_sample_labels_belong_to_their_case() -> None:
    """The first sample of one case is not the first of another, whatever the order of rows."""
    values = [1.0, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 1.0]
    cases = ["a", "a", "a", "a", "b", "b", "b", "b"]
    samples = [1, 1, 2, 2, 1, 1, 2, 2]
    model = repeats(values, cases, samples=samples)
    assert model.samples.tolist() == [2, 2]
    order = [5, 0, 7, 3, 1, 6, 2, 4]
    shuffled = repeats(
        *([row[i] for i in order] for row in (values, cases)), samples=[samples[i] for i in order]
    )
    assert shuffled.means.tolist() == model.means.tolist()
    assert shuffled.judge_spread.tolist() == model.judge_spread.tolist()


def test_unbalanced_components_are_unbiased() -> None:
    """Over 300 data sets of 1 to 5 samples and 1 to 3 judgements the means are the truth."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        case = np.repeat(np.arange(60), rng.integers(1, 6, 60))
        sample = np.arange(len(case))
        score = rng.normal(0, 0.5, 60)[case] + rng.normal(0, 0.8, len(case))
        row = np.repeat(sample, rng.integers(1, 4, len(case)))
        values = score[row] + rng.normal(0, 0.3, len(row))
        part = found_in(components(repeats(values, case[row], samples=row)))
        found.append((part.case, part.noise[0].sampling, part.noise[0].judge or 0.0))
    # .25 is a little exceeded because the case component is cut at 0.
    assert np.mean(found, axis=0) == pytest.approx([0.25, 0.64, 0.09], abs=0.02)


def test_paired_components_take_both_models_noise_off() -> None:
    """Var(d) = case + sampling A / K_A + sampling B / K_B, with different K."""
    rng = np.random.default_rng(2)
    base, candidate = rng.normal(0, 0.5, (20, 3)), rng.normal(0, 0.3, (20, 2))
    candidate += rng.normal(0.1, 0.6, (20, 1))
    found = found_in(paired_components(rectangle(base), rectangle(candidate)))
    d = candidate.mean(axis=1) - base.mean(axis=1)
    noise = base.var(axis=1, ddof=1).mean() / 3 + candidate.var(axis=1, ddof=1).mean() / 2
    assert found.estimate.mean == pytest.approx(float(d.mean()))
    assert found.case == pytest.approx(float(d.var(ddof=1) - noise))
    assert found.share == pytest.approx(float(noise / d.var(ddof=1)))
    assert [part.samples for part in found.noise] == pytest.approx([3, 2])


def test_clusters_keep_the_noise_of_samples() -> None:
    """Noise is taken off the variance by cluster (CR2), of which it is a smaller share."""
    rng = np.random.default_rng(5)
    clusters = np.repeat(np.arange(15), 4)
    shared = rng.normal(0, 0.4, 15)[clusters, np.newaxis]
    base, candidate = rng.normal(0, 0.5, (60, 3)), rng.normal(0, 0.5, (60, 3)) + shared
    alone = found_in(paired_components(rectangle(base), rectangle(candidate)))
    found = found_in(paired_components(rectangle(base), rectangle(candidate), clusters=clusters))
    d = candidate.mean(axis=1) - base.mean(axis=1)
    expected = spread_of(cluster_units(d, clusters), method="")
    assert found.estimate == expected
    noise = base.var(axis=1, ddof=1).mean() / 3 + candidate.var(axis=1, ddof=1).mean() / 3
    assert found.noise == alone.noise
    assert found.case == pytest.approx(found.estimate.standard_error**2 * 60 - float(noise))
    assert found.share < alone.share


def test_swapped_models_swap_their_noise() -> None:
    """The difference changes sign, the components and the share do not."""
    rng = np.random.default_rng(3)
    a, b = rectangle(rng.normal(0, 1, (8, 3))), rectangle(rng.normal(1, 1, (8, 2)))
    one, other = found_in(paired_components(a, b)), found_in(paired_components(b, a))
    assert one.noise == other.noise[::-1]
    assert one.estimate.mean == -other.estimate.mean
    assert (one.case, one.share) == pytest.approx((other.case, other.share))


def test_noise_alone_is_cut_at_zero() -> None:
    """Cases that differ less than their samples would make them have no variance of their own."""
    found = found_in(components(rectangle(np.array([[0.0, 1.0], [1.0, 0.1], [0.0, 1.05]]))))
    assert (found.case, found.share) == (0.0, 1.0)


def test_cases_are_dropped_only_in_pairs() -> None:
    """A case that one model lacks, or failed altogether, is left out of both and counted."""
    base = repeats([1.0, 0.0, math.nan, 1.0], ["a", "b", "c", "d"])
    candidate = repeats([1.0, 0.5, 0.0, math.nan], ["a", "b", "c", "e"])
    ours, theirs, dropped = matched(base, candidate)
    assert ours.cases.tolist() == theirs.cases.tolist() == ["a", "b"]
    assert dropped == 3


def test_case_means_are_what_compare_takes() -> None:
    """Duplicating every sample changes no number of the comparison: K does not multiply cases."""
    rng = np.random.default_rng(4)
    a, b = rng.random((40, 1)), rng.random((40, 1))
    once = compare(rectangle(a).means, rectangle(b).means, rng=np.random.default_rng(0))
    five = compare(
        rectangle(np.repeat(a, 5, axis=1)).means,
        rectangle(np.repeat(b, 5, axis=1)).means,
        rng=np.random.default_rng(0),
    )
    assert not isinstance(once.procedure, NotEstimable)
    assert not isinstance(five.procedure, NotEstimable)
    one, other = once.procedure.interval(level=0.95), five.procedure.interval(level=0.95)
    assert not isinstance(one, NotEstimable)
    assert not isinstance(other, NotEstimable)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def known(case: float, *judged: float, samples: float = 2.0) -> Components:
    """Return components with given variances."""
    base = found_in(components(rectangle(np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.5]]))))
    noise = tuple(
        type(base.noise[0])(judged=v, sampling=v, judge=None, samples=samples) for v in judged
    )
    return Components(base.estimate, case, noise, 0.5, 10, 0)


@pytest.mark.parametrize(
    ("cost", "k", "buy"),
    [(0.0, 1, "cases"), (4.0, 4, "samples"), (1.0, 2, "cases"), (36.0, 12, "samples")],
)
def test_best_number_of_samples(cost: float, k: int, buy: str) -> None:
    """K = sqrt(cost x sampling / case): with four times the noise of cases, 2 sqrt(cost)."""
    found = advise(known(0.25, 1.0), case_cost=cost)
    assert (found.samples, found.buy) == ((k,), buy)


@given(st.floats(0.05, 2), st.lists(st.floats(0.01, 2), min_size=1, max_size=2), st.floats(0, 20))
def test_advice_is_the_cheapest_of_all(case: float, judged: list[float], cost: float) -> None:
    """No number of samples up to 100 gives the same precision for less."""
    found = known(case, *judged)
    advice = advise(found, case_cost=cost)
    assert advice.samples is not None

    def price(k: tuple[float, ...]) -> float:
        return (case + sum(v / m for v, m in zip(judged, k, strict=True))) * (cost + sum(k))

    tried = np.arange(1, 101)
    if len(judged) == 1:
        best = min(price((float(k),)) for k in tried)
    else:
        best = min(price((float(k), float(m))) for k in tried for m in tried)
    assert price(tuple(map(float, advice.samples))) == pytest.approx(best, rel=1e-9)
    assert advice.saving == pytest.approx(max(1 - best / price((2.0,) * len(judged)), 0), abs=1e-9)


def test_without_a_difference_between_cases_samples_are_all_that_counts() -> None:
    """A case variance of 0 has no best number; more samples always pay where cases cost."""
    found = advise(known(0.0, 1.0), case_cost=3.0)
    assert (found.buy, found.samples) == ("samples", None)
    assert found.saving == pytest.approx(1 - 1 / (0.5 * 5))


@pytest.mark.parametrize(
    ("values", "cases", "why"),
    [
        ([], [], "there are none"),
        ([1.0, 0.0], ["a", "a"], "there is 1"),
        ([1.0, 0.0, 0.5], ["a", "b", "c"], "no case has two samples"),
        ([1.0] * 4, ["a", "a", "b", "b"], "same"),
        ([math.nan] * 4, ["a", "a", "b", "b"], "there are none"),
    ],
)
def test_too_little_to_take_apart(values: list[float], cases: list[str], why: str) -> None:
    """No case, one case, one sample each, no difference at all: the reason instead of a number."""
    model = repeats(values, cases)
    for found in (components(model), paired_components(model, model)):
        assert isinstance(found, NotEstimable)
    single = components(model)
    assert isinstance(single, NotEstimable)
    assert why in single.why


@given(ROWS, st.randoms(use_true_random=False))
def test_order_changes_nothing(rows: list[tuple[int, float]], random: object) -> None:
    """Rows in another order give the same means, numbers and spreads."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (repeats([v for _, v in r], [c for c, _ in r]) for r in (rows, shuffled))
    assert one.cases.tolist() == other.cases.tolist()
    assert one.means == pytest.approx(other.means)
    assert one.samples.tolist() == other.samples.tolist()
    assert one.spread == pytest.approx(other.spread, nan_ok=True)
