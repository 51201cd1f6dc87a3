"""Records to arrays: one score per case and model, paired. Failures are counted, not scored."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.decide.pairs import RIGHT, Extremes, Membership, Pairs, Samples
from evalkit.model import Case, Failure, Record
from evalkit.stats.arrays import FloatArray, IntArray


@dataclass(slots=True)
class _Scores:
    """What one model said to one suite, by case, while records are read."""

    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: Counter[str] = field(default_factory=Counter)
    ungraded: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Answers:
    """One model on one suite: the mean score of each case over its graded samples.

    ``failed`` and ``ungraded`` count such answers by case. A case is in ``means`` as soon as one of
    its samples is graded, so that a failed sample does not change its weight; ``graded`` counts
    those samples. ``several`` holds the single scores, in rising order, of the cases with more than
    one.
    """

    means: Mapping[str, float]
    graded: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    ungraded: Mapping[str, int] = field(default_factory=dict)
    several: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def missing(self, case: str) -> int:
        """Return how many answers to a case have no score; one where nothing was recorded."""
        lost = self.failed.get(case, 0) + self.ungraded.get(case, 0)
        return lost if lost or case in self.means else 1

    def extremes(self, case: str) -> tuple[float, float]:
        """Return a case's mean score if its missing answers were all wrong, and all right."""
        missing, graded = self.missing(case), self.graded.get(case, 0)
        total = self.means.get(case, 0.0) * graded
        return total / (graded + missing), (total + missing) / (graded + missing)


Table = Mapping[tuple[str, str, bool], Answers]
"""Answers by (suite, model, whether they are the second ones of an A/A comparison)."""

NO_ANSWERS = Answers({})


def tabulate(records: Iterable[Record]) -> Table:
    """Return each model's scores on each suite. A score that is not a number counts as ungraded."""
    found: dict[tuple[str, str, bool], _Scores] = defaultdict(_Scores)
    for record in records:
        entry = found[record.suite, record.model, record.aa]
        if isinstance(record.outcome, Failure):
            entry.failed[record.case] += 1
        elif record.score is None or not math.isfinite(record.score):
            entry.ungraded[record.case] += 1
        else:
            entry.scores[record.case].append(record.score)
    return {key: _averaged(entry) for key, entry in found.items()}


def pair_up(cases: Iterable[Case], base: Answers, candidate: Answers) -> Pairs:
    """Pair the answers to ``cases``; one side missing leaves a case out."""
    expected = sorted(cases, key=lambda case: case.id)
    compared = [c for c in expected if c.id in base.means and c.id in candidate.means]
    inside = {c.id for c in compared}
    return Pairs(
        ids=tuple(c.id for c in compared),
        base=_array(base.means[c.id] for c in compared),
        candidate=_array(candidate.means[c.id] for c in compared),
        expected=len(expected),
        errors=sum(c.id in base.failed or c.id in candidate.failed for c in expected),
        ungraded=sum(c.id in base.ungraded or c.id in candidate.ungraded for c in expected),
        clusters=cluster_labels(compared),
        critical=np.array([c.critical for c in compared], dtype=np.bool_),
        critical_missing=tuple(
            c.id
            for c in expected
            if c.critical and (c.id not in inside or _may_have_broken(c.id, base, candidate))
        ),
        slices=_members(compared),
        extremes=_extremes(expected, base, candidate),
        samples=_samples([c.id for c in compared], base, candidate),
    )


def _may_have_broken(case: str, base: Answers, candidate: Answers) -> bool:
    """Return whether missing answers leave it open if a compared case broke."""
    if not (base.missing(case) or candidate.missing(case)):
        return False
    return base.extremes(case)[1] >= RIGHT > candidate.extremes(case)[0]


def _array(values: Iterable[float]) -> FloatArray:
    return np.fromiter(values, dtype=np.float64)


def _extremes(cases: Sequence[Case], base: Answers, candidate: Answers) -> Extremes | None:
    if not any(model.missing(c.id) for c in cases for model in (base, candidate)):
        return None
    ours, theirs = ([model.extremes(c.id) for c in cases] for model in (base, candidate))
    return Extremes(
        base_low=_array(low for low, _ in ours),
        base_high=_array(high for _, high in ours),
        candidate_low=_array(low for low, _ in theirs),
        candidate_high=_array(high for _, high in theirs),
        clusters=cluster_labels(cases),
    )


def _samples(
    cases: Sequence[str], base: Answers, candidate: Answers
) -> tuple[Samples, Samples] | None:
    if not any(case in model.several for model in (base, candidate) for case in cases):
        return None
    return _samples_of(cases, base), _samples_of(cases, candidate)


def _samples_of(cases: Sequence[str], model: Answers) -> Samples:
    scores = [model.several.get(case) or (model.means[case],) for case in cases]
    numbers = [len(of_case) for of_case in scores]
    return Samples(np.repeat(np.arange(len(cases)), numbers), _array(itertools.chain(*scores)))


def _members(cases: Sequence[Case]) -> Membership:
    inside = [(i, item) for i, case in enumerate(cases) for item in case.slices.items()]
    names = tuple(sorted({item for _, item in inside}))
    number = {name: i for i, name in enumerate(names)}
    return Membership(
        names,
        np.array([i for i, _ in inside], dtype=np.int64),
        np.array([number[item] for _, item in inside], dtype=np.int64),
    )


def cluster_labels(cases: Sequence[Case]) -> IntArray | None:
    """Number the clusters of ``cases``; ``None`` if each is a cluster of its own.

    Cases that name no cluster but ask the very same belong together: the model answers them alike,
    so they are one observation, whatever their ids.
    """
    names = [(case.cluster is None, case.cluster or _asked(case)) for case in cases]
    number = {name: i for i, name in enumerate(sorted(set(names)))}
    if len(number) == len(cases) and all(case.cluster is None for case in cases):
        return None
    return np.array([number[name] for name in names], dtype=np.int64)


def _asked(case: Case) -> str:
    return json.dumps(case.asks, sort_keys=True, default=str) if case.messages else case.id


def heldout(cases: Iterable[Case]) -> list[Case]:
    """Return the held-out cases: the only ones a verdict rests on."""
    return [case for case in cases if case.split == "heldout"]


def trained_on(cases: Iterable[Case], learner: str) -> list[Case]:
    """Return the train cases drawn from the training file of the candidate ``learner``."""
    return [case for case in cases if case.split == "train" and learner in case.trained]


def _averaged(entry: _Scores) -> Answers:
    means = {case: math.fsum(scores) / len(scores) for case, scores in entry.scores.items()}
    graded = {case: len(scores) for case, scores in entry.scores.items()}
    several = {case: tuple(sorted(s)) for case, s in entry.scores.items() if len(s) > 1}
    return Answers(means, graded, entry.failed, entry.ungraded, several)
