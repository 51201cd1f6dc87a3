"""Rows of data files and inline cases to drafts of cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Source
from evalkit.suite.chat import split_chat
from evalkit.suite.document import Document, plain
from evalkit.suite.draft import Dataset, Draft, Format, RowError
from evalkit.suite.validate import Schema, check, shown

Row = Mapping[str, Any]

_PLAIN_FIELDS = ("id", "expected", "critical", "cluster")
_GROUPS = ("vars", "tags")
_CASE_FIELDS = frozenset((*_PLAIN_FIELDS, *_GROUPS))
_OWN: Mapping[Format, tuple[str, ...]] = {"jsonl": (), "csv": (), "openai-chat": ("messages",)}
_TRUTH = {"true": True, "false": False}


def row_draft(
    row: Row, dataset: Dataset, *, source: Source, case_schema: Schema, trained: frozenset[str]
) -> Draft | list[Fault]:
    """Return the draft of a row of ``dataset``, or what is wrong with the row.

    ``trained`` names the candidates whose training file holds the row.
    """
    chat = None
    try:
        fields = _fields(row, dataset)
        if dataset.format == "openai-chat":
            chat, answer = split_chat(row.get("messages"), answered="expected" in fields)
            fields = {"expected": answer, **fields}
    except RowError as error:
        return [error.fault(source)]
    if not _is_case(fields):
        faults = check(Document(source.path, fields, {(): source.line}), case_schema).faults
        if faults:
            return faults
    return make_draft(fields, source, chat=chat, split=dataset.split, trained=trained)


def make_draft(fields: Row, source: Source, **more: Any) -> Draft:  # noqa: ANN401  (fields of Draft)
    """Return the draft of a case whose fields fit the schema; ``more`` goes to `Draft` as it is."""
    cluster, given = fields.get("cluster"), fields.get("id")
    return Draft(
        source,
        id=None if given is None else plain(given),
        expected=fields.get("expected"),
        vars=fields.get("vars", {}),
        tags={name: plain(value) for name, value in fields.get("tags", {}).items()},
        critical=fields.get("critical", False),
        cluster=None if cluster is None else plain(cluster),
        **more,
    )


def matches(row: Row, where: Row) -> bool:
    """Return whether the row's fields have the values of ``where``, compared as text."""
    return all(_lookup(row, path) == plain(value) for path, value in where.items())


def _lookup(row: Row, path: str) -> str | None:
    value: Any = row
    for name in [path] if path in row else path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return plain(value)


def _fields(row: Row, dataset: Dataset) -> dict[str, Any]:
    """Return the fields of a case that a row has; plain jsonl keeps unknown ones, as faults."""
    for target, name in dataset.map.items():
        if name not in row:
            raise RowError(
                "the fields that 'map' names",
                got=f"no '{name}' (for {target}) among {', '.join(row)}",
                instead=f"one of the row's fields as {target} in 'map'",
            )
    if dataset.format == "jsonl" and not dataset.map:
        return dict(row)
    others = {name: value for name, value in row.items() if name not in _OWN[dataset.format]}
    fields = _arranged(others, {name: target for target, name in dataset.map.items()})
    return _typed(fields) if dataset.format == "csv" else fields


def _arranged(row: Row, targets: Mapping[str, str]) -> dict[str, Any]:
    """Sort a flat row into the fields of a case; what has no place there becomes a variable."""
    fields: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    tags: dict[str, Any] = {}
    for name, value in row.items():
        target = targets.get(name, name)
        group, _, rest = target.partition(".")
        if target in _CASE_FIELDS:
            fields[target] = value
        elif rest and group in _GROUPS:
            (tags if group == "tags" else variables)[rest] = value
        else:
            variables[target] = value
    for group, members in (("vars", variables), ("tags", tags)):
        if members and isinstance(fields.get(group, {}), Mapping):
            fields[group] = {**fields.get(group, {}), **members}
    return fields


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """Read a CSV row's fields: an empty cell is no value, and ``critical`` is true or false."""
    kept = {k: v for k, v in fields.items() if k not in _PLAIN_FIELDS or v != ""}
    critical = kept.get("critical")
    if critical is not None:
        if critical.lower() not in _TRUTH:
            raise RowError("true or false as critical", got=shown(critical), instead="true")
        kept["critical"] = _TRUTH[critical.lower()]
    return kept


def _is_case(fields: Row) -> bool:
    """Return true only for what the case schema allows; a fast way past it for the usual row."""
    return (
        fields.keys() <= _CASE_FIELDS
        and _is_name(fields.get("id", "-"))
        and _is_name(fields.get("cluster", "-"))
        and type(fields.get("vars", {})) is dict
        and type(fields.get("critical", False)) is bool
        and type(fields.get("tags", {})) is dict
        and all(type(value) in (str, int, float, bool) for value in fields.get("tags", {}).values())
    )


def _is_name(value: Any) -> bool:  # noqa: ANN401  (any value of a row)
    return (type(value) is str and value != "") or type(value) is int
