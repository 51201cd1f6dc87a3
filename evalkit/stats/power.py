"""How many cases, and what can this many show: from design quantities, never from the effect seen.

``variance`` is the variance of one case's difference. For binary scores it is the churn, the share
of discordant pairs; for clustered cases n times the squared standard error.

These are the closed formulas; `evalkit.stats.exact_power` enumerates the gate itself for binary
scores, `evalkit.stats.score_power` has the noncentral t for few cases or clusters. Power at the
effect that was seen ("observed power") is the p-value in other words and has no function here
[Hoenig & Heisey 2001].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, gammaln, ndtri

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.assumptions import Assuming

_LARGEST_ENUMERATED = 3_000


@dataclass(frozen=True, slots=True)
class Cases(Assuming):
    """A number of cases and how it was found."""

    n: int
    method: str


@dataclass(frozen=True, slots=True)
class Planned(Assuming):
    """A planned figure (a power, a margin, a gain, a churn) and how it was found."""

    value: float
    method: str


def smallest_margin(
    n: int, variance: float, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the margin that ``n`` cases certify with ``power`` if nothing changed on average.

    (z_{1-alpha} + z_power) sqrt(variance / n), the normal approximation of the one-sided test.
    ``None`` without cases; never above 1, the most a score from 0 to 1 can lose. n = 100 and 10 %
    churn give 7.9 points.
    """
    if n == 0:
        return None
    return min(_quantiles(alpha, power) * math.sqrt(variance / n), 1.0)


def cases_for_margin(
    margin: float, variance: float, *, alpha: float = 0.05, power: float = 0.8
) -> Cases | None:
    """Return the cases that certify ``margin``, one-sided, if nothing changed on average.

    ``None`` for a margin of 0, which no number of cases certifies.
    """
    if margin <= 0:
        return None
    n = (_quantiles(alpha, power) / margin) ** 2 * variance
    return Cases(math.ceil(n), "normal approximation")


def cases_for_gain(
    gain: float, variance: float, *, alpha: float = 0.05, power: float = 0.8
) -> Cases | None:
    """Return the cases that show a mean gain of ``gain`` by a two-sided test [Miller 2024, sec. 5].

    ``None`` for a gain of 0.
    """
    if gain <= 0:
        return None
    n = (_quantiles(alpha / 2, power) / gain) ** 2 * variance
    return Cases(math.ceil(n), "normal approximation")


def cases_for_binary_gain(
    gain: float, churn: float, *, alpha: float = 0.05, power: float = 0.8
) -> Cases | None:
    """Return the cases for which the exact McNemar test shows ``gain``, two-sided.

    Starts from Connor's formula [1987], which is for the asymptotic test (870 cases for 3 points at
    10 % churn have an exact power of .776), and goes on until the enumerated power is enough; above
    3,000 cases the two hardly differ and the formula stands. ``None`` for a gain of 0.
    """
    if gain <= 0:
        return None
    churn = min(max(churn, gain), 1.0)
    n = connor(gain, churn, alpha=alpha, power=power)
    if n > _LARGEST_ENUMERATED:
        return Cases(n, "Connor's formula")
    test = _rejections(4 * n + 200, churn, gain=gain, level=alpha / 2)
    while _power(n, churn, test) < power:
        n += 1
    return Cases(n, "exact power")


def connor(gain: float, churn: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Return the cases for which asymptotic McNemar shows ``gain`` > 0, two-sided [Connor 1987].

    [z_{1-alpha/2} sqrt(churn) + z_power sqrt(churn - gain^2)]^2 / gain^2; ``churn`` >= ``gain``.
    """
    root = -float(ndtri(alpha / 2)) * math.sqrt(churn)
    root += float(ndtri(power)) * math.sqrt(max(churn - gain * gain, 0.0))
    return max(math.ceil((root / gain) ** 2), 1)


def mcnemar_power(
    n: int, churn: float, *, gain: float, alpha: float = 0.05, one_sided: bool = False
) -> float:
    """Return the probability that exact McNemar rejects, discordant pairs being Binomial(n, churn).

    Enumerated over the number of discordant pairs. With ``gain`` = 0 it is the true type I error.
    Counts rejections in the direction of a gain only: two-sided at ``gain`` = 0 it is half of it.
    """
    level = alpha if one_sided else alpha / 2
    return _power(n, churn, _rejections(n, churn, gain=gain, level=level))


def _power(n: int, churn: float, test: FloatArray) -> float:
    return float(_binomial_mass(np.arange(n + 1.0), n, churn) @ test[: n + 1])


def _rejections(n: int, churn: float, *, gain: float, level: float) -> FloatArray:
    """Return the probability of a rejection for 0, 1, ..., ``n`` discordant pairs."""
    m = np.arange(n + 1)
    most_lost = _critical(m, level)
    share_lost = (churn - gain) / churn / 2 if churn else 0.5
    tail = bdtr(np.maximum(most_lost, 0), m, share_lost)
    return np.asarray(np.where(most_lost >= 0, tail, 0.0), dtype=np.float64)


def _critical(m: IntArray, level: float) -> FloatArray:
    """Return the most lost among ``m`` discordant pairs that still rejects; -1 if none does."""
    low, high = np.full(len(m), -1.0), m // 2 + 1.0
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        rejects = bdtr(middle, m, 0.5) <= level
        low, high = np.where(rejects, middle, low), np.where(rejects, high, middle)
    return low


def _binomial_mass(k: FloatArray, n: int, share: float) -> FloatArray:
    if share >= 1:
        return np.asarray(k == n, dtype=np.float64)
    log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    odds = k * math.log(share) + (n - k) * math.log1p(-share) if share else np.where(k, -np.inf, 0)
    return np.asarray(np.exp(log + odds), dtype=np.float64)


def _quantiles(tail: float, power: float) -> float:
    return float(ndtri(power) - ndtri(tail))
