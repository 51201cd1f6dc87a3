"""The grader `json_diff`: how much of a JSON answer is as expected, leaf by leaf."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import (
    TextGrader,
    UngradableError,
    against_reference,
    bounded,
    clip,
    wrong,
)
from evalkit.graders.jsonquery import Place, Steps, found_at, place_option
from evalkit.graders.jsontext import parse_reference, read_json, same_json, show_path
from evalkit.model import Grade, GraderSpec

MOST_READ = 200_000
_MOST_TOLD = 20
_FAR_APART = 1e300

Leaves = dict[Steps, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as equal: tolerances for numbers, lists without order, places left out."""

    absolute: float
    relative: float
    unordered: bool
    ignored: Sequence[Place]

    def same(self, left: Any, right: Any) -> bool:  # noqa: ANN401  (leaves: any JSON values)
        """Return whether two leaves are equal; numbers within the larger of both tolerances."""
        if not (_is_number(left) and _is_number(right)) or left == right:
            return same_json(left, right)
        if max(abs(left), abs(right)) > _FAR_APART:
            return False
        return bool(abs(left - right) <= max(self.absolute, self.relative * abs(right)))


def json_diff(spec: GraderSpec) -> TextGrader:
    """Score by the share of equal leaves: those of the answer and of ``expected`` together.

    A leaf is a text, number, true, false, null, or an empty list or object; it is equal if the
    other side has an equal one in the same place. Numbers are equal within ``abs`` and ``rel``, as
    in `numeric`. With ``ignore_order`` the items of lists are sorted first, equal ones in pairs.
    ``ignore`` names places (JSONPath) that are left out on both sides. Passes from ``threshold``
    on, by default only if all are equal. ``detail`` lists up to 20 places that differ.
    """
    options = spec.options
    rules = Rules(
        float(options.get("abs", 0)),
        float(options.get("rel", 0)),
        options.get("ignore_order", False),
        [place_option(path) for path in options.get("ignore", ())],
    )
    threshold = float(options.get("threshold", 1.0))
    fenced = options.get("fenced", False)

    def compare(text: str, expected: Any) -> Grade:  # noqa: ANN401  (any JSON value)
        bounded(text, MOST_READ, use="json_diff")
        try:
            tree = read_json(text, fenced=fenced)
        except ValueError as error:
            return wrong(f"not JSON: {error}")
        try:
            return _grade(_difference(tree, expected, rules), threshold)
        except RecursionError:
            return wrong("nested too deeply")

    return against_reference(options, prepare=_tree, compare=compare)


def _tree(raw: Any) -> Any:  # noqa: ANN401  (as the user wrote it)
    try:
        return parse_reference(raw)
    except ValueError as error:
        raise UngradableError(f"expected is not JSON: {error}") from error


def _difference(tree: Any, expected: Any, rules: Rules) -> dict[Steps, bool]:  # noqa: ANN401
    """Return every leaf of either side, and whether it is equal in both."""
    wanted = _kept(expected, rules)
    given = _kept(tree, rules)
    if rules.unordered:
        given, wanted = _sorted(given), _sorted(wanted)
        given = _paired(given, wanted)
    left, right = dict(_leaves(given, ())), dict(_leaves(wanted, ()))
    both = {**right, **left}
    return {p: p in left and p in right and rules.same(left[p], right[p]) for p in both}


def _grade(found: dict[Steps, bool], threshold: float) -> Grade:
    different = [clip(show_path(place)) for place, equal in found.items() if not equal]
    score = 1 - len(different) / len(found) if found else 1.0
    reason = "different: " + ", ".join(different[:_MOST_TOLD]) if different else ""
    detail = {"equal": len(found) - len(different), "leaves": len(found)}
    told = {"different": different[:_MOST_TOLD]}
    return Grade(score, score >= threshold, clip(reason), detail | told)


def _kept(tree: Any, rules: Rules) -> Any:  # noqa: ANN401  (any JSON value)
    """Return a tree without the ignored places."""
    out = {steps for place in rules.ignored for steps in found_at(place, tree)}
    return _without(tree, (), out) if out else tree


def _without(tree: Any, place: Steps, out: set[Steps]) -> Any:  # noqa: ANN401  (any JSON value)
    if isinstance(tree, dict):
        kept = {k: v for k, v in tree.items() if (*place, k) not in out}
        return {k: _without(v, (*place, k), out) for k, v in kept.items()}
    if isinstance(tree, list):
        rest = [(n, v) for n, v in enumerate(tree) if (*place, n) not in out]
        return [_without(v, (*place, n), out) for n, v in rest]
    return tree


def _leaves(tree: Any, place: Steps) -> Iterator[tuple[Steps, Any]]:  # noqa: ANN401
    stack = [(place, tree)]
    while stack:
        here, value = stack.pop()
        if isinstance(value, dict) and value:
            stack.extend(((*here, key), item) for key, item in value.items())
        elif isinstance(value, list) and value:
            stack.extend(((*here, number), item) for number, item in enumerate(value))
        else:
            yield here, value


def _sorted(tree: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """Return a tree whose lists are sorted: numbers by size, then everything by its JSON text."""
    if isinstance(tree, dict):
        return {key: _sorted(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return sorted(map(_sorted, tree), key=_rank)
    return tree


def _rank(value: Any) -> tuple[bool, float, str]:  # noqa: ANN401  (any JSON value)
    number = _is_number(value) and abs(value) < _FAR_APART
    return not number, value if number else 0.0, _key(value)


def _paired(given: Any, wanted: Any) -> Any:  # noqa: ANN401  (any JSON values)
    """Return ``given`` with the items of its lists where ``wanted`` has equal ones.

    Items without an equal one fill the other places in their order.
    """
    if isinstance(given, dict) and isinstance(wanted, dict):
        return {k: _paired(v, wanted[k]) if k in wanted else v for k, v in given.items()}
    if not (isinstance(given, list) and isinstance(wanted, list)):
        return given
    waiting: dict[str, list[int]] = {}
    for place, item in enumerate(wanted):
        waiting.setdefault(_key(item), []).append(place)
    placed: dict[int, Any] = {}
    rest = []
    for item in given:
        places = waiting.get(_key(item))
        if places:
            placed[places.pop()] = item
        else:
            rest.append(item)
    free = (place for place in range(len(given) + len(wanted)) if place not in placed)
    placed |= dict(zip(free, rest, strict=False))
    return [
        _paired(placed[place], wanted[place]) if place < len(wanted) else placed[place]
        for place in sorted(placed)
    ]


def _key(value: Any) -> str:  # noqa: ANN401  (any JSON value)
    return json.dumps(value, sort_keys=True)


def _is_number(value: Any) -> bool:  # noqa: ANN401  (any JSON value)
    return isinstance(value, int | float) and not isinstance(value, bool)
