"""Functions that a suite names as graders, good and bad ones."""

from __future__ import annotations

import sys

from evalkit.model import Case, Grade, Reply, Ungraded

NOT_A_FUNCTION = 3


def whole(case: Case, reply: Reply) -> Grade:
    """Return a whole grade."""
    return Grade(0.25, passed=reply.text == case.expected, reason="mine")


def none_at_all(_case: Case, _reply: Reply) -> Ungraded:
    """Return no grade."""
    return Ungraded("not today")


def yes(_case: Case, _reply: Reply) -> bool:
    """Return a bool."""
    return True


def score(_case: Case, reply: Reply) -> float:
    """Return the text as a score."""
    return float(reply.text)


def text(_case: Case, reply: Reply) -> str:
    """Return what is no grade."""
    return reply.text


def leaves(_case: Case, _reply: Reply) -> bool:
    """Return nothing."""
    sys.exit("enough")


def wordy(_case: Case, _reply: Reply) -> Grade:
    """Return a grade whose score is no number."""
    return Grade("high", passed=True)  # type: ignore[arg-type]


async def later(_case: Case, _reply: Reply) -> bool:
    """Return a coroutine."""
    return True
