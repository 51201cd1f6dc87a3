"""The dumbbell plot: for each group of cases where the base scored and where the candidate does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.report.charts.axis import NARROW, Scale, Tick, ticks
from evalkit.report.safe import shorten


@dataclass(frozen=True, slots=True)
class DumbbellRow:
    """One group of cases; scores 0 to 100, ``None`` where not estimable."""

    group: str
    label: str
    sub: str
    base: float | None
    candidate: float | None
    base_text: str
    candidate_text: str
    change: str


@dataclass(frozen=True, slots=True)
class PlacedPair:
    """A row in pixels; the numbers stand outside of the two dots, so they never meet."""

    row: DumbbellRow
    heading: str
    heading_y: float
    y: float
    base: float | None
    candidate: float | None
    base_anchor: str
    candidate_anchor: str
    base_text_x: float
    candidate_text_x: float


@dataclass(frozen=True, slots=True)
class DumbbellChart:
    """A dumbbell plot in pixels."""

    width: int
    height: int
    stacked: bool
    top: int
    bottom: float
    left: float
    right: float
    rows: tuple[PlacedPair, ...]
    ticks: tuple[Tick, ...]


_AWAY = 12.0


def dumbbell_chart(rows: Sequence[DumbbellRow], width: int) -> DumbbellChart:
    """Lay out ``rows``, those of one group under one heading."""
    stacked = width <= NARROW
    left, right = (30.0, width - 50.0) if stacked else (width * 0.25, width * 0.82)
    scale = Scale(0, 100, left, right)
    placed: list[PlacedPair] = []
    y, group = 0.0, None
    for row in rows:
        heading = "" if row.group == group else row.group
        if heading:
            y += 30
        heading_y, group = y - 4, row.group
        y += 58 if stacked else 42
        placed.append(
            _place(row, scale, heading=shorten(heading, width // 9), heading_y=heading_y, y=y)
        )
    return DumbbellChart(
        width=width,
        height=int(y + 66),
        stacked=stacked,
        top=12,
        bottom=y + 22,
        left=left,
        right=right,
        rows=tuple(placed),
        ticks=ticks(scale, most=5),
    )


def _place(
    row: DumbbellRow, scale: Scale, *, heading: str, heading_y: float, y: float
) -> PlacedPair:
    base = None if row.base is None else scale(row.base)
    candidate = None if row.candidate is None else scale(row.candidate)
    rising = (row.candidate or 0) >= (row.base or 0)
    away = _AWAY if rising else -_AWAY
    return PlacedPair(
        row=row,
        heading=heading,
        heading_y=heading_y,
        y=y,
        base=base,
        candidate=candidate,
        base_anchor="end" if rising else "start",
        candidate_anchor="start" if rising else "end",
        base_text_x=round((base or 0) - away, 1),
        candidate_text_x=round((candidate or 0) + away, 1),
    )
