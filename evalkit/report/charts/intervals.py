"""The forest plot: one row an estimate with its interval, its limit drawn as a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.report.charts.axis import NARROW, Scale, Tick, padded, ticks
from evalkit.report.safe import shorten
from evalkit.report.words import Tone


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One estimate in points; ``None`` where it is not estimable.

    ``limit`` is the far end of the band that starts at 0. ``text`` and ``span`` are the numbers as
    written, ``word`` and ``glyph`` the verdict.
    """

    label: str
    sub: str
    low: float | None
    value: float | None
    high: float | None
    limit: float
    limit_text: str
    text: str
    span: str
    word: str
    glyph: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Sides:
    """What lies left and right of 0, in a word each, and the axis' title."""

    left: str
    right: str
    title: str


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row in pixels. ``low``, ``value`` and ``high`` are ``None`` together.

    Band, limit and 0 are drawn from ``plot_top`` to ``plot_bottom``, clear of the words.
    """

    row: IntervalRow
    label: str
    y: float
    middle: float
    plot_top: float
    plot_bottom: float
    low: float | None
    value: float | None
    high: float | None
    band_x: float
    band_width: float
    limit_x: float | None


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """A forest plot in pixels."""

    width: int
    height: int
    stacked: bool
    row_height: int
    top: int
    bottom: int
    left: float
    right: float
    zero: float
    text_x: float
    word_x: float
    rows: tuple[PlacedRow, ...]
    ticks: tuple[Tick, ...]
    sides: Sides


def interval_chart(rows: Sequence[IntervalRow], sides: Sides, width: int) -> IntervalChart:
    """Lay out ``rows`` in ``width`` pixels; at phone width the words stand above each interval."""
    stacked = width <= NARROW
    left, right = (8.0, width - 8.0) if stacked else (width * 0.19, width * 0.555)
    row_height, top = (78, 30) if stacked else (58, 34)
    scale = _scale(rows, left, right)
    bottom = top + row_height * len(rows)
    return IntervalChart(
        width=width,
        height=bottom + 46,
        stacked=stacked,
        row_height=row_height,
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        zero=scale(0),
        text_x=width if stacked else round(width * 0.75, 1),
        word_x=0 if stacked else round(width * 0.775, 1),
        rows=tuple(
            _place(row, scale, y=top + row_height * i, height=row_height, width=width)
            for i, row in enumerate(rows)
        ),
        ticks=ticks(scale, most=4 if stacked else 7, plus=True),
        sides=sides,
    )


def _scale(rows: Sequence[IntervalRow], left: float, right: float) -> Scale:
    ends = [v for row in rows for v in (row.low, row.value, row.high) if v is not None]
    limits = [row.limit * 1.4 for row in rows]
    low, high = padded([*ends, *limits, -1.0, 1.0])
    return Scale(low, high, left, right)


def _place(row: IntervalRow, scale: Scale, *, y: float, height: int, width: int) -> PlacedRow:
    zero, limit = scale(0), scale(row.limit)
    known = row.value is not None
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    stacked = width <= NARROW
    return PlacedRow(
        row=row,
        label=shorten(row.label, int(width * (0.6 if stacked else 0.18) / 7.6)),
        y=y,
        middle=y + (62 if stacked else height / 2),
        plot_top=y + (48 if stacked else 0),
        plot_bottom=y + height - (2 if stacked else 0),
        low=scale(low) if known and low is not None else None,
        value=scale(row.value) if row.value is not None else None,
        high=scale(high) if known and high is not None else None,
        band_x=min(zero, limit),
        band_width=round(abs(zero - limit), 1),
        limit_x=limit if row.limit else None,
    )
