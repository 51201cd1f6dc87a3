"""What an answer is good for."""

from __future__ import annotations

import pytest

from evalkit.model import Failure, Reply, Request
from evalkit.runner.usable import as_outcome, may_stand

COLD = Request({"temperature": 0})
WARM = Request({"temperature": 0.7})


def test_filtered_reply_is_a_failure() -> None:
    """What the endpoint's filter withheld is no answer, and keeps its count of tries."""
    outcome = as_outcome(Reply("", finish_reason="content_filter", tries=2))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.tries) == ("content_filter", 2)


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls"])
def test_other_replies_are_answers(reason: str) -> None:
    """A cut off or empty reply goes to the graders as it is."""
    reply = Reply("", finish_reason=reason)
    assert as_outcome(reply) is reply


@pytest.mark.parametrize(
    ("reply", "stands"),
    [
        (Reply("yes"), True),
        (Reply("", finish_reason="tool_calls", extra={"tool_calls": [{}]}), True),
        (Reply("", extra={"embedding": [1.0]}), True),
        (Reply(" \n"), False),
        (Reply("ye", finish_reason="length"), False),
        (Reply("", finish_reason="content_filter"), False),
    ],
)
def test_only_complete_replies_stand_when_drawn_at_random(reply: Reply, *, stands: bool) -> None:
    """Bad luck is asked anew above temperature 0, and is the model's answer at 0."""
    assert may_stand(WARM, reply) is stands
    assert may_stand(Request({}), reply) is stands
    assert may_stand(COLD, reply)
