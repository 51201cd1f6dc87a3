"""`calibration`: whether confidence fits correctness."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.model import Grade, Reply, Ungraded

from .grading import JSON, answered, case, fault, grade, grader, spec

RIGHT = spec("json_match", "right", path="$.answer")


@pytest.mark.parametrize(
    ("text", "confidence", "correct"),
    [
        ("Paris\nConfidence: 80 %", 0.8, True),
        ("Paris\nConfidence: 80%", 0.8, True),
        ("Paris\nconfidence = 0.8", 0.8, True),
        ("Paris\n**Confidence:** 80/100", 0.8, True),
        ("Paris\nI am confident at 80 percent.", 0.8, True),
        ("Paris\nConfidence: .8", 0.8, True),
        ("Paris\nConfidence: 0,8", 0.8, True),
        ("Paris\nConfidence: 80", 0.8, True),
        ("Paris\nConfidence: 8/10", 0.8, True),
        ("Paris\nConfidence: 4 out of 5", 0.8, True),
        ("Paris\nConfidence: 1/5", 0.2, True),
        ("Paris\nConfidence: 0.8/1", 0.8, True),
        ("Paris\nConfidence: 1", 1.0, True),
        ("Paris\nConfidence: 1 %", 0.01, True),
        ("Rome\nConfidence: 80 %", 0.8, False),
        ("Confidence: 10 %\nParis\nConfidence: 80 %", 0.8, False),
    ],
)
def test_stated_confidence(text: str, confidence: float, *, correct: bool) -> None:
    """The last stated one counts; its line is no part of the answer."""
    result = grade("calibration", text, "Paris")
    assert result.detail == {"confidence": pytest.approx(confidence), "correct": correct}
    assert result.score == pytest.approx(1 - (confidence - correct) ** 2)
    assert result.passed is ((confidence >= 0.5) is correct)


@pytest.mark.parametrize(
    "text",
    [
        "Paris",
        "",
        "Confidence: high",
        "Confidence: 800 %",
        "Confidence: -5",
        "Confidence: 12/10",
        "Confidence: 8/0",
        "\0\ud800",
    ],
)
def test_an_answer_without_a_confidence_is_wrong(text: str) -> None:
    """It was asked for one; there is nothing to count in a calibration curve."""
    result = grade("calibration", text, "Paris")
    assert (result.score, result.passed, result.detail) == (0.0, False, {})


@pytest.mark.parametrize(
    ("confidence", "read"), [(0.8, 0.8), (80, 0.8), (1, 1.0), (0, 0.0), (100, 1.0)]
)
def test_a_field_of_json(confidence: float, read: float) -> None:
    """From 0 to 1, or in percent; the inner grader says what is right."""
    text = json.dumps({"answer": "Paris", "sure": confidence})
    result = grade("calibration", text, "Paris", confidence="json", path="$.sure", graders=[RIGHT])
    assert result.detail == {"confidence": pytest.approx(read), "correct": True}


@pytest.mark.parametrize("value", ["high", True, None, 101, -0.1, 10**400, 1e308, [], {}])
def test_a_field_that_is_no_confidence_is_wrong(value: object) -> None:
    """It is no number from 0 to 1 or to 100."""
    text = json.dumps({"answer": "Paris", "confidence": value})
    result = grade("calibration", text, "Paris", confidence="json", graders=[RIGHT])
    assert (result.score, result.detail) == (0.0, {})


def test_the_likelihood_of_the_answer_is_a_confidence() -> None:
    """It is exp of the mean log-probability of its tokens."""
    content = [{"token": t, "logprob": math.log(p)} for t, p in (("Par", 0.5), ("is", 0.125))]
    reply = Reply("Paris", extra={"logprobs": {"content": content}})
    result = answered("calibration", reply, "Paris", confidence="logprobs")
    assert isinstance(result, Grade)
    assert result.detail == {"confidence": pytest.approx(0.25), "correct": True}
    assert result.score == pytest.approx(1 - 0.75**2)


def test_the_inner_grader_does_not_see_the_confidence() -> None:
    """The last number of the answer is the answer's."""
    number = spec("numeric", "right")
    assert grade("calibration", "It is 4.\nConfidence: 90 %", 4, graders=[number]).detail["correct"]


def test_what_is_missing_is_told() -> None:
    """An inner grader that cannot grade, a case without an answer, JSON without a grader."""
    lost = spec("python", "lost", function="tests.unit.graders.user_grader:none_at_all")
    assert answered("calibration", Reply("Confidence: 1"), graders=[lost]) == Ungraded("not today")
    assert grader("calibration").lacks(case()) == "the case has no expected answer"
    assert "graders" in fault("calibration", confidence="json").instead


@given(text=st.text() | JSON.map(json.dumps), source=st.sampled_from(["text", "json"]))
def test_no_text_breaks_it(text: str, source: str) -> None:
    """The score stays in [0, 1], and a detail is whole or empty."""
    for answer in (text, f"{text}\nConfidence: {text}"):
        result = grade("calibration", answer, "x", confidence=source, graders=[RIGHT])
        assert 0 <= result.score <= 1
        assert set(result.detail) in ({"confidence", "correct"}, set())


def test_ten_megabytes_are_soon_read() -> None:
    """Only the end of the answer is searched for a confidence."""
    options: dict[str, Any] = {"graders": [spec("contains", "has")]}
    text = "confidence " * 900_000 + "\nConfidence: 70 %"
    assert grade("calibration", text, "x", **options).detail["confidence"] == 0.7
