"""Flips: which share of the cases the candidate broke and fixed, whatever the net change."""

from __future__ import annotations

from evalkit.stats.proportions import clopper_pearson
from evalkit.stats.values import FlipRates, NotEstimable


def flip_rates(
    both: int, gained: int, *, lost: int, neither: int, level: float = 0.95
) -> FlipRates | NotEstimable:
    """Return the flip rates of a paired table [negative flip rate: Yan et al. 2021, CVPR].

    With sampling noise they are inflated: two runs of one model flip cases too.
    """
    n = both + gained + lost + neither
    interval = clopper_pearson(lost, n, level=level)
    if isinstance(interval, NotEstimable):
        return interval
    errors, right = lost + neither, both + lost
    relative = (lost / errors) / (right / n) if errors and right else None
    return FlipRates((gained + lost) / n, gained / n, lost / n, interval, relative)
