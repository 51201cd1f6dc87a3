"""`json_valid` and `json_schema`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from evalkit.model import Ungraded

from .grading import JSON, fault, grade, graded

SCHEMA = {
    "type": "object",
    "required": ["queue"],
    "properties": {"queue": {"enum": ["billing", "bug"]}, "n": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}
FENCED = '```json\n{"queue": "bug"}\n```'


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ('{"a": 1}', True),
        (" [1, 2]\n", True),
        ('"text"', True),
        ("", False),
        ("{'a': 1}", False),
        ('{"a": 1} and more', False),
        ("NaN", False),
        ('{"a": Infinity}', False),
        (FENCED, False),
        ("[" * 100_000, False),
        ("1" * 5000, False),
    ],
)
def test_json_valid_is_strict(text: str, *, passes: bool) -> None:
    """Only JSON passes, and nothing that a model writes breaks the grader."""
    result = grade("json_valid", text)
    assert (result.score, result.passed) == (float(passes), passes)


@pytest.mark.parametrize(
    ("text", "passes"),
    [(FENCED, True), ('{"a": 1}', True), ("```\n[1]```", True), ("x " + FENCED, False)],
)
def test_a_code_fence_can_be_allowed(text: str, *, passes: bool) -> None:
    """With ``fenced`` one fence around the whole answer is taken off."""
    assert grade("json_valid", text, fenced=True).passed is passes


@given(value=JSON)
def test_json_schema_agrees_with_jsonschema(value: Any) -> None:
    """An answer passes exactly if the library finds it valid."""
    valid = Draft202012Validator(SCHEMA).is_valid(value)
    assert grade("json_schema", json.dumps(value), schema=SCHEMA).passed is valid


def test_the_reason_names_the_place() -> None:
    """A wrong value is told with its path."""
    assert grade("json_schema", '{"queue": "x"}', schema=SCHEMA).reason.startswith("$.queue: ")


def test_an_answer_that_is_no_json_is_wrong() -> None:
    """It does not fit any schema."""
    assert grade("json_schema", "no", schema=SCHEMA).reason.startswith("not JSON")


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"properties": []}, {"pattern": "("}, {"minimum": "1"}]
)
def test_a_schema_that_is_none_is_a_fault(schema: dict[str, Any]) -> None:
    """It is told with the suite's line before any call."""
    assert fault("json_schema", schema=schema).needed == "a valid JSON Schema"


@pytest.mark.parametrize(
    "schema", [{"$ref": "#/$defs/gone"}, {"$ref": "https://example.org/schema.json"}]
)
def test_a_reference_that_leads_nowhere_is_ungraded(schema: dict[str, Any]) -> None:
    """References are not fetched; the answer is not to blame."""
    assert isinstance(graded("json_schema", "1", schema=schema), Ungraded)


def test_a_schema_of_an_older_draft_is_read_as_such() -> None:
    """``$schema`` decides: in draft 4 exclusiveMinimum is a boolean."""
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "minimum": 1,
        "exclusiveMinimum": True,
    }
    assert not grade("json_schema", "1", schema=schema).passed
