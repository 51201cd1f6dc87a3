"""A candidate and its checkpoints on one suite, as aligned arrays: what a choice is made from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.decide.run_data import RunData
from evalkit.decide.tabulate import NO_ANSWERS, Answers, Table, cluster_labels, heldout
from evalkit.model import Case, ModelSpec, Suite
from evalkit.stats.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class CheckpointScores:
    """The base and all contenders on the held-out cases of one suite, by id.

    ``models`` and ``steps`` are in the order of training, the candidate last. ``scores`` has a row
    per case and a column per model, ``base`` an entry per case; nan = no score. ``clusters`` as in
    `evalkit.decide.pairs.Pairs`.
    """

    models: tuple[str, ...]
    steps: tuple[int | None, ...]
    base: FloatArray
    scores: FloatArray
    clusters: IntArray | None


def contenders(run: RunData, candidate: str, table: Table) -> tuple[ModelSpec, ...]:
    """Return the checkpoints of ``candidate`` that have a score, by step, then the candidate.

    Empty if there is no such checkpoint: one model is no choice.
    """
    known = {model for (_, model, again), answers in table.items() if answers.means and not again}
    found = [spec for spec in run.project.checkpoints_of(candidate) if spec.name in known]
    return (*found, run.project.models[candidate]) if found else ()


def checkpoint_scores(
    suite: Suite, models: Sequence[ModelSpec], *, base: str, table: Table
) -> CheckpointScores | None:
    """Return the scores of all contenders on ``suite``; ``None`` without contenders or cases."""
    cases = sorted(heldout(suite.cases), key=lambda case: case.id)
    if not models or not cases:
        return None
    columns = [table.get((suite.name, m.name, False), NO_ANSWERS) for m in models]
    return CheckpointScores(
        models=tuple(model.name for model in models),
        steps=tuple(model.step for model in models),
        base=_scores(cases, table.get((suite.name, base, False), NO_ANSWERS)),
        scores=np.stack([_scores(cases, answers) for answers in columns], axis=1),
        clusters=cluster_labels(cases),
    )


def _scores(cases: Sequence[Case], answers: Answers) -> FloatArray:
    return np.array([answers.means.get(case.id, math.nan) for case in cases], dtype=np.float64)
