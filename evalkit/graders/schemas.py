"""JSON Schemas put to what a model wrote: in a limited time, whatever the schema and the answer.

The package jsonschema searches patterns by `re`, which nobody can stop, and a few keywords take the
square of an answer's length. Its keywords are used here with a look at the clock before each, and
those few are put in other words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from functools import cache
from typing import Any

from evalkit.graders.base import UngradableError

LIMIT_S = 2.0
"""How long one answer is held against its schemas, all of them together."""

MOST_UNEVALUATED = 5000
"""Items or fields of one value that ``unevaluatedItems`` and ``unevaluatedProperties`` look at."""

Value = Any
"""Any JSON value."""

Breach = Callable[[Value, float], str | None]
"""Tells what breaks a schema in a value, ``None`` if nothing, until a `deadline`."""

Validator = Any
"""A validator of jsonschema; its classes are made as it is loaded, where it is used."""

Keyword = Callable[[Validator, Value, Value, Any], Iterator[Any] | None]
"""A keyword: yields what breaks its value (the second) in a JSON value (the third)."""

_until: ContextVar[float] = ContextVar("_until")


def deadline() -> float:
    """Return the time at which an answer that is looked at from now on has taken too long."""
    return time.monotonic() + LIMIT_S


def schema_validator(schema: Value) -> Breach:
    """Return a function that tells what breaks ``schema`` in a JSON value.

    Both raise `UngradableError`: here if the schema is none, there if it cannot be followed, or not
    in time.
    """
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from regex import error as no_pattern

    if not isinstance(schema, dict):
        raise UngradableError(f"a schema is a mapping, not {schema!r:.60}")
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise UngradableError(f"{error.json_path}: {error.message}") from error
    if {"unevaluatedProperties", "patternProperties"} <= set(_names(schema)):
        raise UngradableError("unevaluatedProperties beside patternProperties, which may not end")
    validator = _timed(kind)(schema, registry=Registry())

    def breach(tree: Value, until: float) -> str | None:
        before = _until.set(until)
        try:
            error = best_match(validator.iter_errors(tree))
        except TimeoutError as failure:
            raise UngradableError(f"the schema took longer than {LIMIT_S:g} s") from failure
        except (Unresolvable, RecursionError, no_pattern) as failure:
            raise UngradableError(f"the schema cannot be followed: {failure}") from failure
        finally:
            _until.reset(before)
        return None if error is None else f"{error.json_path}: {error.message}"

    return breach


def _names(tree: Value) -> Iterator[str]:
    """Yield every name of a field, anywhere."""
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            yield from value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


@cache
def _timed(kind: Validator) -> Validator:
    """Return a draft's class of validators with keywords that end in time.

    A schema inside a schema may be of another draft, whose class is then made too.
    """
    from attrs import fields
    from jsonschema.validators import extend, validator_for

    known = kind.VALIDATORS
    instead = {name: put(known[name]) for name, put in _INSTEAD.items() if name in known}
    made: Validator = extend(  # type: ignore[no-untyped-call]
        kind, {name: _after_a_look(k) for name, k in (known | instead).items()}
    )
    handed_on = [(field.name, field.alias) for field in fields(made) if field.init]

    def evolve(self: Validator, **changes: Any) -> Validator:  # noqa: ANN401  (as jsonschema does)
        _left()
        found = validator_for(changes.setdefault("schema", self.schema), default=made)
        kept = {alias: getattr(self, name) for name, alias in handed_on if alias not in changes}
        return (made if found is made else _timed(found))(**changes, **kept)

    made.evolve = evolve
    return made


def _after_a_look(keyword: Keyword) -> Keyword:
    def timed(
        validator: Validator, asked: Value, value: Value, schema: Value
    ) -> Iterator[Any] | None:
        _left()
        return keyword(validator, asked, value, schema)

    return timed


def _left() -> float:
    """Return the seconds that are left; raise `TimeoutError` if there are none."""
    left = _until.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _found(pattern: str, text: str) -> bool:
    import regex

    return regex.search(pattern, text, timeout=_left()) is not None


def _pattern(_library: Keyword) -> Keyword:
    from jsonschema import ValidationError

    def pattern(validator: Validator, asked: Value, value: Value, _schema: Value) -> Iterator[Any]:
        if validator.is_type(value, "string") and not _found(asked, value):
            yield ValidationError(f"{value!r} does not match {asked!r}")

    return pattern


def _pattern_properties(_library: Keyword) -> Keyword:
    def pattern_properties(
        validator: Validator, asked: Value, value: Value, _schema: Value
    ) -> Iterator[Any]:
        for pattern, inner in asked.items() if validator.is_type(value, "object") else ():
            for name, field in value.items():
                if _found(pattern, name):
                    yield from validator.descend(field, inner, path=name, schema_path=pattern)

    return pattern_properties


def _additional_properties(library: Keyword) -> Keyword:
    """Leave to the library the fields that no pattern takes."""

    def additional_properties(
        validator: Validator, asked: Value, value: Value, schema: Value
    ) -> Iterator[Any]:
        patterns = schema.get("patternProperties", {})
        if patterns and validator.is_type(value, "object"):
            value = {n: v for n, v in value.items() if not any(_found(p, n) for p in patterns)}
        schema = {"properties": schema.get("properties", {})}
        yield from library(validator, asked, value, schema) or ()

    return additional_properties


def _unique_items(_library: Keyword) -> Keyword:
    from jsonschema import ValidationError

    def unique_items(
        validator: Validator, asked: Value, value: Value, _schema: Value
    ) -> Iterator[Any]:
        seen = set()
        for item in value if asked and validator.is_type(value, "array") else ():
            _left()
            key = _hashable(item)
            if key in seen:
                yield ValidationError(f"{item!r} stands there twice")
                return
            seen.add(key)

    return unique_items


def _hashable(value: Value) -> Value:
    """Return something that is equal for equal JSON values; 1 is 1.0, and not true."""
    if isinstance(value, Mapping):
        return frozenset((name, _hashable(field)) for name, field in value.items())
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return (bool, value) if isinstance(value, bool) else value


def _multiple_of(library: Keyword) -> Keyword:
    """Reckon exactly with what is too large for a float; a number without end is no multiple."""
    from jsonschema import ValidationError

    def multiple_of(
        validator: Validator, asked: Value, value: Value, schema: Value
    ) -> Iterator[Any]:
        try:
            yield from library(validator, asked, value, schema) or ()
        except OverflowError:
            parts = Fraction(value) / Fraction(str(asked)) if isinstance(value, int) else None
            if parts is None or parts.denominator != 1:
                yield ValidationError(f"{value!r:.60} is not a multiple of {asked}")

    return multiple_of


def _unevaluated(library: Keyword) -> Keyword:
    def unevaluated(
        validator: Validator, asked: Value, value: Value, schema: Value
    ) -> Iterator[Any]:
        if isinstance(value, list | Mapping) and len(value) > MOST_UNEVALUATED:
            most = f"an unevaluated keyword looks at most at {MOST_UNEVALUATED}"
            raise UngradableError(f"{len(value)} items or fields, {most}")
        yield from library(validator, asked, value, schema) or ()

    return unevaluated


_INSTEAD: Mapping[str, Callable[[Keyword], Keyword]] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "multipleOf": _multiple_of,
    "divisibleBy": _multiple_of,
    "unevaluatedItems": _unevaluated,
    "unevaluatedProperties": _unevaluated,
}
