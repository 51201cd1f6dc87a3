"""The shape that JSON answers have in common: a schema, and the fields that can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_VALUES = 20
"""How many different texts of a field are listed in its schema."""

MOST_COMPARED = 12
"""How many fields have a grader of their own."""

_PROSE = 40
_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class JsonShape:
    """``schema`` fits every answer; ``compared`` are fields that every answer has.

    ``prose`` are those of them, and left out of ``compared``, whose texts hardly ever recur: an
    equal wording cannot be asked for.
    """

    schema: Mapping[str, Any]
    compared: tuple[str, ...]
    prose: tuple[str, ...]


def shape_of(answers: Sequence[Mapping[str, Any]]) -> JsonShape:
    """Return the shape of JSON objects; there is at least one."""
    names = list(dict.fromkeys(name for answer in answers for name in answer))
    values = {name: [answer[name] for answer in answers if name in answer] for name in names}
    stable = [name for name in names if len(values[name]) == len(answers)]
    prose = tuple(name for name in stable if _is_prose(values[name]))
    schema = {
        "type": "object",
        "properties": {name: _schema(values[name]) for name in names},
        "required": stable,
    }
    compared = [name for name in stable if name not in prose]
    return JsonShape(schema, tuple(compared[:MOST_COMPARED]), prose)


def _schema(values: Sequence[Any]) -> dict[str, Any]:
    kinds = sorted({_TYPES[type(value)] for value in values})
    if kinds == ["integer", "number"]:
        kinds = ["number"]
    texts = sorted({value for value in values if isinstance(value, str)})
    if kinds == ["string"] and len(texts) <= MOST_VALUES and 3 * len(texts) <= len(values):
        return {"enum": texts}
    return {"type": kinds[0] if len(kinds) == 1 else kinds}


def _is_prose(values: Sequence[Any]) -> bool:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        return False
    longest = sum(map(len, texts)) / len(texts)
    return longest > _PROSE and 2 * len(set(texts)) > len(texts)
