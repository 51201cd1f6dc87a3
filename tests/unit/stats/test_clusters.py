"""Clusters as units of a mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.clusters import (
    Clustering,
    MacroMean,
    bias_reduced_estimate,
    cluster_estimate,
    clustered_mean,
    clustering,
    macro_mean,
)
from evalkit.stats.means import mean_interval
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.units import case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable


def test_single_cases_as_clusters_are_the_plain_t() -> None:
    """CR1 with one case a cluster is s / sqrt(n) with n - 1 degrees of freedom."""
    d = np.array([0.5, -0.25, 0.0, 0.75, 0.25])
    one, other = paired_t(d), clustered_mean(d, np.arange(5))
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert one.standard_error == pytest.approx(float(d.std(ddof=1)) / np.sqrt(5))
    assert (one.mean, one.df) == (other.mean, other.df)
    assert one.standard_error == pytest.approx(other.standard_error)


def test_labels_may_be_of_any_type() -> None:
    """Only which cases share a label matters."""
    d = [0.5, 0.25, -0.5, 0.0]
    assert clustered_mean(d, ["a", "a", "b", "c"]) == clustered_mean(d, [7, 7, -1, 3])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "a spread needs 2 clusters, there are none"),
        ([0.5, 0.25], "a spread needs 2 clusters, there is 1"),
    ],
)
def test_below_two_clusters_there_is_no_spread(values: list[float], why: str) -> None:
    """One cluster is refused with the reason."""
    assert clustered_mean(values, ["a"] * len(values)) == NotEstimable(why)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "a spread needs 2 cases, there are none"),
        ([0.5], "a spread needs 2 cases, there is 1"),
        ([0.1] * 3, "all 3 cases have the same difference, so their spread is unknown"),
        ([0.0] * 3, "all 3 cases have the same difference, so their spread is unknown"),
    ],
)
def test_t_without_a_spread_is_refused(values: list[float], why: str) -> None:
    """No t, no nan and no division by zero where the differences do not vary."""
    assert paired_t(np.array(values)) == NotEstimable(why)


def test_one_sided_p_values_add_up() -> None:
    """The two directions share the probability between them."""
    found = paired_t([0.5, -0.25, 0.0, 0.75, 0.25])
    assert isinstance(found, Estimate)
    above, below = (found.p_value(side=s).value for s in ("greater", "less"))
    assert above + below == pytest.approx(1)
    assert found.p_value().value == pytest.approx(2 * above)


def test_effective_counts_what_carries_the_differences() -> None:
    """Seven equal differences among ties count 7; nothing counts 0."""
    assert case_units([0.5] * 7 + [0.0] * 93).effective == pytest.approx(7)
    assert case_units([0.0] * 9).effective == 0.0


def test_mean_weighs_cases_alike() -> None:
    """A large cluster counts by its cases, and the units' shares add up to the mean."""
    units = cluster_units([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert units.mean == 0.75
    assert units.shares.sum() == pytest.approx(0.75)


def test_unequal_clusters_count_as_fewer() -> None:
    """Kish's number is that of the clusters when they are equal, and near 1 when one is all."""
    assert cluster_units([1.0] * 6, ["a", "a", "b", "b", "c", "c"]).kish == pytest.approx(3)
    assert cluster_units([1.0] * 4, ["a", "a", "a", "b"]).kish == pytest.approx(1.6)
    assert case_units([0.0] * 9).kish == 9


@pytest.mark.parametrize(
    ("scores", "clusters", "method"),
    [
        ([1.0] * 8 + [0.0] * 2, None, "Wilson score"),
        (np.linspace(0.1, 0.9, 40), None, "t"),
        (np.linspace(0.1, 0.9, 40), np.arange(40) // 4, "t on clusters (CR2)"),
        ([0.25] * 50, None, "Wilson score"),
        ([0.3, 0.4], None, "Wilson score"),
    ],
)
def test_mean_of_one_model(scores: object, clusters: object, method: str) -> None:
    """A learning curve's point has limits inside the scale, whatever its scores look like."""
    found = mean_interval(scores, clusters=clusters)  # type: ignore[arg-type]
    assert isinstance(found, Interval)
    assert found.method == method
    assert 0 <= found.low < found.high <= 1


def test_mean_without_data() -> None:
    """No case and one cluster give a reason instead of limits."""
    assert mean_interval([]) == NotEstimable("no case was answered")
    one = mean_interval([0.5, 0.75], clusters=["a", "a"])
    assert one == NotEstimable("all cases are in one cluster, two are needed")


Tables = dict[str, tuple[int, int, int, int]]
VALUES = st.lists(
    st.tuples(st.integers(-4, 4).map(lambda k: k / 4), st.integers(0, 4)), min_size=2, max_size=30
)


def found_in(found: Clustering | NotEstimable) -> Clustering:
    """Return a clustering that must exist."""
    assert isinstance(found, Clustering)
    return found


def bbh_rows(bbh: Tables) -> tuple[np.ndarray, np.ndarray]:
    """Return every pair's difference and its task."""
    d, task = [], []
    for name, (both, gained, lost, neither) in bbh.items():
        d += [1.0] * gained + [-1.0] * lost + [0.0] * (both + neither)
        task += [name] * (both + gained + lost + neither)
    return np.array(d), np.array(task)


def test_real_slices_by_every_reading(reference: dict[str, dict[str, Any]], bbh: Tables) -> None:
    """27 tasks: naive, CR0 and CR1 errors of the pooled mean, and both errors of the macro mean."""
    entry = reference["data_bbh_se"]
    d, task = bbh_rows(bbh)
    naive, pooled, macro = paired_t(d), clustered_mean(d, task), macro_mean(d, task)
    assert isinstance(naive, Estimate)
    assert isinstance(pooled, Estimate)
    assert isinstance(macro.fixed, Estimate)
    assert isinstance(macro.random, Estimate)
    found = {
        "naive_se": naive.standard_error,
        "micro_clustered_se_cr0": pooled.standard_error * np.sqrt(26 / 27),
        "micro_clustered_se_cr1": pooled.standard_error,
        "macro_diff": macro.estimate,
        "macro_fixed_slices_se": macro.fixed.standard_error,
        "macro_random_slices_se": macro.random.standard_error,
    }
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"]), entry["source"]


def test_correlation_is_the_analysis_of_variance() -> None:
    """Three clusters of 4: F by `scipy.stats.f_oneway`, rho = (F - 1) / (F + 3)."""
    rows = np.random.default_rng(0).normal(0, 1, (3, 4)) + np.arange(3.0)[:, None]
    f = float(stats.f_oneway(*rows).statistic)
    found = found_in(clustering(rows.reshape(-1), np.repeat([0, 1, 2], 4)))
    assert found.correlation == pytest.approx((f - 1) / (f + 3))
    assert found.effect == pytest.approx(1 + 3 * found.correlation)
    assert found.effective == pytest.approx(12 / found.effect)
    low, high = (f / stats.f.ppf(q, 2, 9) for q in (0.975, 0.025))
    assert isinstance(found.interval, Interval)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        ((low - 1) / (low + 3), (high - 1) / (high + 3))
    )


def test_unequal_sizes_by_hand() -> None:
    """Clusters (1, 2) and (4, 5, 6, 7): MSB 21.333, MSW 1.375, n0 2.6667; sizes weighted 20/6."""
    found = found_in(clustering([1, 2, 4, 5, 6, 7], [0, 0, 1, 1, 1, 1]))
    between, within, n0 = 64 / 3, 5.5 / 4, (6 - 20 / 6)
    assert found.correlation == pytest.approx((between - within) / (between + (n0 - 1) * within))
    assert (found.n, found.clusters) == (6, 2)
    assert found.size == pytest.approx(20 / 6)


def test_design_effect_is_that_of_the_mean() -> None:
    """Clusters of 2 to 120 cases with rho .2: its variance grows by 1 + (sum n^2 / n - 1) .2."""
    rng = np.random.default_rng(0)
    sizes = np.array([2, 2, 3, 4, 5, 8, 10, 30, 60, 120])
    label = np.repeat(np.arange(10), sizes)
    n = len(label)
    draws = rng.normal(0, np.sqrt(0.2), (20_000, 10)) @ (sizes / n)
    draws += rng.normal(0, np.sqrt(0.8 / n), 20_000)
    size = found_in(clustering(rng.normal(0, 1, n), label)).size
    assert n * float(draws.var()) == pytest.approx(1 + (size - 1) * 0.2, rel=0.05)


@given(VALUES, st.randoms(use_true_random=False))
def test_clustering_ignores_order_and_units(rows: list[tuple[float, int]], random: object) -> None:
    """Cases in another order, mirrored or on another scale are as alike as before."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = clustering([v for v, _ in rows], [c for _, c in rows])
    other = clustering([3 - 2 * v for v, _ in shuffled], [c for _, c in shuffled])
    if isinstance(one, NotEstimable):
        assert one == other
        return
    assert found_in(other).correlation == pytest.approx(one.correlation, abs=1e-9)
    assert one.effect >= 1
    if isinstance(one.interval, Interval):
        assert one.interval.low <= one.interval.high


@pytest.mark.parametrize(
    ("values", "clusters", "why"),
    [
        ([], [], "needs 2 clusters, there are none"),
        ([1.0, 0.5], ["a", "a"], "needs 2 clusters, there is 1"),
        ([1.0, 0.5], ["a", "b"], "no cluster holds two cases"),
        ([0.5] * 4, ["a", "a", "b", "b"], "all values are alike"),
        ([0.5, float("nan")], ["a", "a"], "not a finite number"),
    ],
)
def test_no_correlation(values: list[float], clusters: list[str], why: str) -> None:
    """Too few clusters or cases, or nothing that varies, give the reason."""
    found = clustering(values, clusters)
    assert isinstance(found, NotEstimable)
    assert why in found.why


@pytest.mark.parametrize("values", [[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]])
def test_no_limits_without_a_spread_to_compare(values: list[float]) -> None:
    """Clusters wholly alike inside, or with one mean, have an estimate but claim no certainty."""
    found = found_in(clustering(values, ["a", "a", "b", "b"]))
    assert found.correlation in (1.0, -1.0)
    assert isinstance(found.interval, NotEstimable)


@given(VALUES)
def test_cr2_by_its_matrices(rows: list[tuple[float, int]]) -> None:
    """(I - H_gg)^-1/2 applied to each cluster's residuals gives the same standard error."""
    values, label = np.array([v for v, _ in rows]), np.array([c for _, c in rows])
    found = bias_reduced_estimate(cluster_units(values, label))
    if isinstance(found, NotEstimable):
        return
    n, total = len(values), 0.0
    for g in np.unique(label):
        inside = values[label == g] - values.mean()
        hat = np.full((len(inside), len(inside)), 1 / n)
        eigen, vectors = np.linalg.eigh(np.eye(len(inside)) - hat)
        root = vectors @ np.diag(eigen**-0.5) @ vectors.T
        total += float((root @ inside).sum()) ** 2
    assert found.standard_error == pytest.approx(np.sqrt(total) / n)


def test_cr2_is_cr1_for_clusters_of_one_size() -> None:
    """Same error, same degrees of freedom."""
    units = cluster_units(np.random.default_rng(0).normal(0, 1, 20), np.arange(20) // 4)
    one, other = bias_reduced_estimate(units), cluster_estimate(units)
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert one.standard_error == pytest.approx(other.standard_error)
    assert one.df == pytest.approx(other.df)


def test_cr2_is_wider_where_one_cluster_is_large() -> None:
    """A cluster that pulls the mean towards itself hides its own residual."""
    units = cluster_units([1.0, 0.0, 0.5] + [0.75, 0.25] * 10, [0, 1, 2] + [3] * 20)
    one, other = bias_reduced_estimate(units), cluster_estimate(units)
    assert one == NotEstimable("one cluster holds nearly all cases")
    units = cluster_units([1.0, 0.0, 0.5] + [0.75, 0.5] * 2, [0, 1, 2] + [3] * 4)
    one, other = bias_reduced_estimate(units), cluster_estimate(units)
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    wide, narrow = one.interval(level=0.95), other.interval(level=0.95)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("values", "slices", "why"),
    [
        ([1.0, 0.5, 0.25], ["a", "a", "b"], "a slice has only one case"),
        ([1.0, 1.0, 0.5, 0.5], ["a", "a", "b", "b"], "within each slice"),
        ([0.5, float("nan")], ["a", "b"], "not a finite number"),
        ([], [], "no case"),
    ],
)
def test_macro_mean_without_a_spread(values: list[float], slices: list[str], why: str) -> None:
    """A single case, constant slices and no data have no error for fixed slices."""
    found = macro_mean(values, slices)
    assert isinstance(found.fixed, NotEstimable)
    assert why in found.fixed.why


def test_macro_mean_weighs_slices_alike() -> None:
    """A slice of two cases counts as much as one of a hundred; one slice is no sample of slices."""
    found = macro_mean([1.0, 0.5] + [0.25, 0.0] * 50, ["a"] * 2 + ["b"] * 100)
    assert isinstance(found, MacroMean)
    assert found.estimate == pytest.approx((0.75 + 0.125) / 2)
    single = macro_mean([1.0, 0.5], ["a", "a"])
    assert isinstance(single.random, NotEstimable)
    assert isinstance(single.fixed, Estimate)
    assert single.fixed.df == pytest.approx(1)
