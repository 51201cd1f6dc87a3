"""What several studies share: tables drawn, events counted, an interval asked for the truth."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evalkit.stats.arrays import IntArray
from evalkit.stats.values import Interval, NotEstimable


def flips(
    rng: np.random.Generator, n: int, *, gained: float, lost: float, runs: int
) -> tuple[IntArray, IntArray]:
    """Draw the gained and lost pairs of many runs of ``n`` pairs."""
    drawn = rng.multinomial(n, [gained, lost, 1 - gained - lost], size=runs)
    return drawn[:, 0], drawn[:, 1]


def tables(gained: IntArray, lost: IntArray) -> list[tuple[int, int, int]]:
    """Return each different (gained, lost) and in how many runs it came up."""
    kinds, counts = np.unique(np.stack([gained, lost], axis=1), axis=0, return_counts=True)
    return [(int(b), int(c), int(k)) for (b, c), k in zip(kinds, counts, strict=True)]


def share(events: Iterable[bool], runs: int) -> float:
    """Return the share of ``runs`` in which the event happened."""
    return sum(bool(event) for event in events) / runs


def covers(interval: Interval | NotEstimable, truth: float) -> bool:
    """Return whether ``interval`` holds ``truth``; none at all excludes nothing."""
    return isinstance(interval, NotEstimable) or interval.low <= truth <= interval.high
