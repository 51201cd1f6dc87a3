"""Rows of data files and inline cases to drafts of cases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Source
from evalkit.suite.chat import Turn
from evalkit.suite.document import Document, plain
from evalkit.suite.draft import Dataset, Draft, RowError
from evalkit.suite.filters import MISSING, lookup
from evalkit.suite.labels import gathered, read_labels
from evalkit.suite.prompt import user_texts
from evalkit.suite.shapes import OWN, Reading, Shape, read_shape
from evalkit.suite.validate import Schema, check, shown

Row = Mapping[str, Any]

_PLAIN_FIELDS = ("id", "expected", "critical", "cluster")
_GROUPS = ("vars", "tags", "human")
_RARE = frozenset({"human", "conversation"})
"""Fields that columns of other files are called too: there they count only where they are meant."""
_CASE_FIELDS = frozenset((*_PLAIN_FIELDS, *_GROUPS)) | _RARE
_USUAL = _CASE_FIELDS - _RARE
_TRUTH = {"true": True, "false": False}


def row_drafts(
    row: Row, dataset: Dataset, *, source: Source, case_schema: Schema, trained: frozenset[str]
) -> tuple[list[Draft], list[Fault]]:
    """Return the drafts of a row of ``dataset``, or what is wrong with the row.

    ``trained`` names the candidates whose training file holds the row.
    """
    try:
        _check_map(row, dataset)
        fields = _fields(row, dataset)
        shape = _shape(row, dataset, answered="expected" in fields)
    except RowError as error:
        return [], [error.fault(source)]
    if not _is_case(fields):
        faults = check(Document(source.path, fields, {(): source.line}), case_schema).faults
        if faults:
            return [], faults
    more: dict[str, Any] = {"split": dataset.split, "trained": trained}
    if shape is None:
        return [make_draft(fields, source, **more)], []
    fields["vars"] = {**shape.vars, **fields.get("vars", {})}
    more["extra"] = shape.extra
    if dataset.turns == "last":
        return [_turn_draft(fields, shape.turns[0], source, **more)], []
    return [
        _turn_draft(each, turn, source, **more, conversation=conversation_of(shape.turns))
        for turn, each in zip(shape.turns, _numbered(fields, len(shape.turns)), strict=True)
    ], []


def _turn_draft(fields: Row, turn: Turn, source: Source, **more: Any) -> Draft:  # noqa: ANN401
    return make_draft({"expected": turn.expected, **fields}, source, chat=turn.chat, **more)


def _numbered(fields: Row, count: int) -> Iterator[Row]:
    """Yield the fields of each of a row's cases: its id with the number of the turn, from 1."""
    for number in range(1, count + 1):
        given = fields.get("id")
        yield fields if given is None else {**fields, "id": f"{plain(given)}/{number}"}


def conversation_of(turns: Sequence[Turn]) -> str:
    """Return a digest of what the turns of one row have in common: the longest prompt of them."""
    text = json.dumps(turns[-1].chat, sort_keys=True)
    return "conversation-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def make_draft(fields: Row, source: Source, **more: Any) -> Draft:  # noqa: ANN401  (fields of Draft)
    """Return the draft of a case whose fields fit the schema; ``more`` goes to `Draft` as it is."""
    cluster, given, turns = fields.get("cluster"), fields.get("id"), fields.get("conversation")
    return Draft(
        source,
        id=None if given is None else plain(given),
        expected=fields.get("expected"),
        vars=fields.get("vars", {}),
        tags={name: plain(value) for name, value in fields.get("tags", {}).items()},
        critical=fields.get("critical", False),
        cluster=None if cluster is None else plain(cluster),
        human=read_labels(fields.get("human", {})),
        turns=None if turns is None else user_texts(turns),
        **more,
    )


def own_fields(row: Row, dataset: Dataset) -> dict[str, Any]:
    """Return the fields by which a row of the data set's format asks, as ``map`` names them."""
    found = {name: lookup(row, dataset.map.get(name, name)) for name in OWN.get(dataset.format, ())}
    return {name: value for name, value in found.items() if value is not MISSING}


def _shape(row: Row, dataset: Dataset, *, answered: bool) -> Shape | None:
    if dataset.format not in OWN:
        return None
    every = dataset.turns == "all"
    if every and answered:
        raise RowError(
            "the answers in the turns themselves, with turns: all",
            got="a field 'expected'",
            instead="turns: last, or rows without it",
        )
    return read_shape(own_fields(row, dataset), dataset.format, Reading(every, answered))


def _check_map(row: Row, dataset: Dataset) -> None:
    for target, name in dataset.map.items():
        if lookup(row, name) is MISSING:
            raise RowError(
                "the fields that 'map' names",
                got=f"no '{name}' (for {target}) among {', '.join(row)}",
                instead=f"one of the row's fields as {target} in 'map'",
            )


def _fields(row: Row, dataset: Dataset) -> dict[str, Any]:
    """Return the fields of a case that a row has; plain jsonl keeps unknown ones, as faults."""
    if dataset.format == "jsonl" and not dataset.map:
        return dict(row)
    own = OWN.get(dataset.format, ())
    aside = {dataset.map.get(name, name) for name in own}
    named = {name: target for target, name in dataset.map.items() if target not in own}
    deep = {name: lookup(row, name) for name in named if name not in row}
    others = {name: value for name, value in row.items() if name not in aside}
    return _typed(_arranged({**others, **deep}, named))


def _arranged(row: Row, targets: Mapping[str, str]) -> dict[str, Any]:
    """Sort a flat row into the fields of a case; what has no place there becomes a variable."""
    fields: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for name, value in row.items():
        target = targets.get(name, name)
        group, _, rest = target.partition(".")
        if target in _CASE_FIELDS and not _only_a_name(target, name, value, targets):
            fields[target] = value
        elif rest and group in _GROUPS:
            groups[group][rest] = value
        else:
            groups["vars"][target] = value
    groups["human"] = gathered(groups["human"])
    for group, members in groups.items():
        if members and isinstance(fields.get(group, {}), Mapping):
            fields[group] = {**fields.get(group, {}), **members}
    return fields


def _only_a_name(target: str, name: str, value: object, targets: Mapping[str, str]) -> bool:
    """Return whether a column happens to be called so: others are mapped, or hold labels."""
    labels = target == "human" and isinstance(value, Mapping)
    return target in _RARE and name not in targets and not labels


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """Read a row's fields: an empty cell is no value, and ``critical`` is true or false."""
    kept = {k: v for k, v in fields.items() if k not in _CASE_FIELDS or v not in ("", None)}
    if isinstance(kept.get("tags"), Mapping):
        kept["tags"] = {k: v for k, v in kept["tags"].items() if v is not None}
    critical = kept.get("critical")
    if isinstance(critical, str):
        if critical.lower() not in _TRUTH:
            raise RowError("true or false as critical", got=shown(critical), instead="true")
        kept["critical"] = _TRUTH[critical.lower()]
    return kept


def _is_case(fields: Row) -> bool:
    """Return true only for what the case schema allows; a fast way past it for the usual row."""
    return (
        fields.keys() <= _USUAL
        and _is_name(fields.get("id", "-"))
        and _is_name(fields.get("cluster", "-"))
        and type(fields.get("vars", {})) is dict
        and type(fields.get("critical", False)) is bool
        and type(fields.get("tags", {})) is dict
        and all(type(value) in (str, int, float, bool) for value in fields.get("tags", {}).values())
    )


def _is_name(value: Any) -> bool:  # noqa: ANN401  (any value of a row)
    return (type(value) is str and value != "") or type(value) is int
