"""Figures of labels against published numbers and scikit-learn's, their limits, and the swaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.stats.arrays import FloatArray
from evalkit.stats.classification import PAIRED, SINGLE, Change, compare_labels
from evalkit.stats.confusion import OF_LABEL, OF_SUITE, Labelled, figures
from evalkit.stats.label_rows import reach
from evalkit.stats.paired_binary import PairedTable, newcombe_interval
from evalkit.stats.proportions import wilson
from evalkit.stats.values import Interval, NotEstimable, PValue


def figures_of(expected: list[int], predicted: list[int], labels: int) -> FloatArray:
    """Return all figures of one model."""
    sums = Labelled.of(expected, predicted, labels=labels).parts.sum(axis=0)[None]
    found: FloatArray = figures(sums)[0]
    return found


def named(expected: list[int], predicted: list[int], labels: int, name: str) -> float:
    """Return one figure of all labels."""
    return float(figures_of(expected, predicted, labels)[OF_SUITE.index(name)])


def drawn(seed: int, n: int, labels: int) -> tuple[list[int], list[int]]:
    """Return expected labels and answers, some off the menu, as given to scikit-learn."""
    rng = np.random.default_rng(seed)
    expected = rng.integers(0, labels, n)
    right = rng.random(n) < 0.6
    answers = np.where(right, expected, rng.integers(0, labels + 1, n))
    return expected.tolist(), answers.tolist()


def compared(
    expected: list[int],
    base: list[int],
    candidate: list[int],
    *,
    labels: int = 2,
    clusters: list[int] | None = None,
) -> dict[tuple[str, int | None], Change]:
    """Return every figure by its name and label."""
    found = compare_labels(
        Labelled.of(expected, base, labels=labels),
        Labelled.of(expected, candidate, labels=labels),
        rng=np.random.default_rng(1),
        clusters=clusters,
        resamples=999,
    )
    return {(change.name, change.label): change for change in found}


def limits(found: object) -> tuple[float, float]:
    """Return the ends of an interval, which must be there."""
    assert isinstance(found, Interval)
    return found.low, found.high


def value(found: object) -> float:
    """Return a figure, which must be there."""
    assert isinstance(found, float)
    return found


def test_published_examples() -> None:
    """The examples of scikit-learn's pages on F1 and MCC, and of Chicco & Jurman [2020].

    BMC Genomics 21:6: 90 true and 5 false positives, 1 true and 4 false negatives have accuracy
    0.91, F1 0.9524 and MCC 0.1352 (printed +0.14).
    """
    expected, predicted = [0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]
    assert named(expected, predicted, 3, "f1_macro") == pytest.approx(4 / 15)
    assert named(expected, predicted, 3, "f1_micro") == pytest.approx(1 / 3)
    assert named([1, 1, 1, 0], [1, 0, 1, 1], 2, "mcc") == pytest.approx(-1 / 3)
    truth = [1] * 94 + [0] * 6
    said = [1] * 90 + [0] * 4 + [1] * 5 + [0]
    assert named(truth, said, 2, "accuracy") == pytest.approx(0.91)
    assert named(truth, said, 2, "mcc") == pytest.approx(0.13524, abs=1e-5)
    assert figures_of(truth, said, 2)[-1] == pytest.approx(0.95238, abs=1e-5)


@pytest.mark.parametrize(
    ("seed", "n", "labels", "whole"),
    [
        (1, 60, 5, "0.65 0.6445970695970696 0.6724137931034483 0.6575330987095693 0.5712259533"),
        (2, 200, 8, "0.675 0.6758045678559792 0.6835443037974683 0.6763044196240917 0.63064551198"),
        (
            3,
            37,
            2,
            "0.7297297297297297 0.7279411764705883 0.7941176470588235 0.7916666667 0.557046697",
        ),
    ],
)
def test_the_figures_are_those_of_scikit_learn(seed: int, n: int, labels: int, whole: str) -> None:
    """scikit-learn 1.9.1, off the menu as one more label that the averages leave out.

    accuracy_score, recall_score(y, a, labels=range(k), average="macro"), f1_score(..., "micro"),
    f1_score(..., "macro"), matthews_corrcoef(y, a).
    """
    found = figures_of(*drawn(seed, n, labels), labels)[: len(OF_SUITE)]
    assert found == pytest.approx(list(map(float, whole.split())), abs=1e-9)


def test_a_small_table_in_full() -> None:
    """scikit-learn 1.9.1: confusion_matrix and precision_recall_fscore_support."""
    expected, answers = [0, 1, 2, 0, 1, 2, 2, 2, 0, 1], [0, 2, 1, 0, 0, 1, 2, 2, 3, 1]
    found = Labelled.of(expected, answers, labels=3)
    assert found.matrix.tolist() == [[2, 0, 0, 1], [1, 1, 1, 0], [0, 2, 2, 0]]
    by_label = figures_of(expected, answers, 3)[len(OF_SUITE) :]
    assert by_label == pytest.approx(
        [2 / 3, 1 / 3, 2 / 3, 2 / 3, 1 / 3, 1 / 2, 2 / 3, 1 / 3, 4 / 7]
    )


def test_accuracy_has_wilsons_limits_and_nearly_newcombes() -> None:
    """A share is the simplest figure: the general limits come to the known ones."""
    expected = [0, 1] * 100
    base = [1 - e if i < 60 else e for i, e in enumerate(expected)]
    candidate = [1 - e if 20 <= i < 50 else e for i, e in enumerate(expected)]
    found = compared(expected, base, candidate)["accuracy", None]
    assert found.difference == pytest.approx(0.15)
    known = wilson(140, 200)
    assert limits(found.base_interval) == pytest.approx(limits(known), abs=0.002)
    pair = newcombe_interval(PairedTable(140, 30, 0, 30), level=0.95).at()
    assert limits(found.interval) == pytest.approx((pair.low, pair.high), abs=0.003)


def test_equal_answers_are_no_proof_of_equality() -> None:
    """Nothing differs: p is 1, but the limits are not 0; nor are they at 1 with all right."""
    expected = [0, 1, 2] * 10
    for change in compared(expected, expected, expected, labels=3).values():
        assert isinstance(change.p_value, PValue)
        assert change.p_value.value == 1
        low, high = limits(change.interval)
        assert low < -0.05 < 0.05 < high
        assert limits(change.base_interval)[0] < 0.97


def rare(*wrong: int) -> list[int]:
    """Return the answers to 98 cases of label 0 and 2 of label 1, some of them wrong."""
    return [label ^ (at in wrong) for at, label in enumerate([0] * 98 + [1] * 2)]


def test_a_rare_label_stays_unknown_whatever_the_common_one_shows() -> None:
    """Half of balanced accuracy is a recall of two cases, also where only label 0 has an error."""
    right, one = rare(), rare(0)
    found = compared(right, right, one)
    recall = limits(found["recall", 1].candidate_interval)
    for name in ("balanced_accuracy", "f1_macro", "mcc"):
        change = found[name, None]
        for interval in (change.base_interval, change.candidate_interval):
            assert limits(interval)[0] < 1 - (1 - recall[0]) / 2
        p_value, (low, high) = change.p_value, limits(change.interval)
        assert isinstance(p_value, PValue)
        assert p_value.value == 1
        assert low < 0 < high


def test_limits_leave_out_0_only_where_the_test_does() -> None:
    """A few answers that differ cannot be told from chance, and limits do not say otherwise."""
    rng = np.random.default_rng(3)
    seen = 0
    for _ in range(40):
        expected = (rng.random(100) < 0.05).astype(int)
        base, candidate = (np.where(rng.random(100) < e, 1 - expected, expected) for e in (0, 0.06))
        for change in compared(expected.tolist(), base.tolist(), candidate.tolist()).values():
            if isinstance(change.interval, Interval) and isinstance(change.p_value, PValue):
                low, high = limits(change.interval)
                assert low <= 0 <= high or change.p_value.value <= 0.05
                seen += low > 0 or high < 0
    assert seen


def test_many_labels_do_not_add_up_what_each_alone_may_lack() -> None:
    """20 labels of 10 cases, all right: the limits are about those of 200 cases, not of 10."""
    expected = [label for label in range(20) for _ in range(10)]
    found = compared(expected, expected, expected, labels=20)["balanced_accuracy", None]
    known = limits(wilson(200, 200))[0]
    assert 1 - known < 1 - limits(found.base_interval)[0] < 1.3 * (1 - known)


def test_moves_are_shared_out_at_their_best() -> None:
    """Two equal labels whose moves grow as the root share z squared; one that cannot stays."""
    shares = 3.0 ** np.arange(-7, 1)
    moved = np.zeros((len(shares), 3, 1))
    moved[:, :2, 0] = np.sqrt(shares)[:, None]
    assert reach(moved)[0] == pytest.approx(math.sqrt(2), rel=0.04)
    assert reach(moved)[0] <= math.sqrt(2)
    assert reach(moved[:, 1:])[0] == pytest.approx(1)


def test_methods_are_named() -> None:
    """Limits of one model, of the difference, and the test."""
    found = compared([0, 1] * 9, [0, 1] * 9, [0, 0] * 9)["f1_macro", None]
    assert found.methods == (SINGLE, PAIRED, "names swapped within case, 999 times")


CASES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_nothing_is_ever_nan_and_limits_hold_the_figure(cases: list[tuple[int, int, int]]) -> None:
    """Whatever is answered: a number in its range with limits around it, or a reason."""
    expected, base, candidate = (list(column) for column in zip(*cases, strict=True))
    for change in compared(expected, base, candidate, labels=3).values():
        sides = (
            (change.base, change.base_interval),
            (change.candidate, change.candidate_interval),
            (change.difference, change.interval),
        )
        for figure, interval in sides:
            if isinstance(figure, NotEstimable):
                assert figure.why
                assert isinstance(interval, NotEstimable)
                continue
            low, high = limits(interval)
            assert math.isfinite(low + high)
            assert low - 1e-9 <= figure <= high + 1e-9
            assert -2 <= low < high <= 2


@settings(max_examples=30, deadline=None)
@given(CASES)
def test_exchanging_the_models_mirrors_everything(cases: list[tuple[int, int, int]]) -> None:
    """Figures change places, limits their signs, p-values stay."""
    expected, base, candidate = (list(column) for column in zip(*cases, strict=True))
    one = compared(expected, base, candidate, labels=3)
    other = compared(expected, candidate, base, labels=3)
    for name, change in one.items():
        twin = other[name]
        if isinstance(change.difference, NotEstimable):
            assert isinstance(twin.difference, NotEstimable)
            continue
        low, high = limits(change.interval)
        assert limits(twin.interval) == pytest.approx((-high, -low), abs=1e-9)
        assert (twin.p_value, twin.base) == (change.p_value, change.candidate)


@pytest.mark.parametrize(
    ("expected", "base", "name", "why"),
    [
        ([], [], ("f1_macro", None), "no case"),
        ([0, 0, 0], [0, 1, 0], ("mcc", None), "all cases have one label"),
        ([0, 1, 1], [1, 1, 1], ("mcc", None), "all answers of a model have one label"),
        ([0, 1, 1], [1, 1, 1], ("precision", 0), "no answer names this label"),
        ([0, 0, 0], [0, 1, 0], ("recall", 1), "no case has this label"),
        ([0, 0, 0], [0, 1, 0], ("f1", 1), "no case has this label"),
    ],
)
def test_what_has_no_value_says_why(
    expected: list[int], base: list[int], name: tuple[str, int | None], why: str
) -> None:
    """A reason in words, for the figure, its limits and its p-value."""
    change = compared(expected, base, expected)[name]
    for found in (change.base, change.base_interval, change.difference, change.interval):
        assert isinstance(found, NotEstimable)
        assert found.why.startswith(why)
    assert isinstance(change.p_value, NotEstimable)


def test_labels_that_no_case_has_do_not_count() -> None:
    """The macro average is over labels that are expected; a name for another is a miss."""
    expected, answers = [0, 1, 0, 1], [0, 1, 2, 1]
    assert named(expected, answers, 3, "f1_macro") == pytest.approx((2 / 3 + 1) / 2)
    assert named(expected, answers, 9, "f1_macro") == pytest.approx((2 / 3 + 1) / 2)


def test_samples_share_the_weight_of_their_case() -> None:
    """Two samples, one right: half a case, and as many cases as before."""
    both = Labelled(np.array([0, 1]), np.array([[0.5, 0.5], [0.0, 0.5]]))
    assert both.matrix.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    found = figures(both.parts.sum(axis=0)[None])[0]
    assert found[OF_SUITE.index("accuracy")] == pytest.approx(0.5)
    assert len(found) == len(OF_SUITE) + 2 * len(OF_LABEL)


def test_cases_of_a_cluster_are_one_unit() -> None:
    """Every case four times over says no more than once, if the cluster is known."""
    expected, base = drawn(4, 80, 3)
    candidate = [
        e if i % 8 == 0 else b for i, (e, b) in enumerate(zip(expected, base, strict=True))
    ]
    once = compared(expected, base, candidate, labels=3)["f1_macro", None]
    clusters = [number for number in range(80) for _ in range(4)]
    four = [[x for x in column for _ in range(4)] for column in (expected, base, candidate)]
    known = compared(four[0], four[1], four[2], labels=3, clusters=clusters)["f1_macro", None]
    unknown = compared(four[0], four[1], four[2], labels=3)["f1_macro", None]
    assert limits(known.interval) == pytest.approx(limits(once.interval))
    assert np.ptp(limits(unknown.interval)) < 0.6 * np.ptp(limits(known.interval))
    assert isinstance(known.p_value, PValue)
    assert isinstance(unknown.p_value, PValue)
    assert unknown.p_value.value < known.p_value.value


def test_a_clear_gain_is_found() -> None:
    """All limits lie above 0, and p is as small as the number of swaps allows."""
    expected = [0, 1, 2] * 40
    base = [(e + i % 2) % 3 for i, e in enumerate(expected)]
    found = compared(expected, base, expected, labels=3)
    for name in OF_SUITE:
        change = found[name, None]
        assert limits(change.interval)[0] > 0.2
        assert isinstance(change.p_value, PValue)
        assert change.p_value.value == pytest.approx(1 / 1000)


def test_many_cases_are_swapped_in_blocks() -> None:
    """10,000 cases take a moment, and give what their number promises."""
    expected, base = drawn(6, 10_000, 4)
    candidate = [e if i % 20 else b for i, (e, b) in enumerate(zip(expected, base, strict=True))]
    change = compared(expected, base, candidate, labels=4)["f1_macro", None]
    low, high = limits(change.interval)
    assert 0.2 < value(change.difference) < 0.4
    assert high - low < 0.03


def test_arrays_that_do_not_fit_are_refused() -> None:
    """Other cases, other labels, an expected label off the menu, a prediction too few."""
    one = Labelled.of([0, 1], [0, 1], labels=2)
    for other in (Labelled.of([1, 0], [0, 1], labels=2), Labelled.of([0, 1], [0, 1], labels=3)):
        with pytest.raises(ValueError, match="same cases"):
            compare_labels(one, other, rng=np.random.default_rng(0))
    for expected, predicted in (([0, 2], [0, 1]), ([0, 1], [0]), ([-1], [0])):
        with pytest.raises(ValueError, match="one prediction per case"):
            Labelled.of(expected, predicted, labels=2)
