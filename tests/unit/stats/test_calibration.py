"""Proper scores, calibration error, its change, and the reliability table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.calibration import (
    Attempts,
    LossDifference,
    brier_scores,
    log_losses,
    loss_difference,
)
from evalkit.stats.calibration_error import (
    Bins,
    CalibrationChange,
    CalibrationError,
    Norm,
    calibration_change,
    calibration_error,
    equal_mass,
    equal_width,
    reliability_table,
)
from evalkit.stats.paired import compare
from evalkit.stats.values import Interval, NotEstimable

nan = float("nan")
ROWS = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.integers(0, 20), st.booleans()),
    min_size=1,
    max_size=40,
)


def fresh() -> np.random.Generator:
    """Return the same generator each time."""
    return np.random.default_rng(7)


def models(rows: list[tuple[int, bool, int, bool]]) -> tuple[Attempts, Attempts]:
    """Return two models' attempts with confidences on a grid."""
    p, y, q, z = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    return Attempts(p / 20, y), Attempts(q / 20, z)


def error(attempts: Attempts, bins: Bins) -> CalibrationError:
    """Return a calibration error that must exist."""
    found = calibration_error(attempts, bins)
    assert isinstance(found, CalibrationError)
    return found


def test_brier_of_sklearn(reference: dict[str, dict[str, Any]]) -> None:
    """The mean Brier score as scikit-learn documents it."""
    entry = reference["brier_sklearn"]
    found = brier_scores(Attempts(entry["inputs"]["p"], entry["inputs"]["y"]))
    assert not isinstance(found, NotEstimable)
    assert found.mean() == pytest.approx(entry["expected"][0], abs=entry["tolerance"])


def test_calibration_errors_of_torchmetrics(reference: dict[str, dict[str, Any]]) -> None:
    """The three norms as torchmetrics documents them."""
    entry = reference["ece_binary_torchmetrics"]
    i = entry["inputs"]
    norms: tuple[Norm, ...] = ("l1", "l2", "max")
    attempts = Attempts(i["conf"], i["target"])
    found = [error(attempts, equal_width(i["n_bins"], norm=n)).estimate for n in norms]
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"])


def test_log_loss_is_cut() -> None:
    """A wrong answer at confidence 1 costs -log .005 and not infinitely much."""
    found = log_losses(Attempts([1.0, 1.0, 0.5, 0.0], [1, 0, 1, 0]))
    assert not isinstance(found, NotEstimable)
    expected = [-math.log(0.995), -math.log(0.005), math.log(2), -math.log(0.995)]
    assert found.ravel().tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match="cut to between"):
        log_losses(Attempts([1.0], [1]), certain=0.0)


@pytest.mark.parametrize("rule", ["brier", "log"])
def test_loss_difference_is_a_paired_comparison(rule: Any) -> None:
    """Losses per attempt, averaged per case, go to compare(); the figures are losses again."""
    rng = np.random.default_rng(1)
    p = rng.uniform(0.2, 1, (50, 3))
    y = (rng.random((50, 3)) < p).astype(float)
    base, candidate = Attempts(np.sqrt(p), y), Attempts(p, y)
    found = loss_difference(base, candidate, rule=rule, rng=fresh())
    assert isinstance(found, LossDifference)
    scorer = brier_scores if rule == "brier" else log_losses
    one, other = scorer(base), scorer(candidate)
    assert not isinstance(one, NotEstimable)
    assert not isinstance(other, NotEstimable)
    x, z = one.mean(axis=1), other.mean(axis=1)
    own = compare(1 - x / found.scale, 1 - z / found.scale, rng=fresh())
    assert found.comparison == own
    assert found.difference == pytest.approx(x.mean() - z.mean())
    assert not isinstance(found.procedure, NotEstimable)
    assert not isinstance(own.procedure, NotEstimable)
    scaled, plain = found.procedure.interval(level=0.9), own.procedure.interval(level=0.9)
    assert isinstance(scaled, Interval)
    assert isinstance(plain, Interval)
    assert scaled.low == pytest.approx(found.scale * plain.low)
    assert found.procedure.p_value().value == own.procedure.p_value().value


def test_averaging_attempts_hides_everything() -> None:
    """Sure and right in half of the attempts: an error of .5, and averaged outcomes are refused."""
    confidence, correct = np.ones((100, 2)), np.tile([0.0, 1.0], (100, 1))
    assert error(Attempts(confidence, correct), equal_width()).estimate == pytest.approx(0.5)
    averaged = Attempts(confidence.mean(axis=1), correct.mean(axis=1))
    refused = NotEstimable("an outcome is neither 0 nor 1: averages over attempts hide calibration")
    assert calibration_error(averaged, equal_width()) == refused
    assert brier_scores(averaged) == refused
    assert loss_difference(averaged, averaged, rng=fresh()) == refused
    assert calibration_change(averaged, averaged, bins=equal_width(), rng=fresh()) == refused
    assert reliability_table(averaged, equal_width()) == refused


@pytest.mark.parametrize(
    ("confidence", "correct", "why"),
    [
        ([], [], "no attempt has a confidence and an outcome"),
        ([nan, 0.5], [1, nan], "no attempt has a confidence and an outcome"),
        ([1.5], [1], "a confidence lies outside 0 to 1"),
    ],
)
def test_no_attempt_says_why(confidence: Any, correct: Any, why: str) -> None:
    """Missing and impossible confidences are named everywhere, on either side."""
    bad, good = Attempts(confidence, correct), Attempts([0.5], [1])
    for found in (
        log_losses(bad),
        calibration_error(bad, equal_width()),
        loss_difference(good, bad, rng=fresh()),
        calibration_change(good, bad, bins=equal_width(), rng=fresh()),
    ):
        assert found == NotEstimable(why)


def test_bins_are_open_on_the_right() -> None:
    """An edge belongs to the bin above, and 1 to the last."""
    bins = equal_width(4)
    assert bins.of(np.array([0.0, 0.25, 0.2499, 0.75, 1.0])).tolist() == [0, 1, 0, 3, 3]


def test_equal_mass_bins() -> None:
    """As many attempts per bin, of all models together; equal confidences stay together."""
    rng = np.random.default_rng(0)
    p, q = rng.beta(5, 1, 300), rng.beta(2, 1, 100)
    bins = equal_mass(Attempts(p, p > 0.5), Attempts(q, q > 0.5), count=8)
    assert isinstance(bins, Bins)
    counts = np.bincount(bins.of(np.concatenate([p, q])))
    assert counts.tolist() == pytest.approx([50] * 8, abs=1)
    tied = equal_mass(Attempts([0.9] * 50 + [0.1], [1] * 51), count=10)
    assert isinstance(tied, Bins)
    assert tied.edges.tolist() == [0.0, 0.9, 1.0]
    assert equal_mass(Attempts([], [])) == NotEstimable(
        "no attempt has a confidence and an outcome"
    )


def test_debiased_square_of_kumar() -> None:
    """With one confidence per bin it is gap^2 - accuracy (1 - accuracy) / (n - 1) [Kumar 2019]."""
    found = error(Attempts([0.75] * 10, [1] * 5 + [0] * 5), equal_width(2))
    assert found.squared == pytest.approx(0.25**2 - 0.25 / 9)
    assert found.debiased == pytest.approx(math.sqrt(0.25**2 - 0.25 / 9))


def test_bias_is_taken_off() -> None:
    """A calibrated model's mean squared error is 0 within simulation, its ECE far above."""
    rng = np.random.default_rng(2)
    plain, squared = [], []
    for _ in range(600):
        p = rng.beta(2, 1, 200)
        found = error(Attempts(p, rng.random(200) < p), equal_width(15))
        assert isinstance(found.squared, float)
        plain.append(found.estimate)
        squared.append(found.squared)
    assert np.mean(plain) > 0.06
    assert abs(np.mean(squared)) < 4 * np.std(squared) / math.sqrt(600)


def test_attempts_of_one_case_are_no_independent_evidence() -> None:
    """Every case copied five times: the same error, and the same noise taken off."""
    rng = np.random.default_rng(3)
    p = rng.beta(2, 1, 60)
    y = (rng.random(60) < p).astype(float)
    one = error(Attempts(p, y), equal_width(5))
    five = error(Attempts(np.repeat(p[:, None], 5, 1), np.repeat(y[:, None], 5, 1)), equal_width(5))
    assert five.estimate == pytest.approx(one.estimate)
    assert five.squared == pytest.approx(one.squared)
    assert (one.attempts, five.attempts) == (60, 300)


def test_lonely_attempts_are_left_out() -> None:
    """A bin with one case has no noise to take off; with nothing else there is no square."""
    found = error(Attempts([0.1, 0.9, 0.9], [0, 1, 1]), equal_width(2))
    assert found.left_out == 1
    alone = error(Attempts([0.1, 0.9], [0, 1]), equal_width(2))
    assert alone.squared == NotEstimable("every bin has a single case at most")
    assert alone.debiased == alone.squared
    assert error(Attempts([0.75] * 2, [1, 0]), equal_width(2)).debiased == 0.0


def change(
    base: Attempts, candidate: Attempts, *, bins: Bins | None = None, **more: Any
) -> CalibrationChange:
    """Return a change that must be estimable."""
    found = calibration_change(base, candidate, bins=bins or equal_width(), rng=fresh(), **more)
    assert isinstance(found, CalibrationChange)
    return found


@given(ROWS)
def test_changing_places_mirrors(rows: list[tuple[int, bool, int, bool]]) -> None:
    """Base for candidate: the figures change places; p is 1 where they are equal."""
    base, candidate = models(rows)
    if len(rows) < 10:
        found = calibration_change(base, candidate, bins=equal_width(), rng=fresh())
        assert isinstance(found, NotEstimable)
        return
    one, other = change(base, candidate, resamples=99), change(candidate, base, resamples=99)
    assert (one.base, one.candidate) == (other.candidate, other.base)
    assert other.difference == -one.difference
    assert one.n == len(rows)
    assert 0 < one.p_value.value <= 1
    assert one.difference or one.p_value.value == 1.0


def test_the_figures_are_debiased_errors() -> None:
    """With ten cases in every bin they are those of `calibration_error`, cases weighing alike."""
    rng = np.random.default_rng(8)
    p = rng.uniform(0, 1, (200, 3))
    y, z = ((rng.random(p.shape) < p**power).astype(float) for power in (2, 1))
    y[::2, 1:] = nan
    bins = equal_width(5, norm="l2")
    found = change(Attempts(p, y), Attempts(p, z), bins=bins)
    for side, shown in ((y, found.base), (z, found.candidate)):
        own = calibration_error(Attempts(p, side), bins, by_case=True)
        assert isinstance(own, CalibrationError)
        assert shown == pytest.approx(own.debiased)
    assert found.base != pytest.approx(error(Attempts(p, y), bins).debiased)


@pytest.mark.parametrize(
    ("base", "candidate"),
    [
        ([0.55, 0.65, 0.75, 0.85, 0.95], [0.85]),
        (list(np.arange(0.05, 1, 0.1)), [0.75]),
        ([0.55, 0.65, 0.75, 0.85, 0.95], [0.75] + [0.95] * 9),
        ([0.97], [0.99]),
    ],
)
@pytest.mark.parametrize("attempts", [1, 3])
def test_other_confidences_are_no_worse_calibration(
    base: list[float], candidate: list[float], attempts: int
) -> None:
    """Two calibrated models differ in at most 1 of 10 runs, whatever bins their confidences fill.

    Swapping their names found a difference between most of these pairs in 4 runs of 10.
    """
    rng = np.random.default_rng(1)
    runs, found = 100, 0
    for _ in range(runs):
        sides = []
        for law in (base, candidate):
            p = np.repeat(rng.choice(law, (100, 1)), attempts, axis=1)
            sides.append(Attempts(p, (rng.random(p.shape) < p).astype(float)))
        found += change(*sides, resamples=199).p_value.value <= 0.05
    assert found <= runs * 0.1


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_overconfidence_is_seen(norm: Any) -> None:
    """A base that adds 20 points to every confidence is worse calibrated, whatever the norm."""
    rng = np.random.default_rng(4)
    p = rng.uniform(0.3, 0.8, 300)
    y, z = ((rng.random(300) < p).astype(float) for _ in range(2))
    found = change(Attempts(p + 0.2, y), Attempts(p, z), bins=equal_width(5, norm=norm))
    assert found.difference > 0.08
    assert found.p_value.value < 0.05


def test_equal_models_have_equal_errors() -> None:
    """The same attempts twice: no difference, p = 1."""
    attempts = Attempts([0.2, 0.9, 0.7] * 4, [0, 1, 0] * 4)
    found = change(attempts, attempts, resamples=99)
    assert (found.difference, found.p_value.value) == (0.0, 1.0)


def test_no_error_by_luck_is_no_error_shown() -> None:
    """Sure to 97 % and always right in 50 cases, which happens: no proof against a sure model."""
    right = np.ones(50)
    found = change(Attempts(right * 0.97, right), Attempts(right, right))
    assert found.base == pytest.approx(0.03)
    assert found.candidate == 0.0
    assert found.p_value.value > 0.05


def test_clusters_count_as_one() -> None:
    """Every case copied five times in a cluster of its own: the same figures and p-value."""
    rng = np.random.default_rng(5)
    p = rng.uniform(0.3, 0.8, 80)
    y, z = ((rng.random(80) < p).astype(float) for _ in range(2))
    alone = change(Attempts(p + 0.2, y), Attempts(p, z))
    five = [np.repeat(of, 5) for of in (p + 0.2, y, p, z)]
    sides = Attempts(five[0], five[1]), Attempts(five[2], five[3])
    whole = change(*sides, clusters=np.repeat(np.arange(80), 5))
    assert (whole.base, whole.candidate) == pytest.approx((alone.base, alone.candidate))
    assert whole.p_value.value == pytest.approx(alone.p_value.value, abs=0.01)
    assert change(*sides).p_value.value < whole.p_value.value
    few = calibration_change(*sides, bins=equal_width(), clusters=["a"] * 400, rng=fresh())
    why = "10 clusters of one size are needed, those of both models are worth 1"
    assert few == NotEstimable(why)


def clustered(
    rng: np.random.Generator, sizes: list[int], stated: list[float], off: float
) -> tuple[Attempts, Attempts]:
    """Return two models that are as far off; four of five cases share their cluster's luck."""
    cluster = np.repeat(np.arange(len(sizes)), sizes)
    sides = []
    for _ in range(2):
        p = rng.choice(stated, len(cluster))
        alike = rng.random(len(cluster)) < 0.8
        luck = np.where(alike, rng.random(len(sizes))[cluster], rng.random(len(cluster)))
        sides.append(Attempts(p, (luck < p - off).astype(float)))
    return sides[0], sides[1]


def test_unequal_clusters_keep_the_level() -> None:
    """One cluster of 41 holds 60 of 220 cases: models as far off differ in few of 100 runs.

    With all clusters less one for degrees of freedom they differed in one of six runs.
    """
    rng, sizes = np.random.default_rng(0), [4] * 40 + [60]
    groups, found = np.repeat(np.arange(41), sizes), 0
    for _ in range(100):
        sides = clustered(rng, sizes, [0.55, 0.65, 0.75, 0.85, 0.95], 0.15)
        found += change(*sides, clusters=groups, resamples=199).p_value.value <= 0.05
    assert found <= 8


def test_two_large_clusters_say_too_little() -> None:
    """32 clusters, of which two hold 140 of 200 cases, are worth four: no p-value, and why."""
    sizes = [2] * 30 + [60, 80]
    sides = clustered(np.random.default_rng(0), sizes, [0.6, 0.9], 0.0)
    groups = np.repeat(np.arange(32), sizes)
    found = calibration_change(*sides, bins=equal_width(), clusters=groups, rng=fresh())
    why = "10 clusters of one size are needed, those of both models are worth 3.9"
    assert found == NotEstimable(why)


def test_ten_clusters_of_one_size_are_enough() -> None:
    """Ten clusters of ten have a p-value, nine have none."""
    rng = np.random.default_rng(0)
    for many in (9, 10):
        sides = clustered(rng, [10] * many, [0.6, 0.9], 0.0)
        groups = np.repeat(np.arange(many), 10)
        found = calibration_change(*sides, bins=equal_width(), clusters=groups, rng=fresh())
        assert isinstance(found, CalibrationChange) == (many == 10)


def test_sparse_bins_are_joined() -> None:
    """Three cases in a bin of their own count with those of the next bin."""
    p = np.array([0.15] * 3 + [0.25] * 20 + [0.95] * 20)
    y = np.array([1.0] * 3 + [0.0, 0.0, 0.0, 1.0] * 5 + [1.0] * 19 + [0.0])
    joined = error(Attempts(p, y), Bins(np.array([0.0, 0.5, 1.0]), "two bins"))
    found = change(Attempts(p, y), Attempts(p, y), resamples=99)
    assert found.base == pytest.approx(joined.debiased)


def test_cases_without_attempts_of_both_are_left_out() -> None:
    """A case that one model never tried counts for neither, and a model's K does not matter."""
    base = Attempts(
        [[0.5, nan], [0.9, 0.8], [nan, nan]] * 10, [[1.0, nan], [1.0, 0.0], [nan, nan]] * 10
    )
    candidate = Attempts([0.5, 0.9, 0.7] * 10, [1, 1, 1] * 10)
    found = change(base, candidate, resamples=99)
    assert found.n == 20
    kept = Attempts([0.5, 0.9] * 10, [1, 1] * 10)
    assert found.candidate == change(kept, kept, resamples=99).candidate
    none = calibration_change(
        Attempts([nan, 0.5], [nan, 1]),
        Attempts([0.5, nan], [1, nan]),
        bins=equal_width(),
        rng=fresh(),
    )
    assert none == NotEstimable("no case has attempts of both models")
    nobody = loss_difference(
        Attempts([nan, 0.5], [nan, 1]), Attempts([0.5, nan], [1, nan]), rng=fresh()
    )
    assert isinstance(nobody, LossDifference)
    assert (nobody.base, nobody.difference) == (None, None)


def test_many_cases_are_quick() -> None:
    """With 60,000 cases the test sees a difference of 2 points."""
    rng = np.random.default_rng(6)
    p = rng.uniform(0.3, 0.8, 60_000)
    y = (rng.random(60_000) < p).astype(float)
    found = change(Attempts(p + 0.02, y), Attempts(p, y), resamples=199)
    assert found.p_value.value == 1 / 200


def test_reliability_table() -> None:
    """One row per bin with its means and Wilson's interval; empty bins stand there too."""
    table = reliability_table(Attempts([0.6, 0.9, 1.0, nan], [1, 1, 0, nan]), equal_width(4))
    assert not isinstance(table, NotEstimable)
    assert [row.n for row in table] == [0, 0, 1, 2]
    assert table[0].accuracy is None
    assert table[0].accuracy_interval is None
    last = table[3]
    assert (last.low, last.high, last.accuracy) == (0.75, 1.0, 0.5)
    assert last.confidence == pytest.approx(0.95)
    assert last.accuracy_interval is not None
    assert last.accuracy_interval.low < 0.5 < last.accuracy_interval.high


def test_shapes_must_match() -> None:
    """One outcome per confidence, one row per case."""
    with pytest.raises(ValueError, match="one outcome per confidence"):
        brier_scores(Attempts([0.5], [1, 0]))
    for call in (
        lambda a, b: loss_difference(a, b, rng=fresh()),
        lambda a, b: calibration_change(a, b, bins=equal_width(), rng=fresh()),
    ):
        with pytest.raises(ValueError, match="one row per case"):
            call(Attempts([0.5], [1]), Attempts([0.5, 0.5], [1, 1]))
