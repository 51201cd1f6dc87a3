"""Bootstrap intervals of a mean: percentile, BCa and bootstrap-t, from one set of resamples.

Whole units are drawn with replacement (cases, or clusters; never rows of repeats), and the mean of
a resample is the ratio of its sums to its sizes.

Own code, not `scipy.stats.bootstrap`: that has no bootstrap-t, lists n jackknife samples of n - 1
for BCa (10^12 numbers for a million cases, where the ratio mean has them in closed form), draws
again for every method, and gives nan for constant data. Here only a resample's five sums are kept,
many equal units are drawn as one multinomial, and the three laws share the draws.

Coverage of 95 % intervals (percentile / BCa / bootstrap-t; Student's t), 999 resamples in 8,000
simulated runs:

| differences | n = 15 | n = 30 | n = 100 |
|---|---|---|---|
| normal | .922 / .921 / .952; .953 | .937 / .936 / .953; .950 | .951 / .953 / .956; .954 |
| exponential | .889 / .903 / .945; .912 | .918 / .929 / .949; .927 | .943 / .945 / .952; .945 |
| quarters | .931 / .938 / .962; .956 | .940 / .945 / .955; .949 | .948 / .950 / .951; .949 |

So below 30 cases only the bootstrap-t comes near its level, and for skewed differences it is the
one to set beside t.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from evalkit.stats.arrays import TIE, FloatArray, IntArray, exact_mean
from evalkit.stats.assumptions import Assuming
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.units import Units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side

Kind = Literal["percentile", "BCa", "bootstrap-t"]

_CHUNK = 1 << 18
_MANY_UNITS = 2_000
_CLASSES = 256


@dataclass(frozen=True, slots=True)
class BootstrapLaw(Assuming):
    """Limits and p-values from ordered values, read at shares that ``bias`` and ``skew`` shift.

    The limit at a tail's probability alpha is the value below which a share
    Phi(z0 + (z0 + z_alpha) / (1 - a (z0 + z_alpha))) of the values lies, z0 being ``bias`` and a
    ``skew``, both 0 but for BCa [Efron 1987, JASA 82:171]. ``ends`` are the probabilities that a
    resample holds nothing but the lowest, nothing but the highest unit.
    """

    mean: float
    values: FloatArray
    ends: tuple[float, float]
    method: str
    bias: float = 0.0
    skew: float = 0.0

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return the limits, or why the units are too few or too alike to show them."""
        tail = (1 - level) / 2
        low, high = self._limit(tail, upper=False), self._limit(tail, upper=True)
        if isinstance(low, NotEstimable):
            return low
        if isinstance(high, NotEstimable):
            return high
        return Interval(low, high, level, self.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return 1 - the level at which the interval begins to hold ``null``; never below 1/(B+1).

        One-sided it is the tail, so that two-sided is twice the smaller one.
        """
        above, below = self._tail(null, upper=False), self._tail(null, upper=True)
        tails = {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}
        return PValue(tails[side], self.method)

    def _limit(self, tail: float, *, upper: bool) -> float | NotEstimable:
        bias, skew = (-self.bias, -self.skew) if upper else (self.bias, self.skew)
        z = bias + float(ndtri(tail))
        share = float(ndtr(bias + z / (1 - skew * z))) if skew * z < 1 else 0.0
        if self.ends[upper] >= share:
            return NotEstimable("too few units differ for a resample to show this limit")
        outside = math.floor(share * (len(self.values) + 1) * (1 + TIE))
        if outside < 1:
            return NotEstimable("too few resamples for this level")
        limit = float(self.values[-outside if upper else outside - 1])
        if math.isinf(limit):
            return NotEstimable("too many resamples have no spread to divide by")
        return limit

    def _tail(self, null: float, *, upper: bool) -> float:
        slack = TIE * max(abs(null), abs(self.mean))
        if upper:
            seen = len(self.values) - int(np.searchsorted(self.values, null - slack, "left"))
        else:
            seen = int(np.searchsorted(self.values, null + slack, "right"))
        least = 1 / (len(self.values) + 1)
        share = (1 + seen) * least
        if share >= 1:
            return 1.0
        bias, skew = (-self.bias, -self.skew) if upper else (self.bias, self.skew)
        z = float(ndtri(share)) - bias
        if 1 + skew * z <= 0:
            return least if z < 0 else 1.0
        return max(float(ndtr(z / (1 + skew * z) - bias)), least)


@dataclass(frozen=True, slots=True)
class Resamples:
    """The mean of ``units`` and its resamples: means and studentised deviations, one per draw."""

    estimate: Estimate
    means: FloatArray
    t: FloatArray
    acceleration: float
    ends: tuple[float, float]

    def law(self, kind: Kind) -> BootstrapLaw:
        """Return the law of one kind; all kinds share the draws."""
        mean, name = self.estimate.mean, f"{kind}, {len(self.means):,} resamples"
        if kind == "bootstrap-t":
            values = np.sort(mean - self.estimate.standard_error * self.t)
            return BootstrapLaw(mean, values, (0.0, 0.0), name)
        values = np.sort(self.means)
        if kind == "percentile":
            return BootstrapLaw(mean, values, self.ends, name)
        return BootstrapLaw(mean, values, self.ends, name, _bias(values, mean), self.acceleration)


def bootstrap(
    units: Units, *, rng: np.random.Generator, resamples: int = 9_999
) -> Resamples | NotEstimable:
    """Return ``resamples`` draws of whole units from ``units``.

    Not estimable below two units, for units with one common value, and for values that are not
    finite. Neither the order of the units nor, up to its sign, the exchange of base and candidate
    changes the result. More than 2,000 units of many different values are drawn from about 500
    classes of nearly equal ones, which loses under a thousandth of the variance of scores. Assumes
    independent units.
    """
    if not (np.isfinite(units.sums).all() and np.isfinite(units.sizes).all()):
        return NotEstimable("a value is not a finite number")
    found = estimate(units, method="bootstrap")
    rate = acceleration(units)
    if isinstance(found, NotEstimable):
        return found
    if isinstance(rate, NotEstimable):
        return rate
    residuals, sizes = units.sums - found.mean * units.sizes, units.sizes / units.sizes.max()
    largest = float(np.abs(residuals).max())
    # Turned so that of two mirrored samples both get the same draws.
    sign = math.copysign(1.0, found.mean or rate)
    classes = _classes(*_kinds(sign * residuals / largest, sizes))
    drawn = np.concatenate(list(_draw(*classes, resamples=resamples, rng=rng)))
    shift, t = _studentised(drawn, units.count)
    scale = sign * largest / float(units.sizes.max())
    return Resamples(found, found.mean + scale * shift, sign * t, rate, _ends(units))


def bootstrap_interval(
    units: Units,
    *,
    rng: np.random.Generator,
    kind: Kind = "bootstrap-t",
    level: float = 0.95,
    resamples: int = 9_999,
) -> Interval | NotEstimable:
    """Return one bootstrap interval of the mean of ``units``; see the module for their coverage."""
    found = bootstrap(units, rng=rng, resamples=resamples)
    if isinstance(found, NotEstimable):
        return found
    return found.law(kind).interval(level=level)


def acceleration(*samples: Units) -> float | NotEstimable:
    """Return BCa's acceleration of a mean, or of the first sample's mean minus the others'.

    a = sum_k sum_i (U_ki / n_k)^3 / (6 (sum_k sum_i (U_ki / n_k)^2)^1.5) with
    U_ki = (n_k - 1) (mean of the jackknife means - jackknife mean i) [Efron & Tibshirani 1993,
    ch. 14; for several samples each is scaled by its own size, as in scipy since PR 16455].
    """
    cubes = squares = 0.0
    for position, units in enumerate(samples):
        if units.count < 2:
            return NotEstimable("a jackknife needs 2 units")
        total = math.fsum(units.sums.tolist())
        left_out = (total - units.sums) / (units.sizes.sum() - units.sizes)
        share = (units.count - 1) / units.count * (exact_mean(left_out) - left_out)
        cubes += math.fsum((share**3).tolist()) * (-1.0 if position else 1.0)
        squares += math.fsum((share**2).tolist())
    largest = max(float(np.abs(s.sums / s.sizes).max()) for s in samples)
    if squares <= (TIE * largest) ** 2:
        return NotEstimable("all units have the same value, so their spread is unknown")
    return float(cubes / (6 * squares**1.5))


def _bias(values: FloatArray, mean: float) -> float:
    slack = TIE * max(abs(mean), float(values[-1] - values[0]))
    below = np.searchsorted(values, mean - slack, "left")
    ties = np.searchsorted(values, mean + slack, "right") - below
    share = (below + ties / 2) / len(values)
    return float(ndtri(np.clip(share, 0.5 / len(values), 1 - 0.5 / len(values))))


def _ends(units: Units) -> tuple[float, float]:
    """Return how likely a resample is made of the lowest, of the highest units alone."""
    ratio = units.sums / units.sizes
    slack = TIE * float(np.abs(ratio).max())
    lowest = float((ratio <= ratio.min() + slack).mean())
    highest = float((ratio >= ratio.max() - slack).mean())
    return lowest**units.count, highest**units.count


def _kinds(residuals: FloatArray, sizes: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct units (residual, size) in order, and how often each occurs."""
    kinds, counts = np.unique(residuals + 1j * sizes, return_counts=True)
    return np.stack([kinds.real, kinds.imag], axis=1), counts


def _classes(kinds: FloatArray, counts: IntArray) -> tuple[FloatArray, IntArray]:
    """Return per class of units its mean moments, what a mean and its CR1 need, and its count."""
    e, n = kinds.T
    moments = np.stack([e, n, e * e, e * n, n * n], axis=1)
    if counts.sum() <= _MANY_UNITS or len(counts) <= 2 * _CLASSES:
        return moments, counts
    # Equal widths keep the tails apart, equal numbers the middle.
    widths = np.linspace(e[0], e[-1], _CLASSES + 1)[1:-1]
    numbers = e[np.linspace(0, len(e) - 1, _CLASSES + 1).astype(np.int64)][1:-1]
    _, label = np.unique(np.searchsorted(np.union1d(widths, numbers), e), return_inverse=True)
    members = np.bincount(label, weights=counts)
    sums = [np.bincount(label, weights=column * counts) for column in moments.T]
    return np.stack(sums, axis=1) / members[:, None], members.astype(np.int64)


def _draw(
    moments: FloatArray, counts: IntArray, *, resamples: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Yield the moments' sums of chunks of resamples."""
    total, kinds = int(counts.sum()), len(counts)
    few = kinds * 8 <= total
    owner = np.repeat(np.arange(kinds), counts)
    rows = max(1, _CHUNK // (kinds if few else total))
    for start in range(0, resamples, rows):
        take = min(rows, resamples - start)
        if few:
            chosen = rng.multinomial(total, counts / total, size=take)
        else:
            drawn = owner[rng.integers(0, total, size=(take, total))]
            drawn += kinds * np.arange(take)[:, None]
            chosen = np.bincount(drawn.reshape(-1), minlength=take * kinds).reshape(take, kinds)
        yield chosen.astype(np.float64) @ moments


def _studentised(drawn: FloatArray, units: int) -> tuple[FloatArray, FloatArray]:
    """Return per resample the mean's shift and the shift over its CR1 error, infinite without."""
    e, n, ee, en, nn = drawn.T
    shift = e / n
    squares = ee - 2 * shift * en + shift * shift * nn
    flat = squares <= TIE * (ee + shift * shift * nn)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(units / (units - 1) * np.where(flat, 0.0, squares)) / n
        t = np.where(np.abs(shift) <= TIE, 0.0, shift / error)
    return shift, t
