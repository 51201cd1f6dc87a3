"""Flips: which share of the cases the candidate broke and fixed, whatever the net change.

Two runs of one model flip cases too. `excess_churn` takes that noise off; which single cases
regressed beyond it is for `evalkit.stats.regressed_cases`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalkit.stats.mover import Mover, WilsonShare, difference_of
from evalkit.stats.proportions import clopper_pearson, wilson
from evalkit.stats.values import FlipRates, Interval, NotEstimable


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``n`` cases with its interval; the share is ``count / n``."""

    count: int
    n: int
    interval: Interval

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.n


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two rates (1 = no better than chance) with its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class FlipAnalysis:
    """What happened to ``n`` cases, each share with its exact interval (Clopper-Pearson).

    ``churn`` = fixed + broken. ``fixed`` and ``broken`` are shares of all cases (positive and
    negative flip rate). ``trust`` is backward trust compatibility: the share of the cases the base
    had right that the candidate has right too [Srivastava et al. 2020, KDD]. ``relative_broken``
    sets the broken cases against what a candidate with as many, but independent, errors would break
    [relative negative flip rate: Yan et al. 2021, CVPR].
    """

    n: int
    churn: Share
    fixed: Share
    broken: Share
    trust: Share | NotEstimable
    relative_broken: Ratio | NotEstimable


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


def flip_analysis(
    both: int, gained: int, *, lost: int, neither: int, level: float = 0.95
) -> FlipAnalysis | NotEstimable:
    """Return every flip rate of a paired table with its interval; not estimable without a case."""
    n = both + gained + lost + neither
    churn, fixed, broken = (share(x, n, level=level) for x in (gained + lost, gained, lost))
    if isinstance(churn, NotEstimable) or isinstance(fixed, NotEstimable):
        return NotEstimable("no case")
    if isinstance(broken, NotEstimable):
        return broken
    trust = share(both, both + lost, level=level)
    if isinstance(trust, NotEstimable):
        trust = NotEstimable("the base model had no case right")
    relative = _relative(both, gained, lost=lost, neither=neither, level=level)
    return FlipAnalysis(n, churn, fixed, broken, trust, relative)


def share(count: int, n: int, *, level: float = 0.95) -> Share | NotEstimable:
    """Return ``count`` of ``n`` with the exact interval."""
    found = clopper_pearson(count, n, level=level)
    return found if isinstance(found, NotEstimable) else Share(count, n, found)


def excess_churn(flipped: tuple[int, int], noise: tuple[int, int]) -> Mover | NotEstimable:
    """Return the churn that sampling noise does not explain: a rate minus the A/A rate.

    ``flipped`` holds (flips, cases) of base against candidate, ``noise`` the same of the base
    against its rerun; churn, broken or fixed cases alike. The interval is Newcombe's square-and-add
    of two Wilson intervals [Newcombe 1998, Stat Med 17:873, method 10], which takes the two tables
    as independent. Both come from the same cases, so it is on the safe side where the same cases
    flip in both, as noisy cases do; with a flag per case in both, ``compare(noise, flipped)`` is
    sharper. A figure below 0 is less churn than noise alone gave.
    """
    (flips, n), (quiet, m) = flipped, noise
    if not n or not m:
        return NotEstimable(f"no case of {'base against candidate' if not n else 'the A/A run'}")
    one, other = WilsonShare(flips, n), WilsonShare(quiet, m)
    name = "square-and-add of Wilson scores"
    return difference_of((flips / n, one), (quiet / m, other), bound=1.0, method=name)


def _relative(
    both: int, gained: int, *, lost: int, neither: int, level: float
) -> Ratio | NotEstimable:
    """Return P(base right | candidate wrong) / P(base right) with its limits.

    It is a function of three proportions that the multinomial table makes independent: how often
    the candidate is wrong, and how often the base is right where the candidate is wrong and where
    it is right. Square-and-add of its change when each goes to its Wilson limit [Zou et al. 2009].
    """
    wrong, n = lost + neither, both + gained + lost + neither
    if not wrong:
        return NotEstimable("the candidate made no error")
    if not both + lost:
        return NotEstimable("the base model had no case right")
    counts = [(wrong, n), (lost, wrong), (both, n - wrong)]
    at = [x / m if m else 0.0 for x, m in counts]
    limits = [wilson(x, m, level=level) for x, m in counts]
    value = _ratio(at)
    moves = []
    for i, found in enumerate(limits):
        if isinstance(found, NotEstimable):
            continue
        ends = [_ratio([*at[:i], end, *at[i + 1 :]]) - value for end in (found.low, found.high)]
        moves.append(ends)
    low = value - math.hypot(*(min(*m, 0.0) for m in moves))
    high = value + math.hypot(*(max(*m, 0.0) for m in moves))
    name = "square-and-add of Wilson scores"
    return Ratio(value, Interval(max(low, 0.0), high, level, name))


def _ratio(at: list[float]) -> float:
    wrong, given_wrong, given_right = at
    right = wrong * given_wrong + (1 - wrong) * given_right
    return given_wrong / right if right else 1 / wrong if wrong else math.inf
