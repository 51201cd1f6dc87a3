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
        yield from _csv(path, "\t" if kind == "tsv" else ",")
    else:
        needed, instead = "rows in .jsonl, .json or .csv", "the rows in one of these formats"
        raise FileFaults([Fault(shown(path), 0, needed, f"a file {path.name}", instead)])


def find_file(name: str, folders: Sequence[Path]) -> Path | None:
    """Return the first file called ``name`` in one of ``folders``; ``None`` if there is none."""
    return next((f for folder in folders if (f := folder / name).is_file()), None)


def _csv(path: Path, sign: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = csv.DictReader(io.StringIO(text), delimiter=sign, strict=True)
        for row in rows:
            yield rows.line_num, row
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        needed, instead = "CSV in UTF-8 with a header", "the file as it was exported"
        raise FileFaults([Fault(shown(path), 0, needed, str(error), instead)]) from None
