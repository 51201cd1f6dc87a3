"""Rows of data files, streamed: JSON lines, CSV, OpenAI's fine-tuning format."""

from __future__ import annotations

import csv
import hashlib
import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import Fault
from evalkit.loader.faults import Faults, shown
from evalkit.loader.strict_json import DECODER
from evalkit.suite.draft import Dataset, Format
from evalkit.suite.rows import matches

Lines = Iterable[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a data file. ``line`` is where it starts, from 1."""

    line: int
    fields: Mapping[str, Any]

    @property
    def digest(self) -> bytes:
        """What the row asks and answers: equal for the same row in two files, whatever its tags."""
        content = self.fields.get("messages", self.fields)
        return hashlib.blake2b(
            json.dumps(content, sort_keys=True).encode(), digest_size=16
        ).digest()


def read_rows(path: Path, kind: Format, faults: Faults) -> Iterator[FileRow]:
    """Yield the rows of a file that can be read; what cannot goes to ``faults``, with its line."""
    name = shown(path)
    rows = _READERS[kind](_lines(path, name, faults))
    for line, row in rows:
        if isinstance(row, str):
            faults.add([Fault(name, line, _NEEDED[kind], row, _INSTEAD[kind])])
        else:
            yield FileRow(line, row)


def select(rows: Iterable[FileRow], dataset: Dataset) -> Iterator[FileRow]:
    """Yield the rows that ``where`` and ``sample`` choose, in file order.

    A sample holds the rows whose digest with the seed is smallest: the same ones on every machine,
    whatever the order of the file, in memory for the sample only.
    """
    chosen = (row for row in rows if matches(row.fields, dataset.where))
    if dataset.sample is None:
        yield from chosen
        return
    seed = str(dataset.seed).encode()

    def rank(row: FileRow) -> tuple[bytes, int]:
        return hashlib.blake2b(seed + b"/" + row.digest).digest(), row.line

    yield from sorted(heapq.nsmallest(dataset.sample, chosen, key=rank), key=lambda row: row.line)


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(path: Path, name: str, faults: Faults) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                faults.add([Fault(name, number, "text in UTF-8", str(error), "the file in UTF-8")])
                yield number, ""


def _json_rows(lines: Lines) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in lines:
        if line.strip():
            yield number, _json_row(line)


def _json_row(line: str) -> dict[str, Any] | str:
    """Return the object of a line, or what it is instead."""
    try:
        row = DECODER.decode(line)
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return row if isinstance(row, dict) else f"{type(row).__name__} instead of an object"


def _csv_rows(lines: Lines) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader((text for _, text in lines), strict=True)
    start, names = 1, list[str]()
    try:
        for cells in reader:
            if not names:
                names = cells
                if "" in names or len(set(names)) < len(names):
                    yield start, f"the header {','.join(names)}"
                    return
            elif cells:
                yield start, _csv_row(names, cells)
            start = reader.line_num + 1
    except csv.Error as error:
        yield start, str(error)


def _csv_row(names: list[str], cells: list[str]) -> dict[str, Any] | str:
    if len(cells) != len(names):
        return f"{len(cells)} cells under {len(names)} column names"
    return dict(zip(names, cells, strict=True))


_READERS: Mapping[Format, Callable[[Lines], Iterator[tuple[int, dict[str, Any] | str]]]] = {
    "jsonl": _json_rows,
    "openai-chat": _json_rows,
    "csv": _csv_rows,
}
_OBJECT = "one JSON object a line"
_NEEDED: Mapping[Format, str] = {
    "jsonl": _OBJECT,
    "openai-chat": _OBJECT,
    "csv": "CSV with a header of different names and as many cells in each row",
}
_INSTEAD: Mapping[Format, str] = {
    "jsonl": '{"id": "...", "vars": {...}, "expected": "..."}',
    "openai-chat": '{"messages": [{"role": "user", "content": "..."}, ...]}',
    "csv": 'quotes around a cell with commas or line ends, "" for a quote in it',
}
