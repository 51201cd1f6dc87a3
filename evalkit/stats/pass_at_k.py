"""pass@k and pass^k: does any of k samples of a case pass, do all of them?

Each is estimated per case without bias from K >= k samples, and two models are compared by their
case-level differences: the arrays here are what `evalkit.stats.paired.compare` takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import FloatArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.repeats import Labels, Repeats, matched

Passing = Literal["any", "all"]


@dataclass(frozen=True, slots=True)
class PairedPasses(Assuming):
    """Both models' pass@k or pass^k by case, aligned, for ``compare``; ``cases`` are the labels.

    ``dropped`` counts cases that one of the models answered fewer than ``k`` times.
    """

    cases: Labels
    base: FloatArray
    candidate: FloatArray
    k: int
    dropped: int
    method: str

    @property
    def differences(self) -> FloatArray:
        """Candidate minus base, by case."""
        return self.candidate - self.base


def pass_at_k(samples: ArrayLike, passed: ArrayLike, *, k: int) -> FloatArray:
    """Return per case 1 - C(K - c, k) / C(K, k): that any of k samples passes [Chen et al. 2021].

    ``samples`` holds K and ``passed`` c, alike in shape. nan where K < k. Unbiased for
    1 - (1 - p)^k, which 1 - (1 - c / K)^k is not.
    """
    n, c = floats(samples), floats(passed)
    return 1 - _all_marked(n, n - c, k=k)


def pass_hat_k(samples: ArrayLike, passed: ArrayLike, *, k: int) -> FloatArray:
    """Return per case C(c, k) / C(K, k): that all of k samples pass [Yao et al. 2024, tau-bench].

    As in `pass_at_k`; unbiased for p^k.
    """
    return _all_marked(floats(samples), floats(passed), k=k)


def paired_passes(
    base: Repeats, candidate: Repeats, *, k: int, passing: Passing = "any"
) -> PairedPasses:
    """Return both models' pass@k ("any") or pass^k ("all") on the cases with k samples of each.

    Scores are 0 or 1. K may differ between models and cases, k is the same for both.
    """
    ours, theirs, dropped = matched(base, candidate)
    estimator = pass_at_k if passing == "any" else pass_hat_k
    values = [estimator(model.samples, _passed(model), k=k) for model in (ours, theirs)]
    enough = (ours.samples >= k) & (theirs.samples >= k)
    return PairedPasses(
        cases=ours.cases[enough],
        base=values[0][enough],
        candidate=values[1][enough],
        k=k,
        dropped=dropped + int(np.count_nonzero(~enough)),
        method=f"pass@{k}" if passing == "any" else f"pass^{k}",
    )


def _passed(model: Repeats) -> FloatArray:
    counts = model.means * model.samples
    whole = np.rint(counts)
    if (np.abs(counts - whole) > 1e-6).any():
        raise ValueError("pass@k needs samples that score 0 or 1")
    return whole


def _all_marked(n: FloatArray, marked: FloatArray, *, k: int) -> FloatArray:
    """Return C(marked, k) / C(n, k), the chance that k of n drawn are all marked; nan for n < k.

    As a product, which keeps all digits where factorials of large numbers lose them.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    share = np.where(n >= k, 1.0, np.nan)
    for drawn in range(k):
        share = share * np.maximum(marked - drawn, 0) / np.maximum(n - drawn, 1)
    return share
