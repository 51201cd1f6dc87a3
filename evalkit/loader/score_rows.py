"""Rows of files of scores, streamed: JSON lines, CSV, both also gzipped, and Parquet.

What stands between the cells of a CSV file may be tabs or semicolons. Each row comes as its line
(Parquet: its number), its names and its cells. Names that are equal from row to row let the reader
above look a column up once.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, SetupError
from evalkit.loader.faults import Faults, shown
from evalkit.loader.strict_json import DECODER, refuse

Names = tuple[str, ...]
Row = tuple[int, Names, list[Any]]
Wanted = Callable[[Names], Names]

SLICES = "slices"
"""A column of this name holds an object: a slice for each of its fields."""

_SLICE = "slice."
SLICE_PREFIXES = (_SLICE, "slices.")

_UTF8 = "text in UTF-8"
_BATCH = 50_000


class Malformed(Exception):
    """A file or a row of it that is not what is needed: needed, got, write."""

    def __init__(self, needed: str, got: str, instead: str) -> None:
        self.needed = needed
        self.got = got
        self.instead = instead
        super().__init__(needed, got, instead)


def read_score_rows(path: Path, faults: Faults, wanted: Wanted) -> Iterator[Row]:
    """Yield the rows of a file that can be read; what cannot goes to ``faults``, with its line.

    ``wanted`` says which of a file's columns are of use, where a format can leave out the others.
    """
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    reader = _READERS.get(kind)
    if reader is None or (kind == "parquet" and path.suffix == ".gz"):
        needed, got = "a file of scores: .jsonl, .csv, .tsv or .parquet", f"a file {path.name}"
        faults.add([Fault(shown(path), 0, needed, got, "the file in one of these formats")])
        return
    try:
        yield from reader(path, faults, wanted)
    except (OSError, EOFError, zlib.error) as error:
        needed, instead = "a file that can be read to its end", "the whole file, readable"
        got = f"{type(error).__name__}: {error}"
        faults.add([Fault(shown(path), 0, needed, got, instead)])


def _lines(file: Iterable[bytes], name: str, faults: Faults) -> Iterator[str]:
    number = 0
    for number, raw in enumerate(file, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            faults.add([Fault(name, number, _UTF8, str(error), "the file in UTF-8")])
            yield ""


@contextmanager
def _opened(path: Path) -> Iterator[Iterable[bytes]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as unzipped:
            yield unzipped
    else:
        with path.open("rb") as file:
            yield file


def _json_rows(path: Path, faults: Faults, _: Wanted) -> Iterator[Row]:
    name = shown(path)
    with _opened(path) as file:
        for number, line in enumerate(_lines(file, name, faults), 1):
            if not line or line.isspace():
                continue
            row = _json_row(line)
            if isinstance(row, str):
                faults.add([Fault(name, number, "one JSON object a line", row, _JSON_LINE)])
            else:
                yield number, *_spread(row)


_JSON_LINE = '{"case": "...", "model": "...", "score": 1}'


def _json_row(line: str) -> dict[str, Any] | str:
    """Return the object of a line, or what it is instead."""
    try:
        # The scanner alone takes half the time of `JSONDecoder.decode`; that one explains faults.
        row, end = _SCAN(line, 0)
    except (ValueError, StopIteration, RecursionError):
        return _json_value(line)
    if not isinstance(row, dict) or line[end:].strip():
        return _json_value(line)
    inside = row.get(SLICES)
    keys = len(row) + len(inside) if isinstance(inside, dict) else len(row)
    # More colons than keys: most stand in texts, but one may follow a key that is there twice.
    return _json_value(line) if line.count(":") > keys else row


def _json_value(line: str) -> dict[str, Any] | str:
    try:
        row = DECODER.decode(line)
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return row if isinstance(row, dict) else f"{type(row).__name__} instead of an object"


def _spread(row: dict[str, Any]) -> tuple[Names, list[Any]]:
    """Return the names and cells of a row, its slices as columns of their own."""
    inside = row.get(SLICES, ())
    if inside is None:
        inside = {}
    if not isinstance(inside, dict):
        return tuple(row), list(row.values())
    del row[SLICES]
    names = (*row, *(_SLICE + field for field in inside))
    return names, [*row.values(), *inside.values()]


_SCAN: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder(parse_constant=refuse))[
    "scan_once"
]


def _csv_rows(path: Path, faults: Faults, wanted: Wanted) -> Iterator[Row]:
    name, line = shown(path), 1

    def fault(found: Malformed) -> None:
        faults.add([Fault(name, line, found.needed, found.got, found.instead)])

    with _opened(path) as file, long_cells():
        lines, sign = _with_sign(_lines(file, name, faults))
        reader = csv.reader(lines, delimiter=sign, strict=True)
        try:
            head = next(reader, [])
            if not head and faults.about(name):  # the first line is no text
                return
            names = _header(head)
            wanted(names)
            line = reader.line_num + 1
            for cells in reader:
                if len(cells) == len(names):
                    yield line, names, cells
                elif cells:
                    fault(_bad_csv(f"{len(cells)} cells under {len(names)} column names"))
                line = reader.line_num + 1
        except csv.Error as error:
            fault(_bad_csv(str(error)))
        except Malformed as error:
            fault(error)


def _with_sign(lines: Iterator[str]) -> tuple[Iterator[str], str]:
    """Return lines and what stands between cells: a comma, or what the header has instead."""
    first = next(lines, "")
    sign = next((sign for sign in ",\t;" if sign in first), ",")
    return chain([first], lines), sign


def _header(names: list[str]) -> Names:
    # One column without a name is how pandas writes an index.
    if not names:
        raise Malformed("a file with rows", "an empty one", "a header, and a row for each score")
    if not any(names) or len(set(names)) < len(names):
        raise _bad_csv(f"the header {','.join(names)}")
    return tuple(names)


def _bad_csv(got: str) -> Malformed:
    return Malformed(
        "CSV with a header of different names and as many cells in each row",
        got,
        'quotes around a cell with commas or line ends, "" for a quote in it',
    )


@contextmanager
def long_cells() -> Iterator[None]:
    """Let a cell be of any length: a column that is not read may hold whole answers."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _parquet_rows(path: Path, faults: Faults, wanted: Wanted) -> Iterator[Row]:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise SetupError(
            f"pyarrow, to read {shown(path)}",
            got="it is not installed",
            instead="pip install 'pytest-evalkit[store]', or give the scores as JSON lines or CSV",
        ) from error
    try:
        with ParquetFile(path) as file:
            objects = [f.name for f in file.schema_arrow if pa.types.is_struct(f.type)]
            slices = [SLICES] if SLICES in objects else []
            names = tuple(name for name in file.schema_arrow.names if name not in slices)
            read = [*wanted(names), *slices]
            yield from _numbered(file.iter_batches(batch_size=_BATCH, columns=read))
    except Malformed as error:
        faults.add([Fault(shown(path), 0, error.needed, error.got, error.instead)])
    except pa.ArrowException as error:
        needed, instead = "a whole Parquet file", "the file written again"
        faults.add([Fault(shown(path), 0, needed, str(error), instead)])


def _numbered(batches: Iterator[Any]) -> Iterator[Row]:
    number = 0
    for batch in batches:
        names = tuple(batch.schema.names)
        columns: Sequence[list[Any]] = [column.to_pylist() for column in batch.columns]
        for cells in map(list, zip(*columns, strict=True)):
            number += 1
            if SLICES in names:
                yield number, *_spread(dict(zip(names, cells, strict=True)))
            else:
                yield number, names, cells


_READERS: dict[str, Callable[[Path, Faults, Wanted], Iterator[Row]]] = {
    "jsonl": _json_rows,
    "ndjson": _json_rows,
    "csv": _csv_rows,
    "tsv": _csv_rows,
    "parquet": _parquet_rows,
}
