"""Agreement of two raters and more, and of a judge with itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalkit.stats.agreement import (
    AgreementTable,
    ChanceCorrected,
    agreement,
    agreement_table,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
)
from evalkit.stats.krippendorff import Alpha, Scale, krippendorff_alpha
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.retest import Reliability, retest_reliability
from evalkit.stats.values import Interval, NotEstimable

Entry = dict[str, Any]
THREE = [[20, 5, 1], [4, 15, 6], [2, 3, 14]]
TABLES = st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=3, max_size=3)
nan = float("nan")
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
]
"""The example of Krippendorff's "Computing Krippendorff's Alpha-Reliability" [2011], by rater."""


def table(counts: object) -> AgreementTable:
    """Return a table of counts with numbered categories."""
    array = np.array(counts, dtype=float)
    return AgreementTable(array, tuple(range(len(array))))


def known(found: ChanceCorrected | NotEstimable) -> ChanceCorrected:
    """Return a coefficient that must exist."""
    assert isinstance(found, ChanceCorrected)
    return found


def test_kappa_of_statpsych(reference: dict[str, Entry]) -> None:
    """Estimate, standard error and Wald's limits as published."""
    entry = reference["cohen_kappa_statpsych"]
    found = known(cohen_kappa(table(entry["inputs"]["table"])))
    wald = found.wald(level=0.95)
    figures = (found.estimate, found.standard_error, wald.low, wald.high)
    assert figures == pytest.approx(entry["expected"], abs=entry["tolerance"])


def test_fleiss_kappa_of_wikipedia(reference: dict[str, Entry]) -> None:
    """Ten items by fourteen raters; the standard error is that of irrCAC 0.4.4 (fleiss())."""
    entry = reference["fleiss_kappa_wiki"]
    found = fleiss_kappa(entry["inputs"]["table"])
    assert isinstance(found, Estimate)
    assert found.mean == pytest.approx(entry["expected"][0], abs=entry["tolerance"])
    assert found.standard_error == pytest.approx(0.09237111, abs=1e-7)
    interval = found.interval(level=0.95)
    assert (interval.low, interval.high) == pytest.approx((0.00097273, 0.41888868), abs=1e-7)


@pytest.mark.parametrize(
    ("weights", "kappa", "error"),
    [
        ("nominal", 0.5476923076923077, 0.08238684306965226),
        ("linear", 0.6083916083916084, 0.07793217616768602),
        ("quadratic", 0.6703296703296704, 0.08225269022503105),
    ],
)
def test_weighted_kappa_of_statsmodels(weights: Any, kappa: float, error: float) -> None:
    """Kappa and its error agree with statsmodels 0.15.0, cohens_kappa(table, wt=...)."""
    found = known(cohen_kappa(table(THREE), weights=weights))
    assert (found.estimate, found.standard_error) == pytest.approx((kappa, error), abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "ac1", "error"),
    [([[31, 12], [4, 58]], 0.71413987, 0.06861811), (THREE, 0.55128, 0.08268)],
)
def test_ac1_of_irrcac(counts: list[list[int]], ac1: float, error: float) -> None:
    """AC1 agrees with irrCAC 0.4.4, CAC(raw).gwet(), whose variance divides by n - 1."""
    found = known(gwet_ac1(table(counts)))
    n = found.n
    assert found.estimate == pytest.approx(ac1, abs=5e-6)
    assert found.standard_error * np.sqrt(n / (n - 1)) == pytest.approx(error, abs=6e-6)


@given(TABLES)
def test_swapping_the_raters_changes_nothing(counts: list[list[int]]) -> None:
    """Neither coefficient knows who is first, and neither do their intervals."""
    for coefficient in (cohen_kappa, gwet_ac1):
        one, other = coefficient(table(counts)), coefficient(table(np.array(counts).T))
        if isinstance(one, NotEstimable):
            assert one == other
            continue
        assert known(other).estimate == pytest.approx(one.estimate)
        ours, theirs = one.interval(level=0.9), known(other).interval(level=0.9)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


@given(TABLES, st.permutations([0, 1, 2]))
def test_order_of_categories_matters_to_weights_only(
    counts: list[list[int]], order: list[int]
) -> None:
    """Nominal kappa and AC1 stay when the categories are listed in another order."""
    shuffled = np.array(counts)[np.ix_(order, order)]
    for coefficient in (cohen_kappa, gwet_ac1):
        one, other = coefficient(table(counts)), coefficient(table(shuffled))
        if isinstance(one, NotEstimable):
            assert one == other
        else:
            assert known(other).estimate == pytest.approx(one.estimate)


@given(TABLES, st.sampled_from(["kappa", "linear", "ac1"]), st.floats(-0.4, 0.99))
def test_interval_holds_what_its_test_keeps(
    counts: list[list[int]], kind: str, null: float
) -> None:
    """A value is inside the interval exactly when the score test does not reject it."""
    coefficient = {
        "kappa": cohen_kappa,
        "linear": lambda t: cohen_kappa(t, weights="linear"),
        "ac1": gwet_ac1,
    }[kind]
    found = coefficient(table(counts))
    assume(isinstance(found, ChanceCorrected))
    one = known(found)
    interval = one.interval(level=0.9)
    assert interval.low - 1e-9 <= one.estimate <= interval.high + 1e-9
    assume(min(abs(null - interval.low), abs(null - interval.high)) > 1e-4)
    assume(interval.low > -0.45)
    p = one.p_value(null=null)
    assert (p.value > 0.1) == (interval.low <= null <= interval.high)
    above, below = (one.p_value(null=null, side=s).value for s in ("greater", "less"))
    assert above + below == pytest.approx(1, abs=1e-6)


@given(st.integers(1, 200))
def test_full_agreement_is_not_certainty(n: int) -> None:
    """Where every label agrees, Wald's interval has no width and the score interval has."""
    found = known(cohen_kappa(table([[n, 0], [0, n]])))
    assert found.estimate == 1.0
    assert found.wald(level=0.95).low == pytest.approx(1.0)
    interval = found.interval(level=0.95)
    assert interval.low < 1 - 1 / n
    assert interval.high == pytest.approx(1.0)
    assert found.p_value(null=1.0).value == pytest.approx(1.0, abs=1e-3)


def test_skew_is_named() -> None:
    """93.8 % agreement with kappa near 0 carries the warning; AC1 stands high beside it."""
    found = agreement(
        agreement_table(["pass"] * 77 + ["fail"] * 3, ["pass"] * 75 + ["fail"] * 2 + ["pass"] * 3)
    )
    assert found.raw == pytest.approx(0.9375)
    assert known(found.kappa).estimate < 0.16
    assert known(found.ac1).estimate > 0.9
    assert found.skew == (
        "raw agreement is 93.8% and kappa -0.03, because 97% of all labels are 'pass' "
        "and chance alone would agree in 94%"
    )


@pytest.mark.parametrize("counts", [[[40, 5], [5, 30]], [[20, 15], [15, 20]]])
def test_no_warning_without_skew(counts: list[list[int]]) -> None:
    """Good agreement at even frequencies is no warning, and neither is plain disagreement."""
    assert agreement(table(counts)).skew is None


def test_labels_of_any_type_and_missing_ones() -> None:
    """None and nan are no label and are counted; numbers sort by size; named categories count."""
    found = agreement_table([10, 2, None, 10, nan], [10, 10, 2, 2, 2])
    assert found.categories == (2, 10)
    assert (found.n, found.excluded) == (3, 2)
    named = agreement_table(["a", "a"], ["a", "a"], categories=["a", "b", "c"])
    assert known(gwet_ac1(named)).estimate == 1.0
    with pytest.raises(ValueError, match="labels outside the categories"):
        agreement_table(["a"], ["x"], categories=["a"])
    with pytest.raises(ValueError, match="one entry per item"):
        agreement_table(["a"], [])


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ([[0, 0], [0, 0]], "no item has both labels"),
        ([[7]], "there is one category, so the raters could not disagree"),
        ([[7, 0], [0, 0]], "both raters use one label throughout, as chance alone would"),
    ],
)
def test_no_kappa_says_why(counts: list[list[int]], why: str) -> None:
    """Without items, categories or variation there is no kappa; the rest is still given."""
    found = agreement(table(counts))
    assert found.kappa == NotEstimable(why)
    assert found.skew is None
    assert (found.raw is None) == (found.n == 0)


def test_raters_that_never_agree() -> None:
    """One rater always says a, the other b: kappa 0, AC1 -1, and intervals exist."""
    never = table([[0, 9], [0, 0]])
    assert known(cohen_kappa(never)).estimate == 0.0
    assert known(gwet_ac1(never)).estimate == pytest.approx(-1.0)
    for found in (known(cohen_kappa(never)), known(gwet_ac1(never))):
        interval = found.interval(level=0.95)
        assert interval.low <= found.estimate <= interval.high


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        (np.zeros((0, 2)), "no item was rated"),
        ([[1, 0]], "every item needs the same number of ratings, at least 2"),
        ([[2, 0], [2, 1]], "every item needs the same number of ratings, at least 2"),
        ([[2, 0], [2, 0]], "every rating is the same label, so chance alone would agree"),
        ([[1, 1]], "kappa is -1, but its spread over 1 items is unknown"),
    ],
)
def test_no_fleiss_kappa_says_why(counts: object, why: str) -> None:
    """Unequal or missing ratings are named."""
    assert fleiss_kappa(counts) == NotEstimable(why)  # type: ignore[arg-type]


def test_fleiss_of_two_raters_is_close_to_kappa() -> None:
    """Two raters with like frequencies: nearly Cohen's kappa, and 0.54741 by irrCAC 0.4.4."""
    rows = [
        np.eye(3)[i] + np.eye(3)[j] for i in range(3) for j in range(3) for _ in range(THREE[i][j])
    ]
    found = fleiss_kappa(np.array(rows))
    assert isinstance(found, Estimate)
    assert found.mean == pytest.approx(0.54741, abs=5e-6)
    assert found.standard_error == pytest.approx(0.08312, abs=6e-6)


@pytest.mark.parametrize(
    ("scale", "alpha"),
    [
        ("nominal", 0.743421052631579),
        ("ordinal", 0.8153875037548814),
        ("interval", 0.8491071428571428),
    ],
)
def test_krippendorffs_example(scale: Scale, alpha: float) -> None:
    """Alpha with ratings missing, as published and as krippendorff 0.9.0 gives it."""
    ratings = np.array(KRIPPENDORFF).T
    found = krippendorff_alpha(ratings, scale=scale, rng=np.random.default_rng(0))
    assert isinstance(found, Alpha)
    assert found.estimate == pytest.approx(alpha, abs=1e-12)
    assert (found.items, found.ratings, found.excluded) == (11, 40, 1)
    assert isinstance(found.interval, Interval)
    assert found.interval.low < found.estimate < found.interval.high


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=9),
    st.randoms(),
)
def test_alpha_ignores_order(rows: list[list[int]], random: Any) -> None:
    """Items and raters may stand in any order; nominal labels may be renamed."""
    shuffled = [random.sample(row, 3) for row in random.sample(rows, len(rows))]

    def value(x: Any, scale: Scale) -> float | None:
        found = krippendorff_alpha(x, scale=scale, rng=np.random.default_rng(0), resamples=9)
        return None if isinstance(found, NotEstimable) else found.estimate

    for scale in ("nominal", "ordinal", "interval"):
        assert value(shuffled, scale) == pytest.approx(value(rows, scale), abs=1e-9)
    assert value(-np.array(rows), "nominal") == pytest.approx(value(rows, "nominal"))
    moved = 1e6 + 10 * np.array(rows, dtype=float)
    assert value(moved, "interval") == pytest.approx(value(rows, "interval"), abs=1e-6)


@pytest.mark.parametrize(
    ("ratings", "why"),
    [
        (np.zeros((0, 2)), "no item has two ratings"),
        ([[1.0, nan], [nan, 2.0]], "no item has two ratings"),
        ([[1.0, 1.0], [1.0, 1.0]], "all ratings are the same value, so chance alone would agree"),
    ],
)
def test_no_alpha_says_why(ratings: object, why: str) -> None:
    """Too few ratings or no variation."""
    for scale in ("nominal", "ordinal", "interval"):
        found = krippendorff_alpha(ratings, scale=scale, rng=np.random.default_rng(0))  # type: ignore[arg-type]
        assert found == NotEstimable(why)


@pytest.mark.parametrize(
    ("ratings", "why"),
    [
        ([[1.0, 2.0]], "resampling needs 2 items"),
        ([[1.0, 1.0], [2.0, 2.0]], "no two ratings differ, and neither would those of a resample"),
        (
            [[1.0, 1.0]] * 30 + [[1.0, 2.0]],
            "nearly all ratings are one value: alpha is undefined in many resamples",
        ),
    ],
)
def test_alpha_without_an_interval(ratings: list[list[float]], why: str) -> None:
    """Alpha is given, the interval is not, and the reason is named."""
    found = krippendorff_alpha(ratings, scale="nominal", rng=np.random.default_rng(0))
    assert isinstance(found, Alpha)
    assert found.interval == NotEstimable(why)


def test_alpha_of_many_ranks() -> None:
    """Ordinal ratings with many ranks give alpha without an interval."""
    ratings = np.random.default_rng(0).normal(size=(80, 2))
    found = krippendorff_alpha(ratings, scale="ordinal", rng=np.random.default_rng(0))
    assert isinstance(found, Alpha)
    assert found.interval == NotEstimable("more than 64 ranks: take the interval scale on ranks")


def test_icc_of_shrout_and_fleiss() -> None:
    """Their table 2: ICC(2,1) .29 [1979]; limits by pingouin 0.6.1, ICC(A,1) [0.02, 0.76]."""
    scores = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = retest_reliability(scores)
    assert isinstance(found, Reliability)
    assert found.icc == pytest.approx(0.28976378)
    assert isinstance(found.interval, Interval)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.02, 0.76), abs=0.005)


def test_within_sd_is_in_points() -> None:
    """Two runs that differ by one point each have a within standard deviation of root a half."""
    found = retest_reliability([[1.0, 2.0], [5.0, 4.0], [8.0, 9.0], [nan, 3.0]])
    assert isinstance(found, Reliability)
    assert found.within_sd == pytest.approx(0.5**0.5)
    assert (found.items, found.runs, found.excluded) == (3, 2, 1)


@pytest.mark.parametrize(
    ("scores", "icc", "interval"),
    [
        ([[1, 2]], "an ICC needs 2 items", None),
        ([[3, 3], [3, 3]], "all scores are the same", None),
        ([[1, 2], [2, 1]], "two items that swap their scores leave no variance to divide", None),
        ([[1, 1], [2, 2]], 1.0, "the runs differ by a constant at most"),
        ([[1, 2], [2, 3], [4, 5]], None, "the runs differ by a constant at most"),
    ],
)
def test_icc_at_the_edges(scores: Any, icc: object, interval: str | None) -> None:
    """No spread to read means no limits, and no scores that differ no ICC."""
    found = retest_reliability(scores)
    assert isinstance(found, Reliability)
    if isinstance(icc, str):
        assert found.icc == NotEstimable(icc)
    elif icc is not None:
        assert found.icc == pytest.approx(icc)
    if interval:
        assert isinstance(found.interval, NotEstimable)
        assert found.interval.why.startswith(interval)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=6))
def test_icc_of_any_scores(rows: list[list[int]]) -> None:
    """Never nan: an ICC of at most 1 inside its limits, or a reason. Runs may change places."""
    found, turned = (retest_reliability(x) for x in (rows, np.array(rows)[:, ::-1]))
    assert isinstance(found, Reliability)
    assert isinstance(turned, Reliability)
    if isinstance(found.icc, NotEstimable):
        assert found.icc == turned.icc
        return
    assert found.icc <= 1
    assert found.icc == pytest.approx(turned.icc)
    if isinstance(found.interval, Interval):
        assert found.interval.low - 1e-9 <= found.icc <= found.interval.high + 1e-9


@pytest.mark.parametrize("scores", [np.zeros((0, 3)), [[1.0], [2.0]], [[nan, 1.0]]])
def test_no_reliability_without_two_runs(scores: object) -> None:
    """One run cannot be compared with itself."""
    found = retest_reliability(scores)  # type: ignore[arg-type]
    assert found == NotEstimable("needed one item with scores of 2 runs")


def test_wrong_shapes_are_errors() -> None:
    """A flat list is a mistake of the caller."""
    for call in (
        lambda: fleiss_kappa([1, 2]),
        lambda: retest_reliability([1, 2]),
        lambda: krippendorff_alpha([1, 2], scale="nominal", rng=np.random.default_rng(0)),
    ):
        with pytest.raises(ValueError, match="needed an array"):
            call()
