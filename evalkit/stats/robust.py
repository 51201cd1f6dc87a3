"""One coefficient of a least-squares fit, with an error that trusts neither equal nor single cases.

The bias-reduced cluster-robust variance CR2 with Satterthwaite's degrees of freedom [Bell &
McCaffrey 2002; Imbens & Kolesar 2016; Pustejovsky & Tipton 2018]. For cases without clusters it is
HC2, and for a mere difference of two means HC2 is Welch's variance. HC3 on n - p degrees of freedom
is the other usual choice; both cover when the sides are alike, but with 8 trained and 200 held-out
cases a 95 % interval of HC3 covers in 93.2 %, this one in 95.1 % (20,000 simulated runs, normal,
one covariate).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.values import NotEstimable

_CERTAIN = 1e-9
_BATCH = 2_000_000


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient, and its error if there is one to be had; ``method`` "CR2"."""

    value: float
    procedure: Estimate | NotEstimable


@dataclass(frozen=True, slots=True)
class _Influence:
    """What the variance needs of each unit g, with a_g its weights after CR2's correction.

    ``scores`` is a_g' residuals, ``squares`` a_g' a_g, ``images`` the design's part of a_g.
    """

    scores: FloatArray
    squares: FloatArray
    images: FloatArray


def basis(covariates: FloatArray) -> FloatArray:
    """Return orthonormal columns that span a constant and ``covariates``, redundant ones dropped.

    A column counts as redundant if the others give it to ten digits.
    """
    n = len(covariates)
    centred = covariates - covariates.mean(axis=0)
    length = np.sqrt((centred * centred).sum(axis=0))
    size = np.abs(covariates).max(axis=0, initial=0.0) * np.sqrt(n)
    kept = length > 1e-12 * size
    constant = np.full((n, 1), n**-0.5)
    if not kept.any():
        return constant
    left, values, _ = np.linalg.svd(centred[:, kept] / length[kept], full_matrices=False)
    return np.concatenate([constant, left[:, values > 1e-10 * values[0]]], axis=1)


def coefficient(
    outcome: FloatArray,
    regressor: FloatArray,
    *,
    given: FloatArray,
    units: IntArray | None = None,
) -> Coefficient | NotEstimable:
    """Return the coefficient of ``regressor`` when ``outcome`` is fitted by it and by ``given``.

    ``given`` is a `basis`; ``units`` numbers the cluster of each row from 0, ``None`` for rows that
    are independent. By Frisch, Waugh and Lovell the coefficient is that of the part w of the
    regressor which ``given`` does not say.
    """
    n, rank = given.shape
    w = _without(regressor, given)
    left = float(w @ w)
    if left <= _CERTAIN * max(float(regressor @ regressor), _CERTAIN):
        return NotEstimable("the covariates alone tell trained from held-out cases")
    if n - rank - 1 < 1:
        return NotEstimable(f"{n} cases are too few for {rank - 1} covariates")
    value = float(w @ outcome) / left
    return Coefficient(value, _error(outcome, w, value, given=given, units=units))


def _error(
    outcome: FloatArray,
    w: FloatArray,
    value: float,
    *,
    given: FloatArray,
    units: IntArray | None,
) -> Estimate | NotEstimable:
    left = float(w @ w)
    residuals = _without(outcome, given) - value * w
    if np.abs(residuals).max() <= 1e-12 * max(float(np.abs(outcome).max()), 1e-300):
        return NotEstimable("split and covariates fit every case, so the spread is unknown")
    frame = np.concatenate([given, (w / left**0.5)[:, None]], axis=1)
    found = _by_case(frame, residuals) if units is None else _by_cluster(frame, residuals, units)
    if isinstance(found, NotEstimable):
        return found
    variance, df = _moments(found)
    if not variance > 0:
        return NotEstimable("the independent units show no spread")
    return Estimate(value, float(np.sqrt(variance / left)), df, "CR2")


def _without(values: FloatArray, given: FloatArray) -> FloatArray:
    rest = values - given @ (given.T @ values)
    return np.asarray(rest - given @ (given.T @ rest), dtype=np.float64)


def _by_case(frame: FloatArray, residuals: FloatArray) -> _Influence | NotEstimable:
    """Return the influences of single rows: a_i = w_i / sqrt(1 - leverage_i)."""
    leverage = np.minimum((frame * frame).sum(axis=1), 1.0)
    free = 1 - leverage
    w = frame[:, -1]
    fixed = free <= _CERTAIN
    if np.any(fixed & (w * w > _CERTAIN)):
        return NotEstimable("a single case decides the gap, so its spread is unknown")
    a = np.where(fixed, 0.0, w / np.sqrt(np.where(fixed, 1.0, free)))
    return _Influence(a * residuals, a * a, frame * a[:, None])


def _by_cluster(
    frame: FloatArray, residuals: FloatArray, units: IntArray
) -> _Influence | NotEstimable:
    """Return the influences of clusters: a_g = (I - H_gg)^(-1/2) w_g.

    With the frame F orthonormal and K_g = F_g' F_g this is F_g (I - K_g)^(-1/2) e, e picking w.
    """
    order = np.argsort(units, kind="stable")
    _, starts = np.unique(units[order], return_index=True)
    f, e = frame[order], residuals[order]
    ends = np.append(starts[1:], len(e))
    p = f.shape[1]
    at_once = max(1, _BATCH // (p * p))
    parts = []
    for first in range(0, len(starts), at_once):
        taken = slice(first, first + at_once)
        k = np.stack([f[a:b].T @ f[a:b] for a, b in zip(starts[taken], ends[taken], strict=True)])
        values, vectors = np.linalg.eigh(k)
        free = np.maximum(1 - values, 0.0)
        fixed = free <= _CERTAIN
        if np.any(fixed & (vectors[:, -1, :] ** 2 > _CERTAIN)):
            return NotEstimable("a single cluster decides the gap, so its spread is unknown")
        scale = np.where(fixed, 0.0, 1 / np.sqrt(np.where(fixed, 1.0, free)))
        c = np.einsum("gij,gj,gj->gi", vectors, scale, vectors[:, -1, :])
        parts.append((c, np.einsum("gij,gj->gi", k, c)))
    c, images = (np.concatenate(part) for part in zip(*parts, strict=True))
    sums = np.add.reduceat(f * e[:, None], starts, axis=0)
    return _Influence((c * sums).sum(axis=1), (c * images).sum(axis=1), images)


def _moments(found: _Influence) -> tuple[float, float]:
    """Return the sum of squared scores, and its degrees of freedom if all cases spread alike.

    The scores then have the covariance D - B B', with D the squares on the diagonal and B the
    images; df is its squared trace over the trace of its square.
    """
    lengths = (found.images**2).sum(axis=1)
    gram = found.images.T @ found.images
    trace = float((found.squares - lengths).sum())
    square = float((found.squares**2 - 2 * found.squares * lengths).sum() + (gram * gram).sum())
    return float((found.scores**2).sum()), trace * trace / square if square > 0 else 0.0
