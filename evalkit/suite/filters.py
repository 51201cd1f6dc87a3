"""Which rows of a data file are taken: what their fields must be, said without code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.suite.document import plain

MISSING = object()
"""Stands for a field that a row does not have."""

_TIMEOUT_S = 1.0
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")

Test = Callable[[Any], bool]


class SlowPatternError(Exception):
    """A pattern of a filter took longer than a second on one field."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Tests by the path of the field that each is for; a row is taken if it passes all."""

    tests: tuple[tuple[str, Test], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tests)

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row is taken; raise `SlowPatternError` where that cannot be told."""
        return all(test(lookup(row, path)) for path, test in self.tests)


EVERY_ROW = Filter()


def lookup(row: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401  (any value of a row)
    """Return a field by its name or its path with dots, or `MISSING`; a number steps into a list.

    A name with dots that the row has goes before a path.
    """
    value: Any = row
    for name in [path] if path in row else path.split("."):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and re.fullmatch(r"-?\d{1,9}", name):
            value = value[int(name)] if -len(value) <= int(name) < len(value) else MISSING
        else:
            return MISSING
    return value


def read_filter(written: Mapping[str, Any]) -> Filter:
    """Return the filter of a data set's ``filter``, which fits the schema.

    Raises:
        ValueError: a pattern that is none; the text says which and why.
    """
    return Filter(tuple((path, test) for path, asked in written.items() for test in _tests(asked)))


def _tests(asked: Any) -> Iterator[Test]:  # noqa: ANN401  (a value, a list, or an object of rules)
    if isinstance(asked, Mapping):
        for name, operand in asked.items():
            yield _RULES[name](operand)
    else:
        yield _among(asked)


def _among(asked: Any) -> Test:  # noqa: ANN401
    """Compare as text, so that 2 of a suite is the "2" of a CSV file."""
    texts = {plain(value) for value in (asked if isinstance(asked, list) else [asked])}
    return lambda value: value is not MISSING and plain(value) in texts


def _not_among(asked: Any) -> Test:  # noqa: ANN401
    among = _among(asked)
    return lambda value: not among(value)


def _exists(asked: bool) -> Test:  # noqa: FBT001  (the rule's operand)
    return lambda value: (value is not MISSING and value is not None and value != "") is asked


def _number(value: Any) -> float | None:  # noqa: ANN401
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return float(value) if isinstance(value, int | float) else None


def _compared(holds: Callable[[float, float], bool]) -> Callable[[Any], Test]:
    def rule(bound: float) -> Test:
        def test(value: Any) -> bool:  # noqa: ANN401
            number = _number(value)
            return number is not None and holds(number, bound)

        return test

    return rule


def _regex(pattern: str) -> Test:
    import regex

    try:
        search = regex.compile(pattern).search
    except regex.error as error:
        raise ValueError(f"{pattern!r}: {error}") from error

    def test(value: Any) -> bool:  # noqa: ANN401
        if value is MISSING or value is None:
            return False
        try:
            return search(plain(value), timeout=_TIMEOUT_S) is not None
        except TimeoutError as error:
            raise SlowPatternError(pattern) from error

    return test


_RULES: Mapping[str, Callable[[Any], Test]] = {
    "in": _among,
    "not": _not_among,
    "exists": _exists,
    "gt": _compared(lambda number, bound: number > bound),
    "ge": _compared(lambda number, bound: number >= bound),
    "lt": _compared(lambda number, bound: number < bound),
    "le": _compared(lambda number, bound: number <= bound),
    "regex": _regex,
}
