"""The learning curve: every checkpoint of a candidate, then the candidate, on every suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.decide.decision import CurvePoint
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.run_data import RunData
from evalkit.decide.tabulate import Answers, Table, cluster_labels, heldout, trained_on
from evalkit.model import Case, ModelSpec, Suite
from evalkit.stats.arrays import exact_mean, floats
from evalkit.stats.means import mean_interval
from evalkit.stats.values import NotEstimable


@dataclass(frozen=True, slots=True)
class _Part:
    """The cases of one split of one suite, by id."""

    suite: str
    split: Literal["heldout", "train"]
    cases: Sequence[Case]


def learning_curve(run: RunData, candidate: str, table: Table) -> tuple[CurvePoint, ...]:
    """Return a point for each suite, split and model that answered, by training step.

    Empty unless a checkpoint of ``candidate`` answered something: one point is no curve.
    """
    checkpoints = run.project.checkpoints_of(candidate)
    models = [*checkpoints, run.project.models[candidate]]
    parts = [part for suite in run.suites for part in _parts(suite, candidate)]
    points = tuple(
        _point(part, model, table[part.suite, model.name, False])
        for part in parts
        for model in models
        if (part.suite, model.name, False) in table
    )
    seen = {point.model for point in points if point.n}
    return points if seen & {m.name for m in checkpoints} else ()


def _parts(suite: Suite, candidate: str) -> list[_Part]:
    parts = [
        _Part(suite.name, "heldout", heldout(suite.cases)),
        _Part(suite.name, "train", trained_on(suite.cases, candidate)),
    ]
    return [part for part in parts if part.cases]


def _point(part: _Part, model: ModelSpec, answers: Answers) -> CurvePoint:
    cases = sorted((c for c in part.cases if c.id in answers.means), key=lambda c: c.id)
    scores = floats([answers.means[c.id] for c in cases])
    interval = mean_interval(scores, clusters=cluster_labels(cases), level=READING_LEVEL)
    return CurvePoint(
        model=model.name,
        step=model.step,
        suite=part.suite,
        split=part.split,
        n=len(cases),
        mean=exact_mean(scores) if cases else None,
        interval=None if isinstance(interval, NotEstimable) else interval,
    )
