"""Rows of local data that definitions of other tools name: JSON lines, JSON, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.part import read_json, read_lines
from evalkit.loader.faults import shown
from evalkit.loader.score_rows import long_cells


def read_data(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a file with their lines (in a JSON list: their numbers)."""
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind in ("jsonl", "ndjson"):
        for line in read_lines(path):
            yield line.source.line, line.mapping()
    elif kind == "json":
        for number, item in enumerate(read_json(path).items(), 1):
            yield number, item.mapping()
    elif kind in ("csv", "tsv"):
        yield from csv_rows(path, "\t" if kind == "tsv" else ",")
    else:
        needed, instead = "rows in .jsonl, .json or .csv", "the rows in one of these formats"
        raise FileFaults([Fault(shown(path), 0, needed, f"a file {path.name}", instead)])


def find_file(name: str, folders: Sequence[Path]) -> Path | None:
    """Return the first file called ``name`` that lies below one of ``folders``; else ``None``.

    Definitions from elsewhere must not carry other files of this machine into suites.
    """
    for folder in folders:
        path = below(folder / name, folders)
        if path is not None:
            return path
    return None


def below(path: Path, folders: Sequence[Path]) -> Path | None:
    """Return the file ``path``, links followed, if it is there and below one of ``folders``."""
    try:
        real = path.resolve()
        near = any(real.is_relative_to(folder.resolve()) for folder in folders)
        return real if near and real.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def csv_rows(path: Path, sign: str = ",") -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a table with the lines in which they end; raise `FileFaults`."""
    line = 0
    try:
        text = path.read_text(encoding="utf-8-sig")
        with long_cells():
            rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
            for row in rows:
                line = rows.line_num
                if None in row or None in row.values():
                    raise csv.Error("a row of more or fewer cells than the header has names")
                yield line, row
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        needed, instead = "CSV in UTF-8 with a header", "the file as it was exported"
        raise FileFaults([Fault(shown(path), line, needed, str(error), instead)]) from None
