"""What is odd about the scores of two models, and what one lacks: signs of a mistaken input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.decide.score_table import ABSENT, BASE, CANDIDATE, GRADED, ScoreTable
from evalkit.report.numerals import count, many
from evalkit.report.safe import one_line, told_apart
from evalkit.stats.arrays import FloatArray, IntArray

_LOWEST = 0.01
_SIDES = (BASE, CANDIDATE)


def score_warnings(table: ScoreTable) -> tuple[str, ...]:
    """Return a sentence for each thing that its reader has to know beside the verdict."""
    return (*_lacking(table), *_equal(table), *_scales(table), *_samples(table), *_clusters(table))


def _lacking(table: ScoreTable) -> Iterator[str]:
    """Yield how many cases only one of the models has, with one of them from each."""
    there = [np.unique(table.rows.case[_of(table, side)]) for side in _SIDES]
    alone = [np.setdiff1d(there[side], there[1 - side], assume_unique=True) for side in _SIDES]
    firsts = told_apart([table.cases.ids[int(c[0])] if len(c) else "" for c in alone])
    names = _names(table)
    for side, (cases, first) in enumerate(zip(alone, firsts, strict=True)):
        if len(cases):
            number = f"{many(len(cases), 'case')} of {names[side]}"
            such = f"such as {first}" if len(cases) > 1 else first
            yield f"{names[1 - side]} has no score of {number}, {such}."


def _equal(table: ScoreTable) -> Iterator[str]:
    """Yield that the scores of the two models are the same throughout."""
    base, candidate = (_scores(table, side) for side in _SIDES)
    if len(base) > 1 and np.array_equal(base, candidate, equal_nan=True):
        names = _names(table)
        yield (
            f"All {count(len(base))} scores of {names[CANDIDATE]} equal those of {names[BASE]}: "
            "is one of them the other, read twice?"
        )


def _scales(table: ScoreTable) -> Iterator[str]:
    """Yield that one model's scores lie at the foot of the scale on which the other's spread."""
    tops = [float(np.nanmax(_scores(table, side), initial=0.0)) for side in _SIDES]
    for side in _SIDES:
        if 0 < tops[side] <= _LOWEST and tops[1 - side] > 10 * _LOWEST:
            name, other = _names(table)[side], _names(table)[1 - side]
            yield (
                f"All scores of {name} lie in the lowest hundredth of the scale, those of {other} "
                f"do not: are those of {name} on another scale?"
            )


def _samples(table: ScoreTable) -> Iterator[str]:
    """Yield that the models have different numbers of samples."""
    most = [int(np.bincount(table.rows.case[_of(table, s)], minlength=1).max()) for s in _SIDES]
    if most[BASE] != most[CANDIDATE] and max(most) > 1:
        base, candidate = _names(table)
        yield (
            f"{base} has up to {many(most[BASE], 'score')} of a case, {candidate} up to "
            f"{count(most[CANDIDATE])}."
        )


def _clusters(table: ScoreTable) -> Iterator[str]:
    """Yield that only some cases say which others they belong with."""
    without = int(np.count_nonzero(table.cases.cluster < 0))
    if 0 < without < len(table.cases.cluster):
        of = many(len(table.cases.cluster), "case")
        yield f"{count(without)} of {of} name no cluster: each of them counts as one of its own."


def _names(table: ScoreTable) -> tuple[str, str]:
    return one_line(table.pair.base, 60), one_line(table.pair.candidate, 60)


def _of(table: ScoreTable, side: int) -> IntArray:
    return np.flatnonzero((table.rows.side == side) & (table.rows.state != ABSENT))


def _scores(table: ScoreTable, side: int) -> FloatArray:
    """Return the scores of one model in the order of the cases, nan where there is none."""
    rows = table.rows
    mine = rows.side == side
    return np.where(rows.state[mine] == GRADED, rows.score[mine], np.nan)
