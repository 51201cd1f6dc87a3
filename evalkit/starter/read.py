"""A training file read: its format, and of each row what it asks and what it answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults, SetupError
from evalkit.graders.words import tokens
from evalkit.loader.arrowfile import is_data
from evalkit.loader.datafile import FileRow, read_rows
from evalkit.loader.faults import Faults, shown
from evalkit.loader.schemas import read_schema
from evalkit.model import Message, Source
from evalkit.starter.detect import detect
from evalkit.starter.heldout import Question
from evalkit.suite.chat import text_of
from evalkit.suite.draft import Dataset, Draft, Format
from evalkit.suite.filters import MISSING, lookup
from evalkit.suite.rows import row_drafts

REFERENCES = ("expected", "reference_answer", "reference", "answer", "solution", "target")
"""Fields that may hold the reference of reinforcement rows where nobody names it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file, what it asks, and the answer that it expects."""

    line: int
    fields: Mapping[str, Any]
    asks: Question
    answer: Any


@dataclass(frozen=True, slots=True)
class Training:
    """A training file in memory; ``map`` names its fields where the format cannot."""

    path: Path
    format: Format
    rows: tuple[Row, ...]
    map: Mapping[str, str] = field(default_factory=dict)


def read_training(
    path: Path, *, kind: Format | None = None, group: str = "", expected: str = ""
) -> Training:
    """Read a training file; its format is told by its rows unless ``kind`` says it.

    ``group`` names the field whose equal values belong together, a path with dots; ``expected``
    that of the expected answer, where the format has none of its own. Raises `FileFaults` with
    every fault of the file, or `SetupError` for a file that is not there.
    """
    if not is_data(path):
        raise SetupError(
            "a training file on disk",
            got=f"no file {shown(path)}",
            instead="the path of a .jsonl, .csv, .tsv or .parquet file, or of a data set's folder",
        )
    faults, name = Faults(), shown(path)
    found = list(read_rows(path, kind or "openai-chat", faults))
    faults.raise_any()
    if not found:
        raise FileFaults([Fault(name, 0, "a file with rows", "no row", "a row for each example")])
    told = kind or detect(name, found)
    if isinstance(told, Fault):
        raise FileFaults([told])
    mapped = _mapped(found, told, expected)
    dataset = Dataset(str(path), told, "heldout", Source(name, 0), map=mapped)
    rows = tuple(_rows(found, dataset, group=group, faults=faults))
    faults.add(_twin_ids(name, rows))
    faults.raise_any()
    return Training(path, told, rows, mapped)


def _rows(
    found: Sequence[FileRow], dataset: Dataset, *, group: str, faults: Faults
) -> Iterator[Row]:
    case_schema = read_schema("suite")["$defs"]["case"]
    for row in found:
        source = Source(dataset.source.path, row.line)
        drafts, more = row_drafts(
            row.fields, dataset, source=source, case_schema=case_schema, trained=frozenset()
        )
        faults.add(more)
        for draft in drafts:
            value = _group(draft, row, group)
            if value is MISSING or draft.expected is None:
                faults.add([_lacking(source, row, group if value is MISSING else "")])
                continue
            yield Row(row.line, row.fields, _question(draft, value), draft.expected)


def _group(draft: Draft, row: FileRow, group: str) -> Any:  # noqa: ANN401  (any value of a row)
    """Return the value that groups a row: of the field named, or else its cluster, if any."""
    value = lookup(row.fields, group) if group else draft.cluster
    return MISSING if group and value in (None, "") else value


def _question(draft: Draft, group: Any) -> Question:  # noqa: ANN401  (any value of a row)
    chat = draft.chat or ()
    asked = [m for m in chat if m["role"] not in ("system", "developer")] or [*chat]
    text = "\n".join(part for message in asked for part in _said(message))
    request = json.dumps([chat, draft.extra], sort_keys=True)
    return Question(
        words=tuple(tokens(text)) or (text,),
        request=hashlib.blake2b(request.encode(), digest_size=16).digest(),
        group=None if group is None else json.dumps(group, sort_keys=True),
    )


def _said(message: Message) -> Iterator[str]:
    """Yield a message's text, and a digest in place of each part and call that is none."""
    yield text_of(message) or ""
    content = message.get("content")
    parts = [p for p in content if "text" not in p] if isinstance(content, list) else []
    for part in (*parts, *(message.get("tool_calls") or ())):
        yield hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()


def _mapped(found: Sequence[FileRow], kind: Format, expected: str) -> dict[str, str]:
    """Return how the fields of the rows are called, as far as the format does not say it."""
    if expected:
        return {"expected": expected}
    if kind != "openai-rft":
        return {}
    known = (n for n in REFERENCES if all(row.fields.get(n) is not None for row in found))
    name = next(known, "expected")
    return {} if name == "expected" else {"expected": name}


def _lacking(source: Source, row: FileRow, group: str) -> Fault:
    fields = "fields " + ", ".join(row.fields)
    if group:
        needed, instead = f"a value of --group {group} in every row", "that field, or another one"
    else:
        needed = "an expected answer in every row"
        instead = "--expected FIELD with the field that holds the reference answer"
    return Fault(source.path, source.line, needed, fields, instead)


def _twin_ids(name: str, rows: Sequence[Row]) -> Iterator[Fault]:
    """Yield a fault for each id that stands at two different questions."""
    first: dict[str, Row] = {}
    for row in rows:
        given = row.fields.get("id")
        twin = row if given is None else first.setdefault(str(given), row)
        if twin.asks.request != row.asks.request:
            got = f"'{given}', also in line {twin.line}, where another question stands"
            yield Fault(name, row.line, "an id of its own for each question", got, "another id")
