"""What missing answers could change, had all of them gone against the candidate, or for it.

An answer that never came, or could not be graded, is neither right nor wrong. Leaving it out is
honest only as long as it cannot matter, so the comparison is made three times: as observed, with
every missing answer of the candidate wrong and of the base right, and the reverse [worst-case
bounds: Manski 1989; Horowitz & Manski 2000]. The verdict claims what all three show.
"""

from __future__ import annotations

import numpy as np

from evalkit.decide.decision import Bound, Bounds
from evalkit.decide.pairs import Extremes, Pairs
from evalkit.decide.reading import Reading, read


def missing_bounds(
    pairs: Pairs, observed: Reading, *, margin: float, alpha: float, rng: np.random.Generator
) -> Bounds | None:
    """Return the bounds of a suite's comparison; ``None`` if no answer is missing."""
    extremes = pairs.extremes
    if extremes is None:
        return None
    worst, best = (
        read(base, candidate, clusters=extremes.clusters, margin=margin, alpha=alpha, rng=rng)
        for base, candidate in (
            (extremes.base_high, extremes.candidate_low),
            (extremes.base_low, extremes.candidate_high),
        )
    )
    return bounds_of(extremes, observed, worst=worst, best=best)


def bounds_of(extremes: Extremes, observed: Reading, *, worst: Reading, best: Reading) -> Bounds:
    """Return the bounds that three readings of one suite give together."""
    return Bounds(
        missing=_cases_with_a_gap(extremes),
        observed=observed.verdict,
        worst=_bound(worst),
        best=_bound(best),
    )


def _bound(reading: Reading) -> Bound:
    return Bound(reading.compared.difference, reading.gate, reading.verdict)


def _cases_with_a_gap(extremes: Extremes) -> int:
    base = extremes.base_low < extremes.base_high
    candidate = extremes.candidate_low < extremes.candidate_high
    return int(np.count_nonzero(base | candidate))
