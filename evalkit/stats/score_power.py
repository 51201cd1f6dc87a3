"""Power of the gate on scores between 0 and 1, from the variance of a difference: noncentral t.

With few cases or clusters the standard error is itself uncertain. For normal differences the mean
and its standard error are independent, so a probability about t intervals is one integral over the
law of the standard error; for a single bound this is the noncentral t distribution, and it goes on
to hold where two bounds matter at once, as for equivalence. (scipy's `nctdtr` is nan at a
noncentrality of some 40.) Below 30 cases and on thin data the gate uses other procedures
(`evalkit.stats.paired`), which need a little more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from evalkit.stats.arrays import FloatArray
from evalkit.stats.exact_power import Claim
from evalkit.stats.power import Cases, Planned
from evalkit.stats.power_search import check_power, first_enough, smallest_change
from evalkit.stats.values import NotEstimable

_NODES = 4_000
_LEFT_OUT = 1e-14


@dataclass(frozen=True, slots=True)
class ScoreDesign:
    """``n`` cases with scores between 0 and 1, as they are supposed to be.

    ``variance`` is that of one case's difference, ``difference`` its true mean. ``cluster_size``
    cases (on average; the sum of squared sizes over n where they differ) share a cluster, and
    ``icc`` is the correlation of two differences within one.
    """

    n: int
    variance: float
    difference: float = 0.0
    cluster_size: float = 1.0
    icc: float = 0.0

    @property
    def design_effect(self) -> float:
        """How much the clusters multiply the variance: 1 + (size - 1) icc [Kish 1965]."""
        return 1 + (self.cluster_size - 1) * self.icc

    @property
    def standard_error(self) -> float:
        """The true standard error of the mean difference."""
        return math.sqrt(self.variance * self.design_effect / self.n)

    @property
    def df(self) -> float:
        """Degrees of freedom: clusters (or cases) less one."""
        return self.n / self.cluster_size - 1

    @property
    def method(self) -> str:
        """The test that is planned for."""
        return "noncentral t on clusters (CR1)" if self.cluster_size > 1 else "noncentral t"

    @property
    def shape_fault(self) -> str:
        """Why no number of cases would do; empty if some might."""
        if not (0 < self.variance < math.inf and -1 <= self.difference <= 1):
            return "a variance above 0 and a difference between -1 and 1 are needed"
        if not (1 <= self.cluster_size < math.inf and self.design_effect > 0):
            return "clusters hold at least one case, and their design effect is above 0"
        return ""

    @property
    def fault(self) -> str:
        """Why nothing can be said of such a design; empty if something can."""
        unit = "clusters" if self.cluster_size > 1 else "cases"
        few = "" if self.n >= (2 - 1e-9) * self.cluster_size else f"a spread needs 2 {unit}"
        return self.shape_fault or few


def score_power(design: ScoreDesign, claim: Claim) -> Planned | NotEstimable:
    """Return the probability that ``design`` shows ``claim`` by a t interval.

    "superior" takes the t test for the sign-flip test beside it, which hardly differs.
    """
    if design.fault:
        return NotEstimable(design.fault)
    t, strict = (-float(stdtrit(design.df, tail)) for tail in (claim.alpha, claim.alpha / 2))

    def shown(error: FloatArray) -> FloatArray:
        floor = claim.least + t * error
        if claim.rule == "superior":
            floor = np.maximum(floor, strict * error)
        below_floor = mean_below(floor, design)
        if claim.rule != "equivalent":
            return 1 - below_floor
        return np.maximum(mean_below(claim.bound - t * error, design) - below_floor, 0.0)

    return Planned(float(over_errors(design, shown)[0]), design.method)


def score_cases(claim: Claim, design: ScoreDesign, *, power: float = 0.8) -> Cases | NotEstimable:
    """Return the smallest n that shows ``claim`` with ``power``, all else (not n) as in ``design``.

    Whole clusters where there are any. Not estimable where the claim is not true of the design's
    difference.
    """
    check_power(power)
    if design.shape_fault:
        return NotEstimable(design.shape_fault)
    if not claim.holds(design.difference):
        return NotEstimable("no number of cases shows what the supposed difference is not")

    def cases(units: int) -> int:
        return math.ceil(units * design.cluster_size - 1e-9)

    def enough(units: int) -> bool:
        found = score_power(replace(design, n=cases(units)), claim)
        return isinstance(found, Planned) and found.value >= power

    units = first_enough(enough)
    if units is None:
        return NotEstimable("no number of cases found has that power")
    return Cases(cases(units), design.method)


def score_smallest_margin(
    design: ScoreDesign, *, alpha: float = 0.05, power: float = 0.8
) -> Planned | NotEstimable:
    """Return the margin that ``design`` certifies with ``power``.

    Not estimable where not even a margin of 1 can be certified.
    """
    check_power(power)
    return smallest_change(
        lambda margin: score_power(design, Claim("non_inferior", margin, alpha)), power
    )


def score_smallest_gain(
    design: ScoreDesign, *, alpha: float = 0.05, power: float = 0.8
) -> Planned | NotEstimable:
    """Return the true gain that ``design`` shows with ``power``, whatever its own difference."""
    check_power(power)
    claim = Claim("superior", 0.0, alpha)
    return smallest_change(lambda gain: score_power(replace(design, difference=gain), claim), power)


def mean_below(limit: FloatArray, design: ScoreDesign) -> FloatArray:
    """Return the probability that the mean difference comes out below ``limit``."""
    z = (limit - design.difference) / design.standard_error
    return np.asarray(ndtr(z), dtype=np.float64)


def over_errors(design: ScoreDesign, chances: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Return the means of ``chances`` (one row each) over the law of the estimated standard error.

    That is the true one times sqrt(chi^2_df / df). Trapezium rule: the density vanishes with its
    derivatives at both ends, where the rule converges fastest (to 1e-14 from 5 degrees of freedom
    on, to 2e-6 with fewer).
    """
    half = design.df / 2
    low, high = (math.sqrt(float(gammaincinv(half, u)) / half) for u in (_LEFT_OUT, 1 - _LEFT_OUT))
    ratio = np.linspace(low, high, _NODES)
    log = (design.df - 1) * np.log(ratio) - half * ratio**2
    weight = np.exp(log - log.max())
    weight[[0, -1]] /= 2
    means = chances(ratio * design.standard_error) @ weight / weight.sum()
    return np.asarray(np.clip(np.atleast_1d(means), 0.0, 1.0), dtype=np.float64)
