"""The conditional odds ratio of a paired binary comparison: gained over lost, a secondary figure.

Given the discordant pairs the gains are binomial with probability t = OR / (1 + OR), so limits of
that proportion, mapped by t / (1 - t), are limits of the odds ratio. Pairs on which both models
agree do not enter, so the same ratio can stand for a change of 10 points or of .1: never gate on
it. Cases must be independent of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import bdtrc

from evalkit.stats.paired_binary import mcnemar_exact, mcnemar_mid_p
from evalkit.stats.proportions import clopper_pearson
from evalkit.stats.values import Interval, NotEstimable, PValue

OddsLimits = Literal["exact", "mid-p"]

_BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class OddsRatio:
    """The ratio of gained to lost pairs: 1 for no change, infinite if none was lost.

    ``interval`` holds 1 exactly when ``p_value`` is above 1 - level; its upper limit is infinite
    if no pair was lost. ``n`` counts discordant pairs.
    """

    estimate: float | NotEstimable
    interval: Interval | NotEstimable
    p_value: PValue
    n: int


def conditional_odds_ratio(
    gained: int, lost: int, *, level: float = 0.95, limits: OddsLimits = "exact"
) -> OddsRatio:
    """Return gained / lost with exact limits and the exact McNemar p, or with both by mid-p.

    Exact: Clopper-Pearson limits of gained / (gained + lost). Mid-p: the shares t at which the
    probability of more gains plus half that of as many is (1 - level) / 2, and likewise of fewer
    [Fagerland, Lydersen & Laake 2014, Stat Med 33:2850]. Not estimable without a discordant pair.
    """
    n = gained + lost
    test = mcnemar_exact if limits == "exact" else mcnemar_mid_p
    name = "exact McNemar" if limits == "exact" else "mid-p McNemar"
    p = PValue(float(test(gained, lost)[0]), name)
    if n == 0:
        none = NotEstimable("no pair is discordant")
        return OddsRatio(none, none, p, 0)
    estimate = gained / lost if lost else math.inf
    found = clopper_pearson(gained, n, level=level) if limits == "exact" else None
    if isinstance(found, Interval):
        low, high, method = found.low, found.high, "conditional odds ratio, Clopper-Pearson"
    else:
        low, high = _mid_p(gained, n, level)
        method = "conditional odds ratio, mid-p"
    return OddsRatio(estimate, Interval(_odds(low), _odds(high), level, method), p, n)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _mid_p(gained: int, n: int, level: float) -> tuple[float, float]:
    """Return the mid-p limits of gained / n by bisection; both tails are monotone in the share."""
    tail = (1 - level) / 2
    limits = []
    for count in (gained, n - gained):
        inside, outside = 1.0, 0.0
        for _ in range(_BISECTIONS if count else 0):
            middle = (inside + outside) / 2
            # P(X > count) + P(X = count) / 2, without a difference of nearly equal numbers.
            at_least = float(bdtrc(count - 1, n, middle))
            more = float(bdtrc(count, n, middle)) if count < n else 0.0
            if (at_least + more) / 2 > tail:
                inside = middle
            else:
                outside = middle
        limits.append((inside + outside) / 2 if count else 0.0)
    return limits[0], 1 - limits[1]
