"""The grader `json_match`: a JSON answer against the expected value, field by field."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import (
    Options,
    TextGrader,
    UngradableError,
    against_reference,
    bounded,
    clip,
    wrong,
)
from evalkit.graders.jsonquery import Place, Plain, Query, found_at, place_option
from evalkit.graders.jsontext import parse_reference, pick, read_json, same_json
from evalkit.model import Grade, GraderSpec

MOST_QUERIED = 1_000_000
"""Characters of an answer that a JSONPath query is put to."""

_MOST_MORE = 20
"""How many fields beyond the expected ones are told."""

Fold = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer must hold, by path; ``closed`` allows no other top-level field.

    For a query the value is the list of all values that it must find, in their order.
    """

    values: Mapping[Place, Any]
    closed: bool = False


def json_match(spec: GraderSpec) -> TextGrader:
    """Compare the reply, read as JSON, with the expected value.

    ``path`` (one or several) or ``fields`` say what to compare, in the reply and in ``expected``;
    with one path, an ``expected`` that is no object or list is itself the value. A path with
    wildcards, filters, slices or descendants (JSONPath, RFC 9535) compares all values that it
    finds, in their order; with one such path, an ``expected`` list in which it finds nothing is
    itself those values. Without paths, every field of ``expected`` counts, and every other field of
    the reply counts as wrong. The reply passes, with score 1, if all are right; with ``partial``
    the score is the share of right fields. ``detail`` says which are, with up to 20 that were not
    expected. ``ignore_case`` ignores case and outer spaces of texts; ``as_text`` compares numbers,
    true, false and null by the text that JSON writes for them, so that 5 equals "5".
    """
    options = spec.options
    fenced, partial = options.get("fenced", False), options.get("partial", False)
    cased = _folded if options.get("ignore_case") else _as_is
    fold = (lambda value: cased(_texted(value))) if options.get("as_text") else cased
    chosen = _chosen(options)
    queried = any(isinstance(place, Query) for place in chosen)

    def compare(text: str, wanted: Wanted) -> Grade:
        if queried:
            bounded(text, MOST_QUERIED, use="a JSONPath query")
        try:
            tree = read_json(text, fenced=fenced)
        except ValueError as error:
            return wrong(f"not JSON: {error}")
        found = _compare(tree, wanted, fold)
        missed = [path for path, right in found.items() if not right]
        score = (len(found) - len(missed)) / len(found) if partial else float(not missed)
        reason = "wrong: " + ", ".join(missed) if missed else ""
        told = itertools.islice(found.items(), len(wanted.values) + _MOST_MORE)
        return Grade(score, not missed, clip(reason), {clip(path): right for path, right in told})

    # ``path`` is about fields here: the reference is the whole of ``expected``.
    reference = {key: options[key] for key in ("value",) if key in options}
    return against_reference(reference, prepare=lambda raw: _wanted(raw, chosen), compare=compare)


def _chosen(options: Options) -> list[Place]:
    if "fields" in options:
        return [Plain((name,)) for name in options["fields"]]
    paths = options.get("path", [])
    return [place_option(path) for path in ([paths] if isinstance(paths, str) else paths)]


def _wanted(raw: Any, chosen: list[Place]) -> Wanted:  # noqa: ANN401  (as the user wrote it)
    try:
        expected = parse_reference(raw)
        if not chosen:
            return _whole(expected)
        if len(chosen) == 1:
            return Wanted({chosen[0]: _only(expected, chosen[0])})
        return Wanted({place: _at(expected, place) for place in chosen})
    except ValueError as error:
        raise UngradableError(f"expected is not JSON: {error}") from error
    except LookupError as error:
        raise UngradableError(f"expected has no {error.args[0]}") from error


def _only(expected: Any, place: Place) -> Any:  # noqa: ANN401  (any JSON value)
    """Return what is expected at the only path: ``expected`` itself where it has no such path."""
    if not isinstance(expected, dict | list):
        return [expected] if isinstance(place, Query) else expected
    if isinstance(place, Query) and isinstance(expected, list) and not found_at(place, expected):
        return expected
    return _at(expected, place)


def _at(expected: Any, place: Place) -> Any:  # noqa: ANN401  (any JSON value)
    if isinstance(place, Plain):
        return pick(expected, place.steps)
    values = list(found_at(place, expected).values())
    if not values:
        raise LookupError(str(place))
    return values


def _whole(expected: Any) -> Wanted:  # noqa: ANN401  (any JSON value)
    if isinstance(expected, str):
        raise UngradableError("expected is a text: 'path' must say which field should equal it")
    if isinstance(expected, dict) and expected:
        return Wanted({Plain((name,)): value for name, value in expected.items()}, closed=True)
    return Wanted({Plain(()): expected})


def _compare(tree: Any, wanted: Wanted, fold: Fold) -> dict[str, bool]:  # noqa: ANN401  (JSON)
    found = {str(place): _holds(tree, place, v, fold) for place, v in wanted.values.items()}
    if wanted.closed and isinstance(tree, dict):
        names = (Plain((name,)) for name in tree)
        found |= {str(place): False for place in names if place not in wanted.values}
    return found


def _holds(tree: Any, place: Place, value: Any, fold: Fold) -> bool:  # noqa: ANN401  (JSON values)
    values = list(found_at(place, tree).values())
    if isinstance(place, Query):
        return same_json(values, value, fold)
    return bool(values) and same_json(values[0], value, fold)


def _folded(value: Any) -> Any:  # noqa: ANN401  (JSON values)
    return value.strip().casefold() if isinstance(value, str) else value


def _texted(value: Any) -> Any:  # noqa: ANN401  (JSON values)
    scalar = value is None or isinstance(value, bool | int | float)
    return json.dumps(value) if scalar else value


def _as_is(value: Any) -> Any:  # noqa: ANN401  (JSON values)
    return value
