"""Intervals for one proportion."""

from __future__ import annotations

import math

from scipy.special import betaincinv

from evalkit.stats.arrays import normal_quantile
from evalkit.stats.values import Interval, NotEstimable


def wilson(successes: float, n: int, *, level: float = 0.95) -> Interval | NotEstimable:
    """Return Wilson's score interval.

    ``successes`` may be a sum of scores in [0, 1]: no law on that range with the same mean spreads
    wider than the binary one, so the interval is then on the safe side.
    """
    if n == 0:
        return NotEstimable("no case")
    z2 = normal_quantile(level) ** 2
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(max(centre - reach, 0.0), min(centre + reach, 1.0), level, "Wilson score")


def clopper_pearson(successes: int, n: int, *, level: float = 0.95) -> Interval | NotEstimable:
    """Return the exact interval [Clopper & Pearson 1934]; never covers less than ``level``."""
    if n == 0:
        return NotEstimable("no case")
    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return Interval(low, high, level, "Clopper-Pearson")


def rule_of_three(n: int, *, level: float = 0.95) -> float:
    """Return the upper limit of a rate of which ``n`` cases showed none, about 3/n at 95 %."""
    return float(1 - (1 - level) ** (1 / n)) if n else 1.0
