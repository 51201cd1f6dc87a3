"""The churn bar: how many cases of a suite broke, stayed wrong, stayed right, were fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.report.charts.axis import NARROW
from evalkit.report.safe import shorten

CHURN_KINDS = ("broken", "both wrong", "both right", "fixed")
"""What can happen to a case, in the order of the bar: the two changes stand at its ends."""

_LETTER = 7.6
_DIGIT = 9.0


@dataclass(frozen=True, slots=True)
class ChurnRow:
    """Counts of one suite by kind, in the order of `CHURN_KINDS`."""

    label: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar; its label is a number with or without words, or empty, as it fits."""

    kind: str
    x: float
    width: float
    middle: float
    label: str


@dataclass(frozen=True, slots=True)
class PlacedBar:
    """One suite's bar in pixels."""

    label: str
    y: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ChurnChart:
    """Bars under each other in pixels."""

    width: int
    height: int
    stacked: bool
    left: float
    bars: tuple[PlacedBar, ...]


def churn_chart(rows: Sequence[ChurnRow], width: int) -> ChurnChart:
    """Lay out a bar for each of ``rows``; every bar is as long as the others: shares, not sizes."""
    stacked = width <= NARROW
    left = 0.0 if stacked else round(width * 0.21, 1)
    top, step = (40.0, 62) if stacked else (24.0, 44)
    bars = tuple(
        PlacedBar(
            shorten(row.label, int((width - left if stacked else left) / 8)),
            top + i * step,
            _parts(row, left, width - left),
        )
        for i, row in enumerate(rows)
    )
    return ChurnChart(width, int(top) + step * len(rows), stacked, left, bars)


def _parts(row: ChurnRow, left: float, room: float) -> tuple[Part, ...]:
    total = sum(number for _, number in row.counts)
    parts, x = [], left
    for kind, number in row.counts:
        width = room * number / total if total else 0.0
        if number:
            drawn = round(max(width - 2, 1), 1)
            # A sliver is drawn wider than its share; at the end it must not leave the bar.
            start = round(min(x, left + room - drawn), 1)
            middle = round(start + drawn / 2, 1)
            parts.append(Part(kind, start, drawn, middle, _label(kind, number, drawn)))
        x += width
    return tuple(parts)


def _label(kind: str, number: int, width: float) -> str:
    digits = f"{number:,}"
    if width > _DIGIT * len(digits) + _LETTER * (len(kind) + 1):
        return f"{digits} {kind}"
    return digits if width > _DIGIT * len(digits) else ""
