"""The gap among alike cases: regression, matching, twins, and the robust error behind it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.stats.adjusted_gap import AdjustedGap, adjusted_gap, matched_gap, twins_gap
from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.gap import welch
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.robust import Coefficient, basis, coefficient
from evalkit.stats.values import Interval, NotEstimable

Mask = NDArray[np.bool_]


def sides(n: int = 40, share: float = 0.4, seed: int = 0) -> tuple[FloatArray, Mask]:
    """Return differences and which cases are trained."""
    rng = np.random.default_rng(seed)
    train = np.arange(n) < share * n
    return rng.normal(0.1, 0.3, n) * np.where(train, 0.5, 1.0), train


def welch_of(d: FloatArray, train: Mask) -> Estimate:
    """Return the plain gap as the difference of two means."""
    one, other = paired_t(d[train]), paired_t(d[~train])
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    return welch(one, other)


def error(found: AdjustedGap) -> Estimate:
    """Return the estimate of a gap that must have one."""
    assert isinstance(found.procedure, Estimate)
    return found.procedure


def test_least_squares_by_statsmodels() -> None:
    """Coefficient and HC2 error of statsmodels 0.15.0, OLS(d, [1, t, x]).fit(cov_type="HC2")."""
    d = np.array([1, 0, 0, 1, 0, -1, 1, 1, 0, 0, 0.5, -0.5, 0, 0.25, 0, 1.0])
    t = np.array([1.0] * 7 + [0.0] * 9)
    x = np.arange(16) ** 1.5 / 10
    found = coefficient(d, t, given=basis(x[:, None]))
    assert isinstance(found, Coefficient)
    assert isinstance(found.procedure, Estimate)
    assert found.value == pytest.approx(0.008731992842497038, abs=1e-12)
    assert found.procedure.standard_error == pytest.approx(0.6816477301397481, abs=1e-12)
    assert adjusted_gap(d, t, x).gap == pytest.approx(found.value)


def test_without_covariates_it_is_welchs_error() -> None:
    """The plain gap, Welch's standard error, and the degrees of freedom of two samples.

    (n + m)^2 (n - 1)(m - 1) / (n^2 (n - 1) + m^2 (m - 1)) [Imbens & Kolesar 2016].
    """
    d, train = sides()
    found = error(adjusted_gap(d, train, np.zeros((40, 0))))
    plain = welch_of(d, train)
    assert found.mean == pytest.approx(plain.mean)
    assert found.standard_error == pytest.approx(plain.standard_error)
    n, m = 16, 24
    df = (n + m) ** 2 * (n - 1) * (m - 1) / (n**2 * (n - 1) + m**2 * (m - 1))
    assert found.df == pytest.approx(df)


def by_matrices(
    d: FloatArray, x: FloatArray, units: IntArray, *, at: int
) -> tuple[float, float, float]:
    """Return coefficient, CR2 error and degrees of freedom by the defining matrices."""
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    left = np.eye(len(d)) - hat
    residuals, pick = left @ d, bread[:, at]
    scores, vectors = [], []
    for g in np.unique(units):
        inside = units == g
        values, turn = np.linalg.eigh(left[np.ix_(inside, inside)])
        root = turn @ np.diag([v**-0.5 if v > 1e-9 else 0.0 for v in values]) @ turn.T
        weights = root @ x[inside] @ pick
        scores.append(weights @ residuals[inside])
        vectors.append(left[:, inside] @ weights)
    p = np.array(vectors)
    omega = p @ p.T
    df = np.trace(omega) ** 2 / np.trace(omega @ omega)
    return float((bread @ x.T @ d)[at]), float(np.sqrt(np.square(scores).sum())), float(df)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_cr2_by_its_definition(clustered: bool, seed: int) -> None:
    """The short way over an orthonormal frame gives what the n x n matrices give."""
    rng = np.random.default_rng(seed)
    d, train = sides(30, seed=seed)
    x = rng.normal(size=(30, 2)) + train[:, None]
    units = rng.integers(0, 9, 30) if clustered else np.arange(30)
    found = error(adjusted_gap(d, train, x, clusters=units if clustered else None))
    design = np.column_stack([np.ones(30), train, x])
    expected = by_matrices(d, design, units, at=1)
    assert (found.mean, found.standard_error, found.df) == pytest.approx(expected)


def test_clusters_of_one_are_cases() -> None:
    """The two ways of counting units meet."""
    d, train = sides()
    x = np.arange(40.0)
    plain = error(adjusted_gap(d, train, x))
    single = error(adjusted_gap(d, train, x, clusters=np.arange(40)))
    assert (single.standard_error, single.df) == pytest.approx((plain.standard_error, plain.df))


def test_a_confounder_is_taken_out() -> None:
    """Long cases gain .5 wherever they stand, and more of them are trained: no gap."""
    train = np.repeat([True, False], 100)
    long = np.concatenate([np.arange(100) < 80, np.arange(100) < 20]).astype(np.float64)
    d = 0.5 * long + np.random.default_rng(0).normal(0, 0.1, 200)
    found = adjusted_gap(d, train, long)
    assert found.unadjusted == pytest.approx(0.3, abs=0.04)
    assert error(found).p_value().value > 0.05
    assert found.gap == pytest.approx(0.0, abs=0.04)
    matched = matched_gap(d, train, long)
    assert matched.unadjusted == found.unadjusted
    assert matched.gap == pytest.approx(found.gap, abs=0.01)


@given(st.integers(0, 999), st.integers(1, 3))
def test_redundant_covariates_change_nothing(seed: int, extra: int) -> None:
    """Copies, sums and constants are counted and left out."""
    rng = np.random.default_rng(seed)
    d, train = sides(seed=seed)
    x = rng.normal(size=(40, 2)) * [1.0, 1e6]
    more = np.column_stack([x, *(x @ rng.normal(size=2) + 3 for _ in range(extra)), np.full(40, 7)])
    one, two = adjusted_gap(d, train, x), adjusted_gap(d, train, more)
    assert (one.redundant, two.redundant) == (0, extra + 1)
    assert two.gap == pytest.approx(one.gap)
    assert error(two).standard_error == pytest.approx(error(one).standard_error)
    assert error(two).method == "least squares on split and 2 covariates, CR2"


@given(st.integers(0, 999), st.permutations(range(40)), st.booleans())
def test_symmetries(seed: int, order: list[int], clustered: bool) -> None:
    """Swapped models mirror the gap, swapped splits too, and the order of cases is nothing."""
    rng = np.random.default_rng(seed)
    d, train = sides(seed=seed)
    x, labels = rng.normal(size=(40, 2)), rng.integers(0, 15, 40)
    options: dict[str, Any] = {"clusters": labels} if clustered else {}
    found = adjusted_gap(d, train, x, **options)
    moved = {"clusters": labels[order]} if clustered else {}
    for other, sign in (
        (adjusted_gap(-d, train, x, **options), -1),
        (adjusted_gap(d, ~train, x, **options), -1),
        (adjusted_gap(d[order], train[order], x[order], **moved), 1),
    ):
        assert other.gap == pytest.approx(sign * (found.gap or 0))
        assert error(other).standard_error == pytest.approx(error(found).standard_error)
        assert error(other).df == pytest.approx(error(found).df)


def test_a_split_that_the_covariates_tell() -> None:
    """Trained cases all longer than held-out ones and a slice for each: nothing to compare."""
    d, train = sides()
    found = adjusted_gap(d, train, train.astype(np.float64))
    assert found.procedure == NotEstimable("the covariates alone tell trained from held-out cases")
    assert found.gap is None
    assert found.unadjusted is not None


def test_more_covariates_than_cases() -> None:
    """The fit would be perfect and say nothing."""
    d, train = sides(12, 0.5)
    found = adjusted_gap(d, train, np.random.default_rng(0).normal(size=(12, 11)))
    assert isinstance(found.procedure, NotEstimable)


def test_missing_values_are_counted() -> None:
    """A case without difference or covariate is left out."""
    d, train = sides()
    x = np.arange(40.0)
    d[0], x[39] = np.nan, np.nan
    found = adjusted_gap(d, train, x)
    assert (found.n_train, found.n_heldout, found.excluded) == (15, 23, 2)
    assert found.gap == adjusted_gap(d[1:39], train[1:39], x[1:39]).gap


def test_a_side_carried_by_few_cases_has_no_error() -> None:
    """Trained cases of which three changed: the gap is shown, the interval is not."""
    d = np.concatenate([[1.0] * 3, np.zeros(27), np.tile([1.0, -1.0, 0.0, 0.0], 25)])
    found = adjusted_gap(d, np.arange(130) < 30, np.arange(130.0) % 7)
    assert found.gap is not None
    assert found.procedure == NotEstimable("too few trained cases carry the differences")


def test_one_deciding_cluster_has_no_error() -> None:
    """All cases of a side in one cluster: its spread between clusters is unknown."""
    d, train = sides()
    found = adjusted_gap(d, train, np.zeros((40, 0)), clusters=np.where(train, 0, np.arange(40)))
    assert found.procedure == NotEstimable("a spread needs 2 trained clusters, there is 1")


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_degenerate_data(n: int, value: float) -> None:
    """Nothing, one of each, all alike, nan: no crash, no certainty, and a reason."""
    d, train = np.full(n, value), np.arange(n) % 2 == 0
    for found in (
        adjusted_gap(d, train, np.arange(float(n))),
        matched_gap(d, train, np.zeros(n)),
        adjusted_gap(d, train, np.zeros((n, 0)), clusters=np.zeros(n)),
    ):
        assert isinstance(found.procedure, NotEstimable)
        assert found.procedure.why


def test_pure_memorisation_has_a_gap_but_no_regression_error() -> None:
    """All trained cases gained and no other: a perfect fit, left to the plain gap's limits."""
    found = adjusted_gap(np.repeat([1.0, 0.0], 30), np.repeat([True, False], 30), np.zeros((60, 0)))
    assert found.gap == pytest.approx(1.0)
    assert isinstance(found.procedure, NotEstimable)


def test_matching_by_hand() -> None:
    """Strata a (2 trained, 2 held out) and b (1 and 2); c has one side only and is left out."""
    d = [0.4, 0.6, 1.0, 0.1, 0.3, 0.0, 0.2, 0.9]
    train = [True, True, True, False, False, False, False, True]
    found = matched_gap(d, train, list("aabaabbc"))
    assert (found.n_train, found.n_heldout, found.excluded) == (3, 4, 1)
    assert found.gap == pytest.approx(2 / 3 * (0.5 - 0.2) + 1 / 3 * (1.0 - 0.1))


def test_matching_variance_by_hand() -> None:
    """Weights squared times s^2 / n over sides of strata; a single case borrows its side's s^2."""
    rng = np.random.default_rng(1)
    label = np.array([0] * 20 + [1] * 21)
    train = np.concatenate([np.arange(20) < 10, np.arange(21) < 1])
    d = rng.normal(0, 0.3, 41)
    found = error(matched_gap(d, train, label))
    s2 = {
        (side, s): d[(train == side) & (label == s)].var(ddof=1)
        for side, s in ((True, 0), (False, 0), (False, 1))
    }
    w = np.array([10, 1]) / 11
    parts = [
        w[0] ** 2 * s2[True, 0] / 10,
        w[1] ** 2 * s2[True, 0],
        w[0] ** 2 * s2[False, 0] / 10,
        w[1] ** 2 * s2[False, 1] / 20,
    ]
    assert found.standard_error == pytest.approx(np.sqrt(sum(parts)))
    df = sum(parts) ** 2 / sum(p * p / f for p, f in zip(parts, (9, 9, 9, 19), strict=True))
    assert found.df == pytest.approx(df)
    assert found.method == "exact matching in 2 strata"


def test_one_stratum_is_welch() -> None:
    """Without strata matching is the plain comparison."""
    d, train = sides()
    found = error(matched_gap(d, train, np.zeros(40)))
    plain = welch_of(d, train)
    assert (found.mean, found.standard_error, found.df) == pytest.approx(
        (plain.mean, plain.standard_error, plain.df)
    )


def test_no_stratum_with_both_sides() -> None:
    """Nothing matches: no gap, and every case is counted as left out."""
    d, train = sides()
    found = matched_gap(d, train, train)
    assert found.gap is None
    assert found.excluded == 40
    assert found.procedure == NotEstimable("no stratum has both sides")


def test_twins_are_a_paired_comparison() -> None:
    """The mean of the pairs' differences with their t interval, on the scale from -2 to 2."""
    rng = np.random.default_rng(0)
    original, perturbed = rng.normal(0.2, 0.2, 50), rng.normal(0.1, 0.2, 50)
    original[3] = np.nan
    found = twins_gap(original, perturbed, rng=rng)
    own = paired_t((original - perturbed)[np.arange(50) != 3])
    assert isinstance(own, Estimate)
    assert not isinstance(found.procedure, NotEstimable)
    interval, expected = found.procedure.interval(level=0.95), own.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert found.procedure.p_value(null=0.1).value == pytest.approx(own.p_value(null=0.1).value)
    assert found.gap == pytest.approx(own.mean)
    assert (found.n_train, found.n_heldout, found.excluded) == (49, 49, 1)
    assert "twins" in interval.method


@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_twins_without_a_change(n: int) -> None:
    """Equal twins: no gap and limits with width, or none."""
    found = twins_gap(np.ones(n), np.ones(n), rng=np.random.default_rng(0))
    if not n:
        assert found.gap is None
        assert isinstance(found.procedure, NotEstimable)
        return
    assert found.gap == 0
    assert not isinstance(found.procedure, NotEstimable)
    interval = found.procedure.interval(level=0.9)
    assert isinstance(interval, Interval)
    assert interval.low < 0 < interval.high


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True])
def test_a_million_cases(clustered: bool) -> None:
    """1,000,000 cases, ten covariates and 100,000 clusters: 60 s of CPU."""
    rng = np.random.default_rng(0)
    train = rng.random(1_000_000) < 0.3
    d, x = rng.normal(0, 0.2, 1_000_000), rng.normal(size=(1_000_000, 10))
    labels = rng.integers(0, 100_000, 1_000_000) if clustered else None
    start = time.process_time()
    found = error(adjusted_gap(d, train, x, clusters=labels))
    assert found.mean == pytest.approx(0.0, abs=0.003)
    assert found.standard_error == pytest.approx(0.2 / np.sqrt(0.21e6), rel=0.02)
    assert time.process_time() - start < 60
