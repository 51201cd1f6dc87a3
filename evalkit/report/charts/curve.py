"""The learning curve: scores over the steps of training, the loss below on the same axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from evalkit.report.charts.axis import NARROW, Scale, Tick, padded, round_values, ticks

LineKind = Literal["heldout", "train", "loss", "eval-loss"]


@dataclass(frozen=True, slots=True)
class CurveValue:
    """One point of a line: step, value, and the limits of its interval if it has one."""

    step: float
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class CurveLine:
    """A line with its name, which is written at its end together with ``last``."""

    kind: LineKind
    name: str
    last: str
    values: tuple[CurveValue, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A step worth naming."""

    step: float
    label: str


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line in pixels: an SVG path, the path around its intervals, its dots and end label."""

    line: CurveLine
    path: str
    band: str
    dots: tuple[tuple[float, float], ...]
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the two plots that share the step axis."""

    title: str
    top: float
    bottom: float
    lines: tuple[PlacedLine, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A named step in pixels."""

    x: float
    label: str
    anchor: str
    row: int


@dataclass(frozen=True, slots=True)
class CurveChart:
    """A learning curve in pixels."""

    width: int
    height: int
    left: float
    right: float
    panels: tuple[Panel, ...]
    ticks: tuple[Tick, ...]
    marks: tuple[PlacedMark, ...]


def curve_chart(
    scores: Sequence[CurveLine],
    losses: Sequence[CurveLine],
    marks: Sequence[Mark],
    *,
    steps: Sequence[float],
    width: int,
) -> CurveChart:
    """Lay out the score lines and, where there are any, the loss lines below them.

    ``steps`` are those to name on the axis, as far as there is room.
    """
    left, right = (34.0, width - 112.0) if width <= NARROW else (44.0, width - 170.0)
    every = [v.step for line in (*scores, *losses) for v in line.values]
    across = Scale(min(every), max(every), left, right)
    top = 30.0 + 18 * len(marks)
    panels = [_panel("Score, 0 to 100", scores, across, (top, top + 220), whole=True)]
    if losses:
        below = panels[0].bottom + 46
        panels.append(_panel("Loss in training", losses, across, (below, below + 110), whole=False))
    return CurveChart(
        width=width,
        height=int(panels[-1].bottom + 46),
        left=left,
        right=right,
        panels=tuple(panels),
        ticks=_step_ticks(steps, across, most=3 if width <= NARROW else 8),
        marks=tuple(_place_mark(m, i, across) for i, m in enumerate(marks)),
    )


def _panel(
    title: str,
    lines: Sequence[CurveLine],
    across: Scale,
    span: tuple[float, float],
    *,
    whole: bool,
) -> Panel:
    top, bottom = span
    up = Scale(*_range(lines, whole=whole), bottom, top)
    ends = _apart([up(line.values[-1].value) for line in lines])
    return Panel(
        title=title,
        top=top,
        bottom=bottom,
        lines=tuple(_place_line(li, across, up, end) for li, end in zip(lines, ends, strict=True)),
        ticks=ticks(up, most=5 if whole else 3),
    )


def _range(lines: Sequence[CurveLine], *, whole: bool) -> tuple[float, float]:
    """Return the vertical range: no score and no loss is below 0, no score above 100."""
    values = [
        v for line in lines for p in line.values for v in (p.value, p.low, p.high) if v is not None
    ]
    low, high = padded(values, share=0.08)
    return max(low, 0.0), min(high, 100.0) if whole else high


def _place_line(line: CurveLine, across: Scale, up: Scale, end: float) -> PlacedLine:
    dots = tuple((across(v.step), up(v.value)) for v in line.values)
    return PlacedLine(
        line=line,
        path=_path(dots),
        band=_band(line, across, up),
        dots=dots,
        label_x=dots[-1][0] + 14,
        label_y=end,
    )


def _path(dots: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in dots)


def _band(line: CurveLine, across: Scale, up: Scale) -> str:
    known = [v for v in line.values if v.low is not None and v.high is not None]
    upper = [(across(v.step), up(v.high or 0.0)) for v in known]
    lower = [(across(v.step), up(v.low or 0.0)) for v in reversed(known)]
    return f"{_path([*upper, *lower])}Z" if len(known) > 1 else ""


def _apart(ends: Sequence[float], room: float = 32.0) -> list[float]:
    """Return where labels stand at least ``room`` apart, as near to ``ends`` as can be."""
    order = sorted(range(len(ends)), key=ends.__getitem__)
    placed = list(ends)
    for above, below in pairwise(order):
        overlap = room - (placed[below] - placed[above])
        if overlap > 0:
            placed[above] -= overlap / 2
            placed[below] += overlap / 2
    return [round(y, 1) for y in placed]


def _step_ticks(steps: Sequence[float], across: Scale, *, most: int) -> tuple[Tick, ...]:
    """Return a tick at each of ``steps``, or at round numbers where those would crowd."""
    room = (across.end - across.start) / (most + 1)
    crowded = any(across(b) - across(a) < room / 2 for a, b in pairwise(steps))
    if crowded or len(steps) > most:
        steps = round_values(across.low, across.high, most)
    return tuple(Tick(across(s), f"{s:g}") for s in steps)


def _place_mark(mark: Mark, row: int, across: Scale) -> PlacedMark:
    x = across(mark.step)
    middle = (across.start + across.end) / 2
    return PlacedMark(x, mark.label, "end" if x > middle else "start", row)
