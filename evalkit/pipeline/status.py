"""What happened to one case, over all comparisons that it takes part in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.decide.status import Status, mean_score, status_of
from evalkit.model import Case, Pair, Record

SEVERITY: tuple[Status, ...] = ("error", "broken", "missed", "fixed", "passed")


def pair_status(records: Sequence[Record], pair: Pair) -> Status:
    """Return what happened to one case between two models."""
    base, candidate = (
        mean_score(r for r in records if r.model == name) for name in (pair.base, pair.candidate)
    )
    return status_of(base, candidate)


def case_status(case: Case, records: Sequence[Record], pairs: Iterable[Pair]) -> Status:
    """Return the most severe status over the comparisons that the case takes part in."""
    found = {
        pair_status(records, pair)
        for pair in pairs
        if case.split == "heldout" or pair.candidate in case.trained
    }
    return next((status for status in SEVERITY if status in found), "error")
