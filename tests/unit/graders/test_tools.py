"""`tool_call`: calls, arguments, order, and how many."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.clients.chat import read_chat
from evalkit.clients.responses import read_response
from evalkit.clients.wire import Answer
from evalkit.graders import schemas
from evalkit.model import Grade, Reply, Ungraded

from .grading import JSON, answered, case, grader

WEATHER = {"name": "weather", "arguments": {"city": "Bern", "days": 2}}
TIME = {"name": "time", "arguments": {}}


def made(*calls: tuple[str, Any]) -> Reply:
    """Return a reply that calls tools as chat completions do; arguments may be raw text."""
    listed = [
        {
            "id": "1",
            "type": "function",
            "function": {"name": name, "arguments": a if isinstance(a, str) else json.dumps(a)},
        }
        for name, a in calls
    ]
    return Reply("", finish_reason="tool_calls", extra={"tool_calls": listed} if listed else {})


def graded(reply: Reply, expected: Any, **options: Any) -> Grade:
    """Return the grade of a reply that can be graded."""
    result = answered("tool_call", reply, expected, **options)
    assert isinstance(result, Grade), result
    return result


BERN = ("weather", {"city": "Bern", "days": 2})
NOW: tuple[str, Any] = ("time", {})


@pytest.mark.parametrize(
    ("calls", "expected", "options", "passes"),
    [
        ([BERN], WEATHER, {}, True),
        ([BERN], [WEATHER], {}, True),
        ([BERN, NOW], [TIME, WEATHER], {}, True),
        ([BERN, NOW], [TIME, WEATHER], {"order": "strict"}, False),
        ([BERN, NOW], [WEATHER, TIME], {"order": "strict"}, True),
        ([BERN, NOW], [WEATHER], {}, False),
        ([BERN, NOW], [WEATHER], {"extra": "allow"}, True),
        ([NOW, BERN, NOW], [WEATHER, TIME], {"extra": "allow", "order": "strict"}, True),
        ([BERN], [WEATHER, WEATHER], {"extra": "allow"}, False),
        ([("weather", {"city": "Bern"})], WEATHER, {}, False),
        ([("weather", {"city": "Bern", "days": 2.0})], WEATHER, {}, True),
        ([("weather", {"city": "Bern", "days": 2, "x": 1})], WEATHER, {}, False),
        (
            [("weather", {"city": "Bern", "days": 2, "x": 1})],
            WEATHER,
            {"arguments": "subset"},
            True,
        ),
        ([("weather", {"city": "Bern"})], WEATHER, {"arguments": "subset"}, False),
        ([("weather", {"city": "Rome"})], WEATHER, {"arguments": "ignore"}, True),
        ([("weather", "{city: Bern}")], WEATHER, {"arguments": "ignore"}, False),
        ([("time", "")], TIME, {}, True),
        ([], [], {}, True),
        ([NOW], [], {}, False),
        ([NOW], [], {"extra": "allow"}, True),
        ([], WEATHER, {}, False),
    ],
)
def test_calls_are_compared(
    calls: list[tuple[str, Any]], expected: Any, options: dict[str, Any], *, passes: bool
) -> None:
    """Names, arguments, order and number, each as asked."""
    result = graded(made(*calls), expected, **options)
    assert (result.passed, result.score) == (passes, float(passes))


@pytest.mark.parametrize(("city", "passes"), [("Bern", True), ("Rome", False), (3, False)])
def test_arguments_can_be_held_against_a_schema(city: object, *, passes: bool) -> None:
    """The expected arguments are then a JSON Schema."""
    schema = {"type": "object", "properties": {"city": {"enum": ["Bern", "Basel"]}}}
    expected = {"name": "weather", "arguments": schema}
    result = graded(made(("weather", {"city": city})), expected, arguments="schema")
    assert result.passed is passes


def test_f1_counts_calls() -> None:
    """Two right of three expected and four made: 2 * 2 / (3 + 4)."""
    expected = [WEATHER, TIME, {"name": "gone"}]
    reply = made(BERN, NOW, ("x", {}), ("y", {}))
    assert graded(reply, expected, scoring="f1").score == pytest.approx(4 / 7)
    assert graded(reply, expected, scoring="f1", extra="allow").score == pytest.approx(4 / 5)
    assert graded(made(), [], scoring="f1").score == 1.0


def test_a_greedy_choice_is_taken_back() -> None:
    """The first expected call fits both, the second only one: both are found."""
    expected = [{"name": "f", "arguments": {}}, {"name": "f", "arguments": {"a": 1}}]
    reply = made(("f", {"a": 1}), ("f", {}))
    assert graded(reply, expected, arguments="subset").passed


@given(order=st.permutations([BERN, NOW, ("a", {"n": 1}), ("a", {"n": 2})]))
def test_order_does_not_matter_unless_asked(order: list[tuple[str, Any]]) -> None:
    """Every order of the same calls is right."""
    expected = [{"name": name, "arguments": arguments} for name, arguments in (BERN, NOW)]
    expected += [{"name": "a", "arguments": {"n": n}} for n in (1, 2)]
    assert graded(made(*order), expected).passed


@given(calls=st.lists(JSON, max_size=4) | JSON)
def test_no_form_of_calls_breaks_it(calls: Any) -> None:
    """Whatever an endpoint calls a tool call, there is a grade in range."""
    for options in ({}, {"scoring": "f1"}, {"order": "strict", "arguments": "subset"}):
        result = graded(Reply("", extra={"tool_calls": calls}), WEATHER, **options)
        assert 0 <= result.score <= 1
        assert not result.passed


def test_thousands_of_calls_are_cut() -> None:
    """They count as made; the comparison stays small."""
    result = graded(made(*itertools.repeat(BERN, 20_000)), [WEATHER] * 50, scoring="f1")
    assert result.detail["made"] == 20_000
    assert result.detail["right"] == 50


def test_both_apis_are_read_alike() -> None:
    """A chat completion and a response with the same call get the same grade."""
    arguments = json.dumps(WEATHER["arguments"])
    function = {"name": "weather", "arguments": arguments}
    message = {"tool_calls": [{"id": "1", "type": "function", "function": function}]}
    chat = read_chat(wired({"choices": [{"message": message}]}))
    item = {"type": "function_call", "call_id": "1", **function}
    response = read_response(wired({"status": "completed", "output": [item]}))
    assert graded(chat, WEATHER) == graded(response, WEATHER)
    assert graded(chat, WEATHER).passed


def test_a_custom_tool_takes_plain_text() -> None:
    """Its input is compared as it is."""
    call = {"type": "custom", "custom": {"name": "sh", "input": "ls -l"}}
    reply = Reply("", extra={"tool_calls": [call]})
    assert graded(reply, {"name": "sh", "input": "ls -l"}).passed
    assert not graded(reply, {"name": "sh", "input": "ls"}).passed


@pytest.mark.parametrize("form", ["openai", "message", "text"])
def test_expected_calls_may_have_the_form_of_openai(form: str) -> None:
    """As a list of calls, as a message that holds them, or as the JSON text of either."""
    calls = [{"type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}]
    expected: Any = {"openai": calls, "message": {"tool_calls": calls}, "text": json.dumps(calls)}
    assert graded(made(("weather", {"city": "Bern"})), expected[form]).passed


@pytest.mark.parametrize("expected", [None, "weather", {"arguments": {}}, [3], ["weather"]])
def test_what_names_no_call_is_ungraded(expected: Any) -> None:
    """An empty list expects no call; nothing at all expects nothing that could be compared."""
    assert isinstance(answered("tool_call", made(BERN), expected), Ungraded)
    assert grader("tool_call").lacks(case(expected))


def wired(data: dict[str, Any]) -> Answer:
    """Return an answer as it came over the wire."""
    return Answer(200, {}, json.dumps(data).encode(), 0.1)


def test_all_calls_of_an_answer_share_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many calls with patterns that do not end are ungraded after one limit, not one each."""
    monkeypatch.setattr(schemas, "LIMIT_S", 0.1)
    expected = {"name": "f", "arguments": {"properties": {"a": {"pattern": "(.*?,){25}P"}}}}
    reply = made(*[("f", {"a": "1," * 200})] * 50)
    start = time.monotonic()
    result = answered("tool_call", reply, expected, arguments="schema")
    assert result == Ungraded("the schema took longer than 0.1 s")
    assert time.monotonic() - start < 2


def test_a_million_calls_are_counted_and_not_read() -> None:
    """Only those that are compared are looked into."""
    reply = Reply(
        "", extra={"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}] * 10**6}
    )
    start = time.monotonic()
    result = answered("tool_call", reply, TIME)
    assert isinstance(result, Grade)
    assert result.detail["made"] == 10**6
    assert time.monotonic() - start < 1
