"""What happened to one case between two models: the word under which everyone counts it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from evalkit.model import Record

Status = Literal["broken", "error", "missed", "fixed", "passed"]
"""Only the base right, not both answered, both wrong, only the candidate right, both right."""

RIGHT = 0.5
"""The mean score from which a case counts as right."""


def mean_score(records: Iterable[Record]) -> float | None:
    """Return the mean score of one model's graded answers to one case; ``None`` without any.

    Second answers of an A/A comparison do not count.
    """
    scores = [
        r.score for r in records if r.score is not None and math.isfinite(r.score) and not r.aa
    ]
    return math.fsum(scores) / len(scores) if scores else None


def status_of(base: float | None, candidate: float | None) -> Status:
    """Return what happened to a case by its two mean scores."""
    if base is None or candidate is None:
        return "error"
    if base >= RIGHT:
        return "passed" if candidate >= RIGHT else "broken"
    return "fixed" if candidate >= RIGHT else "missed"
