"""What an answer is good for: whether it can be graded, and whether it may be used again."""

from __future__ import annotations

from evalkit.model import Failure, Outcome, Reply, Request


def as_outcome(reply: Reply) -> Outcome:
    """Return the reply, or a `Failure` where the endpoint's filter took the place of an answer.

    A reply cut off at ``max_tokens`` and an empty one are answers: the graders judge them.
    """
    if reply.finish_reason == "content_filter":
        message = "the endpoint's content filter withheld the answer"
        return Failure("content_filter", message, tries=reply.tries)
    return reply


def may_stand(request: Request, reply: Reply) -> bool:
    """Tell whether a stored reply answers ``request`` for good.

    A cut off, filtered or empty reply is the model's answer only at temperature 0, where asking
    again would draw the same; otherwise it was bad luck, and is asked anew.
    """
    complete = reply.finish_reason not in ("length", "content_filter")
    extra = reply.extra
    said_something = bool(reply.text.strip() or extra.get("tool_calls") or extra.get("embedding"))
    return (complete and said_something) or request.body.get("temperature") == 0
