"""The decision for a terminal: a table of the suites, then the decision and its reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from evalkit.report.changes import SuiteLine
from evalkit.report.safe import shorten
from evalkit.report.view import CandidateView, View
from evalkit.report.words import Tone

_HEAD = ("suite", "base", "candidate", "change", "95 % interval", "verdict")
_LEFT = (0, 5)
"""Columns of words; the others hold numbers and stand to the right."""

_GAP = "  "
_SHORTEST_NAME = 8
_COLOURS: dict[Tone, str] = {"good": "32", "bad": "31", "unsure": "33", "even": "39"}


def render_text(view: View, *, width: int = 80, color: bool = False, path: str = "") -> str:
    """Return the summary of a run in lines of at most ``width`` characters.

    ``path`` names the report's file and is never cut. With ``color`` the text holds ANSI codes.
    """
    lines: list[str] = []
    for candidate in view.candidates:
        lines += [*_table(candidate, width, color=color), ""]
        lines += [*_decision(candidate, width, color=color), ""]
    if len(view.candidates) != 1:
        words = view.overall
        lines += [_paint(f"{words.title}.", words.tone, color=color) + f" {words.deck}", ""]
    for warning in view.warnings:
        lines += [*_hanging(warning, width, "note: "), ""]
    lines += [f"report  {path}"] if path else []
    return "\n".join(lines).rstrip() + "\n"


def _table(candidate: CandidateView, width: int, *, color: bool) -> Iterator[str]:
    yield shorten(f"{candidate.candidate} against {candidate.base}", width)
    found = candidate.changes.lines
    rows = [_cells(line) for line in found]
    widths = _widths([_HEAD, *rows], width)
    yield _row(_HEAD, widths)
    yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    for line, row in zip(found, rows, strict=True):
        *start, verdict = _padded(row, widths)
        yield _GAP.join([*start, _paint(verdict.rstrip(), line.tone, color=color)])


def _cells(line: SuiteLine) -> tuple[str, ...]:
    verdict = f"{line.glyph} {line.verdict}"
    return line.suite, line.base, line.candidate, line.difference, line.interval, verdict


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the widths of the columns; the names of suites give way where room is short."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    left = width - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)
    return [max(min(widths[0], left), _SHORTEST_NAME), *widths[1:]]


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cut = [shorten(cell, wide) for cell, wide in zip(row, widths, strict=True)]
    return [
        cell.ljust(wide) if i in _LEFT else cell.rjust(wide)
        for i, (cell, wide) in enumerate(zip(cut, widths, strict=True))
    ]


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_padded(row, widths)).rstrip()


def _decision(candidate: CandidateView, width: int, *, color: bool) -> Iterator[str]:
    found = candidate.summary
    first, *rest = textwrap.wrap(f"{found.title}. {found.deck}", width)
    yield first.replace(found.title, _paint(found.title, found.tone, color=color), 1)
    yield from rest
    for reason in found.reasons:
        yield from textwrap.wrap(reason, width, initial_indent="  ", subsequent_indent="  ")
    if found.more_reasons:
        yield f"  {found.more_reasons}"
    for line in (found.settled, found.checkpoint, *found.beside):
        yield from textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="  ")
    for step in found.steps[:1]:
        yield from _hanging(step.text, width, "next: ")


def _hanging(text: str, width: int, start: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=start, subsequent_indent="  ")


def _paint(text: str, tone: Tone, *, color: bool) -> str:
    return f"\x1b[1;{_COLOURS[tone]}m{text}\x1b[0m" if color else text
