"""`json_valid` and `json_schema`."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator, Draft202012Validator

from evalkit.graders import schemas
from evalkit.graders.structure import MOST_READ
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


PATTERNS = {
    "type": ["object", "array", "string", "number", "null"],
    "pattern": "^[^0]*$",
    "properties": {"queue": {"type": "string"}},
    "patternProperties": {"^n$": {"uniqueItems": True}},
    "additionalProperties": {"maxItems": 1},
    "uniqueItems": True,
    "multipleOf": 2,
}


@given(value=JSON)
@pytest.mark.parametrize("kind", [Draft7Validator, Draft202012Validator])
def test_own_keywords_agree_with_jsonschema(kind: Any, value: Any) -> None:
    """What takes the place of the library's keywords says the same, in every draft."""
    schema = {"$schema": kind.META_SCHEMA["$schema"], **PATTERNS}
    schema["items"] = schema["additionalProperties"] = {"$ref": "#"}
    valid = kind(schema).is_valid(value)
    assert grade("json_schema", json.dumps(value), schema=schema).passed is valid


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


RUNAWAY = "(.*?,){25}P"
SLOW = [
    ({"properties": {"a": {"pattern": RUNAWAY}}}, {"a": "1," * 200}),
    ({"patternProperties": {RUNAWAY: False}}, {"1," * 200: 1}),
    ({"patternProperties": {RUNAWAY: True}, "additionalProperties": False}, {"1," * 200: 1}),
    ({"items": {"pattern": RUNAWAY}}, ["1," * 200] * 50),
    ({"items": {"anyOf": [{"$ref": "#"}, {"type": "string"}]}}, ["a"] * 300_000),
    ({"items": {}}, [1] * 300_000),
    (
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "items": {"$ref": "#"}},
        [1] * 300_000,
    ),
    ({"items": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}, [{}] * 100_000),
]


@pytest.mark.parametrize(("schema", "answer"), SLOW)
def test_what_takes_too_long_is_ungraded(
    monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], answer: object
) -> None:
    """Patterns that do not end and long answers are given up soon after the limit."""
    monkeypatch.setattr(schemas, "LIMIT_S", 0.1)
    text = json.dumps(answer)
    start = time.monotonic()
    assert graded("json_schema", text, schema=schema) == Ungraded(
        "the schema took longer than 0.1 s"
    )
    assert time.monotonic() - start < 2


def test_a_long_answer_is_ungraded() -> None:
    """One beyond what is read, and one with more fields than an unevaluated keyword looks at."""
    assert isinstance(graded("json_valid", " " * MOST_READ + "1"), Ungraded)
    fields = json.dumps(dict.fromkeys(map(str, range(schemas.MOST_UNEVALUATED + 1))))
    told = graded("json_schema", fields, schema={"unevaluatedProperties": False})
    assert isinstance(told, Ungraded)
    assert not grade("json_schema", '{"a": 1}', schema={"unevaluatedProperties": False}).passed


def test_unique_items_take_no_square_of_time() -> None:
    """Twenty thousand objects are told apart at once; 1 is 1.0, and true is not 1."""
    start = time.monotonic()
    many = json.dumps([{"a": number} for number in range(20_000)])
    assert grade("json_schema", many, schema={"uniqueItems": True}).passed
    assert time.monotonic() - start < 2
    assert not grade("json_schema", "[[1], [1.0]]", schema={"uniqueItems": True}).passed
    assert grade("json_schema", "[1, true, [1], [true], {}]", schema={"uniqueItems": True}).passed


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("1e400", False),
        ("1" + "0" * 400, True),
        ("1" + "0" * 400 + "1", False),
        ("25", True),
        ("0.35", False),
    ],
)
def test_numbers_may_be_too_large_for_a_float(text: str, *, passes: bool) -> None:
    """They are multiples or not, and break nothing."""
    assert grade("json_schema", text, schema={"multipleOf": 2.5}).passed is passes


def test_two_keywords_that_may_not_end_together_are_a_fault() -> None:
    """Patterns under unevaluatedProperties are the library's own, which nobody can stop."""
    schema = {"allOf": [{"patternProperties": {"a": True}}], "unevaluatedProperties": False}
    assert "beside patternProperties" in fault("json_schema", schema=schema).got
