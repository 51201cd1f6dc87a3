"""Paired binary outcomes: McNemar's tests, and intervals for the difference of two proportions.

Every function takes numbers or arrays of equal shape, so that thousands of slices are one call.
``gained`` counts pairs where only the candidate is right, ``lost`` where only the base is.

Type I error at a nominal 5 % (exact / mid-p / asymptotic), 200,000 simulated runs: n = 100 with 5 %
discordant pairs .009 / .025 / .047; n = 1,000 with 10 %: .040 / .050 / .051. So the exact test
never exceeds its level and pays for it, and the score test is close to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, gammaln, ndtr

from evalkit.stats.arrays import FloatArray, floats, normal_quantile
from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import Interval, PValue, Side

_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Limits(Assuming):
    """Intervals for many differences at once; ``low`` and ``high`` have one entry each."""

    low: FloatArray
    high: FloatArray
    level: float
    method: str

    def at(self, index: int = 0) -> Interval:
        """Return one of the intervals."""
        low, high = float(self.low[index]), float(self.high[index])
        return Interval(low, high, self.level, self.method)


@dataclass(frozen=True, slots=True)
class PairedTable:
    """The 2 x 2 table of a paired comparison: both right, only candidate, only base, both wrong."""

    both: ArrayLike
    gained: ArrayLike
    lost: ArrayLike
    neither: ArrayLike


def mcnemar_exact(gained: ArrayLike, lost: ArrayLike, *, side: Side = "two-sided") -> FloatArray:
    """Return exact conditional p-values: given the discordant pairs, gains are Binomial(1/2).

    "greater" asks for a gain, "less" for a loss. 1 without discordant pairs. Equal to the exact
    sign-flip test of the differences.
    """
    b, c = floats(gained), floats(lost)
    if side == "greater":
        return _tail(c, b + c)
    if side == "less":
        return _tail(b, b + c)
    return np.minimum(1.0, 2 * _tail(np.minimum(b, c), b + c))


def mcnemar_mid_p(gained: ArrayLike, lost: ArrayLike, *, side: Side = "two-sided") -> FloatArray:
    """Return mid-p values: half the probability of what was seen taken off [Fagerland et al. 2013].

    Not guaranteed to keep the level, though in the paper's 9,595 scenarios it always did.
    1 without discordant pairs.
    """
    b, c = floats(gained), floats(lost)
    seen = np.minimum(b, c) if side == "two-sided" else (c if side == "greater" else b)
    mass = _mass(seen, b + c)
    if side == "two-sided":
        mid = np.where(b == c, 1 - mass / 2, 2 * _tail(seen, b + c) - mass)
    else:
        mid = _tail(seen, b + c) - mass / 2
    return np.where(b + c == 0, 1.0, mid)


def mcnemar_asymptotic(
    gained: ArrayLike, lost: ArrayLike, *, side: Side = "two-sided"
) -> FloatArray:
    """Return p-values of McNemar's (b - c) / sqrt(b + c), without continuity correction."""
    b, c = floats(gained), floats(lost)
    return _normal_p((b - c) / np.sqrt(np.maximum(b + c, 1)), side)


def tango_statistic(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, *, null: ArrayLike = 0.0
) -> FloatArray:
    """Return the score statistic of the hypothesis that the difference is ``null``.

    Standard normal under it; at ``null`` = 0 it is McNemar's [Tango 1998, Stat Med 17:891]. The
    counts may be fractions, as sums of bounded differences are. 0 where n = 0.
    """
    b, c, total, at = map(floats, (gained, lost, n, null))
    return _score(b, c, total, at)


def tango_p(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    null: ArrayLike = 0.0,
    side: Side = "two-sided",
) -> FloatArray:
    """Return p-values of the score test; "greater" asks if the difference lies above ``null``."""
    return _normal_p(tango_statistic(gained, lost, n, null=null), side)


def tango_interval(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> Limits:
    """Return score intervals: every difference that the score test at 1 - ``level`` keeps.

    Found by bisection, since the statistic falls monotonely in the difference. Never of width 0;
    [-1, 1] where n = 0. Coverage of 95 % limits, 200,000 simulated runs: .956 at n = 50 with 10 %
    gained and 5 % lost, where Wald's reach .942; .986 against .867 at n = 50 with (0, 4 %).
    The lower limit is liberal for claims of improvement with few discordant pairs (n = 100, 3 %
    and 1 %: 7.2 % instead of 5 %), so such a claim needs the exact test as well.
    """
    b, c, total = np.broadcast_arrays(*map(floats, (gained, lost, n)))
    z = np.array([[1.0], [-1.0]]) * normal_quantile(level)
    low, high = _solve(b, c, total, targets=z)
    known = total > 0
    return Limits(np.where(known, low, -1.0), np.where(known, high, 1.0), level, "Tango score")


def newcombe_interval(table: PairedTable, *, level: float = 0.95, corrected: bool = True) -> Limits:
    """Return Newcombe's square-and-add intervals [1998, Stat Med 17:2635], to check Tango's.

    Method 10, or method 8 with ``corrected=False``: the same with the plain sample phi.
    """
    a, b, c, d = map(floats, (table.both, table.gained, table.lost, table.neither))
    n = a + b + c + d
    ours, theirs = (a + b) / n, (a + c) / n
    low1, high1 = _wilson(ours, n, level)
    low2, high2 = _wilson(theirs, n, level)
    phi = _phi(table, corrected=corrected)
    down = _add(ours - low1, high2 - theirs, phi)
    up = _add(high1 - ours, theirs - low2, phi)
    name = f"Newcombe method {10 if corrected else 8}"
    return Limits(ours - theirs - down, ours - theirs + up, level, name)


def bonett_price_interval(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> Limits:
    """Return adjusted Wald intervals with one pair added each way [Bonett & Price 2012].

    Their centre is shrunk towards 0; report the raw difference as the estimate.
    """
    total = floats(n) + 2
    p, q = (floats(gained) + 1) / total, (floats(lost) + 1) / total
    reach = normal_quantile(level) * np.sqrt((p + q - (p - q) ** 2) / total)
    low, high = np.maximum(p - q - reach, -1), np.minimum(p - q + reach, 1)
    return Limits(low, high, level, "Bonett-Price")


@dataclass(frozen=True, slots=True)
class TangoScore(Assuming):
    """The score test and interval of one comparison of ``n`` units.

    For binary outcomes ``gains`` and ``losses`` are counts. For bounded differences they are the
    sums of the positive and of the negative parts: of all laws on [-1, 1] with these sums the
    binary one has the widest spread, so the test stays on the safe side where the sample shows too
    little of the spread itself. ``n`` need not be whole: clusters of unequal size count as fewer.
    """

    gains: float
    losses: float
    n: float
    method: str = "Tango score"

    def interval(self, *, level: float) -> Interval:
        """Return the score interval."""
        found = tango_interval(self.gains, self.losses, self.n, level=level).at()
        return Interval(found.low, found.high, level, self.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value of the score test."""
        p = tango_p(self.gains, self.losses, self.n, null=null, side=side)
        return PValue(float(p[0]), self.method)


def _tail(count: FloatArray, discordant: FloatArray) -> FloatArray:
    return np.asarray(bdtr(count, discordant.astype(np.int64), 0.5), dtype=np.float64)


def _mass(count: FloatArray, discordant: FloatArray) -> FloatArray:
    log = gammaln(discordant + 1) - gammaln(count + 1) - gammaln(discordant - count + 1)
    return np.asarray(np.exp(log - discordant * np.log(2)), dtype=np.float64)


def _normal_p(statistic: FloatArray, side: Side) -> FloatArray:
    if side == "two-sided":
        return np.asarray(2 * ndtr(-np.abs(statistic)), dtype=np.float64)
    return np.asarray(ndtr(-statistic if side == "greater" else statistic), dtype=np.float64)


def _score(b: FloatArray, c: FloatArray, n: FloatArray, null: FloatArray) -> FloatArray:
    spread = null * (1 - null)
    linear = (2 * n - b + c) * null - b - c
    root = np.sqrt(np.maximum(linear * linear + 8 * n * c * spread, 0))
    # The larger root of the quadratic in two forms: either alone loses all digits somewhere.
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(linear > 0, 2 * c * spread / (linear + root), (root - linear) / (4 * n))
        statistic = (b - c - n * null) / np.sqrt(np.maximum(n * (2 * loss + spread), 0))
    return np.where(np.isnan(statistic), 0.0, statistic)


def _solve(b: FloatArray, c: FloatArray, n: FloatArray, *, targets: FloatArray) -> FloatArray:
    """Return the nulls at which the statistic is each of two ``targets``, the higher one first."""
    estimate = (b - c) / np.maximum(n, 1)
    low = np.stack([np.full_like(estimate, -1.0), estimate])
    high = np.stack([estimate, np.full_like(estimate, 1.0)])
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = _score(b, c, n, middle) > targets
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _wilson(share: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    z2 = normal_quantile(level) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return centre - reach, centre + reach


def _phi(table: PairedTable, *, corrected: bool) -> FloatArray:
    a, b, c, d = map(floats, (table.both, table.gained, table.lost, table.neither))
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    cross = a * d - b * c
    if corrected:
        cross = np.where(cross > 0, np.maximum(cross - (a + b + c + d) / 2, 0), cross)
    return np.where(margins > 0, cross / np.sqrt(np.maximum(margins, 1)), 0.0)


def _add(one: FloatArray, other: FloatArray, phi: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(one * one - 2 * phi * one * other + other * other, 0))
