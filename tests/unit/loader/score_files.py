"""Small files of scores, read or refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.decide.score_table import ScoreTable, score_rows
from evalkit.errors import Fault, FileFaults
from evalkit.loader.faults import Faults
from evalkit.loader.score_columns import ScoreColumns
from evalkit.loader.score_layout import Choice
from evalkit.loader.score_sort import sorted_table, twin_rows
from evalkit.loader.scores import FileFacts, read_scores
from evalkit.model import Pair

Rows = Sequence[Mapping[str, Any]]


def as_csv(rows: Rows) -> str:
    """Return rows as CSV; what a row lacks is an empty cell."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_jsonl(rows: Rows) -> str:
    """Return rows as JSON lines."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def save(path: Path, rows: Rows) -> Path:
    """Write rows in the format that the name says."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(list(rows)), path)
        return path
    text = as_csv(rows) if ".csv" in path.name else as_jsonl(rows)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def columns_of(*paths: Path, choice: Choice | None = None) -> tuple[ScoreColumns, list[FileFacts]]:
    """Read files as the comparison does; raise `FileFaults` for what is malformed."""
    columns, faults = ScoreColumns(), Faults()
    facts = [
        read_scores(path, columns, choice or Choice(), model=path.name.split(".")[0], faults=faults)
        for path in paths
    ]
    faults.add(twin_rows(columns))
    faults.raise_any()
    return columns, facts


def table_of(*paths: Path, choice: Choice | None = None, pair: Pair | None = None) -> ScoreTable:
    """Return the table of the two models that the files hold, or of the named ones."""
    columns, _ = columns_of(*paths, choice=choice)
    codes = {name: code for (_, name), code in columns.models.items()}
    names = pair or Pair(*codes)
    return sorted_table(columns, codes[names.base], codes[names.candidate], pair=names)


def rows_of(table: ScoreTable) -> list[dict[str, str]]:
    """Return the rows of a table as it writes them, without empty cells."""
    names, *rows = score_rows(table)
    return [{n: c for n, c in zip(names, row, strict=True) if c} for row in rows]


def faults_of(*paths: Path, choice: Choice | None = None) -> tuple[Fault, ...]:
    """Return every fault that reading the files tells."""
    with pytest.raises(FileFaults) as caught:
        columns_of(*paths, choice=choice)
    return caught.value.faults
