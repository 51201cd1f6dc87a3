"""Signs drawn for many tests at once, and p-values from the largest of their statistics.

Under the hypothesis that base and candidate are exchangeable within a unit, its differences in all
tests change their sign together. Drawing one sign per unit for all tests keeps their dependence, so
the law of the largest statistic is the law of the family [Westfall & Young 1993, Romano & Wolf
2005]. All signs are listed where there are no more of them than resamples asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from evalkit.stats.arrays import FloatArray, IntArray

_CELLS = 4_000_000
_MOST_LISTED = 16
_MOST_UNITS = 20_000


@dataclass(frozen=True, slots=True)
class Signs:
    """How the signs of ``units`` units are had: ``listed`` all of them, or ``count`` at random."""

    units: int
    count: int
    listed: bool

    @property
    def method(self) -> str:
        """The words for the report."""
        return "all sign flips" if self.listed else f"{self.count:,} random sign flips"

    def p_value(self, hits: IntArray) -> FloatArray:
        """Return p-values from how many flips reach each statistic [Phipson & Smyth 2010].

        Random flips count what was seen as one more of them; among all flips it is one already.
        """
        if self.listed:
            return np.asarray(hits / self.count, dtype=np.float64)
        return np.asarray((1 + hits) / (1 + self.count), dtype=np.float64)

    def draw(self, rng: np.random.Generator, *, width: int) -> Iterator[FloatArray]:
        """Yield arrays of +1 and -1, a row per unit and a column per flip.

        As few columns at a time as keep ``width`` numbers per flip in bounded memory.
        """
        columns = max(1, _CELLS // max(self.units, width, 1))
        for start in range(0, self.count, columns):
            taken = min(columns, self.count - start)
            yield self._listing(start, taken) if self.listed else self._random(rng, taken)

    def _listing(self, start: int, taken: int) -> FloatArray:
        bits = np.arange(start, start + taken) >> np.arange(self.units)[:, None]
        return np.asarray(1.0 - 2.0 * (bits & 1), dtype=np.float64)

    def _random(self, rng: np.random.Generator, taken: int) -> FloatArray:
        drawn = rng.integers(0, 256, size=(-(-self.units // 8), taken), dtype=np.uint8)
        bits = np.unpackbits(drawn, axis=0, count=self.units)
        return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)


def signs_for(units: int, *, resamples: int) -> Signs:
    """Return all 2^units signs if that is at most ``resamples``, else that many random ones."""
    if units <= _MOST_LISTED and 2**units <= resamples:
        return Signs(units, 2**units, listed=True)
    return Signs(units, resamples, listed=False)


def merged(rows: FloatArray, *, rng: np.random.Generator) -> FloatArray:
    """Return the sums of ``rows`` over at most 20,000 random sets of units.

    Sets that keep one sign together are a smaller group of flips, and as valid; with so many of
    them nothing of the power is lost, and a million units take no longer than 20,000.
    """
    if len(rows) <= _MOST_UNITS:
        return rows
    place = rng.permutation(len(rows)) % _MOST_UNITS
    columns = [np.bincount(place, weights=c, minlength=_MOST_UNITS) for c in rows.T]
    return np.stack(columns, axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Hits:
    """Per test, how many flips reach its statistic.

    ``own``: by the test itself. ``single_step``: by the largest of all tests. ``step_down``: by the
    largest of the tests that are not above it. ``largest`` holds each flip's largest, ascending.
    """

    own: IntArray
    single_step: IntArray
    step_down: IntArray
    largest: FloatArray


def count_hits(seen: FloatArray, flipped: Iterable[FloatArray], *, slack: float) -> Hits:
    """Count over all flips; ``flipped`` holds a row per test and a column per flip.

    Statistics within ``slack`` are tied, and count. -inf is a test that can show nothing.
    """
    order = np.argsort(-seen, kind="stable")
    reached = seen[order] - slack
    own, down = (np.zeros(len(seen), dtype=np.int64) for _ in range(2))
    tops = [np.zeros(0)]
    for chunk in flipped if len(seen) else ():
        ranked = chunk[order]
        own[order] += np.count_nonzero(ranked >= reached[:, None], axis=1)
        largest = np.maximum.accumulate(ranked[::-1], axis=0)[::-1]
        down[order] += np.count_nonzero(largest >= reached[:, None], axis=1)
        tops.append(largest[0])
    top = np.sort(np.concatenate(tops))
    single = len(top) - np.searchsorted(top, seen - slack, side="left")
    down[order] = np.maximum.accumulate(down[order])
    return Hits(own, single, down, top)
