"""Which single cases regressed: K samples per case and model, one exact test each, FDR over all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.stats.arrays import TIE, FloatArray, IntArray, floats
from evalkit.stats.multiplicity import adjust
from evalkit.stats.values import NotEstimable


@dataclass(frozen=True, slots=True)
class RegressedCases:
    """One entry a case: Fisher's one-sided p-value, and adjusted for the family (nan outside it).

    ``regressed`` marks the cases whose adjusted p-value is at most ``rate``, the false discovery
    rate. ``tested`` cases form the family; ``unreachable`` ones have too few samples, or are too
    uniformly right or wrong, to get a p-value of ``rate`` whatever the split; ``unsampled`` ones
    lack the samples of a model.
    """

    p_values: FloatArray
    adjusted: FloatArray
    regressed: NDArray[np.bool_]
    rate: float
    tested: int
    unreachable: int
    unsampled: int
    method: str

    @property
    def indices(self) -> IntArray:
        """The positions of the regressed cases, the surest first."""
        found = np.flatnonzero(self.regressed)
        return found[np.argsort(self.p_values[found], kind="stable")]


@dataclass(frozen=True, slots=True)
class Successes:
    """How many of a case's ``trials`` samples a model got right; one entry a case each.

    A case with nan in either has no samples.
    """

    right: ArrayLike
    trials: ArrayLike


def regressed_cases(
    base: Successes, candidate: Successes, *, rate: float = 0.1
) -> RegressedCases | NotEstimable:
    """Return which cases the candidate gets right less often than the base, at an FDR of ``rate``.

    Per case Fisher's exact test of the two success counts, then Benjamini-Hochberg [1995], which
    needs independent or positively dependent cases. Given a case's total of right samples its
    smallest possible p-value is known before the split between the models is seen, so cases that
    can't reach ``rate`` leave the family without harm [Tarone 1990; Gilbert 2005]: a suite's many
    cases that both models always get right cost nothing. With 3 samples each the smallest p-value
    is 1/20, with 5 1/252: few samples name few cases, and no name does not mean no regression.
    """
    b, c, n_b, n_c = _counts(base, candidate)
    sampled = (n_b > 0) & (n_c > 0)
    if not sampled.any():
        return NotEstimable("no case was sampled from both models")
    p, least = np.full(len(b), np.nan), np.full(len(b), np.nan)
    p[sampled], least[sampled] = _fisher(b[sampled], c[sampled], n_b[sampled], n_c[sampled])
    family = sampled & (np.nan_to_num(least, nan=1.0) <= rate * (1 + TIE))
    tests = adjust(np.where(family, p, np.nan).tolist(), method="bh").values
    adjusted = np.array(tests, dtype=np.float64)
    return RegressedCases(
        p_values=p,
        adjusted=adjusted,
        regressed=np.nan_to_num(adjusted, nan=2.0) <= rate,
        rate=rate,
        tested=int(family.sum()),
        unreachable=int((sampled & ~family).sum()),
        unsampled=int((~sampled).sum()),
        method="Fisher's exact test per case, Benjamini-Hochberg",
    )


def _counts(base: Successes, candidate: Successes) -> tuple[IntArray, ...]:
    raw = [floats(v) for v in (base.right, candidate.right, base.trials, candidate.trials)]
    right_b, right_c, n_b, n_c = np.broadcast_arrays(*raw)
    known = [np.isfinite(right) & np.isfinite(n) for right, n in ((right_b, n_b), (right_c, n_c))]
    pairs = [(right_b, known[0]), (right_c, known[1]), (n_b, known[0]), (n_c, known[1])]
    b, c, m_b, m_c = (np.where(there, a, 0).astype(np.int64) for a, there in pairs)
    if ((b < 0) | (c < 0) | (b > m_b) | (c > m_c)).any():
        raise ValueError("right samples must lie between 0 and the number of samples")
    return b, c, m_b, m_c


def _fisher(
    b: IntArray, c: IntArray, n_b: IntArray, n_c: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return P(the candidate has at most c of the right samples), and the least it could be.

    Each distinct table is computed once: a hundred thousand cases with few samples are a few dozen.
    """
    from scipy.stats import hypergeom

    kinds, which = np.unique(np.stack([b, c, n_b, n_c], axis=1), axis=0, return_inverse=True)
    right, total, drawn = kinds[:, 0] + kinds[:, 1], kinds[:, 2] + kinds[:, 3], kinds[:, 3]
    fewest = np.maximum(right - kinds[:, 2], 0)
    p, least = (
        np.minimum(hypergeom.cdf(k, total, right, drawn), 1.0) for k in (kinds[:, 1], fewest)
    )
    which = which.reshape(-1)
    return p[which], least[which]
