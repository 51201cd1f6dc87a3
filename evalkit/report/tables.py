"""A table as plain values: every table of the report has this one shape; and a terminal's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; numbers stand to the right."""

    name: str
    number: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings, with a caption that says what they are."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


_GAP = "  "


def plain_rows(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table as lines of text: head and rule first, names left, numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        name, *cells = row
        padded = [cell.rjust(wide) for cell, wide in zip(cells, widths[1:], strict=True)]
        yield _GAP.join([name.ljust(widths[0]), *padded]).rstrip()
        if not number:
            yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
