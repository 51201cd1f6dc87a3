"""`json_diff`: the share of equal leaves."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.model import Ungraded

from .grading import JSON, fault, grade, graded

EXPECTED = {"id": 7, "items": [{"n": 1, "ok": True}, {"n": 2, "ok": False}], "note": None}


@pytest.mark.parametrize(
    ("change", "options", "score"),
    [
        ({}, {}, 1.0),
        ({"id": 8}, {}, 5 / 6),
        ({"more": 1}, {}, 6 / 7),
        ({"more": {}}, {}, 6 / 7),
        ({"items": []}, {}, 2 / 7),
        ({"items": EXPECTED["items"][::-1]}, {}, 2 / 6),  # type: ignore[index]
        ({"items": EXPECTED["items"][::-1]}, {"ignore_order": True}, 1.0),  # type: ignore[index]
        ({"id": 7.05}, {"abs": 0.1}, 1.0),
        ({"id": 7.05}, {"rel": 0.01}, 1.0),
        ({"id": 7.05}, {"rel": 0.001}, 5 / 6),
        ({"id": 8}, {"ignore": ["$.id"]}, 1.0),
        (
            {"items": [{"n": 9, "ok": True}, {"n": 9, "ok": False}]},
            {"ignore": ["$.items[*].n"]},
            1.0,
        ),
        ({"items": [{"n": 1, "ok": 1}, {"n": 2, "ok": 0}]}, {}, 4 / 6),
    ],
)
def test_leaves_are_counted(change: dict[str, Any], options: dict[str, Any], score: float) -> None:
    """Those of both sides together; equal ones stand in the same place."""
    result = grade("json_diff", json.dumps(EXPECTED | change), EXPECTED, **options)
    assert result.score == pytest.approx(score)
    assert result.passed is (score == 1)
    assert bool(result.detail["different"]) is (score < 1)


def test_a_threshold_lets_small_differences_pass() -> None:
    """By default only an equal answer passes."""
    text = json.dumps(EXPECTED | {"id": 8})
    assert grade("json_diff", text, EXPECTED, threshold=0.8).passed
    assert not grade("json_diff", text, EXPECTED).passed


def test_items_that_nearly_match_are_paired_by_size() -> None:
    """Without order, numbers within the tolerance still find each other."""
    result = grade("json_diff", "[3.01, 0.99, 2]", [1, 2, 3], ignore_order=True, abs=0.05)
    assert result.score == 1.0


@given(value=JSON)
def test_every_value_equals_itself(value: Any) -> None:
    """In any order of fields, and with lists in any order."""
    text = json.dumps(value, sort_keys=True)
    for options in ({}, {"ignore_order": True}):
        if not isinstance(value, str) and value is not None:
            assert grade("json_diff", text, value, **options).score == 1.0


@given(value=st.lists(JSON, min_size=1), shuffled=st.randoms())
def test_order_can_be_ignored(value: list[Any], shuffled: Any) -> None:
    """Any order of a list is the same list."""
    other = value.copy()
    shuffled.shuffle(other)
    assert grade("json_diff", json.dumps(other), value, ignore_order=True).score == 1.0


@given(text=st.text() | JSON.map(json.dumps), expected=JSON)
def test_no_answer_breaks_it(text: str, expected: Any) -> None:
    """The score stays in [0, 1]."""
    result = graded("json_diff", text, [expected], ignore_order=True, ignore=["$..x"])
    assert isinstance(result, Ungraded) or 0 <= result.score <= 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 900 + "]" * 900,
        "[" + "1," * 99_000 + "1]",
        '{"a":' * 400 + "1" + "}" * 400,
    ],
)
def test_hostile_answers_are_soon_graded(text: str) -> None:
    """Deep and wide ones take seconds at most."""
    start = time.monotonic()
    assert not grade("json_diff", text, EXPECTED, ignore_order=True).passed
    assert time.monotonic() - start < 10


def test_too_long_answers_are_ungraded() -> None:
    """The reason says how much is read."""
    result = graded("json_diff", "[" + "1," * 5_000_000 + "1]", [1])
    assert isinstance(result, Ungraded)
    assert "200000" in result.why


def test_an_answer_or_a_place_that_is_none() -> None:
    """No JSON is wrong; no JSONPath is a fault; no expected answer is ungraded."""
    assert grade("json_diff", "no", EXPECTED).reason.startswith("not JSON")
    assert fault("json_diff", ignore=["id"]).needed == "a JSONPath"
    assert isinstance(graded("json_diff", "1", None), Ungraded)
    assert isinstance(graded("json_diff", "1", "{broken"), Ungraded)
