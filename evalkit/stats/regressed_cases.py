"""Which single cases regressed: K samples per case and model, one exact test each, FDR over all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from evalkit.stats.arrays import TIE, FloatArray, IntArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.multiplicity import adjust
from evalkit.stats.values import NotEstimable

METHOD = "Fisher's exact test per case, Benjamini-Hochberg"


@dataclass(frozen=True, slots=True)
class RegressedCases(Assuming):
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
    adjusted = np.full(len(b), np.nan)
    adjusted[family] = adjust(p[family].tolist(), method="bh").values
    return RegressedCases(
        p_values=p,
        adjusted=adjusted,
        regressed=np.nan_to_num(adjusted, nan=2.0) <= rate,
        rate=rate,
        tested=int(family.sum()),
        unreachable=int((sampled & ~family).sum()),
        unsampled=int((~sampled).sum()),
        method=METHOD,
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
    # One key a table: sorting rows of four numbers takes ten times as long.
    most = int(max(n_b.max(), n_c.max())) + 1
    _, base = np.unique(b * most + n_b, return_inverse=True)
    _, candidate = np.unique(c * most + n_c, return_inverse=True)
    key = base * (int(candidate.max()) + 1) + candidate
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    kinds = np.stack([b, c, n_b, n_c], axis=1)[first]
    both = np.array([_tail(*kind) for kind in kinds.tolist()])[which]
    return both[:, 0], both[:, 1]


def _tail(b: int, c: int, n_b: int, n_c: int) -> tuple[float, float]:
    """Return the hypergeometric P(X <= c) and P(X = the least there can be) of one table."""
    k, right = np.arange(max(b + c - n_b, 0), c + 1), b + c
    # scipy.stats has this law, and takes longer to load than most runs take to decide.
    log = _log_choose(n_c, k) + _log_choose(n_b, right - k) - _log_choose(n_b + n_c, right)
    law = np.exp(log)
    return min(float(law.sum()), 1.0), min(float(law[0]), 1.0)


def _log_choose(n: int, k: ArrayLike) -> FloatArray:
    """Return the logarithm of n over k."""
    chosen = floats(k)
    return np.asarray(
        gammaln(n + 1) - gammaln(chosen + 1) - gammaln(n - chosen + 1), dtype=np.float64
    )
