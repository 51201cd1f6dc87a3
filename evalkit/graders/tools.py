"""The grader `tool_call`: the tools that an answer calls, against those that were expected.

The clients leave the calls of chat completions and of responses in one shape, in
``reply.extra["tool_calls"]``: functions with arguments as JSON text, custom tools with plain text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import (
    TextGrader,
    UngradableError,
    against_reference,
    clip,
    whole,
)
from evalkit.graders.jsontext import read_json, same_json
from evalkit.graders.schemas import deadline, schema_validator
from evalkit.model import Grade, GraderSpec, Reply

MOST_CALLS = 100
"""How many calls of one answer are compared; any beyond count as not expected."""

Same = Callable[[Any, Any], bool]
"""Tells whether arguments, as the model wrote them (the second), are the expected ones."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's name and arguments; ``broken`` says what is wrong with them, empty if nothing."""

    name: str
    arguments: Any = None
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An expected call, and whether arguments fit it, told until a time of `deadline`."""

    name: str
    fits: Callable[[Any, float], bool]

    def takes(self, call: Call, until: float) -> bool:
        """Return whether a call is the expected one."""
        return self.name == call.name and not call.broken and self.fits(call.arguments, until)


def tool_call(spec: GraderSpec) -> TextGrader:
    """Compare the tool calls of an answer with the expected ones.

    Expected is a call ``{name: ..., arguments: {...}}``, a list of calls in that form or in
    OpenAI's, or an empty list for an answer that calls nothing. ``arguments``: equal (default),
    subset (objects may hold more), schema (the expected arguments are a JSON Schema) or ignore.
    ``order``: any (default) or strict. ``extra``: forbid (default) or allow more calls. The answer
    passes, with score 1, if every expected call is there; with ``scoring: f1`` the score is the F1
    of calls, 2 right / (expected + made), in which allowed extra calls do not count as made.
    """
    options = spec.options
    how = options.get("arguments", "equal")
    match = _in_order if options.get("order") == "strict" else _in_any_order
    forbid = options.get("extra", "forbid") == "forbid"
    partial = options.get("scoring") == "f1"

    def compare(reply: Reply, wanted: tuple[Wanted, ...]) -> Grade:
        found, until = _made(reply), deadline()
        calls = [_call(entry) for entry in found[:MOST_CALLS]]
        right = match([[each.takes(call, until) for call in calls] for each in wanted])
        made = len(found) if forbid else right
        passed = right == len(wanted) and made == right
        both = len(wanted) + made
        score = 2 * right / both if partial and both else float(passed)
        detail = {"right": right, "expected": len(wanted), "made": len(found)}
        return Grade(score, passed, "" if passed else clip(_told(wanted, calls)), detail)

    def prepare(raw: Any) -> tuple[Wanted, ...]:  # noqa: ANN401  (as the user wrote it)
        return tuple(_wanted(call, how) for call in _expected_calls(raw))

    return against_reference(options, prepare=prepare, compare=compare, read=whole)


def _expected_calls(raw: Any) -> list[Call]:  # noqa: ANN401  (as the user wrote it)
    if isinstance(raw, str):
        try:
            raw = read_json(raw)
        except ValueError as error:
            raise UngradableError(f"expected is no tool call: {error}") from error
    if isinstance(raw, Mapping) and "tool_calls" in raw:
        raw = raw["tool_calls"]
    calls = [_call(entry) for entry in (raw if isinstance(raw, list) else [raw])]
    broken = [call.broken for call in calls if call.broken]
    if broken or len(calls) > MOST_CALLS:
        why = broken[0] if broken else f"more than {MOST_CALLS} calls"
        raise UngradableError(f"expected must be calls with name and arguments: {why}")
    return calls


def _made(reply: Reply) -> list[Any]:
    calls = reply.extra.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _call(entry: Any) -> Call:  # noqa: ANN401  (as the endpoint or the user wrote it)
    if not isinstance(entry, Mapping):
        return Call("", broken="no call")
    kind = entry.get("type", "function")
    inner = entry.get(kind) if isinstance(kind, str) else None
    named = inner if isinstance(inner, Mapping) else entry
    name = named.get("name")
    if not isinstance(name, str) or not name:
        return Call("", broken="a call without a name")
    if "input" in named:
        return Call(name, named["input"])
    arguments = named.get("arguments") or {}
    if not isinstance(arguments, str):
        return Call(name, arguments)
    try:
        return Call(name, read_json(arguments))
    except ValueError as error:
        return Call(name, broken=f"arguments are not JSON: {error}")


def _wanted(call: Call, how: str) -> Wanted:
    asked = call.arguments
    if how == "schema":
        fits = schema_validator(asked)
        return Wanted(call.name, lambda given, until: fits(given, until) is None)
    compared = _SAME[how]
    return Wanted(call.name, lambda given, _until: compared(asked, given))


def _holds(asked: Any, given: Any) -> bool:  # noqa: ANN401  (JSON values)
    """Return whether ``given`` equals ``asked``, where objects may hold more fields."""
    if isinstance(asked, Mapping) and isinstance(given, Mapping):
        return all(key in given and _holds(asked[key], given[key]) for key in asked)
    if isinstance(asked, list) and isinstance(given, list):
        return len(asked) == len(given) and all(map(_holds, asked, given))
    return same_json(asked, given)


_SAME: Mapping[str, Same] = {
    "equal": same_json,
    "subset": _holds,
    "ignore": lambda _asked, _given: True,
}


def _in_order(fits: Sequence[Sequence[bool]]) -> int:
    """Return the length of the longest common subsequence of expected and made calls."""
    above = [0] * (len(fits[0]) + 1 if fits else 1)
    for row in fits:
        line = [0]
        for column, fit in enumerate(row):
            line.append(above[column] + 1 if fit else max(line[-1], above[column + 1]))
        above = line
    return above[-1]


def _in_any_order(fits: Sequence[Sequence[bool]]) -> int:
    """Return the size of the largest matching of expected and made calls (Kuhn 1955)."""
    taken: dict[int, int] = {}

    def place(expected: int, seen: set[int]) -> bool:
        for made, fit in enumerate(fits[expected]):
            if fit and made not in seen:
                seen.add(made)
                if made not in taken or place(taken[made], seen):
                    taken[made] = expected
                    return True
        return False

    return sum(place(expected, set()) for expected in range(len(fits)))


def _told(wanted: Sequence[Wanted], made: Sequence[Call]) -> str:
    names = ", ".join(each.name for each in wanted) or "no call"
    shown = ", ".join(map(_shown, made)) or "no call"
    return f"called {shown}; expected {names}"


def _shown(call: Call) -> str:
    if call.broken:
        return f"{call.name} ({call.broken})".strip()
    return f"{call.name}({json.dumps(call.arguments, default=str)[:80]})"
