"""Two models' scores on one suite as aligned arrays: all that a suite is judged from.

Arrays rather than cases, so that a million pairs that come from a file of scores need no more than
their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.arrays import FloatArray, IntArray

Flags = NDArray[np.bool_]

RIGHT = 0.5
"""The mean score from which a case counts as right."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which case is in which slice.

    ``names`` are (field, value); ``case`` and ``group`` have one entry per membership: the index of
    the case among the compared ones, and that of the slice among ``names``.
    """

    names: tuple[tuple[str, str], ...]
    case: IntArray
    group: IntArray


NO_SLICES = Membership((), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Extremes:
    """The scores of all expected cases, had every missing answer been wrong, or right.

    Two aligned arrays a model; ``clusters`` as in `Pairs`.
    """

    base_low: FloatArray
    base_high: FloatArray
    candidate_low: FloatArray
    candidate_high: FloatArray
    clusters: IntArray | None


@dataclass(frozen=True, slots=True)
class Samples:
    """One model's single scores of the compared cases, in the order of cases, then of scores.

    ``case`` is the index of each one's case; every compared case has at least one.
    """

    case: IntArray
    score: FloatArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """The cases that both models answered, by id, with their scores; and what is left out.

    ``ids``, ``base``, ``candidate``, ``clusters`` (a number per case from 0, equal within a
    cluster; ``None`` if each case is its own) and ``critical`` are aligned. ``critical_missing``
    are the ids of critical cases that were not compared, or were while missing answers could make
    them broken. ``errors`` and ``ungraded`` count cases among the ``expected`` ones; a case can be
    both, and compared all the same through other samples. ``extremes`` is ``None`` when no answer
    is missing. ``samples`` are those of base and candidate; ``None`` where each case has one score
    of each, which says it all.
    """

    ids: Sequence[str]
    base: FloatArray
    candidate: FloatArray
    expected: int
    errors: int
    ungraded: int
    clusters: IntArray | None
    critical: Flags
    critical_missing: tuple[str, ...] = ()
    slices: Membership = NO_SLICES
    extremes: Extremes | None = None
    samples: tuple[Samples, Samples] | None = None

    @property
    def n(self) -> int:
        """The number of compared cases."""
        return len(self.ids)

    @property
    def not_asked(self) -> int:
        """The number of expected cases without even an answer that failed or has no score."""
        return max(self.expected - self.n - self.errors - self.ungraded, 0)

    @property
    def has_critical(self) -> bool:
        """Whether there is a critical case, compared or not."""
        return bool(self.critical.any()) or bool(self.critical_missing)
