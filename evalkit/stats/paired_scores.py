"""Paired scores on a scale: the mean difference with its standard error and Student's t.

A bare t interval has width 0 when no case differs, and promotes too often when few do: with n = 100
pairs of which 10 % lose half a point, it passed a model exactly at the margin in 11.6 % of 20,000
simulated runs instead of 5 %. `evalkit.stats.paired` therefore uses it only where enough cases
carry the differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from evalkit.stats.assumptions import Assuming
from evalkit.stats.units import Units, case_units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side


@dataclass(frozen=True, slots=True)
class Estimate(Assuming):
    """A mean with its standard error (above 0) and degrees of freedom: t test and t interval.

    Limits are cut at +-``bound``, the ends of what the mean can be.
    """

    mean: float
    standard_error: float
    df: float
    method: str = "t"
    bound: float = math.inf

    def statistic(self, *, null: float = 0.0) -> float:
        """Return how many standard errors the mean lies above ``null``."""
        return (self.mean - null) / self.standard_error

    def interval(self, *, level: float) -> Interval:
        """Return mean +- t quantile times standard error."""
        reach = -float(stdtrit(self.df, (1 - level) / 2)) * self.standard_error
        low, high = max(self.mean - reach, -self.bound), min(self.mean + reach, self.bound)
        return Interval(low, high, level, self.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value of the t test."""
        t = self.statistic(null=null)
        if side == "two-sided":
            return PValue(2 * float(stdtr(self.df, -abs(t))), self.method)
        return PValue(float(stdtr(self.df, -t if side == "greater" else t)), self.method)


def paired_t(differences: ArrayLike) -> Estimate | NotEstimable:
    """Return the mean of ``differences`` (one per case) as the estimate of the paired t test."""
    return estimate(case_units(differences), method="paired t")


def estimate(units: Units, *, method: str) -> Estimate | NotEstimable:
    """Return the mean over cases with a standard error from whole units.

    For clusters this is CR1: sqrt(G/(G-1) sum of squared cluster residuals) / n with G - 1 degrees
    of freedom; for single cases it is s / sqrt(n) with n - 1.
    """
    g = units.count
    noun = "cluster" if units.clustered else "case"
    if g < 2:
        return NotEstimable(f"a spread needs 2 {noun}s, there {'is 1' if g else 'are none'}")
    mean = units.mean
    residuals = units.sums - mean * units.sizes
    if np.abs(residuals).max() <= 1e-12 * max(np.abs(units.sums).max(), 1e-100):
        return NotEstimable(f"all {g} {noun}s have the same difference, so their spread is unknown")
    cases = float(units.sizes.sum())
    error = math.sqrt(g / (g - 1) * math.fsum((residuals * residuals).tolist())) / cases
    return Estimate(mean, error, g - 1, method)
