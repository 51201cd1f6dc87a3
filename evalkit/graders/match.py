"""The grader `json_match`: a JSON answer against the expected value, field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import (
    Options,
    TextGrader,
    UngradableError,
    against_reference,
    clip,
    path_option,
    wrong,
)
from evalkit.graders.jsontext import parse_reference, pick, read_json, show_path
from evalkit.model import Grade, GraderSpec

Steps = tuple[str | int, ...]
Fold = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer must hold, by path; ``closed`` allows no other top-level field."""

    values: Mapping[Steps, Any]
    closed: bool = False


def json_match(spec: GraderSpec) -> TextGrader:
    """Compare the reply, read as JSON, with the expected value.

    ``path`` (one or several) or ``fields`` say what to compare, in the reply and in ``expected``;
    with one path, an ``expected`` that is no object or list is itself the value. Without them,
    every field of ``expected`` counts, and every other field of the reply counts as wrong. The
    reply passes, with score 1, if all are right; with ``partial`` the score is the share of right
    fields. ``detail`` says which are. ``ignore_case`` ignores case and outer spaces of texts.
    """
    options = spec.options
    fenced, partial = options.get("fenced", False), options.get("partial", False)
    fold = _folded if options.get("ignore_case") else _as_is
    chosen = _chosen(options)

    def compare(text: str, wanted: Wanted) -> Grade:
        try:
            tree = read_json(text, fenced=fenced)
        except ValueError as error:
            return wrong(f"not JSON: {error}")
        found = _compare(tree, wanted, fold)
        missed = [path for path, right in found.items() if not right]
        score = (len(found) - len(missed)) / len(found) if partial else float(not missed)
        reason = "wrong: " + ", ".join(missed) if missed else ""
        return Grade(score, not missed, clip(reason), found)

    # ``path`` is about fields here: the reference is the whole of ``expected``.
    reference = {key: options[key] for key in ("value",) if key in options}
    return against_reference(reference, prepare=lambda raw: _wanted(raw, chosen), compare=compare)


def _chosen(options: Options) -> list[Steps]:
    if "fields" in options:
        return [(name,) for name in options["fields"]]
    paths = options.get("path", [])
    return [path_option(path) for path in ([paths] if isinstance(paths, str) else paths)]


def _wanted(raw: Any, chosen: list[Steps]) -> Wanted:  # noqa: ANN401  (as the user wrote it)
    try:
        expected = parse_reference(raw)
        if not chosen:
            return _whole(expected)
        if len(chosen) == 1 and not isinstance(expected, dict | list):
            return Wanted({chosen[0]: expected})
        return Wanted({steps: pick(expected, steps) for steps in chosen})
    except ValueError as error:
        raise UngradableError(f"expected is not JSON: {error}") from error
    except LookupError as error:
        raise UngradableError(f"expected has no {error.args[0]}") from error


def _whole(expected: Any) -> Wanted:  # noqa: ANN401  (any JSON value)
    if isinstance(expected, str):
        raise UngradableError("expected is a text: 'path' must say which field should equal it")
    if isinstance(expected, dict) and expected:
        return Wanted({(name,): value for name, value in expected.items()}, closed=True)
    return Wanted({(): expected})


def _compare(tree: Any, wanted: Wanted, fold: Fold) -> dict[str, bool]:  # noqa: ANN401  (JSON)
    found = {show_path(s): _holds(tree, s, value, fold) for s, value in wanted.values.items()}
    if wanted.closed and isinstance(tree, dict):
        found |= {show_path((name,)): False for name in tree if (name,) not in wanted.values}
    return found


def _holds(tree: Any, steps: Steps, value: Any, fold: Fold) -> bool:  # noqa: ANN401  (JSON values)
    try:
        return _same(pick(tree, steps), value, fold)
    except LookupError:
        return False


def _same(left: Any, right: Any, fold: Fold) -> bool:  # noqa: ANN401  (JSON values)
    """Return whether two JSON values are equal; true is not 1, and 1 is 1.0."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k], fold) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(_same(a, b, fold) for a, b in pairs)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(fold(left) == fold(right))


def _folded(value: Any) -> Any:  # noqa: ANN401  (JSON values)
    return value.strip().casefold() if isinstance(value, str) else value


def _as_is(value: Any) -> Any:  # noqa: ANN401  (JSON values)
    return value
