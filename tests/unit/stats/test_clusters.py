"""Clusters as units of a mean."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.clusters import clustered_mean
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
        (np.linspace(0.1, 0.9, 40), np.arange(40) // 4, "t on clusters (CR1)"),
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
