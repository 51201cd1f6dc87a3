"""Corrections for many tests of one family, and one p-value from several independent tests.

| method | controls | holds under | reach for it |
|---|---|---|---|
| Bonferroni | any false alarm | any dependence | simultaneous statements |
| Holm | any false alarm | any dependence | the default that blocks |
| Hochberg, Hommel | any false alarm | independence, positive dependence | several small effects |
| Tarone, Tarone-Holm | any false alarm | any dependence | slices with few discordant pairs |
| Benjamini-Hochberg | share of false alarms | independence, positive dependence | exploring |
| Benjamini-Yekutieli | share of false alarms | any dependence | exploring, to be safe |

Tests of slices that share cases are corrected with more power by `evalkit.stats.joint`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import NotEstimable, PValue, Side

Method = Literal["bonferroni", "holm", "hochberg", "hommel", "bh", "by", "tarone", "tarone-holm"]
"""The corrections; "bh" and "by" are Benjamini-Hochberg and Benjamini-Yekutieli."""

Rule = Callable[[FloatArray], FloatArray]
"""Takes the p-values of a family, the smallest first, to what each is multiplied by."""

_SMALLEST = 1e-300
_LARGEST = 1 - 2.0**-53


@dataclass(frozen=True, slots=True)
class Adjusted(Assuming):
    """Adjusted p-values in the order given; ``None`` where there was no test.

    ``tested`` is the size of the family: tests made, never tests shown. ``excluded`` counts the
    rest.
    """

    values: tuple[float | None, ...]
    tested: int
    excluded: int
    method: str

    def rejected(self, alpha: float) -> tuple[bool, ...]:
        """Return which hypotheses fall at ``alpha``; one without a test never does."""
        return tuple(p is not None and p <= alpha for p in self.values)


def holm(p_values: Sequence[float | None]) -> Adjusted:
    """Return Holm's step-down adjustment, valid under any dependence.

    ``None`` and nan are no tests: they leave the family, and are counted.
    """
    return adjust(p_values, method="holm")


def adjust(
    p_values: Sequence[float | None],
    *,
    method: Method,
    smallest: Sequence[float | None] | None = None,
) -> Adjusted:
    """Return the p-values of one family adjusted by ``method``.

    ``None`` and nan are no tests: they leave the family, and are counted. ``smallest`` gives the
    Tarone methods the smallest p-value that each test can attain (`smallest_sign_p`); where it is
    missing, ``None`` or nan the test counts as able to attain any. The order of the tests does not
    matter. With m tests and p_(1) <= ... <= p_(m):

    - Bonferroni m p_i; Holm [1979] running maximum of (m - i + 1) p_(i); Hochberg [1988] running
      minimum of the same from the largest down.
    - Hommel [1988]: the closed test of Simes' [1986] p-values.
    - Benjamini & Hochberg [1995] running minimum of m p_(i) / i from the largest down; Benjamini &
      Yekutieli [2001] that times 1 + 1/2 + ... + 1/m.
    - Tarone [1990]: p_i times the number of tests able to attain p_i. This is the form without an
      alpha: whatever Tarone's search for his factor rejects it rejects too, and it never withdraws
      a rejection when alpha grows, as his does [Hommel & Krummenauer 1998]. Tarone-Holm goes down
      step by step, each time over the tests not yet rejected.
    """
    raw = _floats(p_values)
    made = np.flatnonzero(~np.isnan(raw))
    if np.any((raw[made] < 0) | (raw[made] > 1)):
        raise ValueError("p-values lie between 0 and 1")
    least = np.zeros_like(raw) if smallest is None else np.nan_to_num(_floats(smallest))
    if least.shape != raw.shape:
        raise ValueError("needed one smallest p-value per p-value")
    order = made[np.lexsort((least[made], raw[made]))]
    adjusted = np.full_like(raw, np.nan)
    if len(made):
        lowest = np.minimum(least[order], raw[order])
        adjusted[order] = _adjust_sorted(raw[order], lowest, method)
    values = tuple(None if np.isnan(p) else float(p) for p in adjusted)
    return Adjusted(values, len(made), len(raw) - len(made), TITLES[method])


def smallest_sign_p(units: int, *, side: Side = "less") -> float:
    """Return the smallest p-value that a sign-flip or exact McNemar test of ``units`` can attain.

    2^-units one-sided, 2^(1-units) two-sided; ``units`` are those that differ (discordant pairs).
    """
    return min(1.0, 0.5 ** (units - (side == "two-sided")))


def combine(
    p_values: Sequence[float | None],
    *,
    method: Literal["fisher", "stouffer"] = "stouffer",
    weights: Sequence[float] | None = None,
) -> PValue | NotEstimable:
    """Return one p-value of the hypothesis that none of several independent tests has an effect.

    For one-sided p-values of disjoint sets of cases only: tests that share cases are not
    independent. Fisher: -2 sum log p is chi-squared with 2k degrees of freedom. Stouffer:
    sum w z / sqrt(sum w^2) is normal, with ``weights`` sqrt(n) the cases of each test (equal ones
    by default); Fisher takes none. ``None`` and nan are left out. A discrete p-value of 1 ends
    Stouffer's sum, so give it mid-p values.
    """
    raw = _floats(p_values)
    made = ~np.isnan(raw)
    if not made.any():
        return NotEstimable("no test was made")
    p = np.clip(raw[made], _SMALLEST, _LARGEST)
    if method == "fisher":
        statistic = -2 * math.fsum(np.log(p).tolist())
        return PValue(float(chdtrc(2 * len(p), statistic)), f"Fisher, {len(p)} tests")
    w = np.ones_like(p) if weights is None else np.asarray(weights, dtype=np.float64)[made]
    if not np.any(w > 0):
        return NotEstimable("no test has any weight")
    z = -float(w @ ndtri(p)) / math.sqrt(float(w @ w))
    return PValue(float(ndtr(-z)), f"Stouffer, {len(p)} tests")


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _adjust_sorted(p: FloatArray, least: FloatArray, method: Method) -> FloatArray:
    if method == "hommel":
        return _hommel(p)
    if method == "tarone":
        return _step_down(p, lambda p: _able(p, least))
    if method == "tarone-holm":
        return _step_down(p, lambda p: _able_still(p, least))
    step, rule = _STEPS[method]
    return step(p, rule)


def _step_down(p: FloatArray, rule: Rule) -> FloatArray:
    """Return each p-value times its factor, made no smaller than any before it."""
    return np.minimum(np.maximum.accumulate(p * rule(p)), 1.0)


def _step_up(p: FloatArray, rule: Rule) -> FloatArray:
    """Return each p-value times its factor, made no larger than any after it."""
    return np.minimum(np.minimum.accumulate((p * rule(p))[::-1])[::-1], 1.0)


def _all(p: FloatArray) -> FloatArray:
    return np.full(len(p), float(len(p)))


def _not_yet(p: FloatArray) -> FloatArray:
    return np.arange(len(p), 0.0, -1.0)


def _per_rank(p: FloatArray) -> FloatArray:
    return len(p) / np.arange(1.0, len(p) + 1)


def _per_rank_any(p: FloatArray) -> FloatArray:
    return _per_rank(p) * float((1 / np.arange(1.0, len(p) + 1)).sum())


def _able(p: FloatArray, least: FloatArray) -> FloatArray:
    """Return how many tests of the family can attain each p-value."""
    return np.searchsorted(np.sort(least), p * (1 + TIE), side="right").astype(np.float64)


def _able_still(p: FloatArray, least: FloatArray) -> FloatArray:
    """Return how many tests from each on can attain its p-value.

    A test before it has a p-value, and so a least one, no larger: it is able, and is taken off.
    """
    return _able(p, least) - np.arange(len(p))


def _hommel(p: FloatArray) -> FloatArray:
    """Return the least alpha at which Hommel's procedure rejects each hypothesis.

    Simes' p-value of the k largest is s_k = min_j k p_(m-k+j) / j. At alpha a hypothesis falls if
    p <= alpha / h with h the largest k of which s_k > alpha. So its adjusted p-value is the least,
    over k, of max(k p, largest s above k), where the first term grows in k and the second falls.
    Takes time in the square of the number of tests: a second for 30,000.
    """
    m = len(p)
    ranks = np.arange(1.0, m + 1)
    simes = np.array([k * float((p[m - k :] / ranks[:k]).min()) for k in range(1, m + 1)])
    above = np.append(np.maximum.accumulate(simes[::-1])[::-1], 0.0)
    low, high = np.zeros(m, dtype=np.int64), np.full(m, m)
    while np.any(low < high):
        middle = (low + high) // 2
        crossed = middle * p >= above[middle]
        low, high = np.where(crossed, low, middle + 1), np.where(crossed, middle, high)
    before = np.maximum(low - 1, 0)
    adjusted = np.minimum(low * p, np.where(low > 0, above[before], np.inf))
    return np.minimum(np.where(low > 0, adjusted, above[0]), 1.0)


_STEPS: dict[Method, tuple[Callable[[FloatArray, Rule], FloatArray], Rule]] = {
    "bonferroni": (_step_down, _all),
    "holm": (_step_down, _not_yet),
    "hochberg": (_step_up, _not_yet),
    "bh": (_step_up, _per_rank),
    "by": (_step_up, _per_rank_any),
}
TITLES: dict[Method, str] = {
    "bonferroni": "Bonferroni",
    "holm": "Holm",
    "hochberg": "Hochberg",
    "hommel": "Hommel",
    "bh": "Benjamini-Hochberg",
    "by": "Benjamini-Yekutieli",
    "tarone": "Tarone",
    "tarone-holm": "Tarone-Holm",
}
