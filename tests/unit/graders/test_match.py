"""`json_match`: whole objects, paths, fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from evalkit.graders.jsontext import parse_path, pick
from evalkit.model import Ungraded

from .grading import JSON, case, fault, grade, graded, grader

EXPECTED = {"category": "bug", "priority": "low"}


@pytest.mark.parametrize(
    ("answer", "right", "of"),
    [
        ({"category": "bug", "priority": "low"}, 2, 2),
        ({"priority": "low", "category": "bug"}, 2, 2),
        ({"category": "bug", "priority": "high"}, 1, 2),
        ({"category": "bug"}, 1, 2),
        ({"category": "bug", "priority": "low", "why": "?"}, 2, 3),
        ({"category": "Bug", "priority": "low"}, 1, 2),
        ([], 0, 2),
        ("bug", 0, 2),
        ({}, 0, 2),
    ],
)
def test_the_whole_object_is_compared_field_by_field(answer: object, right: int, of: int) -> None:
    """The detail counts fields, unexpected ones as wrong; all must be right to pass."""
    result = grade("json_match", json.dumps(answer), EXPECTED)
    assert (sum(result.detail.values()), len(result.detail)) == (right, of)
    assert result.passed is (right == of)
    assert result.score == float(right == of)
    assert grade("json_match", json.dumps(answer), EXPECTED, partial=True).score == right / of


@pytest.mark.parametrize(
    ("options", "expected", "answer", "passes"),
    [
        ({"path": "$.category"}, EXPECTED, {"category": "bug", "x": 1}, True),
        ({"path": "$.category"}, "bug", {"category": "bug"}, True),
        ({"path": "$.category"}, "bug", {"category": "low"}, False),
        ({"path": "$.n"}, 3, {"n": 3.0}, True),
        ({"path": "$.ok"}, True, {"ok": 1}, False),
        ({"path": "$.ok"}, True, {"ok": True}, True),
        ({"path": "$.x"}, json.dumps({"x": None}), {"x": None}, True),
        ({"path": "$.x"}, json.dumps({"x": None}), {}, False),
        ({"path": "$.a.b[1]"}, {"a": {"b": [0, 7]}}, {"a": {"b": [1, 7]}}, True),
        ({"path": "$.a.b[1]"}, {"a": {"b": [0, 7]}}, {"a": {"b": [7]}}, False),
        ({"path": "$.a.b[1]"}, {"a": {"b": [0, 7]}}, {"a": "text"}, False),
        ({"path": ["$.category", "$.priority"]}, EXPECTED, {**EXPECTED, "x": 1}, True),
        ({"fields": ["category", "priority"]}, EXPECTED, {**EXPECTED, "x": 1}, True),
        ({"fields": ["category"]}, EXPECTED, {"category": "low"}, False),
        ({"ignore_case": True}, EXPECTED, {"category": " BUG", "priority": "low"}, True),
        ({"ignore_case": True}, {"n": 1}, {"n": 1}, True),
        ({"value": {"a": [1, {"b": 2}]}}, None, {"a": [1, {"b": 2}]}, True),
        ({"value": {"a": [1, {"b": 2}]}}, None, {"a": [1, {"b": 3}]}, False),
        ({"value": {"a": [1]}}, None, {"a": [1, 2]}, False),
        ({"value": {"a": {"b": 1}}}, None, {"a": {"c": 1}}, False),
        ({"value": [1, 2]}, None, [1, 2], True),
        ({"value": {}}, None, {}, True),
        ({"value": {}}, None, {"a": 1}, False),
    ],
)
def test_paths_and_fields_choose_what_counts(
    options: dict[str, Any], expected: object, answer: object, *, passes: bool
) -> None:
    """The same path is looked up in the answer and in the expected object."""
    assert grade("json_match", json.dumps(answer), expected, **options).passed is passes


def test_an_answer_that_is_no_json_is_wrong() -> None:
    """It has none of the fields; a fence around JSON counts only if allowed."""
    fenced = "```json\n" + json.dumps(EXPECTED) + "\n```"
    assert grade("json_match", fenced, EXPECTED).reason.startswith("not JSON")
    assert grade("json_match", fenced, EXPECTED, fenced=True).passed


@given(value=JSON)
def test_every_value_equals_itself(value: Any) -> None:
    """Whatever JSON is expected, the same JSON is right."""
    assert grade("json_match", json.dumps({"v": value}), {"v": value}).passed


@given(value=JSON, other=JSON)
def test_different_values_are_not_equal(value: Any, other: Any) -> None:
    """Two values are the same exactly if their canonical texts are."""
    same = json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert grade("json_match", json.dumps({"v": other}), {"v": value}).passed is same


@pytest.mark.parametrize(
    ("options", "expected", "why"),
    [
        ({}, None, "no expected answer"),
        ({}, "billing", "text"),
        ({}, "{broken", "not JSON"),
        ({"path": "$.queue"}, {"category": "bug"}, "$.queue"),
        ({"fields": ["category", "x"]}, EXPECTED, "$.x"),
        ({"path": ["$.a", "$.b"]}, "text", "$.a"),
    ],
)
def test_an_expected_value_that_does_not_fit_is_ungraded(
    options: dict[str, Any], expected: object, why: str
) -> None:
    """The case is to blame, and that is known before any call."""
    result = graded("json_match", "{}", expected, **options)
    assert isinstance(result, Ungraded)
    assert why in result.why
    assert grader("json_match", **options).lacks(case(expected)) == result.why


@pytest.mark.parametrize("path", ["", "queue", "$queue", "$.", "$.a[", "$.a[x]", "$.a[?foo(@)]"])
def test_what_is_no_path_is_a_fault(path: str) -> None:
    """A path starts with $; what is no plain path must be a JSONPath query."""
    assert fault("json_match", path=path).got == f"'{path}'"


ORDERS = {"items": [{"id": 1, "n": 2}, {"id": 7, "n": 0}], "a b": {"x": 1}}


@pytest.mark.parametrize(
    ("path", "expected", "passes"),
    [
        ("$.items[*].id", ORDERS, True),
        ("$.items[*].id", [1, 7], True),
        ("$.items[*].id", [7, 1], False),
        ("$.items[*].id", [1], False),
        ("$.items[?@.n > 1].id", 1, True),
        ("$.items[?@.n > 1].id", 7, False),
        ("$.items[-1].id", 7, True),
        ("$..id", [1, 7], True),
        ("$.items[0:1].n", [2], True),
        ("$['a b'].x", ORDERS, True),
        ("$.gone[*]", [1], False),
        (["$.items[*].id", "$['a b'].x"], ORDERS, True),
    ],
)
def test_a_jsonpath_compares_all_that_it_finds(
    path: str | list[str], expected: object, *, passes: bool
) -> None:
    """The values are compared as a list, in the order of the document."""
    result = grade("json_match", json.dumps(ORDERS), expected, path=path)
    assert result.passed is passes
    assert list(result.detail) == ([path] if isinstance(path, str) else path)


def test_a_jsonpath_that_finds_nothing_in_expected_is_ungraded() -> None:
    """Nothing could be compared."""
    result = graded("json_match", "{}", ORDERS, path="$.gone[*]")
    assert result == Ungraded("expected has no $.gone[*]")


@pytest.mark.parametrize("function", ["match", "search"])
def test_a_jsonpath_cannot_run_regular_expressions(function: str) -> None:
    """The pattern could come from the answer, and could not be stopped."""
    assert fault("json_match", path=f"$[?{function}(@.a, @.b)]").needed == "a JSONPath"


def test_a_jsonpath_is_not_followed_through_too_much() -> None:
    """Too long, too deep and too many are ungraded, and soon."""
    big = json.dumps([[1] * 100] * 4000)
    deep = "[" * 400 + "]" * 400
    for text in (big, json.dumps([1] * 20_000), deep):
        assert isinstance(graded("json_match", text, [1], path="$..*"), Ungraded)


def test_a_path_leads_to_its_value() -> None:
    """Names step into objects, numbers into lists, and $ is the whole."""
    tree = {"a": [{"b c": 1}]}
    assert pick(tree, parse_path("$.a[0].b c")) == 1
    assert pick(tree, parse_path("$")) == tree


def test_the_detail_of_many_unexpected_fields_is_cut() -> None:
    """The expected ones are all there; the score still counts every field."""
    answer = {"category": "bug", "priority": "low"} | {f"x{n}" * 50: 1 for n in range(1000)}
    result = grade("json_match", json.dumps(answer), EXPECTED, partial=True)
    assert result.score == 2 / 1002
    assert list(result.detail.values()) == [True, True] + [False] * 20
    assert max(map(len, result.detail)) <= 160


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        (5, "5", True),
        ("5", 5, True),
        (True, "true", True),
        ("true", True, True),
        (None, "null", True),
        (5.0, "5", False),
        (True, True, True),
        (True, 1, False),
        ([5], "5", False),
        ("a", "A", False),
    ],
)
def test_values_compared_as_texts_equal_how_json_writes_them(
    answer: object, expected: object, *, right: bool
) -> None:
    """With ``as_text`` 5 equals "5"; without it a text is no number."""
    text = json.dumps({"n": answer})
    assert grade("json_match", text, expected, path="$.n", as_text=True).passed is right
    if type(answer) is not type(expected):
        assert not grade("json_match", text, expected, path="$.n").passed
