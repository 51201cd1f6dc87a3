"""Beyond the mean: metrics of all cases of a suite together, by label, and who took what for what.

Figures stand on their own scale, not as points: so they are known (F1 0.87, MCC 0.61).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.decide.decision import Confusion, Interval, MetricResult, PassRates, SuiteResult
from evalkit.report.numerals import ABSENT, count, decimals, many, probability
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table

MOST_SHOWN = 12
"""Rows of labels; where there are more labels, the rarest are summed as "others"."""

NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1_micro": "F1, micro",
    "f1_macro": "F1, macro",
    "mcc": "MCC",
    "ece": "ECE (lower is better)",
    "rms_calibration_error": "RMS calibration error (lower is better)",
    "brier": "Brier score (lower is better)",
}
Rows = Sequence[Sequence[float]]

_DIGITS = 3
_SHADES = 5
_WIDEST = 24


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a confusion matrix: ``shade`` from 0 to 5 is its share of the row."""

    text: str
    shade: int
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix: a row an expected label, a column an answered one."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class BeyondMean:
    """One suite: its metrics, and by grader of labels two matrices side by side."""

    suite: str
    table: Table
    labels: tuple[Table, ...]
    matrices: tuple[tuple[Matrix, Matrix], ...]


def describe_metrics(suites: Sequence[SuiteResult]) -> Iterator[BeyondMean]:
    """Yield the suites with a metric, or with pass rates, in the order given."""
    for result in suites:
        found = result.metrics.metrics if result.metrics else ()
        confusions = result.metrics.confusions if result.metrics else ()
        passes = result.repeats.passes if result.repeats else ()
        if not (found or confusions or passes):
            continue
        name = one_line(result.suite, 60)
        rows = [_row(metric) for metric in found if not metric.label]
        rows += [_passes_row(rates) for rates in passes]
        graders = dict.fromkeys(metric.grader for metric in found if metric.label)
        yield BeyondMean(
            suite=name,
            table=Table(f"{name}: metrics of all cases together", _HEAD, tuple(rows)),
            labels=tuple(
                _labels(name, grader, [m for m in found if m.label and m.grader == grader])
                for grader in graders
            ),
            matrices=tuple(_matrices(name, confusion) for confusion in confusions),
        )


_HEAD = (
    Column("Metric"),
    Column("Of"),
    Column("Cases", number=True),
    Column("Base", number=True),
    Column("95 % interval", number=True),
    Column("Candidate", number=True),
    Column("95 % interval", number=True),
    Column("Difference", number=True),
    Column("95 % interval", number=True),
    Column("p", number=True),
    Column("Note"),
)


_BRIEF = (0, 2, 3, 5, 7, 8, 9)


def brief(table: Table) -> Table:
    """Return the table of a suite's metrics without graders, notes and limits of each model."""
    columns = tuple(table.columns[at] for at in _BRIEF)
    return Table(table.caption, columns, tuple(tuple(r[at] for at in _BRIEF) for r in table.rows))


def _row(metric: MetricResult) -> tuple[str, ...]:
    return (
        NAMES.get(metric.name, metric.name),
        one_line(metric.grader, 40),
        count(metric.n),
        decimals(metric.base, _DIGITS),
        _span(metric.base_interval),
        decimals(metric.candidate, _DIGITS),
        _span(metric.candidate_interval),
        _signed(metric.difference),
        _span(metric.interval, signs=True),
        probability(metric.p_value),
        one_line(metric.note, 160),
    )


def _passes_row(rates: PassRates) -> tuple[str, ...]:
    return (
        rates.measure,
        "score",
        count(rates.n),
        decimals(rates.base, _DIGITS),
        ABSENT,
        decimals(rates.candidate, _DIGITS),
        ABSENT,
        _signed(rates.difference),
        _span(rates.interval, signs=True),
        probability(rates.p_value),
        one_line(rates.note, 160),
    )


def _signed(value: float | None) -> str:
    text = decimals(value, _DIGITS)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.") else text


def _span(interval: Interval | None, *, signs: bool = False) -> str:
    if interval is None:
        return ABSENT
    low, high = (
        _signed(end) if signs else decimals(end, _DIGITS) for end in (interval.low, interval.high)
    )
    return f"{low} to {high}"


_LABEL_HEAD = (
    Column("Label"),
    Column("Figure"),
    Column("Cases", number=True),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Difference", number=True),
    Column("95 % interval", number=True),
    Column("p", number=True),
    Column("Note"),
)
_FIGURES = {"precision": "Precision", "recall": "Recall", "f1": "F1"}


def _labels(suite: str, grader: str, metrics: Sequence[MetricResult]) -> Table:
    """Return precision, recall and F1 of each label, the labels of most cases first."""
    order = sorted(dict.fromkeys((-metric.n, metric.label) for metric in metrics))
    place = {label: at for at, (_, label) in enumerate(order)}
    shown = sorted(metrics, key=lambda m: (place[m.label], tuple(_FIGURES).index(m.name)))
    rows = [_label_row(metric) for metric in shown if place[metric.label] < MOST_SHOWN]
    if (rest := len(order) - MOST_SHOWN) > 0:
        rows.append((f"{many(rest, 'more label')} in decision.json", *[""] * 8))
    caption = f"{suite}: every label of {one_line(grader, 40)}; p not corrected for their number"
    return Table(caption, _LABEL_HEAD, tuple(rows))


def _label_row(metric: MetricResult) -> tuple[str, ...]:
    return (
        one_line(metric.label, 60),
        _FIGURES[metric.name],
        count(metric.n),
        decimals(metric.base, _DIGITS),
        decimals(metric.candidate, _DIGITS),
        _signed(metric.difference),
        _span(metric.interval, signs=True),
        probability(metric.p_value),
        one_line(metric.note, 120),
    )


def _matrices(suite: str, confusion: Confusion) -> tuple[Matrix, Matrix]:
    kept = _kept(confusion.base)
    names = [one_line(confusion.labels[at], _WIDEST) for at in kept]
    rest = len(confusion.labels) - len(kept)
    columns = [*names, *[f"{count(rest)} others"] * bool(rest)]
    if any(row[-1] for side in (confusion.base, confusion.candidate) for row in side):
        columns.append("no label")
    start = f"{suite}, {one_line(confusion.grader, 40)}"
    base, candidate = (
        Matrix(f"{start}: {side}", tuple(columns), tuple(_rows(_folded(rows, kept), columns, kept)))
        for side, rows in (("base", confusion.base), ("candidate", confusion.candidate))
    )
    return base, candidate


def _kept(rows: Rows) -> list[int]:
    """Return the labels shown in full, in their order: all, or those of the most cases."""
    if len(rows) <= MOST_SHOWN:
        return list(range(len(rows)))
    order = sorted(range(len(rows)), key=lambda at: -sum(rows[at]))
    return sorted(order[: MOST_SHOWN - 1])


def _folded(rows: Rows, kept: Sequence[int]) -> Rows:
    """Return the matrix with all labels but ``kept`` summed in one, before the last column."""
    rest = [at for at in range(len(rows)) if at not in kept]
    groups = [[at] for at in kept] + [rest] * bool(rest)
    return [
        [
            *(sum(rows[i][j] for i in group for j in other) for other in groups),
            sum(rows[i][-1] for i in group),
        ]
        for group in groups
    ]


def _rows(
    cells: Rows, columns: Sequence[str], kept: Sequence[int]
) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    for number, row in enumerate(cells):
        total = sum(row) or 1.0
        yield (
            columns[number],
            tuple(
                Cell(
                    _cases(value),
                    shade=math.ceil(_SHADES * value / total - 1e-9),
                    right=at == number and number < len(kept),
                )
                for at, value in enumerate(row[: len(columns)])
            ),
        )


def _cases(value: float) -> str:
    """Return a number of cases; with several samples a case it need not be whole."""
    return count(round(value)) if abs(value - round(value)) < 1e-6 else decimals(value, 1)
