"""Rows of data files, streamed: JSON lines, CSV, TSV (also gzipped), Parquet, Arrow folders."""

from __future__ import annotations

import csv
import gzip
import hashlib
import heapq
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evalkit.errors import Fault, SetupError
from evalkit.loader.arrowfile import arrow_rows, data_parts
from evalkit.loader.faults import Faults, shown
from evalkit.loader.score_rows import long_cells
from evalkit.loader.strict_json import DECODER
from evalkit.suite.draft import Dataset, Format
from evalkit.suite.filters import SlowPatternError
from evalkit.suite.shapes import EXAMPLES, OWN

Lines = Iterable[tuple[int, str]]

MOST_HELD = 100_000
"""How many rows are held in memory to be shuffled; more go through files."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a data file. ``line`` is where it starts, from 1; ``own`` the format's fields."""

    line: int
    fields: Mapping[str, Any]
    own: tuple[str, ...] = ("messages",)

    @property
    def digest(self) -> bytes:
        """What the row asks and answers: equal for the same row in two files, whatever its tags."""
        own = {name: self.fields[name] for name in self.own if self.fields.get(name) is not None}
        content = own["messages"] if own.keys() == {"messages"} else own or self.fields
        return hashlib.blake2b(
            json.dumps(content, sort_keys=True).encode(), digest_size=16
        ).digest()


def read_rows(path: Path, kind: Format, faults: Faults) -> Iterator[FileRow]:
    """Yield the rows of a file or folder that can be read; what cannot goes to ``faults``."""
    name, own = shown(path), OWN.get(kind, ("messages",))
    container = _container(path, kind)
    rows: Iterable[tuple[int, dict[str, Any] | str]]
    if container == "arrow":
        rows = arrow_rows(path, faults)
    else:
        rows = _READERS[container](_lines(path, name, faults))
    needed = _NEEDED.get(container, _TABLE)
    instead = EXAMPLES.get(kind, _INSTEAD.get(container, _QUOTED))
    for line, row in rows:
        if isinstance(row, str):
            faults.add([Fault(name, line, needed, row, instead)])
        else:
            yield FileRow(line, row, own)


def select(rows: Iterable[FileRow], dataset: Dataset) -> Iterator[FileRow]:
    """Yield the rows that ``filter`` and ``sample`` choose, in file order or as ``shuffle`` says.

    A sample holds the rows whose digest with the seed is smallest: the same ones on every machine,
    whatever the order of the file, in memory for the sample only.
    """
    chosen: Iterator[FileRow] = (row for row in rows if _taken(row, dataset))
    if dataset.sample is not None:
        nearest = heapq.nsmallest(dataset.sample, chosen, key=partial(rank, seed=dataset.seed))
        chosen = iter(sorted(nearest, key=lambda row: row.line))
    yield from chosen if dataset.shuffle is None else shuffled(chosen, dataset.shuffle)


def _taken(row: FileRow, dataset: Dataset) -> bool:
    try:
        return dataset.filter.takes(row.fields)
    except SlowPatternError as error:
        raise SetupError(
            "a pattern in 'filter' that ends within a second on each row",
            got=f"{error} in row {row.line} of {dataset.path}",
            instead="a pattern without repetitions inside repetitions",
        ) from error


def rank(row: FileRow, seed: int) -> tuple[bytes, int]:
    """Return a row's place in the order of a seed: by what it says, else by where it stands."""
    return hashlib.blake2b(f"{seed}/".encode() + row.digest).digest(), row.line


def shuffled(rows: Iterable[FileRow], seed: int) -> Iterator[FileRow]:
    """Yield rows in the order of a seed, in memory up to `MOST_HELD`, of more a part at a time."""
    source = iter(rows)
    held = list(islice(source, MOST_HELD))
    order = partial(rank, seed=seed)
    if len(held) < MOST_HELD:
        yield from sorted(held, key=order)
        return
    with TemporaryDirectory(prefix="evalkit-") as folder:
        parts = [Path(folder) / f"{number:02x}" for number in range(256)]
        with ExitStack() as stack:
            files = [stack.enter_context(part.open("w")) for part in parts]
            for row in chain(held, source):
                line = json.dumps([row.line, row.fields, row.own])
                files[order(row)[0][0]].write(line + "\n")
        del held
        for part in parts:
            with part.open() as file:
                found = [
                    FileRow(at, fields, tuple(own)) for at, fields, own in map(json.loads, file)
                ]
            yield from sorted(found, key=order)


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes, of a data set's folder that of its files' digests."""
    if path.is_dir():
        digests = "\n".join(map(file_digest, data_parts(path)))
        return hashlib.sha256(digests.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _container(path: Path, kind: Format) -> str:
    """Return how the rows are written: the format says it, or else the file's name."""
    if kind in ("parquet", "huggingface") or path.is_dir():
        return "arrow"
    ending = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind in ("csv", "tsv", "jsonl"):
        return kind
    return {"csv": "csv", "tsv": "tsv", "parquet": "arrow"}.get(ending, "jsonl")


def _lines(path: Path, name: str, faults: Faults) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(_raw_lines(path, name, faults), 1):
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            faults.add([Fault(name, number, "text in UTF-8", str(error), "the file in UTF-8")])
            yield number, ""


def _raw_lines(path: Path, name: str, faults: Faults) -> Iterator[bytes]:
    if path.suffix != ".gz":
        with path.open("rb") as file:
            yield from file
        return
    number = 0
    try:
        with gzip.open(path, "rb") as unzipped:
            for number, raw in enumerate(unzipped, 1):  # noqa: B007  (counted)
                yield raw
    except (OSError, EOFError, zlib.error) as error:
        needed, got = "a file of gzip that can be read to its end", str(error)
        faults.add([Fault(name, number + 1, needed, got, "the whole file, or it without .gz")])


def _json_rows(lines: Lines) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in lines:
        if line.strip():
            yield number, _json_row(line)


def _json_row(line: str) -> dict[str, Any] | str:
    """Return the object of a line, or what it is instead."""
    try:
        row = DECODER.decode(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return row if isinstance(row, dict) else f"{type(row).__name__} instead of an object"


def _csv_rows(lines: Lines, delimiter: str = ",") -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader((text for _, text in lines), strict=True, delimiter=delimiter)
    start, names = 1, list[str]()
    try:
        with long_cells():
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


_READERS: Mapping[str, Callable[[Lines], Iterator[tuple[int, dict[str, Any] | str]]]] = {
    "jsonl": _json_rows,
    "csv": _csv_rows,
    "tsv": partial(_csv_rows, delimiter="\t"),
}
_TABLE = "a header of different names and as many cells in each row"
_NEEDED = {
    "jsonl": "one JSON object a line",
    "csv": f"CSV with {_TABLE}",
    "tsv": f"TSV with {_TABLE}",
}
_QUOTED = 'quotes around a cell with separators or line ends, "" for a quote in it'
_INSTEAD = {"jsonl": '{"id": "...", "vars": {...}, "expected": "..."}'}
