"""Documents and rows as suites have them."""

from __future__ import annotations

from typing import Any

from evalkit.errors import Fault
from evalkit.loader import read_schema
from evalkit.model import Sampling, Source
from evalkit.suite.document import Document
from evalkit.suite.draft import Dataset, Draft, Format, SuiteDraft
from evalkit.suite.parse import parse_suite
from evalkit.suite.rows import row_drafts
from evalkit.suite.validate import check

SUITE_SCHEMA = read_schema("suite")
CASE_SCHEMA = SUITE_SCHEMA["$defs"]["case"]
TREE = {
    "suite": "sums",
    "purpose": "target",
    "prompt": "{{ q }}",
    "graders": [{"name": "same", "type": "string_check", "operation": "eq"}],
}


def document(tree: Any) -> Document:
    """Return a document without lines but that of its root."""
    return Document("sums.yaml", tree, {(): 1})


def parsed(**fields: Any) -> tuple[SuiteDraft, list[Fault]]:
    """Return the usual suite with other fields, parsed; ``None`` takes a field out."""
    tree = {key: value for key, value in {**TREE, **fields}.items() if value is not None}
    return parse_suite(check(document(tree), SUITE_SCHEMA), Sampling())


def sound(**fields: Any) -> SuiteDraft:
    """Return the usual suite with other fields, which must be sound."""
    draft, faults = parsed(**fields)
    assert faults == []
    return draft


def rows(fields: Any, kind: Format = "jsonl", **settings: Any) -> tuple[list[Draft], list[Fault]]:
    """Return the drafts of one row, and what is wrong with it."""
    dataset = Dataset(
        "rows", kind, settings.pop("split", "heldout"), Source("sums.yaml", 5), **settings
    )
    where = Source("rows", 3)
    return row_drafts(fields, dataset, source=where, case_schema=CASE_SCHEMA, trained=frozenset())


def row(fields: Any, kind: Format = "jsonl", **settings: Any) -> Draft | list[Fault]:
    """Return what becomes of one row that makes one case."""
    drafts, faults = rows(fields, kind, **settings)
    return faults or drafts[0]


def draft(fields: Any, kind: Format = "jsonl", **settings: Any) -> Draft:
    """Return the draft of a row that must be sound."""
    result = row(fields, kind, **settings)
    assert isinstance(result, Draft), result
    return result
