"""Metrics of all cases together, beside the mean: they decide nothing.

A suite gates on a mean over cases, and F1 is none: to gate on a label, make a suite of its cases.
Several samples of a case all count, as one case: each weighs 1 / samples, and the case (or its
cluster) is what is left out and swapped. The first sample alone would waste what was asked for, and
samples taken for cases would be too sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evalkit.decide.confidence_metrics import confidence_metrics, limits, no_metric, number, p_of
from evalkit.decide.evidence import SuiteEvidence
from evalkit.decide.metric_answers import Details, GradedCases
from evalkit.decide.metric_result import Confusion, MetricResult, SuiteMetrics
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.seeds import generator
from evalkit.graders.text import as_text
from evalkit.model import GraderSpec
from evalkit.stats.arrays import FloatArray
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.classification import Change, compare_labels
from evalkit.stats.confusion import Labelled
from evalkit.stats.values import NotEstimable

MOST_CELLS = 10_000_000
"""Cases times labels up to which metrics are computed."""
MOST_LABELS = 100
"""Labels up to which each has figures of its own and a row of the confusion matrix."""

_WATCHED = "judged while asked, so no interval or test for a number of cases fixed in advance"
_MANY = "too many cases and labels"


def suite_metrics(part: SuiteEvidence) -> SuiteMetrics | None:
    """Return the metrics of a suite; ``None`` if none was asked of any grader."""
    if not part.metrics:
        return None
    found: list[MetricResult] = []
    confusions: list[Confusion] = []
    for graded in part.metrics:
        rng = generator("metrics", part.suite.name, graded.grader.name)
        if graded.grader.type == "calibration":
            found += confidence_metrics(graded, rng=rng)
            continue
        labels = _labels(graded)
        sides = _labelled(graded, labels)
        found += _of_labels(graded, labels, sides, rng=rng)
        if "confusion" in graded.metrics and 0 < len(labels) <= MOST_LABELS:
            matrices = (tuple(map(tuple, side.matrix.tolist())) for side in sides)
            confusions.append(Confusion(graded.grader.name, labels, *matrices))
    if part.watched:
        found = [_without_test(metric) for metric in found]
    clustered = any(graded.clusters is not None for graded in part.metrics)
    methods = dict.fromkeys(name for m in found for name in m.method.split("; ") if name)
    said = assumptions_of(*methods, clustered=clustered) if methods else ()
    return SuiteMetrics(tuple(found), tuple(confusions), said)


def _without_test(metric: MetricResult) -> MetricResult:
    return replace(
        metric,
        base_interval=None,
        candidate_interval=None,
        interval=None,
        p_value=None,
        method="",
        note=metric.note or _WATCHED,
    )


def _labels(graded: GradedCases) -> tuple[str, ...]:
    """Return the labels that were expected or answered, in the order of the grader's menu."""
    seen = {
        detail.get(key)
        for side in (graded.base, graded.candidate)
        for case in side
        for detail in case
        for key in ("expected", "predicted")
    }
    menu = dict.fromkeys(_menu(graded.grader))
    listed = [label for label in menu if label in seen]
    return (*listed, *sorted(s for s in seen if s is not None and s not in menu))


def _menu(grader: GraderSpec) -> Iterator[str]:
    yield from map(as_text, grader.options.get("choices", grader.options.get("labels", ())))


def _labelled(graded: GradedCases, labels: Sequence[str]) -> tuple[Labelled, Labelled]:
    """Return both models' answers; the expected labels are the same."""
    code = {label: number for number, label in enumerate(labels)}
    expected = np.array([code[case[0]["expected"]] for case in graded.base], dtype=np.int64)
    base, candidate = (_named(side, code) for side in (graded.base, graded.candidate))
    return Labelled(expected, base), Labelled(expected, candidate)


def _named(side: Details, code: Mapping[str, int]) -> FloatArray:
    """Return cases x labels: the share of a case's answers that name each label."""
    named = np.zeros((len(side), len(code)))
    for row, case in enumerate(side):
        for detail in case:
            at = code.get(detail.get("predicted", ""))
            if at is not None:
                named[row, at] += 1 / len(case)
    return named


def _of_labels(
    graded: GradedCases,
    labels: Sequence[str],
    sides: tuple[Labelled, Labelled],
    *,
    rng: np.random.Generator,
) -> Iterator[MetricResult]:
    n = len(graded.base)
    if n * len(labels) > MOST_CELLS:
        for name in graded.metrics:
            yield no_metric(name, graded, _MANY)
        return
    changes = compare_labels(
        sides[0], sides[1], rng=rng, clusters=graded.clusters, level=READING_LEVEL
    )
    for change in changes:
        if change.label is None and change.name in graded.metrics:
            yield _of_change(change, graded)
    if "per_label" in graded.metrics and len(labels) <= MOST_LABELS:
        own = [change for change in changes if change.label is not None]
        yield from _by_label(own, graded, labels, sides[0])


def _by_label(
    changes: Sequence[Change], graded: GradedCases, labels: Sequence[str], model: Labelled
) -> Iterator[MetricResult]:
    cases = np.bincount(model.expected, minlength=len(labels)).tolist()
    for change in sorted(changes, key=lambda change: change.label or 0):
        code = change.label or 0
        yield replace(_of_change(change, graded), label=labels[code], n=cases[code])


def _of_change(change: Change, graded: GradedCases) -> MetricResult:
    return MetricResult(
        name=change.name,
        grader=graded.grader.name,
        label="",
        better="higher",
        n=len(graded.base),
        base=number(change.base),
        base_interval=limits(change.base_interval),
        candidate=number(change.candidate),
        candidate_interval=limits(change.candidate_interval),
        difference=number(change.difference),
        interval=limits(change.interval),
        p_value=p_of(change.p_value),
        method="; ".join(change.methods),
        note=change.difference.why if isinstance(change.difference, NotEstimable) else "",
    )
