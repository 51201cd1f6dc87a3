"""Dataclasses as JSON and back, by their annotations; the decoders are made once for each class.

What JSON has no word for (a date out of a YAML file, a path) is kept as its text.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = Any
Hint = Any
Decoder = Callable[[Json], Any]


def encode(value: object, *, pretty: bool = False) -> str:
    """Return ``value`` as JSON: keys sorted, ASCII only, so that equal values give equal bytes."""
    return (_PRETTY if pretty else _COMPACT).encode(value)


def decode(kind: type[T], text: str | bytes) -> T:
    """Return the dataclass ``kind`` that `encode` wrote.

    Raises:
        ValueError, TypeError, KeyError: ``text`` is damaged or was written by another version.
    """
    return from_tree(kind, json.loads(text))


def to_tree(value: object) -> Json:
    """Return ``value`` as dicts, lists, strings, numbers and None; fields keep their order."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_tree(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return {str(key): to_tree(item) for key, item in value.items()}
    if isinstance(value, frozenset | tuple | list):
        return [
            to_tree(item) for item in (sorted(value) if isinstance(value, frozenset) else value)
        ]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def from_tree(kind: type[T], tree: Mapping[str, Json]) -> T:
    """Return the dataclass ``kind`` that `to_tree` or `encode` took apart.

    Raises:
        ValueError, TypeError, KeyError: ``tree`` is of another class or version.
    """
    hint: Hint = kind
    value: T = _dataclass(hint)(tree)
    return value


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)


_COMPACT = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":"))
_PRETTY = json.JSONEncoder(default=_plain, sort_keys=True, indent=2)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _dataclass(kind: Hint) -> Decoder:
    hints = get_type_hints(kind)
    found = ((name, _decoder(hints[name])) for name in _names(kind))
    special = [(name, decoder) for name, decoder in found if decoder is not None]

    def build(data: Mapping[str, Json]) -> object:
        decoded = {name: decoder(data[name]) for name, decoder in special if name in data}
        return kind(**{**data, **decoded})

    return build


@cache
def _decoder(hint: Hint) -> Decoder | None:
    """Return what turns JSON into ``hint``; ``None`` where JSON's own value is meant."""
    if _is_dataclass(hint):
        return _later(hint)
    origin: Hint = get_origin(hint)
    arguments = get_args(hint)
    if origin in (Union, types.UnionType):
        return _union([a for a in arguments if a is not types.NoneType])
    if origin is tuple:
        return _sequence(tuple, _decoder(arguments[0]))
    if origin is frozenset:
        return _sequence(frozenset, _decoder(arguments[0]))
    if origin is Mapping:
        return _mapping(_decoder(arguments[1]))
    return Path if hint is Path else None


def _later(hint: Hint) -> Decoder:
    """Return a dataclass's decoder, made when it is used: a class may hold its own kind."""

    def decode(data: Json) -> object:
        return _dataclass(hint)(data)

    return decode


def _is_dataclass(hint: Hint) -> bool:
    return dataclasses.is_dataclass(hint)


def _sequence(kind: type, item: Decoder | None) -> Decoder:
    return kind if item is None else lambda data: kind(map(item, data))


def _mapping(value: Decoder | None) -> Decoder | None:
    if value is None:
        return None
    return lambda data: {key: value(member) for key, member in data.items()}


def _optional(decoder: Decoder | None) -> Decoder | None:
    return decoder and (lambda data: None if data is None else decoder(data))


def _union(kinds: list[Hint]) -> Decoder | None:
    """Tell dataclasses apart by their first field; None and plain values stay as they are."""
    if len(kinds) == 1:
        return _optional(_decoder(kinds[0]))
    members = {_names(k)[0]: _dataclass(k) for k in kinds if _is_dataclass(k)}
    if not members:
        return None

    def pick(data: Json) -> object:
        if data is None:
            return None
        for name, build in members.items():
            if name in data:
                return build(data)
        raise ValueError(f"one of the fields {sorted(members)} in {sorted(data)}")

    return pick
