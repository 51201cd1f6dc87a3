"""JSONPath queries (RFC 9535) by `python-jsonpath`, for what plain paths cannot say.

A plain path (``$.items[0].id``) needs no package: `place_option` takes it only for filters,
wildcards, slices and descendants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from evalkit.graders.base import OptionError, UngradableError, clip, missing_package
from evalkit.graders.jsontext import parse_path, pick, show_path

Steps = tuple[str | int, ...]

MOST_FOUND = 10_000
"""How many values one query may find in an answer."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A path of names and numbers."""

    steps: Steps

    def __str__(self) -> str:
        return show_path(self.steps)


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled JSONPath query."""

    text: str
    compiled: Any

    def __str__(self) -> str:
        return self.text


Place = Plain | Query


def place_option(path: str) -> Place:
    """Return a path of options, plain or not; raise `OptionError` if it is none."""
    try:
        return Plain(parse_path(path))
    except ValueError:
        return _query(path)


def found_at(place: Place, tree: Any) -> dict[Steps, Any]:  # noqa: ANN401  (any JSON value)
    """Return what stands at ``place``, by its own steps, in the order of the document.

    Raises `UngradableError` for a query that finds too much or goes too deep.
    """
    if isinstance(place, Query):
        return dict(_matches(place, tree))
    try:
        return {place.steps: pick(tree, place.steps)}
    except LookupError:
        return {}


def _query(path: str) -> Query:
    wrong = OptionError("a JSONPath", got=f"'{clip(path)}'", instead="$.queue or $.items[*].id")
    if not path.startswith("$"):
        raise wrong
    environment, errors = _environment()
    try:
        return Query(path, environment.compile(path))
    except (errors, RecursionError) as error:
        raise wrong from error


def _matches(query: Query, tree: Any) -> Iterator[tuple[Steps, Any]]:  # noqa: ANN401
    errors = _environment()[1]
    try:
        for count, match in enumerate(query.compiled.finditer(tree)):
            if count == MOST_FOUND:
                raise UngradableError(f"{query} finds more than {MOST_FOUND} values")
            yield tuple(match.parts), match.obj
    except (errors, RecursionError) as error:
        raise UngradableError(f"{query} cannot be followed: {clip(str(error))}") from error


@cache
def _environment() -> tuple[Any, type[Exception]]:
    """Return how paths are read: RFC 9535, but for its functions `match` and `search`.

    Both take their regular expressions from anywhere, also from the answer, and cannot be stopped.
    """
    try:
        import jsonpath
    except ImportError as error:
        use = "JSONPath beyond names and numbers"
        raise missing_package("python-jsonpath", extra="jsonpath", use=use) from error
    environment = jsonpath.JSONPathEnvironment(strict=True)
    for name in ("match", "search"):
        del environment.function_extensions[name]
    return environment, jsonpath.JSONPathError
