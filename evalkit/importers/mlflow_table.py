"""Evaluation tables of MLflow: ``eval_results_table.json``, or a table saved from a result."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults, SetupError
from evalkit.importers.found import Log, Mark, Note, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import finite, read_json
from evalkit.importers.rowfile import csv_rows
from evalkit.loader.faults import shown
from evalkit.model import Failure, Outcome, Reply, Source

TOOL = "mlflow"

_SCORE = re.compile(r"(?P<scorer>.+?)/(?:(?P<version>v\d+)/)?(?P<kind>score|value)")
_ASKED = ("inputs", "request", "input", "question", "prompt")
_ANSWERED = ("outputs", "response", "prediction", "predictions", "output", "answer")
_EXPECTED = ("targets", "target", "ground_truth", "expectations", "expected_response/value")
_WORDS = {"yes": 1.0, "true": 1.0, "pass": 1.0, "no": 0.0, "false": 0.0, "fail": 0.0}
_DIGITS = 12

Row = Mapping[str, Any]


def read_log(path: Path, model: str) -> Log:
    """Return the rows of a table in JSON (split or records), CSV or Parquet.

    A case is named by a digest of its inputs: traces have other ids in every run.
    """
    table = list(_READERS[_kind(path)](path))
    if not table:
        raise _no_table(path, "no row")
    columns = list(dict.fromkeys(name for row in table for name in row))
    asked, answered, expected = (_first(columns, names) for names in (_ASKED, _ANSWERED, _EXPECTED))
    scorers = _scorers(columns, table, aside=(asked, answered, expected))
    if not scorers:
        raise _no_table(path, f"columns {', '.join(columns)[:200]}")
    notes = [
        Note(shown(path), f"the column {name} holds no numbers, yes or no")
        for name in columns
        if _SCORE.fullmatch(name) and name not in scorers and name != expected
    ]
    seen, rows = dict[str, int](), []
    for number, row in enumerate(table, 1):
        text = as_text(row.get(asked, "")) if asked else f"row {number}"
        seen[text] = seen.get(text, 0) + 1
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        rows.append(
            Scored(
                task=TOOL,
                case=digest if seen[text] == 1 else f"{digest}-{seen[text]}",
                model=model or path.stem,
                outcome=_outcome(row, answered),
                marks=dict(_marks(row, scorers)),
                messages=({"role": "user", "content": text},) if asked else (),
                expected=row.get(expected) if expected else None,
                source=Source(shown(path), number),
            )
        )
    return Log(TOOL, tuple(rows), (path,), notes=tuple(notes))


def _kind(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    if path.is_file() and kind in _READERS:
        return kind
    got = "no such file" if not path.exists() else f"{path.name}"
    instead = "such as eval_results_table.json among the artefacts of the run"
    raise FileFaults([Fault(shown(path), 0, "a table in .json, .csv or .parquet", got, instead)])


def _first(columns: list[str], names: tuple[str, ...]) -> str:
    return next((name for name in names if name in columns), "")


def _scorers(columns: list[str], table: list[Row], *, aside: tuple[str, ...]) -> dict[str, str]:
    """Return the scorers' names by column: ``exact/v1/score`` is called ``exact``."""
    found = {}
    for column in columns:
        match = _SCORE.fullmatch(column)
        values = [row.get(column) for row in table]
        numbers = any(_number(v) is not None for v in values)
        if match and column not in aside and numbers:
            found[column] = match["scorer"]
    return found


def _marks(row: Row, scorers: Mapping[str, str]) -> Iterator[tuple[str, Mark]]:
    for column, scorer in scorers.items():
        if column not in row:
            continue
        base = column.rpartition("/")[0]
        reason = as_text(row.get(f"{base}/justification") or row.get(f"{base}/rationale"))
        value = _number(row[column])
        yield scorer, Mark(value, reason[:160] if value is not None else "no score")


def _number(value: Any) -> float | None:  # noqa: ANN401  (a cell)
    """Return a cell as a number: yes and true are 1, no and false 0; ``None`` for anything else."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return _WORDS.get(word, finite(value))


def _outcome(row: Row, answered: str) -> Outcome:
    if as_text(row.get("state")) == "ERROR":
        return Failure("bad_response", "the trace ended in an error")
    return Reply(as_text(row.get(answered)) if answered else "")


def _json_table(path: Path) -> Iterator[Row]:
    table = read_json(path)
    if isinstance(table.value, list):
        yield from (row.mapping() for row in table.items())
        return
    names = [name.scalar() for name in table["columns"].items()]
    for row in table["data"].items():
        yield dict(zip(names, (cell.value for cell in row.items()), strict=False))


def _csv_table(path: Path) -> Iterator[Row]:
    for _, row in csv_rows(path):
        yield row


def _parquet_table(path: Path) -> Iterator[Row]:
    try:
        import pyarrow as pa
        from pyarrow.parquet import read_table
    except ImportError as error:
        raise SetupError(
            f"pyarrow, to read {shown(path)}",
            got="it is not installed",
            instead="pip install 'pytest-evalkit[store]', or the table as JSON or CSV",
        ) from error
    try:
        yield from read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise _no_table(path, str(error)) from None


_READERS = {"json": _json_table, "csv": _csv_table, "parquet": _parquet_table}


def _no_table(path: Path, got: str) -> FileFaults:
    needed = "a table of MLflow with a column NAME/score, NAME/v1/score or NAME/value"
    instead = "eval_results_table.json, or result_df of mlflow.genai.evaluate saved as JSON"
    return FileFaults([Fault(shown(path), 0, needed, got, instead)])
