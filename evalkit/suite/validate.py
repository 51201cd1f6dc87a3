"""A tree against its JSON Schema: one telling fault per place, all of them at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from evalkit.errors import Fault
from evalkit.suite.document import Document, Place, plain

Schema = Mapping[str, Any]
"""Beside an ``enum``, ``x-elsewhere`` says what to write for a value that is told otherwise."""

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_BOUNDS = {
    "minimum": "of at least",
    "maximum": "of at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
}
_BARE = re.compile(r"[A-Za-z][\w./ -]*")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and the place in the tree that has it."""

    place: Place
    needed: str
    got: str
    instead: str


@dataclass(frozen=True, slots=True)
class _Breach:
    """A schema error as plain values: ``asked`` is the keyword's, ``got`` what broke it."""

    place: Place
    keyword: str
    asked: Any
    got: Any
    schema: Schema
    message: str
    error: ValidationError

    @property
    def description(self) -> str:
        """What the schema says about the place, or the validator's own message."""
        return str(self.schema.get("description", self.message))


@dataclass(frozen=True, slots=True)
class Checked:
    """A document and what its schema says of it; gives access to the parts that are sound."""

    document: Document
    findings: tuple[Finding, ...] = ()
    unsound: frozenset[Place] = frozenset()

    @property
    def faults(self) -> list[Fault]:
        """The findings as faults of the file."""
        return [
            self.document.fault(f.place, f.needed, got=f.got, instead=f.instead)
            for f in self.findings
        ]

    def sound(self, *place: str | int) -> bool:
        """Return whether nothing was found at ``place`` or below it."""
        return place not in self.unsound

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  (any field of a file)
        """Return a field of the root, or ``default`` if it is not there or not sound."""
        tree = self.document.tree
        return (
            tree[key] if isinstance(tree, Mapping) and key in tree and self.sound(key) else default
        )

    def texts(self, key: str, field: str) -> list[str] | None:
        """Return ``field`` of all items of a list of the root; ``None`` if one's is not sound.

        The items may have other faults.
        """
        tree = self.document.tree
        items = tree.get(key) if isinstance(tree, Mapping) else None
        found = [
            item[field]
            for index, item in enumerate(items if isinstance(items, list) else ())
            if isinstance(item, Mapping)
            and isinstance(item.get(field), str)
            and self.sound(key, index, field)
        ]
        return found if isinstance(items, list) and len(found) == len(items) else None

    def entries(self, key: str) -> Iterator[tuple[int, Any]]:
        """Yield the sound items of a list of the root, each with its index."""
        tree = self.document.tree
        items = tree.get(key) if isinstance(tree, Mapping) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if self.sound(key, index):
                yield index, item


def check(document: Document, schema: Schema) -> Checked:
    """Hold ``document`` against ``schema`` (draft 2020-12); references stay inside the schema."""
    errors = Draft202012Validator(schema).iter_errors(document.tree)
    by_place: dict[Place, Finding] = {}
    for error in errors:
        for finding in _tell(error):
            by_place.setdefault(finding.place, finding)
    unsound = frozenset(place[:end] for place in by_place for end in range(len(place) + 1))
    return Checked(document, tuple(by_place.values()), unsound)


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return the nearest of ``known`` with a question, or ``otherwise`` if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"{near[0]} (did you mean it?)" if near else otherwise


def shown(value: Any) -> str:  # noqa: ANN401  (any value of a file)
    """Return a value as one would write it, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _tell(error: ValidationError) -> Iterator[Finding]:
    place: Place = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        place = (*place, str(error.instance))
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    breach = _Breach(
        place,
        str(error.validator),
        error.validator_value,
        error.instance,
        schema,
        error.message,
        error,
    )
    yield from _TELLERS.get(breach.keyword, _tell_other)(breach)


def _example(place: Place, schema: Schema) -> str:
    """Return what could be written at ``place``: the schema's example, else its description."""
    if not schema.get("examples"):
        return str(schema.get("description", "a value that fits, or nothing"))
    example = schema["examples"][0]
    bare = isinstance(example, str) and _BARE.fullmatch(example)
    text = str(example) if bare else json.dumps(example, ensure_ascii=False)
    return f"{place[-1]}: {text}" if place and isinstance(place[-1], str) else text


def _finding(breach: _Breach, needed: str, *, got: str = "") -> Finding:
    instead = _example(breach.place, breach.schema)
    return Finding(breach.place, needed, got or shown(breach.got), instead)


def _tell_unknown(breach: _Breach) -> Iterator[Finding]:
    known = list(breach.schema.get("properties", ()))
    for key in breach.got:
        if key not in known:
            # A case: what prompts and graders read of a row stands there.
            otherwise = f"vars: {{{key}: ...}}, or remove it" if "vars" in known else "remove it"
            instead = did_you_mean(key, known, otherwise=otherwise)
            needed = "only the fields " + ", ".join(known)
            yield Finding((*breach.place, key), needed, f"unknown field '{key}'", instead)


def _tell_missing(breach: _Breach) -> Iterator[Finding]:
    fields = breach.schema.get("properties", {})
    for key in breach.asked:
        if key not in breach.got:
            place = (*breach.place, key)
            instead = _example(place, fields.get(key, {}))
            yield Finding(place, f"the field '{key}'", "nothing", instead)


def _tell_type(breach: _Breach) -> Iterator[Finding]:
    names = [breach.asked] if isinstance(breach.asked, str) else breach.asked
    yield _finding(breach, " or ".join(_KINDS[name] for name in names))


def _tell_choice(breach: _Breach) -> Iterator[Finding]:
    choices = [plain(c) for c in (breach.asked if breach.keyword == "enum" else [breach.asked])]
    needed = "one of " * (len(choices) > 1) + ", ".join(choices)
    instead = _example(breach.place, breach.schema)
    if isinstance(breach.got, str):
        elsewhere = breach.schema.get("x-elsewhere", {})
        instead = elsewhere.get(breach.got) or did_you_mean(breach.got, choices, otherwise=instead)
    yield Finding(breach.place, needed, shown(breach.got), instead)


def _tell_bound(breach: _Breach) -> Iterator[Finding]:
    yield _finding(breach, f"a number {_BOUNDS[breach.keyword]} {breach.asked}")


def _tell_size(breach: _Breach) -> Iterator[Finding]:
    if breach.asked == 1:
        yield _finding(breach, "something, not nothing")
    else:
        yield from _tell_other(breach)


def _tell_twice(breach: _Breach) -> Iterator[Finding]:
    yield _finding(breach, "a list without repetition")


def _tell_described(breach: _Breach) -> Iterator[Finding]:
    yield _finding(breach, breach.description)


def _tell_forbidden(breach: _Breach) -> Iterator[Finding]:
    yield Finding(breach.place, breach.description, shown(breach.got), "remove it")


def _tell_branches(breach: _Breach) -> Iterator[Finding]:
    # Of all branches, only the error of the one that came nearest.
    nearest = best_match([breach.error])
    known = nearest is None or nearest is breach.error
    yield from _tell_other(breach) if known else _tell(nearest)


def _tell_other(breach: _Breach) -> Iterator[Finding]:
    yield _finding(breach, breach.description, got=breach.message)


_TELLERS: Mapping[str, Callable[[_Breach], Iterator[Finding]]] = {
    "additionalProperties": _tell_unknown,
    "required": _tell_missing,
    "type": _tell_type,
    "enum": _tell_choice,
    "const": _tell_choice,
    **dict.fromkeys(_BOUNDS, _tell_bound),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), _tell_size),
    "uniqueItems": _tell_twice,
    "pattern": _tell_described,
    "not": _tell_forbidden,
    "anyOf": _tell_branches,
    "oneOf": _tell_branches,
}
