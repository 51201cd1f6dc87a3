"""What graders of labels and of confidences read off each answer: what metrics are made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.decide.run_data import RunData
from evalkit.decide.tabulate import cluster_labels, heldout
from evalkit.model import METRICS, Grade, GraderSpec, Pair, Record, Suite
from evalkit.stats.arrays import IntArray

Details = tuple[tuple[Mapping[str, Any], ...], ...]
"""By case the details of its graded samples, at least one, in the order of samples."""
RecordsByModel = Mapping[tuple[str, str], Sequence[Record]]

UNASKED = ("accuracy", "balanced_accuracy")
"""Not computed unless a suite names them: the first is most often the suite's mean."""


@dataclass(frozen=True, slots=True)
class GradedCases:
    """The held-out cases of which one grader read something off answers of both models.

    ``metrics`` are what is asked of it. ``clusters`` as in `Pairs`.
    """

    grader: GraderSpec
    metrics: tuple[str, ...]
    base: Details
    candidate: Details
    clusters: IntArray | None


def chosen(suite: Suite) -> Iterator[tuple[GraderSpec, tuple[str, ...]]]:
    """Yield each grader with the metrics to compute of it: as asked, else the usual ones of one."""
    able = [
        (grader, names)
        for grader in suite.graders
        if (names := [name for name, types in METRICS.items() if grader.type in types])
    ]
    if suite.metrics is None and len(able) > 1:
        return
    for grader, names in able:
        asked = suite.metrics
        wanted = [m for m in names if (m not in UNASKED if asked is None else m in asked)]
        if wanted:
            yield grader, tuple(wanted)


def records_by_model(run: RunData) -> RecordsByModel:
    """Return the answers to suites with a metric; the second ones of an A/A comparison are none."""
    names = {suite.name for suite in run.suites if any(chosen(suite))}
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in run.records if names else ():
        if record.suite in names and not record.aa:
            found[record.suite, record.model].append(record)
    return found


def graded_cases(suite: Suite, pair: Pair, records: RecordsByModel) -> tuple[GradedCases, ...]:
    """Return what the graders of ``suite`` read off, one entry a grader with metrics."""
    return tuple(
        _graded(suite, pair, records, grader=grader, names=names) for grader, names in chosen(suite)
    )


def _graded(
    suite: Suite,
    pair: Pair,
    records: RecordsByModel,
    *,
    grader: GraderSpec,
    names: tuple[str, ...],
) -> GradedCases:
    key = "confidence" if grader.type == "calibration" else "expected"
    base, candidate = (
        _details(records.get((suite.name, model), ()), grader.name, key=key)
        for model in (pair.base, pair.candidate)
    )
    known = [case for case in heldout(suite.cases) if case.id in base and case.id in candidate]
    known.sort(key=lambda case: case.id)
    ours, theirs = (tuple(side[case.id] for case in known) for side in (base, candidate))
    return GradedCases(grader, names, ours, theirs, cluster_labels(known))


def _details(
    records: Sequence[Record], grader: str, *, key: str
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    found: dict[str, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for record in records:
        grade = record.grades.get(grader)
        if isinstance(grade, Grade) and key in grade.detail:
            found[record.case].append((record.sample, grade.detail))
    return {
        case: tuple(detail for _, detail in sorted(samples, key=lambda sample: sample[0]))
        for case, samples in found.items()
    }
