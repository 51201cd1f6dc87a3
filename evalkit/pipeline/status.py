"""What happened to one case when its models are put side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from evalkit.model import Case, Pair, Record

PairStatus = Literal["passed", "missed", "fixed", "broken", "error"]
"""Both right, both wrong, only the candidate right, only the base right, not both answered."""

SEVERITY: tuple[PairStatus, ...] = ("error", "broken", "missed", "fixed", "passed")


def right(scores: Iterable[float | None]) -> bool | None:
    """Return whether one model's mean score reaches one half; ``None`` if a score is missing."""
    known = list(scores)
    if not known or any(score is None for score in known):
        return None
    return sum(score for score in known if score is not None) / len(known) >= 0.5


def pair_status(records: Sequence[Record], pair: Pair) -> PairStatus:
    """Return what happened to one case between two models."""
    base = right(r.score for r in records if r.model == pair.base)
    candidate = right(r.score for r in records if r.model == pair.candidate)
    if base is None or candidate is None:
        return "error"
    if base and candidate:
        return "passed"
    if base:
        return "broken"
    return "fixed" if candidate else "missed"


def case_status(case: Case, records: Sequence[Record], pairs: Iterable[Pair]) -> PairStatus:
    """Return the most severe status over the comparisons that the case takes part in."""
    found = {
        pair_status(records, pair)
        for pair in pairs
        if case.split == "heldout" or pair.candidate in case.trained
    }
    return next((status for status in SEVERITY if status in found), "error")
