"""Several models on the same items, right or wrong: is any of them better than another?

Cochran's Q compares the models' totals with how far they would scatter if, item by item, the right
answers fell to models by chance. For two models it is McNemar's test without correction. Items on
which all models agree do not enter. Cases must be independent of each other. A small Q says
nothing about a single model: the gate compares one candidate with one base.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from evalkit.stats.arrays import FloatArray, IntArray, floats
from evalkit.stats.values import NotEstimable, PValue

FEW = 32
"""Mixed items below which the permutation is preferred to chi-squared.

False alarms of chi-squared in 20,000 simulated runs each, 4 to 41 models, one or half of them wrong
in each mixed item, at 5 % and at 1 %: up to .14 and .03 with 4 to 8 mixed items, .08 and .03 with
10 to 12, .05 and .016 with 16 to 24, .055 and .012 with 32 to 48. The number of outcomes (mixed
items x models) says too little: two items and 21 models are 42.
"""

_LISTED = 1 << 18
_CHUNK = 1 << 20
_PATTERNS = 1_000


@dataclass(frozen=True, slots=True)
class CochranQ:
    """Q with its two p-values: chi-squared with ``df``, and by permutation within items.

    ``rates`` are the models' shares of right answers, ``n`` counts items, ``mixed`` those on which
    the models differ; Q and p-values are not estimable where there is none. ``preferred`` is the
    p-value to read: with fewer than `FEW` mixed items that of the permutation, else that of
    chi-squared.
    """

    rates: tuple[float, ...]
    statistic: float | NotEstimable
    df: int
    p_value: PValue | NotEstimable
    permutation: PValue | NotEstimable
    n: int
    mixed: int

    @property
    def preferred(self) -> PValue | NotEstimable:
        """The p-value to read."""
        return self.permutation if self.mixed < FEW else self.p_value


def cochran_q(
    outcomes: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 9_999,
    shuffled: Literal["always", "few"] = "always",
) -> CochranQ | NotEstimable:
    """Test an array of 0 and 1, items x models (at least two), for any difference between models.

    Q = (k - 1) (k sum C_j^2 - N^2) / (k N - sum R_i^2), with the models' totals C_j, the items' R_i
    and N in all [Cochran 1950, Biometrika 37:256]. The permutation version shuffles each item's
    outcomes among the models, lists all shuffles up to a quarter of a million, else draws them with
    p = (1 + as extreme) / (1 + shuffles); it is exact if the models are exchangeable. With
    ``shuffled="few"`` it is made only where it is to be preferred: 1,000 items and 13 models take
    3 s. Not estimable without an item, or with a value that is not finite.
    """
    x = floats(outcomes)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError("cochran_q needs items x at least two models")
    if not len(x) or not np.isfinite(x).all():
        return NotEstimable("no item" if not len(x) else "an outcome is not a finite number")
    if not np.isin(x, (0.0, 1.0)).all():
        raise ValueError("cochran_q needs outcomes of 0 and 1")
    n, k = x.shape
    rates = tuple(float(share) for share in x.mean(axis=0))
    mixed = x[(x.min(axis=1) == 0) & (x.max(axis=1) == 1)]
    if not len(mixed):
        none = NotEstimable("every item was answered alike by all models")
        return CochranQ(rates, none, k - 1, none, none, n, 0)
    totals, per_item = mixed.sum(axis=0), mixed.sum(axis=1)
    spread = float(k * (totals @ totals) - totals.sum() ** 2)
    q = (k - 1) * spread / float((per_item * (k - per_item)).sum())
    p = PValue(float(chdtrc(k - 1, q)), "Cochran's Q, chi-squared")
    permuted: PValue | NotEstimable = NotEstimable("outcomes enough for chi-squared")
    if shuffled == "always" or len(mixed) < FEW:
        permuted = _permutation(totals, per_item, rng=rng, resamples=resamples)
    return CochranQ(rates, q, k - 1, p, permuted, n, len(mixed))


def _permutation(
    totals: FloatArray, per_item: FloatArray, *, rng: np.random.Generator, resamples: int
) -> PValue:
    """Return the share of shuffles with as large a sum of squared totals.

    Q rises with that sum, which is a whole number, so ties are exact.
    """
    k, seen = len(totals), float(totals @ totals)
    right, items = np.unique(per_item.astype(np.int64), return_counts=True)
    ways = sum(
        count * math.log(math.comb(k, ones))
        for ones, count in zip(right.tolist(), items.tolist(), strict=True)
    )
    if ways <= math.log(_LISTED):
        squares = (_all_shuffles(k, right, items) ** 2).sum(axis=1)
        return PValue(float((squares >= seen).mean()), "Cochran's Q, all shuffles within items")
    drawn = _random_shuffles(k, right, items, rng=rng, resamples=resamples)
    hits = int(np.count_nonzero((drawn**2).sum(axis=1) >= seen))
    name = f"Cochran's Q, {resamples:,} random shuffles within items"
    return PValue((1 + hits) / (1 + resamples), name)


def _patterns(k: int, right: int) -> FloatArray:
    """Return every way in which ``right`` of ``k`` models are right, one a row."""
    chosen = list(itertools.combinations(range(k), right))
    rows = np.zeros((len(chosen), k))
    rows[np.arange(len(chosen))[:, None], np.array(chosen)] = 1.0
    return rows


def _all_shuffles(k: int, right: IntArray, items: IntArray) -> FloatArray:
    totals = np.zeros((1, k))
    for ones in np.repeat(right, items).tolist():
        totals = (totals[:, None, :] + _patterns(k, ones)).reshape(-1, k)
    return totals


def _random_shuffles(
    k: int, right: IntArray, items: IntArray, *, rng: np.random.Generator, resamples: int
) -> FloatArray:
    """Return the models' totals of random shuffles: one multinomial over patterns where few."""
    totals = np.zeros((resamples, k))
    for ones, count in zip(right.tolist(), items.tolist(), strict=True):
        if math.comb(k, ones) <= _PATTERNS:
            patterns = _patterns(k, ones)
            share = np.full(len(patterns), 1 / len(patterns))
            totals += rng.multinomial(count, share, size=resamples) @ patterns
            continue
        for rows in _chunks(resamples, count * k):
            keys = rng.random((rows.stop - rows.start, count, k))
            chosen = np.argpartition(keys, ones - 1, axis=2)[:, :, :ones]
            for row, models in enumerate(chosen.reshape(len(chosen), -1), start=rows.start):
                totals[row] += np.bincount(models, minlength=k)
    return totals


def _chunks(resamples: int, width: int) -> Iterator[slice]:
    rows = max(1, _CHUNK // width)
    for start in range(0, resamples, rows):
        yield slice(start, min(start + rows, resamples))
