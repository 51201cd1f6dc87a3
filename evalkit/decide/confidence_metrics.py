"""Metrics of stated confidences: calibration error, and the Brier score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from evalkit.decide.metric_answers import Details, GradedCases
from evalkit.decide.metric_result import MetricResult
from evalkit.decide.reading import READING_LEVEL
from evalkit.stats.calibration import Attempts, loss_difference
from evalkit.stats.calibration_error import (
    calibration_change,
    calibration_error,
    equal_width,
)
from evalkit.stats.mover import Scaled
from evalkit.stats.values import Interval, NotEstimable, PValue

_NO_INTERVAL = "no interval of a calibration error can be trusted"
_BIASED = "lies too high by another amount for each model: rms_calibration_error has the difference"


def confidence_metrics(graded: GradedCases, *, rng: np.random.Generator) -> Iterator[MetricResult]:
    """Yield what is asked of a grader of type ``calibration``.

    ``ece`` is the plain error in ten bins of one width, which lies too high, by how much depends on
    the confidences: it has no difference and no p-value. The root mean square has that bias taken
    off, and its p-value is of the difference beside it.
    """
    sides = _attempts(graded.base), _attempts(graded.candidate)
    for name in graded.metrics:
        if name == "ece":
            yield _ece(graded, sides)
        elif name == "rms_calibration_error":
            yield _rms_error(graded, sides, rng=rng)
        else:
            yield _brier(graded, sides, rng=rng)


def no_metric(name: str, graded: GradedCases, why: str) -> MetricResult:
    """Return a metric without any figure."""
    return MetricResult(
        name=name,
        grader=graded.grader.name,
        label="",
        better="lower" if graded.grader.type == "calibration" else "higher",
        n=len(graded.base),
        base=None,
        base_interval=None,
        candidate=None,
        candidate_interval=None,
        difference=None,
        interval=None,
        p_value=None,
        method="",
        note=why,
    )


def number(value: float | NotEstimable) -> float | None:
    """Return a figure, or ``None``."""
    return None if isinstance(value, NotEstimable) else value


def limits(interval: Interval | NotEstimable) -> Interval | None:
    """Return an interval, or ``None``."""
    return None if isinstance(interval, NotEstimable) else interval


def p_of(value: PValue | NotEstimable) -> float | None:
    """Return a p-value, or ``None``."""
    return None if isinstance(value, NotEstimable) else value.value


def _attempts(side: Details) -> Attempts:
    wide = max((len(case) for case in side), default=1)
    confidence, correct = np.full((2, len(side), wide), np.nan)
    for row, case in enumerate(side):
        confidence[row, : len(case)] = [detail["confidence"] for detail in case]
        correct[row, : len(case)] = [float(detail["correct"]) for detail in case]
    return Attempts(confidence, correct)


def _ece(graded: GradedCases, sides: tuple[Attempts, Attempts]) -> MetricResult:
    one, other = (calibration_error(side, equal_width(), by_case=True) for side in sides)
    if isinstance(one, NotEstimable):
        return no_metric("ece", graded, one.why)
    if isinstance(other, NotEstimable):
        return no_metric("ece", graded, other.why)
    return replace(
        no_metric("ece", graded, _BIASED),
        base=one.estimate,
        candidate=other.estimate,
        method=one.method,
    )


def _rms_error(
    graded: GradedCases, sides: tuple[Attempts, Attempts], *, rng: np.random.Generator
) -> MetricResult:
    name = "rms_calibration_error"
    change = calibration_change(*sides, bins=equal_width(), clusters=graded.clusters, rng=rng)
    if isinstance(change, NotEstimable):
        return no_metric(name, graded, change.why)
    return replace(
        no_metric(name, graded, _NO_INTERVAL),
        n=change.n,
        base=change.base,
        candidate=change.candidate,
        difference=-change.difference,
        p_value=change.p_value.value,
        method=f"{change.method}; {change.p_value.method}",
    )


def _brier(
    graded: GradedCases, sides: tuple[Attempts, Attempts], *, rng: np.random.Generator
) -> MetricResult:
    found = loss_difference(*sides, clusters=graded.clusters, rng=rng)
    if isinstance(found, NotEstimable):
        return no_metric("brier", graded, found.why)
    values = replace(
        no_metric("brier", graded, ""),
        n=found.comparison.n,
        base=found.base,
        candidate=found.candidate,
        difference=None if found.difference is None else -found.difference,
    )
    if isinstance(found.procedure, NotEstimable):
        return replace(values, note=found.procedure.why)
    higher = Scaled(found.procedure, -1.0)
    interval = higher.interval(level=READING_LEVEL)
    return replace(
        values,
        interval=limits(interval),
        p_value=higher.p_value().value,
        method=higher.method,
        note=interval.why if isinstance(interval, NotEstimable) else "",
    )
