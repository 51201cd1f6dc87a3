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
    Bins,
    Norm,
    calibration_change,
    calibration_error,
    equal_width,
)
from evalkit.stats.mover import Scaled
from evalkit.stats.values import Interval, NotEstimable, PValue

_NO_INTERVAL = "no interval of a calibration error can be trusted"
_NORMS: dict[str, Norm] = {"ece": "l1", "rms_calibration_error": "l2"}


def confidence_metrics(graded: GradedCases, *, rng: np.random.Generator) -> Iterator[MetricResult]:
    """Yield what is asked of a grader of type ``calibration``.

    ``ece`` is the plain error in ten bins of one width, which lies too high; the root mean square
    has that bias taken off. Their p-values are of the plain errors.
    """
    sides = _attempts(graded.base), _attempts(graded.candidate)
    for name in graded.metrics:
        if name in _NORMS:
            yield _error(name, graded, sides, rng=rng)
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


def _error(
    name: str, graded: GradedCases, sides: tuple[Attempts, Attempts], *, rng: np.random.Generator
) -> MetricResult:
    bins = equal_width(norm=_NORMS[name])
    change = calibration_change(*sides, bins=bins, clusters=graded.clusters, rng=rng)
    if isinstance(change, NotEstimable):
        return no_metric(name, graded, change.why)
    one: float | NotEstimable = change.base
    other: float | NotEstimable = change.candidate
    if name != "ece":
        one, other = (_debiased(attempts, bins) for attempts in sides)
    if isinstance(one, NotEstimable) or isinstance(other, NotEstimable):
        return no_metric(name, graded, "too few cases in every bin to take the bias off")
    return replace(
        no_metric(name, graded, _NO_INTERVAL),
        n=change.n,
        base=one,
        candidate=other,
        difference=other - one,
        p_value=change.p_value.value,
        method=f"{change.method}; {change.p_value.method}",
    )


def _debiased(attempts: Attempts, bins: Bins) -> float | NotEstimable:
    found = calibration_error(attempts, bins)
    return found if isinstance(found, NotEstimable) else found.debiased


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
