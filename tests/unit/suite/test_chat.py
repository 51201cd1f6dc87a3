"""Fine-tuning rows: which turn is the answer, and what is no such row."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.suite.chat import last_user_text

from .trees import draft, row

SYSTEM = {"role": "system", "content": "s"}
USER = {"role": "user", "content": "u"}
ANSWER = {"role": "assistant", "content": "a"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
RESULT = {"role": "tool", "content": "42", "tool_call_id": "1"}


def weighted(weight: object) -> dict[str, Any]:
    """Return an assistant turn of this weight."""
    return {"role": "assistant", "content": f"w{weight}", "weight": weight}


@pytest.mark.parametrize(
    ("messages", "prompt", "expected"),
    [
        ([USER, ANSWER], [USER], "a"),
        ([SYSTEM, USER, ANSWER], [SYSTEM, USER], "a"),
        ([USER, ANSWER, USER, weighted(1)], [USER, ANSWER, USER], "w1"),
        ([USER, weighted(1), USER, weighted(0)], [USER], "w1"),
        (
            [USER, weighted(0), USER, weighted(1)],
            [USER, {"role": "assistant", "content": "w0"}, USER],
            "w1",
        ),
        ([USER, CALL, RESULT, ANSWER], [USER, CALL, RESULT], "a"),
        ([USER, ANSWER, USER], [USER], "a"),
        (
            [
                USER,
                {"role": "assistant", "content": [{"type": "text", "text": "x"}, {"text": "y"}]},
            ],
            [USER],
            "xy",
        ),
    ],
)
def test_the_last_trained_turn_is_expected(
    messages: list[Any], prompt: list[Any], expected: str
) -> None:
    """What precedes it is the prompt; weights are not sent."""
    result = draft({"messages": messages}, "openai-chat")
    assert result.chat == tuple(prompt)
    assert result.expected == expected


@pytest.mark.parametrize("messages", [[USER], [USER, CALL], [USER, ANSWER], [USER, weighted(0)]])
def test_a_row_can_state_its_expected_answer(messages: list[Any]) -> None:
    """Then no assistant turn is needed, nor text in one."""
    assert draft({"messages": messages, "expected": 7}, "openai-chat").expected == 7


@pytest.mark.parametrize(
    ("messages", "needed", "got"),
    [
        (None, "a list 'messages'", "null"),
        ([], "a list 'messages'", "[]"),
        ("text", "a list 'messages'", '"text"'),
        (["text"], "messages with a role", 'messages[0]: "text"'),
        ([USER, {**ANSWER, "contnet": "x"}], "only the fields role", "messages[1]: 'contnet'"),
        ([{"role": "usr", "content": "x"}], "a role among", 'messages[0]: "usr"'),
        ([{"content": "x"}], "a role among", "messages[0]: null"),
        ([{"role": "user"}], "a content", "messages[0]: null"),
        ([{"role": "user", "content": [1]}], "a content", "messages[0]: [1]"),
        ([{"role": "user", "content": [{"text": 1}]}], "a content", 'messages[0]: [{"text": 1}]'),
        ([USER, weighted(2)], "a weight of 0 or 1", "messages[1]: 2"),
        ([USER], "an assistant turn of weight 1", "roles user"),
        ([USER, weighted(0)], "an assistant turn of weight 1", "roles user, assistant"),
        ([ANSWER], "a message before the assistant's", "none"),
        (
            [USER, {**ANSWER, "content": ""}],
            "a text or tool calls in an assistant turn",
            "assistant",
        ),
        ([USER, {**CALL, "tool_calls": "f"}], "tool calls with a function's name", '"f"'),
        (
            [USER, CALL, {"role": "tool", "content": "1"}, ANSWER],
            "the call that",
            "no tool_call_id",
        ),
    ],
)
def test_a_row_of_another_shape_is_a_fault(messages: object, needed: str, got: str) -> None:
    """It is told with the row's place, and where in the row."""
    result = row({"messages": messages}, "openai-chat")
    assert isinstance(result, list)
    [told] = result
    assert (told.path, told.line) == ("rows", 3)
    assert needed in told.needed
    assert got in told.got


def test_the_nearest_role_is_named() -> None:
    """A mistyped role is told with what was probably meant."""
    result = row({"messages": [{"role": "assistent", "content": "x"}]}, "openai-chat")
    assert isinstance(result, list)
    assert result[0].instead == "assistant (did you mean it?)"


def test_the_last_user_text_may_be_missing() -> None:
    """A prompt of a system message only has none; content without text is empty."""
    image = {"role": "user", "content": [{"type": "image_url"}]}
    assert last_user_text([SYSTEM]) == ""
    assert last_user_text([USER, image]) == ""
    assert last_user_text([USER, SYSTEM]) == "u"
