"""What a run leaves behind for each answer: the outcome and its grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.model.exchange import Outcome


@dataclass(frozen=True, slots=True)
class Grade:
    """A graded answer: ``score`` in [0, 1], whether it passed, and why in a few words."""

    score: float
    passed: bool
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ungraded:
    """An answer that could not be graded, and why. Not a wrong answer: it is counted apart."""

    why: str


Graded = Grade | Ungraded


@dataclass(frozen=True, slots=True)
class Record:
    """One answer of one model to one case, with all its grades.

    ``score`` is the suite's score in [0, 1]; ``None`` when the call failed or the score could not
    be graded. ``grades`` is empty when the call failed. ``aa`` marks the second answers of the base
    in an A/A comparison: they measure noise and are part of no score.
    """

    suite: str
    case: str
    model: str
    sample: int
    outcome: Outcome
    grades: Mapping[str, Graded] = field(default_factory=dict)
    score: float | None = None
    aa: bool = False
