"""Schema errors told in the user's words."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.suite.document import Document, plain
from evalkit.suite.validate import Finding, check, did_you_mean, shown

NUMBER = {
    "description": "a share",
    "type": "number",
    "minimum": 0,
    "exclusiveMaximum": 1,
    "examples": [0.5],
}


def findings(tree: Any, schema: dict[str, Any]) -> list[Finding]:
    """Return what is found in a tree."""
    return list(check(Document("f.yaml", tree), schema).findings)


@pytest.mark.parametrize(
    ("value", "schema", "needed", "got", "instead"),
    [
        ("x", NUMBER, "a number", '"x"', "a: 0.5"),
        (-1, NUMBER, "a number of at least 0", "-1", "a: 0.5"),
        (1, NUMBER, "a number below 1", "1", "a: 0.5"),
        ([], {"type": ["string", "null"]}, "a text or null", "[]", "a value that fits, or nothing"),
        ("blu", {"enum": ["red", "blue"]}, "one of red, blue", '"blu"', "blue (did you mean it?)"),
        (3, {"enum": ["red"], "examples": ["red"]}, "red", "3", "a: red"),
        (2, {"const": 1, "examples": [1]}, "1", "2", "a: 1"),
        ("", {"minLength": 1, "examples": ["x y"]}, "something, not nothing", '""', "a: x y"),
        (
            "x",
            {"minLength": 2, "description": "two letters"},
            "two letters",
            "too short",
            "two letters",
        ),
        ("x", {"pattern": "^y", "description": "a y"}, "a y", '"x"', "a y"),
        ("x", {"pattern": "^y"}, "'x' does not match '^y'", '"x"', "a value that fits"),
        ([1, 1], {"uniqueItems": True}, "a list without repetition", "[1, 1]", "a value"),
        (1, {"not": {}, "description": "nothing here"}, "nothing here", "1", "remove it"),
        (3, {"multipleOf": 2}, "3 is not a multiple of 2", "not a multiple", "a value"),
        ("x", {"examples": ["{{ x }}"], "type": "null"}, "null", '"x"', 'a: "{{ x }}"'),
    ],
)
def test_each_kind_of_error_has_its_words(
    *, value: object, schema: Any, needed: str, got: str, instead: str
) -> None:
    """Needed, got and instead are said without the schema's own language."""
    [found] = findings({"a": value}, {"properties": {"a": schema}})
    assert found.place == ("a",)
    assert needed in found.needed
    assert got in found.got
    assert found.instead.startswith(instead)


def test_unknown_and_missing_fields_are_told_one_by_one() -> None:
    """Each has a place of its own."""
    schema = {
        "properties": {"alpha": {"examples": [1]}, "beta": {"description": "second"}},
        "required": ["alpha", "beta"],
        "additionalProperties": False,
    }
    found = {f.place: f for f in findings({"alhpa": 1, "x": 2}, schema)}
    assert found["alhpa",].instead == "alpha (did you mean it?)"
    assert found["x",].instead == "remove it"
    assert found["alpha",].instead == "alpha: 1"
    assert found["beta",].instead == "second"
    assert findings({"x": 1}, {"additionalProperties": False})[0].needed == "only the fields "


def test_a_bad_name_of_a_field_is_told_at_that_field() -> None:
    """The place is that of the field, not of what holds it."""
    [found] = findings({"a b": 1}, {"propertyNames": {"pattern": "^[a-z]+$"}})
    assert found.place == ("a b",)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_of_many_branches_the_nearest_is_told(keyword: str) -> None:
    """An object that nearly fits is told what it lacks, not that no branch fits."""
    branches = [{"type": "string"}, {"type": "object", "properties": {"n": {"type": "integer"}}}]
    [found] = findings({"n": "x"}, {keyword: branches})
    assert (found.place, found.needed) == (("n",), "a whole number")


def test_a_value_that_fits_two_branches_is_told_too() -> None:
    """Then no branch has an error, and the schema's own words must do."""
    schema = {"oneOf": [{"minimum": 0}, {"minimum": 1}], "description": "one of the two"}
    assert [f.needed for f in findings(5, schema)] == ["one of the two"]


def test_one_fault_is_told_for_a_place() -> None:
    """Two rules that one value breaks are one thing to mend."""
    schema = {"allOf": [{"type": "string"}, {"type": "string", "minLength": 1}]}
    assert len(findings(3, schema)) == 1


def test_sound_parts_can_be_read_beside_faults() -> None:
    """What is below or beside a fault is known to be sound or not."""
    schema = {
        "properties": {
            "a": {"items": {"properties": {"n": {"type": "integer"}}}},
            "b": {"type": "null"},
        }
    }
    checked = check(Document("f", {"a": [{"n": 1}, {"n": "x"}, {}], "b": 1, "c": 2}), schema)
    assert list(checked.entries("a")) == [(0, {"n": 1}), (2, {})]
    assert list(checked.entries("c")) == []
    assert (checked.get("c"), checked.get("b"), checked.get("a")) == (2, None, None)
    assert checked.sound("a", 0)
    assert not checked.sound("a", 1)
    assert list(check(Document("f", 3), {}).entries("a")) == []
    assert check(Document("f", 3), {}).get("a", 7) == 7


def test_words_and_values_are_shown_shortly() -> None:
    """Long values are cut, scalars written as in YAML."""
    assert len(shown("x" * 100)) == 60
    assert shown({"a": "ü"}) == '{"a": "ü"}'
    assert [plain(v) for v in ("a", True, None, 1.5)] == ["a", "true", "null", "1.5"]
    assert did_you_mean("zzz", ["abc"], otherwise="no") == "no"
