"""How far a figure of all labels may lie from what was seen, from how far each label's recall may.

A rare label of which all answers are right, or all wrong, adds nothing to a variance, though its
recall may lie far from what was seen. So recalls are moved, each to its score limits at a z of its
own, so that the squares of these z add up to the square of the level's: the furthest that the
figure can go this way is how far it may lie. For many cases of each label that is the usual sum of
variances; for one label with few cases it is that label's own limit. Score limits are stretched by
as much as the exact ones [Clopper & Pearson 1934] are wider at the level: of two or three cases the
former hold too seldom. Each label's moves are found with the others where they are, and added up.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtr

from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.confusion import MCC, OF_SUITE, Labelled, figures

MOVED = tuple(OF_SUITE.index(name) for name in ("balanced_accuracy", "f1_macro", "mcc"))
"""The figures that a rare label can move far; accuracy and micro F1 are shares of all cases."""

_SHARES = 3.0 ** np.arange(-7, 1)
"""Shares of z squared that a label may take; between two of them moves are taken as straight."""

_CHUNK = 1 << 20

_Pair = tuple[FloatArray, FloatArray]


def score_limits(rates: FloatArray, worth: FloatArray, *, z: FloatArray | float) -> _Pair:
    """Return Wilson's limits of rates that are worth so many cases."""
    spread = np.nan_to_num(rates * (1 - rates))
    centre = (rates + z**2 / (2 * worth)) / (1 + z**2 / worth)
    reach = z * np.sqrt(spread / worth + z**2 / (4 * worth**2)) / (1 + z**2 / worth)
    return np.maximum(centre - reach, 0.0), np.minimum(centre + reach, 1.0)


def moves(model: Labelled, rates: FloatArray, worth: FloatArray, *, z: float) -> _Pair:
    """Return how far each label moves each figure of `MOVED` down and up: shares x labels x 3.

    ``rates`` and ``worth`` are those of each label's recall, ``z`` that of the level. Labels that
    no case has are left out. Figures are rates from 0 to 1, MCC as (1 + MCC) / 2. Fewer wrong
    answers keep to the labels they name; of more, as many as one case is worth are taken as spread
    evenly over the other labels, so that a label that was never named falsely may be.
    """
    codes, cases = np.unique(model.expected, return_counts=True)
    rows = np.zeros((len(codes), model.labels))
    np.add.at(rows, np.searchsorted(codes, model.expected), model.named)
    own = np.arange(len(codes)), codes
    right, rows[own] = rows[own].copy(), 0.0
    wrong = cases - right
    one = (cases / worth[codes])[:, None]
    even = np.full_like(rows, 1 / max(model.labels - 1, 1))
    even[own] = 0.0
    fewer = rows / np.maximum(wrong, TIE)[:, None]
    more = (rows + one * even) / (wrong[:, None] + one)
    low, high = _stretched(rates[codes], worth[codes], z=z)
    step = np.zeros((len(codes), 3, model.labels))
    step[(own[0], 1, codes)] = step[(own[0], 2, codes)] = 1.0
    sums = model.parts.sum(axis=0)
    ends = []
    for limits, going in ((low, more), (high, fewer)):
        step[:, 1] -= going
        ends.append(_moved(sums, cases * limits - right, step.reshape(len(codes), -1)))
        step[:, 1] += going
    down, up = np.minimum(*ends), np.maximum(*ends)
    return np.maximum(-down, 0.0), np.maximum(up, 0.0)


def reach(moved: FloatArray) -> FloatArray:
    """Return the largest sum of moves (shares x labels x figures) whose shares add up to 1."""
    cost = np.repeat(np.diff(_SHARES, prepend=0.0), moved.shape[1])[:, None]
    gain = np.maximum(np.diff(moved, axis=0, prepend=0.0), 0.0).reshape(len(cost), -1)
    best = np.argsort(-gain / cost, axis=0, kind="stable")
    paid, gained = cost[best, 0], np.take_along_axis(gain, best, axis=0)
    left = 1 - (np.cumsum(paid, axis=0) - paid)
    found: FloatArray = (np.clip(left / paid, 0.0, 1.0) * gained).sum(axis=0)
    return found


def _stretched(rates: FloatArray, worth: FloatArray, *, z: float) -> _Pair:
    """Return score limits for each of the shares, stretched: shares x labels, both ways."""
    tail, right = float(ndtr(-z)), rates * worth
    wrong = np.maximum(worth - right, 0.0)
    low = np.where(right > TIE, betaincinv(np.maximum(right, TIE), wrong + 1, tail), 0.0)
    high = np.where(wrong > TIE, betaincinv(right + 1, np.maximum(wrong, TIE), 1 - tail), 1.0)
    usual = score_limits(rates, worth, z=z)
    parts = score_limits(rates, worth, z=z * np.sqrt(_SHARES)[:, None])
    down, up = (
        rates
        + (part - rates) * np.maximum(1.0, (exact - rates) / np.where(known, full - rates, 1.0))
        for part, full, exact in zip(parts, usual, (low, high), strict=True)
        for known in [np.abs(full - rates) > TIE]
    )
    return np.maximum(down, 0.0), np.minimum(up, 1.0)


def _moved(sums: FloatArray, more_right: FloatArray, step: FloatArray) -> FloatArray:
    """Return what ``more_right`` answers (shares x labels) change in each figure of `MOVED`.

    ``step`` is what one more right answer of a label changes in the sums.
    """
    found = np.zeros((*more_right.shape, len(MOVED)))
    rows = max(1, _CHUNK // len(sums))
    for start in range(0, len(step), rows):
        part = slice(start, start + rows)
        for share, more in enumerate(more_right[:, part]):
            found[share, part] = figures(sums + more[:, None] * step[part])[:, MOVED]
    found = np.nan_to_num(found - figures(sums[None])[0, list(MOVED)])
    found[..., MOVED.index(MCC)] /= 2
    return found
