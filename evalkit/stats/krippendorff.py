"""Krippendorff's alpha: agreement of any number of raters, with ratings missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from evalkit.stats.arrays import FloatArray
from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import Interval, NotEstimable

Scale = Literal["nominal", "ordinal", "interval"]
"""What counts as far apart: any difference, ranks between, or the squared difference."""

_CHUNK = 1 << 20
_MOST_RANKS = 64
_MOST_UNDEFINED = 0.05


@dataclass(frozen=True, slots=True)
class Alpha(Assuming):
    """Alpha (1 = full agreement, 0 = chance) of ``items`` with at least two of the ``ratings``.

    ``excluded`` items have fewer than two ratings and say nothing.
    """

    estimate: float
    interval: Interval | NotEstimable
    items: int
    ratings: int
    excluded: int
    method: str


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    scale: Scale,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2_000,
) -> Alpha | NotEstimable:
    """Return alpha of an array items x raters of numbers, nan where a rating is missing.

    1 - observed / expected disagreement, both over pairs of ratings [Krippendorff 2018, ch. 12];
    nominal labels stand as any numbers, one each. The ``krippendorff`` package takes the transposed
    array. The interval resamples whole items (Krippendorff's own bootstrap takes pairs as
    independent, which the pairs of one item are not) and is a percentile interval widened to t with
    items - 1 degrees of freedom [Hesterberg 2015, Am Stat 69:371]. It does not exist where no two
    ratings differ, since a resample cannot differ either. Not estimable where all ratings are one
    value.
    """
    x = np.asarray(ratings, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError("needed an array items x raters")
    rated = x[np.isfinite(x).sum(axis=1) >= 2]
    if not len(rated):
        return NotEstimable("no item has two ratings")
    kinds, counts = np.unique(_summaries(rated, scale), axis=0, return_counts=True)
    value = float(_alpha(counts[None].astype(np.float64), kinds, scale)[0])
    if math.isnan(value):
        return NotEstimable("all ratings are the same value, so chance alone would agree")
    drawn = _resampled(kinds, counts, scale=scale, rng=rng, resamples=resamples)
    interval = _interval(value, drawn, items=len(rated), level=level)
    total = int(np.isfinite(rated).sum())
    name = f"Krippendorff's alpha, {scale}"
    return Alpha(value, interval, len(rated), total, len(x) - len(rated), name)


def _summaries(rated: FloatArray, scale: Scale) -> FloatArray:
    """Return per item what alpha needs of it: how often each value, or the first moments."""
    there = np.isfinite(rated)
    if scale == "interval":
        # Alpha does not move with the origin, and near 0 the moments keep their digits.
        x = np.where(there, rated - np.nanmean(rated), 0.0)
        return np.stack([there.sum(axis=1), x.sum(axis=1), (x * x).sum(axis=1)], axis=1)
    values, code = np.unique(rated[there], return_inverse=True)
    items = np.broadcast_to(np.arange(len(rated))[:, None], rated.shape)[there]
    flat = np.bincount(items * len(values) + code.reshape(-1), minlength=len(rated) * len(values))
    return flat.reshape(len(rated), len(values)).astype(np.float64)


def _alpha(weights: FloatArray, kinds: FloatArray, scale: Scale) -> FloatArray:
    """Return alpha per row of ``weights`` (how often each kind of item); nan without expected."""
    if scale == "interval":
        m, s, ss = kinds.T
        n, total, squares = (weights @ kinds).T
        observed = weights @ (2 * (m * ss - s * s) / (m - 1))
        expected = 2 * (n * squares - total * total)
    else:
        observed, expected, n = _by_category(weights, kinds, scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - (n - 1) * observed / expected
    return np.where(expected > 1e-9 * n * n * _size(kinds, scale), found, np.nan)


def _size(kinds: FloatArray, scale: Scale) -> float:
    """Return what a squared difference is measured in, so that rounding is not disagreement."""
    return max(float(kinds[:, 2].max()), 1e-300) if scale == "interval" else 1e-9


def _by_category(
    weights: FloatArray, kinds: FloatArray, scale: Scale
) -> tuple[FloatArray, FloatArray, FloatArray]:
    m = kinds.sum(axis=1)
    totals = weights @ kinds
    n = totals.sum(axis=1)
    if scale == "nominal":
        observed = weights @ ((m * m - (kinds * kinds).sum(axis=1)) / (m - 1))
        return observed, n * n - (totals * totals).sum(axis=1), n
    k = kinds.shape[1]
    pairs = (kinds[:, :, None] * kinds[:, None, :] / (m - 1)[:, None, None]).reshape(-1, k * k)
    rank = np.cumsum(totals, axis=1) - totals / 2
    apart = (rank[:, :, None] - rank[:, None, :]) ** 2
    observed = ((weights @ pairs).reshape(-1, k, k) * apart).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * apart).sum(axis=(1, 2))
    return observed, expected, n


def _resampled(
    kinds: FloatArray,
    counts: np.ndarray[tuple[int], np.dtype[np.int64]],
    *,
    scale: Scale,
    rng: np.random.Generator,
    resamples: int,
) -> FloatArray | NotEstimable:
    """Return alpha of samples of items drawn with replacement; equal items are drawn together."""
    if scale == "ordinal" and kinds.shape[1] > _MOST_RANKS:
        return NotEstimable(f"more than {_MOST_RANKS} ranks: take the interval scale on ranks")

    def draws() -> Iterator[FloatArray]:
        n = int(counts.sum())
        rows = max(1, _CHUNK // max(len(kinds), kinds.shape[1] ** 2))
        for start in range(0, resamples, rows):
            size = min(rows, resamples - start)
            drawn = rng.multinomial(n, counts / n, size=size).astype(np.float64)
            yield _alpha(drawn, kinds, scale)

    return np.concatenate(list(draws()))


def _interval(
    value: float, drawn: FloatArray | NotEstimable, *, items: int, level: float
) -> Interval | NotEstimable:
    if isinstance(drawn, NotEstimable):
        return drawn
    if items < 2:
        return NotEstimable("resampling needs 2 items")
    if value > 1 - 1e-12:
        return NotEstimable("no two ratings differ, and neither would those of a resample")
    known = drawn[np.isfinite(drawn)]
    if len(known) < (1 - _MOST_UNDEFINED) * len(drawn):
        return NotEstimable(
            "nearly all ratings are one value: alpha is undefined in many resamples"
        )
    widened = stdtrit(items - 1, (1 - level) / 2) * math.sqrt(items / (items - 1))
    low, high = np.quantile(known, [ndtr(widened), 1 - ndtr(widened)])
    return Interval(float(low), float(high), level, "bootstrap over items, widened percentile")
