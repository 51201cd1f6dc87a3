"""Which training format a row has, told by its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.errors import Fault
from evalkit.loader.datafile import FileRow
from evalkit.suite.draft import Format
from evalkit.suite.shapes import EXAMPLES

TRAINING: tuple[Format, ...] = tuple(EXAMPLES)
"""The formats that a training file may have."""


def format_of(row: Mapping[str, Any]) -> Format | None:
    """Return the format whose fields a row has, ``None`` if it has those of none.

    Messages that end with the assistant are openai-chat, others openai-rft.
    """
    has = {name for name, value in row.items() if value is not None}
    if "messages" in has:
        messages = row["messages"]
        last = messages[-1] if isinstance(messages, list) and messages else None
        answered = isinstance(last, Mapping) and last.get("role") == "assistant"
        return "openai-chat" if answered else "openai-rft"
    for kind, fields in _FIELDS.items():
        if fields <= has:
            return kind
    return None


def detect(file: str, rows: Sequence[FileRow]) -> Format | Fault:
    """Return the format of all rows of ``file``, or what keeps it from being told.

    ``rows`` has at least one.
    """
    kinds: list[Format] = []
    for row in rows:
        kind = format_of(row.fields)
        if kind is None:
            fields = "fields " + (", ".join(row.fields) or "none")
            return Fault(file, row.line, _KNOWN, fields[:_LONGEST], _AS)
        kinds.append(kind)
    usual = max(dict.fromkeys(kinds), key=kinds.count)
    for row, kind in zip(rows, kinds, strict=True):
        if kind != usual:
            first = rows[kinds.index(usual)].line
            needed = f"rows of one format: {usual}, as in line {first}"
            instead = f"a file for each format, or --format {usual} if this row is meant to be one"
            return Fault(file, row.line, needed, kind, instead)
    return usual


_FIELDS: Mapping[Format, frozenset[str]] = {
    "sharegpt": frozenset({"conversations"}),
    "openai-dpo": frozenset({"input", "preferred_output", "non_preferred_output"}),
    "prompt-completion": frozenset({"prompt", "completion"}),
    "openai-evals": frozenset({"input", "ideal"}),
}
_LONGEST = 200
_KNOWN = "the fields of a training format: " + ", ".join(TRAINING)
_AS = f"such as {EXAMPLES['openai-chat']} or {EXAMPLES['prompt-completion']}"
