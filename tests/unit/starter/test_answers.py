"""Which graders follow from the answers of a training file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evalkit.graders import check, check_score
from evalkit.model import GraderSpec, Source
from evalkit.starter.answers import Grading, grading_of, tokens_for

CALL = {"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]}


def types_of(answers: list[Any]) -> list[str]:
    """Return the types of the graders."""
    return [grader["type"] for grader in grading_of(answers).graders]


@pytest.mark.parametrize(
    ("answers", "types"),
    [
        (["billing", "Support ", "billing", "support", "billing", "billing"], ["label"]),
        (["A", "B", "a", "A", "B", "B"], ["choice"]),
        (["12", "3.5", "-1,000", "$40", "7"], ["numeric"]),
        ([1, 2.5, 3], ["numeric"]),
        (["so it is #### 12", "then #### 4"], ["numeric"]),
        ([CALL, CALL], ["tool_call"]),
        (['{"queue": "a"}', '{"queue": "b"}'], ["json_schema", "json_match"]),
        ([{"queue": "a", "n": 1}], ["json_schema", "json_match", "json_match"]),
        (["The parcel is on its way.", "We are sorry."], ["text_similarity"]),
        (["yes", "no"], ["text_similarity"]),
        ([["Paris", "paris"], ["Rome"]], ["text_similarity"]),
        (["billing"] * 9, ["text_similarity"]),
        (["?", "!", "?", "!", "?", "!"], ["text_similarity"]),
    ],
)
def test_the_grader_follows_from_the_answers(answers: list[Any], types: list[str]) -> None:
    """Labels, letters, numbers, calls, objects and texts each have theirs."""
    assert types_of(answers) == types


def test_labels_have_their_usual_spelling() -> None:
    """Spellings that differ in case are one label, written as most rows do."""
    grading = grading_of(["Yes", "yes", "yes", "No", "No", "no"])
    assert grading.graders[0]["labels"] == ["No", "yes"]
    assert grading.metrics == ("f1_macro", "mcc", "per_label")


def test_json_answers_have_a_schema_and_a_grader_for_each_stable_field() -> None:
    """Few texts are listed; a field that some answers lack is not compared, nor is prose."""
    answers = [
        json.dumps(
            {
                "queue": ["billing", "bug"][n % 2],
                "max": n / 2,
                "2nd choice": None,
                "summary": f"A customer writes about the invoice number {n} again.",
                **({"note": "x"} if n else {}),
            }
        )
        for n in range(9)
    ]
    grading = grading_of(answers)
    schema, *fields = grading.graders
    assert schema["schema"]["required"] == ["queue", "max", "2nd choice", "summary"]
    assert schema["schema"]["properties"]["queue"] == {"enum": ["billing", "bug"]}
    assert schema["schema"]["properties"]["max"] == {"type": "number"}
    assert [grader["fields"] for grader in fields] == [["queue"], ["max"], ["2nd choice"]]
    assert grading.score == "1 if valid and queue and field_max and field_2nd_choice else 0"
    assert any("summary" in line for line in grading.advice)


def test_json_of_prose_alone_is_compared_by_likeness() -> None:
    """Where no field can be asked for by the letter, the whole is compared."""
    answers = [{"reply": f"Dear customer number {n}, your parcel is on its way."} for n in range(5)]
    assert grading_of(answers).score == "near if valid else 0"


def test_a_few_answers_that_are_no_json_are_told() -> None:
    """They keep fields from being compared, so the first of them is named."""
    grading = grading_of(['{"queue": "a"}'] * 9 + ["I cannot say."])
    assert grading.what == "texts"
    assert "1 of 10" in grading.note
    assert "I cannot say." in grading.note


@pytest.mark.parametrize(
    "grading",
    [
        grading_of(["a b", "b c"] * 5),
        grading_of(["12", "7"]),
        grading_of([CALL]),
        grading_of([{"if": 1, "lambda": 2, "x-y": 3, "x y": 4, "": 5, "9": 6}]),
        grading_of([{f"{'long' * 20}{n}": n for n in range(30)}]),
        grading_of(["free text", "and more"]),
    ],
    ids=lambda grading: grading.what,
)
def test_what_is_written_is_a_grader(grading: Grading) -> None:
    """Options are taken, and the score knows all names."""
    here = Source("suite.yaml", 1)
    specs = []
    for given in grading.graders:
        options = {name: v for name, v in given.items() if name not in ("name", "type")}
        spec = GraderSpec(given["name"], given["type"], options, here)
        assert list(check(spec, allow_code=False)) == []
        specs.append(spec)
    assert len(grading.score) <= 500
    assert list(check_score(grading.score, [spec.name for spec in specs], here)) == []


def test_the_limit_of_tokens_leaves_room() -> None:
    """A power of 2 from half the longest answer's bytes on, between 64 and 4096."""
    assert [tokens_for(["x" * n]) for n in (0, 128, 129, 1000, 10**6)] == [64, 64, 128, 512, 4096]
