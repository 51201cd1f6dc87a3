"""`string_check` and `contains`."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.model import Ungraded

from .grading import case, fault, grade, graded, grader


@pytest.mark.parametrize(
    ("operation", "text", "passes"),
    [
        ("eq", "Paris", True),
        ("eq", "paris", False),
        ("eq", "Paris\n", False),
        ("ne", "Paris", False),
        ("ne", "paris", True),
        ("like", "It is Paris.", True),
        ("like", "It is PARIS.", False),
        ("ilike", "It is PARIS.", True),
        ("ilike", "It is Rome.", False),
    ],
)
def test_string_check_compares_as_openai_does(operation: str, text: str, *, passes: bool) -> None:
    """Both eq and ne take the whole text, like and ilike look inside it, ilike in any case."""
    result = grade("string_check", text, "Paris", operation=operation)
    assert (result.score, result.passed) == (float(passes), passes)
    assert passes or "Paris" in result.reason


@pytest.mark.parametrize(
    ("options", "text", "expected", "passes"),
    [
        ({}, "The answer is Ottawa.", ["Ottawa"], True),
        ({}, "ottawa", ["Ottawa"], False),
        ({}, "b", ["a", "b"], True),
        ({"match": "all"}, "a and b", ["a", "b"], True),
        ({"match": "all"}, "a", ["a", "b"], False),
        ({"match": "none"}, "c", ["a", "b"], True),
        ({"match": "none"}, "a", ["a", "b"], False),
        ({"ignore_case": True}, "OTTAWA", "Ottawa", True),
        ({"ignore_case": True}, "STRASSE", "straße", True),
        ({"whole_word": True}, "Niger", "Niger", True),
        ({"whole_word": True}, "Nigeria", "Niger", False),
        ({"whole_word": True}, "the Niger's bank", "Niger", True),
        ({"whole_word": True}, "C++.", "C++", True),
        ({"whole_word": True, "ignore_case": True}, "It is ottawa, of course", ["Ottawa"], True),
        ({"whole_word": True, "ignore_case": True}, "1234", ["12"], False),
        ({}, "it is 42", 42, True),
        ({}, "it is true", True, True),
    ],
)
def test_contains_looks_for_any_all_or_none(
    options: dict[str, Any], text: str, expected: object, *, passes: bool
) -> None:
    """The texts looked for are the expected ones, as words if so asked."""
    result = grade("contains", text, expected, **options)
    assert (result.score, result.passed) == (float(passes), passes)


def test_contains_says_what_it_found() -> None:
    """The detail lists the texts that are there."""
    assert grade("contains", "a c", ["a", "b"], match="all").detail == {"found": ["a"]}


@pytest.mark.parametrize(
    ("options", "expected", "text", "passes"),
    [
        ({"value": "Rome"}, "Paris", "Rome", True),
        ({"value": "Rome"}, None, "Paris", False),
        ({"path": "$.answer"}, {"answer": "Paris"}, "Paris", True),
        ({"path": "$.answer.short"}, '{"answer": {"short": "Paris"}}', "Paris", True),
        ({"path": "$.answers[1]"}, {"answers": ["Rome", "Paris"]}, "Paris", True),
    ],
)
def test_value_and_path_say_what_to_compare_with(
    options: dict[str, str], expected: object, text: str, *, passes: bool
) -> None:
    """``value`` replaces the expected answer, ``path`` takes a part of it."""
    assert grade("string_check", text, expected, operation="eq", **options).passed is passes


@pytest.mark.parametrize(
    ("type_", "options", "expected", "why"),
    [
        ("string_check", {"operation": "eq"}, None, "no expected answer"),
        ("string_check", {"operation": "eq"}, ["a"], "must be a text"),
        ("string_check", {"operation": "eq", "path": "$.b"}, {"a": "x"}, "$.b"),
        ("string_check", {"operation": "eq", "path": "$.b"}, "{not json", "no such part"),
        ("contains", {}, None, "no expected answer"),
        ("contains", {}, [], "not empty"),
        ("contains", {}, "", "not empty"),
        ("contains", {}, [{"a": 1}], "must be a text"),
    ],
)
def test_a_case_without_a_usable_reference_is_ungraded_and_known_before(
    type_: str, options: dict[str, str], expected: object, why: str
) -> None:
    """The same reason comes from `lacks`, before any call, and as `Ungraded`."""
    result = graded(type_, "x", expected, **options)
    assert isinstance(result, Ungraded)
    assert why in result.why
    assert grader(type_, **options).lacks(case(expected)) == result.why


def test_a_usable_reference_lacks_nothing() -> None:
    """`lacks` is empty for a case that can be graded."""
    assert grader("contains").lacks(case("x")) == ""


@pytest.mark.parametrize(
    ("options", "got"),
    [({"value": ["a"]}, "must be a text"), ({"path": "answer"}, "'answer'")],
)
def test_bad_value_and_path_are_faults(options: dict[str, Any], got: str) -> None:
    """What can be known from the options alone is a fault of the suite file."""
    told = fault("string_check", operation="eq", **options)
    assert got in told.got
    assert (told.path, told.line) == ("suites/triage/triage.yaml", 9)


def test_a_long_reason_is_cut() -> None:
    """A reason stays a few words even if the expected text is long."""
    assert len(grade("string_check", "x", "y" * 1000, operation="eq").reason) == 160


@pytest.mark.parametrize(
    ("type_", "text", "expected", "passes"),
    [
        ("starts_with", "Dear Ms Ng, thanks", "Dear", True),
        ("starts_with", "  Dear Ms Ng", "Dear", True),
        ("starts_with", "My Dear", "Dear", False),
        ("starts_with", "dear", "Dear", False),
        ("starts_with", "Hi", ["Dear", "Hi"], True),
        ("ends_with", "Yours, Ada\n", "Ada", True),
        ("ends_with", "Ada.", "Ada", False),
        ("ends_with", "", "Ada", False),
    ],
)
def test_the_edges_of_an_answer(type_: str, text: str, expected: object, *, passes: bool) -> None:
    """White space around the answer does not count; any of several texts will do."""
    assert grade(type_, text, expected).passed is passes


@pytest.mark.parametrize("type_", ["starts_with", "ends_with"])
def test_the_edges_in_any_case(type_: str) -> None:
    """Folded case makes a sharp s equal to ss."""
    assert grade(type_, "STRASSE", "stra\u00dfe", ignore_case=True).passed
