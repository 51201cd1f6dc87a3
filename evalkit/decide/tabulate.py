"""Records to arrays: one score per case and model, paired. Failures are counted, not scored."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.model import Case, Failure, Record
from evalkit.stats.arrays import FloatArray, IntArray


@dataclass(slots=True)
class _Scores:
    """What one model said to one suite, by case, while records are read."""

    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: set[str] = field(default_factory=set)
    ungraded: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Answers:
    """One model on one suite: the mean score of each case over its graded samples.

    ``failed`` and ``ungraded`` name the cases with at least one such answer. A case is in ``means``
    as soon as one of its samples is graded, so that a failed sample does not change its weight.
    """

    means: Mapping[str, float]
    failed: frozenset[str] = frozenset()
    ungraded: frozenset[str] = frozenset()


Table = Mapping[tuple[str, str], Answers]
"""Answers by (suite, model)."""

NO_ANSWERS = Answers({})


@dataclass(frozen=True, slots=True)
class Pairs:
    """The cases that both models answered, by id, with their scores; and what is left out.

    ``cases``, ``base`` and ``candidate`` are aligned. ``errors`` and ``ungraded`` count cases among
    the ``expected`` ones; a case can be both, and compared all the same through other samples.
    """

    cases: tuple[Case, ...]
    base: FloatArray
    candidate: FloatArray
    expected: int
    errors: int
    ungraded: int

    @property
    def n(self) -> int:
        """The number of compared cases."""
        return len(self.cases)

    @property
    def clusters(self) -> IntArray | None:
        """A number per case from 0, equal within a cluster; ``None`` if no case names one."""
        return cluster_labels(self.cases)


def tabulate(records: Iterable[Record]) -> Table:
    """Return each model's scores on each suite. A score that is not a number counts as ungraded."""
    found: dict[tuple[str, str], _Scores] = defaultdict(_Scores)
    for record in records:
        entry = found[record.suite, record.model]
        if isinstance(record.outcome, Failure):
            entry.failed.add(record.case)
        elif record.score is None or not math.isfinite(record.score):
            entry.ungraded.add(record.case)
        else:
            entry.scores[record.case].append(record.score)
    return {key: _averaged(entry) for key, entry in found.items()}


def pair_up(cases: Iterable[Case], base: Answers, candidate: Answers) -> Pairs:
    """Pair the answers to ``cases``; one side missing leaves a case out."""
    expected = sorted(cases, key=lambda case: case.id)
    compared = tuple(c for c in expected if c.id in base.means and c.id in candidate.means)
    return Pairs(
        cases=compared,
        base=np.array([base.means[c.id] for c in compared], dtype=np.float64),
        candidate=np.array([candidate.means[c.id] for c in compared], dtype=np.float64),
        expected=len(expected),
        errors=sum(c.id in base.failed or c.id in candidate.failed for c in expected),
        ungraded=sum(c.id in base.ungraded or c.id in candidate.ungraded for c in expected),
    )


def cluster_labels(cases: Sequence[Case]) -> IntArray | None:
    """Number the clusters of ``cases``; a case that names none is a cluster of its own."""
    if all(case.cluster is None for case in cases):
        return None
    names = [(case.cluster is None, case.cluster or case.id) for case in cases]
    number = {name: i for i, name in enumerate(sorted(set(names)))}
    return np.array([number[name] for name in names], dtype=np.int64)


def heldout(cases: Iterable[Case]) -> list[Case]:
    """Return the held-out cases: the only ones a verdict rests on."""
    return [case for case in cases if case.split == "heldout"]


def trained_on(cases: Iterable[Case], learner: str) -> list[Case]:
    """Return the train cases drawn from the training file of the candidate ``learner``."""
    return [case for case in cases if case.split == "train" and learner in case.trained]


def _averaged(entry: _Scores) -> Answers:
    means = {case: math.fsum(scores) / len(scores) for case, scores in entry.scores.items()}
    return Answers(means, frozenset(entry.failed), frozenset(entry.ungraded))
