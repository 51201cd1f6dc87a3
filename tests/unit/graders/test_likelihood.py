"""`logprob` and `perplexity`: how likely an answer was."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.clients.completions import read_completion
from evalkit.clients.wire import Answer
from evalkit.model import Case, Grade, Reply, Ungraded

from .grading import JSON, answered, case, grader


def reply(*tokens: tuple[str, float], **others: float) -> Reply:
    """Return a reply of these tokens; ``others`` are alternatives to the first."""
    content = [{"token": text, "logprob": value, "bytes": None} for text, value in tokens]
    ranked = [{"token": text, "logprob": value} for text, value in others.items()]
    first = [{**content[0], "top_logprobs": ranked}] if content else []
    text = "".join(text for text, _ in tokens)
    return Reply(text, extra={"logprobs": {"content": first + content[1:]}})


HALF, QUARTER = math.log(0.5), math.log(0.25)


def test_the_mean_is_geometric() -> None:
    """Tokens of 1/2 and 1/8 have the mean probability 1/4, and the perplexity 4."""
    likely = reply(("a", HALF), ("b", math.log(0.125)))
    result = answered("logprob", likely, threshold=0.2)
    assert isinstance(result, Grade)
    assert result.score == pytest.approx(0.25)
    assert result.passed
    assert result.detail["mean_logprob"] == pytest.approx(QUARTER)
    told = answered("perplexity", likely, max=3.9)
    assert isinstance(told, Grade)
    assert told.score == pytest.approx(0.25)
    assert told.detail["perplexity"] == pytest.approx(4)
    assert not told.passed


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (reply(("The", HALF), (" answer", HALF), (" B", QUARTER)), 0.25),
        (reply(("B", HALF), (" or", HALF), (" B", QUARTER)), 0.25),
        (reply((" B", QUARTER)), 0.25),
        (reply(("A", HALF), B=QUARTER), 0.25),
        (reply(("A", HALF), **{" B": QUARTER, "b": HALF}), 0.25),
        (reply(("A", HALF), ("xB", QUARTER), ("y", HALF)), 0.25),
    ],
)
def test_the_expected_text_is_found(answer: Reply, score: float) -> None:
    """Where it stands last in the answer, or among the alternatives to the first token."""
    result = answered("logprob", answer, "B", of="expected", threshold=0.5)
    assert isinstance(result, Grade)
    assert result.score == pytest.approx(score)


def test_an_expected_text_of_several_tokens_is_their_mean() -> None:
    """All tokens that hold a part of it count, and no other."""
    answer = reply(("It is ", HALF), ("New", HALF), (" York", math.log(0.125)), (".", 0.0))
    result = answered("logprob", answer, "New York", of="expected", threshold=0.5)
    assert isinstance(result, Grade)
    assert result.score == pytest.approx(0.25)
    assert result.detail["tokens"] == 2


def test_an_expected_text_that_nobody_weighed_is_ungraded() -> None:
    """The endpoint was not asked for enough alternatives."""
    result = answered("logprob", reply(("A", HALF)), "B", of="expected", threshold=0.5)
    assert isinstance(result, Ungraded)
    assert "top_logprobs: 20" in result.why
    assert grader("logprob", of="expected", threshold=0.5).lacks(case()) != ""


@pytest.mark.parametrize(
    "extra", [{}, {"logprobs": None}, {"logprobs": {"content": []}}, {"logprobs": {"refusal": []}}]
)
@pytest.mark.parametrize("type_", ["logprob", "perplexity", "calibration"])
def test_missing_log_probabilities_are_ungraded(type_: str, extra: dict[str, Any]) -> None:
    """The reason says what to put into the suite."""
    by_type: dict[str, dict[str, Any]] = {
        "logprob": {"threshold": 0.5},
        "perplexity": {"max": 2},
        "calibration": {"confidence": "logprobs"},
    }
    options = by_type[type_]
    result = answered(type_, Reply("x", extra=extra), "x", **options)
    assert isinstance(result, Ungraded)
    assert "sampling: {extra: {logprobs: true}}" in result.why


def test_an_echoed_prompt_is_no_part_of_the_answer() -> None:
    """Only tokens after the prompt count; its first has no log-probability at all."""
    tokens = ["2", "+2=", "4"]
    body = {"tokens": tokens, "token_logprobs": [None, HALF, QUARTER], "text_offset": [0, 1, 4]}
    data = {"choices": [{"text": "2+2=4", "logprobs": body}]}
    echoed = read_completion(Answer(200, {}, json.dumps(data).encode(), 0.1))
    asked = Case("s", "c", ({"role": "user", "content": "2+2="},), expected="4")
    result = grader("logprob", threshold=0.1).grade(asked, echoed)
    assert isinstance(result, Grade)
    assert result.score == pytest.approx(0.25)


ANY_NUMBER = st.floats(allow_nan=True) | st.sampled_from([10**400, -(10**400)])


@given(values=st.lists(ANY_NUMBER | st.none() | st.booleans(), max_size=5))
def test_no_value_leaves_the_range(values: list[Any]) -> None:
    """Infinities, above 0, none: the score stays in [0, 1] and the detail plain JSON."""
    content = [{"token": "x", "logprob": value} for value in values]
    for type_, options in (("logprob", {"threshold": 0.5}), ("perplexity", {"max": 2})):
        result = answered(type_, Reply("x", extra={"logprobs": {"content": content}}), **options)
        if isinstance(result, Grade):
            assert 0 <= result.score <= 1
            json.dumps(result.detail, allow_nan=False)


@given(found=JSON)
def test_no_form_of_log_probabilities_breaks_it(found: Any) -> None:
    """Whatever an endpoint sends under that name, it is graded or not."""
    for extra in ({"logprobs": found}, {"logprobs": {"content": found, "text_offset": found}}):
        assert isinstance(answered("perplexity", Reply("x", extra=extra), max=2), Grade | Ungraded)
