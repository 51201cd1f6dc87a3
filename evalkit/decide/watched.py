"""A suite that was judged while it was asked: its scores in the order of asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.decide.asking import asking_order, gap_cases
from evalkit.decide.claims import Sides
from evalkit.decide.pairs import Pairs
from evalkit.decide.tabulate import Answers, pair_up
from evalkit.model import Case, Suite
from evalkit.stats.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a watched suite beyond its compared cases.

    ``views`` are the scores of the ``asked`` cases: as observed, and where an answer is missing
    also with all missing ones against the candidate, and for it. ``gap`` holds the first cases of
    the order, on which the generalisation gap is measured; ``critical`` all critical ones, which
    are asked though the suite has stopped.
    """

    planned: int
    asked: int
    views: tuple[Sides, ...]
    gap: Pairs
    critical: Pairs


def watched(
    suite: Suite, asked: int, *, base: Answers, candidate: Answers, trained: int
) -> Watched:
    """Return a suite of which the first ``asked`` held-out cases of the order count."""
    order = asking_order(suite)
    first = order[:asked]
    return Watched(
        planned=len(order),
        asked=len(first),
        views=views(first, base, candidate),
        gap=pair_up(first[: gap_cases(trained)], base, candidate),
        critical=pair_up((case for case in order if case.critical), base, candidate),
    )


def views(cases: Sequence[Case], base: Answers, candidate: Answers) -> tuple[Sides, ...]:
    """Return the scores of ``cases`` in their order, as `Watched` holds them.

    Leaving a missing answer out would close the gap in the order in favour of whoever failed; so
    the claims must hold however it would have come out.
    """
    ids = [case.id for case in cases]
    both = [name for name in ids if name in base.means and name in candidate.means]
    observed = Sides(
        _array([base.means[i] for i in both]), _array([candidate.means[i] for i in both])
    )
    if not any(model.missing(name) for name in ids for model in (base, candidate)):
        return (observed,)
    ours, theirs = (np.array([m.extremes(i) for i in ids]) for m in (base, candidate))
    return observed, Sides(ours[:, 1], theirs[:, 0]), Sides(ours[:, 0], theirs[:, 1])


def _array(values: Sequence[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)
