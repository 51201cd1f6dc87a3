"""Scores of an erring judge, corrected by labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalkit.stats.judge_correction import (
    JudgeCounts,
    Labelled,
    PredictionPowered,
    RoganGladen,
    Unlabelled,
    prediction_powered,
    rogan_gladen,
)
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.proportions import wilson
from evalkit.stats.values import Interval, NotEstimable

nan = float("nan")
COUNTS = st.builds(
    lambda n, q, good, s, bad, t: JudgeCounts(
        round(q * n), n, round(s * good), good, round(t * bad), bad
    ),
    st.integers(1, 300),
    st.floats(0, 1),
    st.integers(1, 60),
    st.floats(0.5, 1),
    st.integers(1, 60),
    st.floats(0.5, 1),
)


def corrected(counts: JudgeCounts) -> RoganGladen:
    """Return a correction that must exist."""
    found = rogan_gladen(counts)
    assert isinstance(found, RoganGladen)
    return found


def powered(found: PredictionPowered | NotEstimable) -> tuple[PredictionPowered, Estimate]:
    """Return a prediction-powered figure and its procedure, which must exist."""
    assert isinstance(found, PredictionPowered)
    assert isinstance(found.procedure, Estimate)
    return found, found.procedure


def test_rogan_gladen_by_hand() -> None:
    """.65 passed by a judge of .9 and 28/30 is (.65 + .9333 - 1) / (.9 + .9333 - 1) = .7."""
    found = corrected(JudgeCounts(130, 200, 27, 30, 28, 30))
    assert found.estimate == pytest.approx(0.7)
    assert not found.clipped
    interval = found.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low < 0.7 < interval.high


def test_known_judge_is_a_plain_score_interval() -> None:
    """A judge that was right on a million labelled cases leaves Wilson's interval of its rate."""
    found = corrected(JudgeCounts(130, 200, 10**6, 10**6, 10**6, 10**6)).interval(level=0.95)
    own = wilson(130, 200)
    assert isinstance(found, Interval)
    assert isinstance(own, Interval)
    assert (found.low, found.high) == pytest.approx((own.low, own.high), abs=1e-3)


def test_fewer_labels_widen_the_interval() -> None:
    """The same sensitivity and specificity from fewer labels say less."""
    widths = []
    for labels in (200, 50, 10):
        right = round(0.9 * labels)
        interval = corrected(JudgeCounts(130, 200, right, labels, right, labels)).interval(
            level=0.9
        )
        assert isinstance(interval, Interval)
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths)
    assert widths[-1] > 1.5 * widths[0]


@given(COUNTS)
def test_mirrored_labels_mirror_the_share(counts: JudgeCounts) -> None:
    """Calling good bad and bad good turns p to 1 - p."""
    c = counts
    mirrored = JudgeCounts(c.n - c.positive, c.n, c.right_of_bad, c.bad, c.right_of_good, c.good)
    one, other = rogan_gladen(c), rogan_gladen(mirrored)
    if isinstance(one, NotEstimable):
        assert isinstance(other, NotEstimable)
        return
    assert isinstance(other, RoganGladen)
    assert other.estimate == pytest.approx(1 - one.estimate)
    for null in (0.2, 0.7):
        assert one.p_value(null=null).value == pytest.approx(
            other.p_value(null=1 - null).value, abs=1e-6
        )


@given(COUNTS, st.floats(0, 1))
def test_rogan_gladen_interval_holds_what_its_test_keeps(counts: JudgeCounts, null: float) -> None:
    """Values outside the interval are rejected, its ends are kept, its estimate lies inside."""
    found = rogan_gladen(counts)
    assume(isinstance(found, RoganGladen))
    assert isinstance(found, RoganGladen)
    interval = found.interval(level=0.9)
    if isinstance(interval, NotEstimable):
        assert found.clipped
        assert found.p_value(null=null).value < 0.1
        return
    assert 0 <= interval.low <= interval.high <= 1
    if not interval.low - 1e-6 <= null <= interval.high + 1e-6:
        assert found.p_value(null=null).value < 0.1 + 1e-9
    for end in (interval.low, interval.high):
        assert found.p_value(null=end).value >= 0.1 - 1e-6
    if not found.clipped:
        assert interval.low <= found.estimate <= interval.high


def test_clipped_estimates_say_so() -> None:
    """Fewer passes than the false positives alone would give: 0, clipped, the plain value kept."""
    found = corrected(JudgeCounts(15, 200, 27, 30, 27, 30))
    assert found.estimate == 0.0
    assert found.clipped
    assert found.unclipped < 0
    interval = found.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low == 0.0
    assert 0 < interval.high < 0.2


def test_labels_that_do_not_fit_are_refused() -> None:
    """No pass at all from a judge that passes a third of bad cases: the samples differ in kind."""
    interval = corrected(JudgeCounts(0, 200, 27, 30, 20, 30)).interval(level=0.95)
    assert interval == NotEstimable(
        "the judge's pass rate fits none: the labelled cases are not like these"
    )


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        (JudgeCounts(0, 0, 5, 5, 5, 5), "no case was judged"),
        (JudgeCounts(5, 9, 0, 0, 5, 5), "no good case was labelled"),
        (JudgeCounts(5, 9, 5, 5, 0, 0), "no bad case was labelled"),
        (JudgeCounts(5, 9, 2, 4, 2, 4), "the judge is no better than chance on the labelled cases"),
    ],
)
def test_no_correction_says_why(counts: JudgeCounts, why: str) -> None:
    """Without cases, labels or a judge that sees anything there is no correction."""
    assert rogan_gladen(counts) == NotEstimable(why)


def test_one_label_each_says_next_to_nothing() -> None:
    """A judge tried on two cases leaves the whole range open."""
    interval = corrected(JudgeCounts(60, 100, 1, 1, 1, 1)).interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low < 0.05
    assert interval.high > 0.95


def test_ppi_py(reference: dict[str, dict[str, Any]]) -> None:
    """The mean and, with its ddof 0 and normal quantile put back, the interval of ppi_py."""
    entry = reference["ppi_mean_lambda1"]
    i = entry["inputs"]
    labelled, more = Labelled(i["Y"], i["Yhat"]), Unlabelled(i["Yhat_unlabeled"])
    found, procedure = powered(prediction_powered(labelled, more, weight=1.0))
    n, m = len(i["Y"]), len(i["Yhat_unlabeled"])
    judge, correction = found.variances
    reach = 1.6448536269514722 * np.sqrt(judge * (m - 1) / m + correction * (n - 1) / n)
    figures = (found.estimate, found.estimate - reach, found.estimate + reach)
    assert figures == pytest.approx(entry["expected"], abs=entry["tolerance"])
    own = procedure.interval(level=0.9)
    assert own.low < figures[1]
    assert own.high > figures[2]


def test_one_sided_p_values_are_one_sided() -> None:
    """The alternative reaches the test (ppi_py loses it when lambda is tuned)."""
    rng = np.random.default_rng(5)
    y = rng.normal(0.5, 0.3, 60)
    found = prediction_powered(
        Labelled(y, y + rng.normal(0, 0.1, 60)), Unlabelled(rng.normal(0.5, 0.3, 200))
    )
    _, procedure = powered(found)
    two = procedure.p_value(null=0.45).value
    assert procedure.p_value(null=0.45, side="greater").value == pytest.approx(two / 2)
    assert procedure.p_value(null=0.45, side="less").value == pytest.approx(1 - two / 2)


def test_weights_at_the_ends() -> None:
    """A judge that knows nothing gets 0; one that repeats the labels gets N / (n + N)."""
    rng = np.random.default_rng(0)
    y = rng.normal(0, 0.3, 400)
    nothing = prediction_powered(
        Labelled(y, np.full(400, 0.5)), Unlabelled(np.full(800, 0.5)), bounds=(-1, 1)
    )
    found, procedure = powered(nothing)
    assert found.weight == 0.0
    assert found.estimate == pytest.approx(y.mean())
    assert isinstance(found.classical, Estimate)
    assert procedure.standard_error == pytest.approx(found.classical.standard_error, rel=0.01)
    perfect, _ = powered(
        prediction_powered(Labelled(y, y), Unlabelled(rng.normal(0, 0.3, 800)), bounds=(-1, 1))
    )
    assert perfect.weight == pytest.approx(800 / 1200, abs=0.05)


def test_a_good_judge_narrows_and_a_tuned_weight_never_widens_much() -> None:
    """A judge that errs little beats labels alone; a useless one costs next to nothing."""
    rng = np.random.default_rng(1)
    y = rng.normal(0, 0.3, 1100)
    for noise, ratio in ((0.1, 0.75), (5.0, 1.05)):
        f = y + rng.normal(0, noise, 1100)
        found = prediction_powered(Labelled(y[:100], f[:100]), Unlabelled(f[100:]), bounds=(-1, 1))
        one, procedure = powered(found)
        assert isinstance(one.classical, Estimate)
        assert procedure.standard_error < ratio * one.classical.standard_error


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_swapping_base_and_candidate_mirrors(seed: int, clustered: bool) -> None:
    """Differences of the other sign give the figure of the other sign, and the same p-value."""
    rng = np.random.default_rng(seed)
    y, f, g = rng.normal(0, 0.2, 30), rng.normal(0, 0.2, 30), rng.normal(0, 0.2, 90)
    f += y
    own, others = (rng.integers(0, 12, n) if clustered else None for n in (30, 90))
    one, p = powered(prediction_powered(Labelled(y, f, own), Unlabelled(g, others), bounds=(-1, 1)))
    other, q = powered(
        prediction_powered(Labelled(-y, -f, own), Unlabelled(-g, others), bounds=(-1, 1))
    )
    assert other.estimate == pytest.approx(-one.estimate)
    assert q.p_value().value == pytest.approx(p.p_value().value)
    order = rng.permutation(30)
    labels = None if own is None else own[order]
    shuffled, _ = powered(
        prediction_powered(
            Labelled(y[order], f[order], labels), Unlabelled(g, others), bounds=(-1, 1)
        )
    )
    assert shuffled.estimate == pytest.approx(one.estimate)


def test_single_cases_as_clusters_change_nothing() -> None:
    """With a cluster per case the clustered figure is the plain one."""
    rng = np.random.default_rng(2)
    y, f, g = rng.normal(0, 0.3, 40), rng.normal(0, 0.3, 40), rng.normal(0, 0.3, 100)
    plain, one = powered(prediction_powered(Labelled(y, f), Unlabelled(g)))
    alone, other = powered(prediction_powered(Labelled(y, f, np.arange(40)), Unlabelled(g)))
    assert alone.weight == pytest.approx(plain.weight)
    assert (other.standard_error, other.df) == pytest.approx((one.standard_error, one.df))
    assert other.method != one.method


def test_repeated_rows_within_clusters_tell_nothing_new() -> None:
    """Every case five times in a cluster of its own is worth the cases once."""
    rng = np.random.default_rng(3)
    y, f, g = rng.normal(0, 0.3, 40), rng.normal(0, 0.3, 40), rng.normal(0, 0.3, 100)
    _, one = powered(prediction_powered(Labelled(y, f), Unlabelled(g)))
    five = [np.repeat(v, 5) for v in (y, f, g)]
    labels = np.repeat(np.arange(140), 5)
    _, other = powered(
        prediction_powered(
            Labelled(five[0], five[1], labels[:200]), Unlabelled(five[2], labels[200:])
        )
    )
    assert other.standard_error == pytest.approx(one.standard_error)


def test_clusters_in_both_parts_are_one_unit() -> None:
    """A passage with labelled and unlabelled cases moves both parts: the variances do not add."""
    rng = np.random.default_rng(4)
    shared = np.repeat(rng.normal(0, 0.3, 30), 4)
    y = shared + rng.normal(0, 0.05, 120)
    f = rng.normal(0, 0.1, 120) + shared / 2
    label, first = np.repeat(np.arange(30), 4), np.tile([True, False, False, False], 30)
    found, procedure = powered(
        prediction_powered(
            Labelled(y[first], f[first], label[first]),
            Unlabelled(f[~first], label[~first]),
            weight=1.0,
            bounds=(-1, 1),
        )
    )
    assert procedure.standard_error**2 > 1.2 * sum(found.variances)


def test_a_judge_without_an_error_is_not_certain() -> None:
    """Forty labels that all agree with the judge leave room for errors that were not drawn."""
    d = np.array([1.0] * 8 + [-1.0] * 4 + [0.0] * 28)
    found, procedure = powered(
        prediction_powered(Labelled(d, d), Unlabelled(np.tile(d, 5)), weight=1.0, bounds=(-1, 1))
    )
    assert found.estimate == pytest.approx(0.1)
    assert found.variances[1] == pytest.approx(2 / (42 * 41))
    interval = procedure.interval(level=0.95)
    assert interval.high - interval.low > 0.1


@pytest.mark.parametrize(
    ("y", "f", "g", "why"),
    [
        ([], [], [0.5], "no labelled case"),
        ([nan], [0.5], [0.5], "no labelled case"),
        ([0.5], [0.5], [nan], "no unlabelled case"),
    ],
)
def test_no_figure_says_which_part_is_missing(y: Any, f: Any, g: Any, why: str) -> None:
    """Both parts are needed; nan is no score."""
    assert prediction_powered(Labelled(y, f), Unlabelled(g)) == NotEstimable(why)


@pytest.mark.parametrize(("n", "weight"), [(1, "tuned"), (2, "tuned"), (1, 1.0)])
def test_too_few_labels_have_no_interval(n: int, weight: Any) -> None:
    """The figure is given, its uncertainty is not."""
    found = prediction_powered(
        Labelled([0.5, 0.75][:n], [0.25, 0.5][:n]), Unlabelled([0.5, 0.5]), weight=weight
    )
    assert isinstance(found, PredictionPowered)
    needed = 3 if weight == "tuned" else 2
    assert found.procedure == NotEstimable(
        f"a correction needs {needed} independent labelled cases"
    )


def test_three_labels_have_a_wide_one() -> None:
    """Three equal labels and one judged case: limits as wide as the scale."""
    _, procedure = powered(prediction_powered(Labelled([1, 1, 1], [1, 1, 1]), Unlabelled([1.0])))
    assert procedure.interval(level=0.95).low < 0


def test_lengths_must_match() -> None:
    """Labels and judged scores stand side by side."""
    with pytest.raises(ValueError, match="one entry per case"):
        prediction_powered(Labelled([1.0], [1.0, 0.0]), Unlabelled([1.0]))
