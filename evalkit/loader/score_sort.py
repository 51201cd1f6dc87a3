"""Columns of scores sorted into the table of two models; rows that say the same thing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from evalkit.decide.pairs import Membership
from evalkit.decide.score_table import CaseColumns, RowColumns, ScoreTable
from evalkit.errors import Fault
from evalkit.loader.score_cells import shown_id
from evalkit.loader.score_columns import Cases, Codes, ScoreColumns
from evalkit.model import Pair
from evalkit.stats.arrays import IntArray

CASE, MODEL, SAMPLE, STATE, LINE = range(5)
WIDTH = 5


def twin_rows(columns: ScoreColumns) -> Iterator[Fault]:
    """Yield a fault for each row that has the case, model and sample of a row before it."""
    case, model, sample, line = (_column(columns, at) for at in (CASE, MODEL, SAMPLE, LINE))
    key = (case * len(columns.models) + model) * len(columns.samples) + sample
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    models = list(columns.models)
    for at in same[np.argsort(order[same + 1])].tolist():
        first, again = int(order[at]), int(order[at + 1])
        source, name = models[int(model[again])]
        twin = f"'{shown_id(columns.cases.ids[int(case[again])])}' of '{name}'"
        yield Fault(
            columns.sources[source],
            int(line[again]),
            "one row for each case, model and sample",
            f"case {twin} again, as in line {int(line[first])}",
            "one of them, a column 'sample', or --case COLUMN,COLUMN if several name a case",
        )


def sorted_table(columns: ScoreColumns, base: int, candidate: int, *, pair: Pair) -> ScoreTable:
    """Return the rows of the models with the codes ``base`` and ``candidate``, as ``pair``."""
    model = _column(columns, MODEL)
    wanted = (model == base) | (model == candidate)
    # One column after the other: of millions of rows there is never more than needed.
    kept = slice(None) if wanted.all() else np.flatnonzero(wanted)
    case = _column(columns, CASE)[kept]
    used = np.zeros(len(columns.cases.ids), dtype=np.bool_)
    used[case] = True
    suites, codes, suite = _by_name(columns.cases, used)
    rank = np.empty(len(used), dtype=np.int64)
    rank[codes] = np.arange(len(codes))
    sample = _column(columns, SAMPLE)[kept]
    drawn, samples = _ranked(sample, columns.samples, key=lambda label: (len(label), label))
    side = (model[kept] == candidate).astype(np.int64)
    ranked = rank[case]
    del model, wanted, case, sample
    order = np.lexsort((drawn, side, ranked))
    cases, clusters, asked = _case_columns(columns.cases, codes, suite)
    score = np.frombuffer(columns.scores, dtype=np.float64)[kept]
    return ScoreTable(
        pair=pair,
        suites=suites,
        cases=cases,
        rows=RowColumns(
            case=ranked[order],
            side=side[order],
            sample=drawn[order],
            score=score[order],
            state=_column(columns, STATE)[kept][order],
        ),
        samples=samples,
        clusters=clusters,
        asked=asked,
    )


def _column(columns: ScoreColumns, at: int) -> IntArray:
    """Return one of the columns that `ScoreColumns.rows` holds side by side."""
    return np.frombuffer(columns.rows, dtype=np.int32)[at::WIDTH].astype(np.int64)


def _by_name(
    cases: Cases, used: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[tuple[str, ...], IntArray, IntArray]:
    """Return the suites with a used case, and the used cases by suite and id with their suites."""
    suites, parts = [], []
    for suite in sorted(cases.by_suite):
        inside = cases.by_suite[suite]
        codes = np.fromiter(map(inside.__getitem__, sorted(inside)), dtype=np.int64)
        if len(codes := codes[used[codes]]):
            suites.append(suite)
            parts.append(codes)
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return tuple(suites), np.concatenate([*parts, np.empty(0, np.int64)]), numbers


def _ranked(
    column: IntArray, labels: Iterable[str], *, key: Callable[[str], Any] = str
) -> tuple[IntArray, tuple[str, ...]]:
    """Number the labels that ``column`` holds by their order; -1 for none."""
    named = list(labels)
    used = np.unique(column)
    ordered = sorted(used[used >= 0].tolist(), key=lambda code: key(named[code]))
    ranks = np.full(len(named) + 1, -1, dtype=np.int64)
    ranks[ordered] = np.arange(len(ordered))
    return ranks[column], tuple(named[code] for code in ordered)


def _case_columns(
    cases: Cases, codes: IntArray, suite: IntArray
) -> tuple[CaseColumns, tuple[str, ...], tuple[str, ...]]:
    """Return the cases with the numbers ``codes``, the names of clusters, and what was asked."""
    known = np.frombuffer(cases.known, dtype=np.int32)[codes].astype(np.int64)
    cluster, clusters = _labels([about.cluster for about in cases.abouts], known)
    asked, questions = _labels([about.asked for about in cases.abouts], known)
    columns = CaseColumns(
        ids=tuple(map(cases.ids.__getitem__, codes.tolist())),
        suite=suite,
        cluster=cluster,
        asked=asked,
        critical=np.array([bool(about.critical) for about in cases.abouts])[known],
        train=np.array([bool(about.train) for about in cases.abouts])[known],
        slices=_memberships([about.slices for about in cases.abouts], known),
    )
    return columns, clusters, questions


def _labels(of_abouts: list[str], known: IntArray) -> tuple[IntArray, tuple[str, ...]]:
    """Return the label of each case as a number, and the labels."""
    codes: Codes[str] = Codes({"": 0})
    column = np.array([codes[label] for label in of_abouts], dtype=np.int64)[known]
    return _ranked(column - 1, [label for label in codes if label])


def _memberships(slices: list[tuple[tuple[str, str], ...]], known: IntArray) -> Membership:
    """Return the slices of all cases, of which ``known`` says which of ``slices`` they have."""
    names = sorted({item for code in np.unique(known).tolist() for item in slices[code]})
    number = {name: i for i, name in enumerate(names)}
    sizes = np.array([len(items) for items in slices], dtype=np.int64)
    flat = np.array([number.get(item, -1) for items in slices for item in items], dtype=np.int64)
    counts = sizes[known]
    case = np.repeat(np.arange(len(known)), counts)
    within = np.arange(len(case)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.cumsum(sizes) - sizes
    return Membership(tuple(names), case, flat[np.repeat(starts[known], counts) + within])
