"""Scores as columns: a row for each case, model and sample, without the answers behind them.

What decides is the same as for a run: the table becomes `Pairs`, by arrays alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.decide.evidence import Evidence, SuiteEvidence
from evalkit.decide.pairs import RIGHT, Extremes, Flags, Membership, Pairs, Samples
from evalkit.model import Pair, Suite
from evalkit.stats.arrays import FloatArray, IntArray

GRADED, UNGRADED, FAILED, ABSENT = range(4)
"""What a row says: a score, an answer without one, no answer, or that nothing was recorded."""

BASE, CANDIDATE = range(2)


@dataclass(frozen=True, slots=True)
class CaseColumns:
    """What is known of each case; one entry a case in every column.

    ``suite`` indexes the table's suites. ``cluster`` and ``asked`` (what was asked) number equal
    labels in the labels' order, -1 where none was given.
    """

    ids: Sequence[str]
    suite: IntArray
    cluster: IntArray
    asked: IntArray
    critical: Flags
    train: Flags
    slices: Membership


@dataclass(frozen=True, slots=True)
class RowColumns:
    """The rows of two models; one entry a row in every column.

    ``case`` indexes the table's cases, ``side`` is `BASE` or `CANDIDATE`, ``sample`` indexes the
    table's samples, ``score`` is nan unless ``state`` is `GRADED`.
    """

    case: IntArray
    side: IntArray
    sample: IntArray
    score: FloatArray
    state: IntArray


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The scores of two models; equal content gives equal tables, whatever the order of the rows.

    Cases are sorted by suite and id, rows by case, side and sample. Each case has a row of one side
    at least.
    """

    pair: Pair
    suites: tuple[str, ...]
    cases: CaseColumns
    rows: RowColumns
    samples: tuple[str, ...]
    clusters: tuple[str, ...]
    asked: tuple[str, ...]

    def number_of_cases(self, suite: str, *, train: bool) -> int:
        """Return how many cases of one split a suite has."""
        return len(_chosen(self, suite, train=train))


@dataclass(frozen=True, slots=True)
class Tally:
    """One model over all cases of a table, one entry a case: as `Answers` holds it for a run.

    ``means`` is nan where no sample is graded; the other three count samples.
    """

    means: FloatArray
    graded: IntArray
    failed: IntArray
    ungraded: IntArray

    @property
    def missing(self) -> IntArray:
        """How many answers have no score; one where nothing was recorded."""
        lost = self.failed + self.ungraded
        return np.where((lost == 0) & (self.graded == 0), 1, lost)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Return each case's mean score if its missing answers were all wrong, and all right."""
        total = np.where(self.graded > 0, self.means, 0.0) * self.graded
        asked = self.graded + self.missing
        return total / asked, (total + self.missing) / asked


def most_samples(table: ScoreTable, suite: str) -> int:
    """Return the largest number of rows that a case of a suite has of one model; 1 without any."""
    chosen = np.isin(table.rows.case, _chosen(table, suite, train=False))
    numbers = np.bincount(2 * table.rows.case[chosen] + table.rows.side[chosen])
    return max(1, int(numbers.max(initial=0)))


def tally(table: ScoreTable, side: int) -> Tally:
    """Add up the rows of one side."""
    rows, size = table.rows, len(table.cases.ids)
    mine = rows.side == side
    case, state, score = rows.case[mine], rows.state[mine], rows.score[mine]
    graded, failed, ungraded = (
        np.bincount(case[state == wanted], minlength=size) for wanted in (GRADED, FAILED, UNGRADED)
    )
    means = _means(case[state == GRADED], score[state == GRADED], graded)
    return Tally(means, graded, failed, ungraded)


def score_evidence(table: ScoreTable, suites: Sequence[Suite]) -> Evidence:
    """Return the table as evidence on ``suites``, of which name, purpose and margin are read."""
    sides = tally(table, BASE), tally(table, CANDIDATE)
    parts = (
        SuiteEvidence(
            suite,
            heldout=_pairs(table, sides, _chosen(table, suite.name, train=False)),
            train=_pairs(table, sides, _chosen(table, suite.name, train=True)),
        )
        for suite in suites
    )
    return Evidence(table.pair, tuple(parts))


def _chosen(table: ScoreTable, suite: str, *, train: bool) -> IntArray:
    if suite not in table.suites:
        return np.empty(0, dtype=np.int64)
    inside = table.cases.suite == table.suites.index(suite)
    return np.flatnonzero(inside & (table.cases.train == train))


def _means(case: IntArray, score: FloatArray, graded: IntArray) -> FloatArray:
    """Return each case's mean; of several samples rounded once, as `tabulate` does it."""
    sums = np.bincount(case, weights=score, minlength=len(graded)).astype(np.float64)
    several = np.flatnonzero(graded > 1)
    if len(several) and np.any(score != np.rint(score)):
        ends = np.cumsum(graded)[several]
        bounds = zip((ends - graded[several]).tolist(), ends.tolist(), strict=True)
        sums[several] = [math.fsum(score[start:end].tolist()) for start, end in bounds]
    with np.errstate(invalid="ignore"):
        return sums / np.where(graded > 0, graded, np.nan)


def _pairs(table: ScoreTable, sides: tuple[Tally, Tally], expected: IntArray) -> Pairs:
    base, candidate = sides
    both = (base.graded[expected] > 0) & (candidate.graded[expected] > 0)
    inside, cases = expected[both], table.cases
    doubtful = ~both | _may_have_broken(base, candidate)[expected]
    lost = expected[doubtful & cases.critical[expected]]
    return Pairs(
        ids=tuple(cases.ids[i] for i in inside.tolist()),
        base=base.means[inside],
        candidate=candidate.means[inside],
        expected=len(expected),
        errors=_either(base.failed, candidate.failed, expected),
        ungraded=_either(base.ungraded, candidate.ungraded, expected),
        clusters=_clusters(cases, inside),
        critical=cases.critical[inside],
        critical_missing=tuple(cases.ids[i] for i in lost.tolist()),
        slices=_members(cases, inside),
        extremes=_extremes(table, sides, expected),
        samples=_samples(table, sides, inside),
    )


def _may_have_broken(base: Tally, candidate: Tally) -> Flags:
    """Return which cases missing answers may have broken, by the rule of `tabulate`."""
    missing = (base.missing > 0) | (candidate.missing > 0)
    (_, base_high), (low, _) = base.extremes(), candidate.extremes()
    return np.asarray(missing & (base_high >= RIGHT) & (low < RIGHT))


def _either(base: IntArray, candidate: IntArray, chosen: IntArray) -> int:
    return int(np.count_nonzero(base[chosen] + candidate[chosen]))


def _extremes(table: ScoreTable, sides: tuple[Tally, Tally], expected: IntArray) -> Extremes | None:
    if not any(np.any(side.missing[expected]) for side in sides):
        return None
    (base_low, base_high), (low, high) = (side.extremes() for side in sides)
    return Extremes(
        base_low=base_low[expected],
        base_high=base_high[expected],
        candidate_low=low[expected],
        candidate_high=high[expected],
        clusters=_clusters(table.cases, expected),
    )


def _samples(
    table: ScoreTable, sides: tuple[Tally, Tally], compared: IntArray
) -> tuple[Samples, Samples] | None:
    if not any(np.any(side.graded[compared] > 1) for side in sides):
        return None
    place = _places(table.cases, compared)
    return _samples_of(table.rows, BASE, place), _samples_of(table.rows, CANDIDATE, place)


def _samples_of(rows: RowColumns, side: int, place: IntArray) -> Samples:
    kept = (rows.side == side) & (rows.state == GRADED) & (place[rows.case] >= 0)
    case, score = place[rows.case[kept]], rows.score[kept]
    order = np.lexsort((score, case))
    return Samples(case[order], score[order])


def _places(cases: CaseColumns, chosen: IntArray) -> IntArray:
    """Return each case's place among the chosen ones, -1 for the others."""
    place = np.full(len(cases.ids), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    return place


def _clusters(cases: CaseColumns, chosen: IntArray) -> IntArray | None:
    """Number the clusters of the chosen cases, by the rule of `tabulate.cluster_labels`."""
    cluster, asked = cases.cluster[chosen], cases.asked[chosen]
    if not np.any(cluster >= 0) and not np.any(asked >= 0):
        return None
    first_asked = int(cluster.max(initial=-1)) + 1
    first_alone = first_asked + int(asked.max(initial=-1)) + 1
    alone = first_alone + np.arange(len(chosen))
    unnamed = np.where(asked >= 0, first_asked + asked, alone)
    kinds, label = np.unique(np.where(cluster >= 0, cluster, unnamed), return_inverse=True)
    if len(kinds) == len(chosen) and not np.any(cluster >= 0):
        return None
    return label.reshape(-1).astype(np.int64)


def _members(cases: CaseColumns, chosen: IntArray) -> Membership:
    members = cases.slices
    case = _places(cases, chosen)[members.case]
    kept = case >= 0
    groups, group = np.unique(members.group[kept], return_inverse=True)
    names = tuple(members.names[i] for i in groups.tolist())
    return Membership(names, case[kept], group.reshape(-1).astype(np.int64))


def score_rows(table: ScoreTable) -> Iterator[tuple[str, ...]]:
    """Yield the table as rows of text, the names of its columns first, that read back as it.

    Columns of which no row says anything are left out.
    """
    cases, rows = table.cases, table.rows
    about = list(_about(table))
    names = [name for name, column in about if any(column)]
    kept = [column for _, column in about if any(column)]
    several = table.samples != ("",)
    yield ("suite", "case", "model", "score", "status", *["sample"] * several, *names)
    models = table.pair.base, table.pair.candidate
    values, score = np.unique(rows.score, return_inverse=True)
    columns: list[tuple[Sequence[str], IntArray]] = [
        (table.suites, cases.suite[rows.case]),
        (cases.ids, rows.case),
        (models, rows.side),
        ([score_text(value) for value in values.tolist()], score),
        (STATE_WORDS, rows.state),
        *[(table.samples, rows.sample)] * several,
        *((column, rows.case) for column in kept),
    ]
    yield from zip(*(map(of.__getitem__, at.tolist()) for of, at in columns), strict=True)


STATE_WORDS = tuple({GRADED: "", UNGRADED: "", FAILED: "failed", ABSENT: "absent"}.values())
"""What stands in a row's status, by its state; an empty score says that it was not graded."""


def score_text(score: float) -> str:
    """Return a score as the shortest text that reads back as it; empty for none."""
    if math.isnan(score):
        return ""
    return str(int(score)) if score in (0, 1) else repr(score)


def _about(table: ScoreTable) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the texts, one a case, of each column that is about cases."""
    cases, members = table.cases, table.cases.slices
    named = (("cluster", cases.cluster, table.clusters), ("asked", cases.asked, table.asked))
    for name, column, labels in named:
        yield name, ["" if code < 0 else labels[code] for code in column.tolist()]
    yield "critical", ["true" if critical else "" for critical in cases.critical.tolist()]
    yield "split", ["train" if train else "" for train in cases.train.tolist()]
    for field in sorted({field for field, _ in members.names}):
        texts = [""] * len(cases.ids)
        for case, group in zip(members.case.tolist(), members.group.tolist(), strict=True):
            if members.names[group][0] == field:
                texts[case] = members.names[group][1]
        yield f"slice.{field}", texts
