"""The cases of a run of scores: all of them, or where they are too many the ones to look at first.

There are no answers to show; the slices of a case stand where its question would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.decide.score_table import BASE, CANDIDATE, FAILED, GRADED, UNGRADED, ScoreTable, tally
from evalkit.decide.seeds import generator
from evalkit.decide.status import RIGHT, Status
from evalkit.report.caselist import STATUSES, Answer, CaseEntry
from evalkit.report.numerals import ABSENT, count, many, points
from evalkit.report.safe import one_line
from evalkit.stats.arrays import FloatArray, IntArray

MOST_CASES = 20_000
"""Up to this number all cases are listed. Beyond it, all that flipped, are critical or lack a score
are, again up to this number."""

OTHERS = 2_500
"""How many are listed beside them of those that both models got right, and of those both wrong."""

QUOTAS: dict[Status, int] = {"broken": 10_000, "error": 5_000, "fixed": 5_000}
"""How many of each kind are listed where these are too many as well."""

_KINDS: tuple[Status, ...] = tuple(STATUSES)
_STATES = {FAILED: "failed", UNGRADED: "not graded"}


@dataclass(frozen=True, slots=True)
class ScoreList:
    """The listed cases, the most urgent first; ``note`` says what is left out, if anything."""

    entries: tuple[CaseEntry, ...]
    note: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What happened to each case: mean scores (nan: none), kind, and change (0: none)."""

    base: FloatArray
    candidate: FloatArray
    kind: IntArray
    change: FloatArray


def list_scores(table: ScoreTable) -> ScoreList:
    """Return the cases of ``table`` that fit into a page."""
    seen, common = _seen(table), ~table.cases.critical
    chosen = _chosen(table, seen) if len(common) > MOST_CASES else np.arange(len(common))
    order = chosen[np.lexsort((seen.change[chosen], common[chosen], seen.kind[chosen]))]
    return ScoreList(tuple(_entries(table, seen, order)), _note(seen.kind, seen.kind[order]))


def _seen(table: ScoreTable) -> _Seen:
    base, candidate = tally(table, BASE).means, tally(table, CANDIDATE).means
    kinds: list[Status] = ["missed", "fixed", "broken", "passed"]
    number = np.array([_KINDS.index(kind) for kind in kinds])
    kind = number[2 * (base >= RIGHT) + (candidate >= RIGHT)]
    change = candidate - base
    kind[np.isnan(change)] = _KINDS.index("error")
    return _Seen(base, candidate, kind, np.nan_to_num(change))


def _chosen(table: ScoreTable, seen: _Seen) -> IntArray:
    """Return the cases to list: critical ones first, then the largest changes, others by chance."""
    urgent, critical = np.isin(seen.kind, [*map(_KINDS.index, QUOTAS)]), table.cases.critical
    room = np.count_nonzero(urgent | critical) <= MOST_CASES
    rng = generator("cases listed", table.pair.base, table.pair.candidate)
    chance = rng.permutation(len(critical))
    order = np.lexsort((chance, np.where(urgent, -np.abs(seen.change), 0.0), ~critical))
    parts = []
    for number, kind in enumerate(_KINDS):
        inside = order[seen.kind[order] == number]
        marked = int(np.count_nonzero(critical[inside]))
        if kind in QUOTAS:
            most = len(inside) if room else QUOTAS[kind]
        else:
            most = OTHERS + (marked if room else min(marked, OTHERS))
        parts.append(inside[:most])
    return np.concatenate(parts)


def _note(kinds: IntArray, listed: IntArray) -> str:
    """Return how many cases of each kind are listed; empty if all of them are."""
    if len(listed) == len(kinds):
        return ""
    parts = [
        f"{STATUSES[kind].label} {count(shown)} of {count(there)}"
        for number, kind in enumerate(_KINDS)
        for shown, there in [(int(np.count_nonzero(k == number)) for k in (listed, kinds))]
        if there
    ]
    return (
        f"{many(len(kinds), 'case')} are too many for a page. Listed are: {', '.join(parts)}. "
        "Critical cases come first, then the largest changes; those that changed nothing are drawn "
        "at random. All of them are in scores.csv.gz beside this file."
    )


def _entries(table: ScoreTable, seen: _Seen, order: IntArray) -> Iterator[CaseEntry]:
    cases, rows = table.cases, table.rows
    starts, ends = (np.searchsorted(rows.case, order, side) for side in ("left", "right"))
    slices = _slices(table, order)
    for case, start, end in zip(order.tolist(), starts.tolist(), ends.tolist(), strict=True):
        sides = rows.side[start:end].tolist()
        answers = [_answer(table, start + at) for at in range(end - start)]
        yield CaseEntry(
            pair=0,
            suite=one_line(table.suites[cases.suite[case]], 60),
            id=one_line(cases.ids[case], 120),
            status=_KINDS[seen.kind[case]],
            split="train" if cases.train[case] else "heldout",
            critical=bool(cases.critical[case]),
            base_score=points(float(seen.base[case]), 0),
            candidate_score=points(float(seen.candidate[case]), 0),
            change=float(seen.change[case]),
            question=one_line(slices.get(case, ""), 160),
            prompt=(),
            expected="",
            base=_of_side(answers, sides, BASE),
            candidate=_of_side(answers, sides, CANDIDATE),
        )


def _of_side(answers: Sequence[Answer], sides: Sequence[int], side: int) -> tuple[Answer, ...]:
    found = tuple(a for a, of in zip(answers, sides, strict=True) if of == side)
    return found or (Answer("", ABSENT, None, ("no row",)),)


def _answer(table: ScoreTable, row: int) -> Answer:
    rows = table.rows
    state, score = int(rows.state[row]), float(rows.score[row])
    sample = table.samples[rows.sample[row]]
    notes = [f"sample {one_line(sample, 40)}"] if sample else []
    if state != GRADED:
        return Answer("", ABSENT, None, (*notes, _STATES.get(state, "no row")))
    return Answer("", points(score, 0), score >= RIGHT, tuple(notes))


def _slices(table: ScoreTable, chosen: IntArray) -> dict[int, str]:
    """Return the slices of the chosen cases in words."""
    members = table.cases.slices
    texts: dict[int, str] = {}
    inside = np.flatnonzero(np.isin(members.case, chosen))
    for at in inside.tolist():
        case, (field, value) = int(members.case[at]), members.names[members.group[at]]
        texts[case] = f"{texts[case]}, {field} {value}" if case in texts else f"{field} {value}"
    return texts
