"""Equivalence: is a difference shown to be too small to matter? "Not significant" shows nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.stats.values import Interval, NotEstimable, Procedure, PValue

Equivalent = Literal["equivalent", "not equivalent", "can't tell"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The verdict of two one-sided tests at ``alpha``, and the one interval it comes from.

    ``interval`` has the level 1 - 2 ``alpha``. "equivalent": it lies within (-margin, margin);
    "not equivalent": it lies wholly beyond one of the two; "can't tell": neither. ``p_value`` is
    that of the claim "equivalent".
    """

    verdict: Equivalent
    margin: float
    alpha: float
    interval: Interval | NotEstimable
    p_value: PValue | NotEstimable


def tost(procedure: Procedure | NotEstimable, *, margin: float, alpha: float = 0.05) -> Equivalence:
    """Return whether the figure of ``procedure`` is within +-``margin`` [Schuirmann 1987].

    p is the larger of the two one-sided p-values, of "above -margin" and of "below margin", and is
    at most ``alpha`` exactly when the 1 - 2 ``alpha`` interval lies within the margin. A margin of
    0 or less can't be certified by any data. A false "not equivalent" has at most ``alpha`` on
    either side.
    """
    if isinstance(procedure, NotEstimable):
        return Equivalence("can't tell", margin, alpha, procedure, procedure)
    interval = procedure.interval(level=1 - 2 * alpha)
    above = procedure.p_value(null=-margin, side="greater")
    below = procedure.p_value(null=margin, side="less")
    p = PValue(max(above.value, below.value), f"two one-sided tests, {above.method}")
    return Equivalence(_verdict(interval, margin), margin, alpha, interval, p)


def _verdict(interval: Interval | NotEstimable, margin: float) -> Equivalent:
    if isinstance(interval, NotEstimable) or margin <= 0:
        return "can't tell"
    if -margin < interval.low and interval.high < margin:
        return "equivalent"
    if interval.high < -margin or interval.low > margin:
        return "not equivalent"
    return "can't tell"
