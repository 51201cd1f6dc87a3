"""Exact power of the gate on right-or-wrong cases, and the cases and margins that follow from it.

Every claim asks, among m discordant pairs, for at least so many gained ones: at fixed m the score
statistic and McNemar's rise with the pairs gained. So the sum over all O(m^2) tables (gained, lost)
is one over m with a binomial tail each; nothing is approximated but 1e-12 of probability left out,
and it costs O(sqrt(n)) instead of O(n). A test compares it with the plain sum over all tables.

What it takes to certify a margin at 80 % power, (z_{1-alpha} + z_power)^2 churn / margin^2 against
the exact number: 3 points at 10 % churn 687 / 705; 5 points 248 / 269; 5 points at 2 % churn
50 / 101. The usual formula takes the spread where nothing changed, but the gate tests at -margin,
where more must be discordant.

What the score test risks exactly at its bound, nominally 5 %: the risk jumps where the margin
passes the limit of a table, and is highest just there. Over the limits of all tables with up to 7
lost and 2 gained pairs, margins up to 30 points and all churns, a guard's is highest where all
changes are losses and the margin just allows none, z^2 / (n + z^2): by chance a model right there
loses none in (n / (n + z^2))^n. That is 9.7 % with 8 cases, 9.1 % with 10, 7.9 % with 20, 7.5 %
with 30, 6.9 % with 100, and never below exp(-z^2) = 6.7 %, then at ever smaller margins (.27 points
with 1,000). A target with a gain asked for risks 10 % with 30 to 300 cases, with a handful of pairs
nearly all gained. With 10 and more pairs each way it is 5 % to a few tenths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, gammaln, ndtr, ndtri, xlog1py, xlogy

from evalkit.stats.arrays import FloatArray
from evalkit.stats.paired_binary import mcnemar_exact, tango_statistic
from evalkit.stats.power import Cases, Planned
from evalkit.stats.power_search import check_power, first_enough, first_lasting, smallest_change
from evalkit.stats.values import NotEstimable

ENUMERATED = 1_000_000
"""Cases up to which probabilities are summed; above, the normal approximation stands."""

Rule = Literal["non_inferior", "superior", "equivalent"]

EXACT = "exact, by enumeration"
NORMAL = "normal approximation of the score test"

_SEARCHED = 20_000
_LEFT_OUT = 28.0


@dataclass(frozen=True, slots=True)
class BinaryDesign:
    """``n`` independent pairs scored right or wrong, as they are supposed to be.

    ``churn`` is the share of discordant pairs, ``difference`` the true one, candidate minus base.
    Churn below the difference is impossible and counts as the difference.
    """

    n: int
    churn: float
    difference: float = 0.0

    @property
    def discordant(self) -> float:
        """The share of discordant pairs, at least the difference."""
        return max(self.churn, abs(self.difference))

    @property
    def variance(self) -> float:
        """The variance of one case's difference."""
        return self.discordant - self.difference**2

    @property
    def fault(self) -> str:
        """Why nothing can be said of such a design; empty if something can."""
        if not (0 <= self.churn <= 1 and -1 <= self.difference <= 1):
            return "churn must lie between 0 and 1, the difference between -1 and 1"
        return "" if self.n >= 1 else "no case"


@dataclass(frozen=True, slots=True)
class Claim:
    """What the gate is to show at one-sided ``alpha``.

    "non_inferior": the lower limit (at 1 - 2 alpha) lies above -``bound``, the margin.
    "superior": it lies above ``bound``, the gain asked for (0: any), and the test that the interval
    inverts and the exact test both find a gain at two-sided ``alpha``.
    "equivalent": both limits lie within +-``bound`` [two one-sided tests, Schuirmann 1987].
    """

    rule: Rule
    bound: float
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse levels for which limits change places, and bounds that no difference reaches."""
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and 0.5, not {self.alpha}")
        if not 0 <= self.bound <= 1:
            raise ValueError(f"a margin or gain must lie between 0 and 1, not {self.bound}")

    @property
    def least(self) -> float:
        """The difference that is claimed to be exceeded."""
        return self.bound if self.rule == "superior" else -self.bound

    def holds(self, difference: float) -> bool:
        """Return whether the claim is true of a model with this true difference."""
        return self.least < difference and (difference < self.bound or self.rule != "equivalent")


def exact_power(design: BinaryDesign, claim: Claim) -> Planned | NotEstimable:
    """Return the probability that ``design`` shows ``claim``.

    With the difference on the claim's bound it is the risk of a wrong promotion. Not estimable
    without a case, or where churn and difference are no shares.
    """
    if design.fault:
        return NotEstimable(design.fault)
    if design.n > ENUMERATED:
        return Planned(_normal_power(design, claim), NORMAL)
    return Planned(float(_powers(np.array([design.n]), design, claim=claim)[0]), EXACT)


def exact_cases(
    claim: Claim, churn: float, *, difference: float = 0.0, power: float = 0.8
) -> Cases | NotEstimable:
    """Return the smallest n from which on ``claim`` is shown with ``power``.

    Discrete power is not monotone in n, so it must be enough at every n of a window above (a
    sixteenth of n, 32 to 512 cases). The search starts from the normal approximation, which is the
    answer above 20,000 cases. Not estimable where the claim is not true of ``difference``.
    """
    check_power(power)
    design = BinaryDesign(1, churn, difference)
    if design.fault:
        return NotEstimable(design.fault)
    if not claim.holds(difference):
        return NotEstimable("no number of cases shows what the supposed difference is not")
    start = first_enough(lambda n: _normal_power(replace(design, n=n), claim) >= power)
    if start is None or start > _SEARCHED:
        return _cases(start, NORMAL)
    return _cases(first_lasting(lambda ns: _powers(ns, design, claim=claim) >= power, start), EXACT)


def exact_smallest_margin(
    n: int, churn: float, *, alpha: float = 0.05, power: float = 0.8
) -> Planned | NotEstimable:
    """Return the margin that ``n`` cases certify with ``power`` if nothing changed on average.

    Not estimable where not even a margin of 1 can be certified.
    """
    check_power(power)
    design = BinaryDesign(n, churn)
    return smallest_change(
        lambda margin: exact_power(design, Claim("non_inferior", margin, alpha)), power
    )


def exact_smallest_gain(
    n: int, churn: float, *, alpha: float = 0.05, power: float = 0.8
) -> Planned | NotEstimable:
    """Return the true gain that ``n`` cases show with ``power``: the minimum detectable effect.

    The claim is "superior" by any gain. A gain above ``churn`` raises the churn with it.
    """
    check_power(power)
    claim = Claim("superior", 0.0, alpha)
    return smallest_change(lambda gain: exact_power(BinaryDesign(n, churn, gain), claim), power)


def discordant_law(ns: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
    """Return numbers of discordant pairs, and their probabilities with one row for each of ``ns``.

    ``ns`` rise. All but about 1e-12 of each row's mass is there, by Bernstein's inequality.
    """
    spread = share * (1 - share) * float(ns[-1])
    reach = _LEFT_OUT / 3 + math.sqrt((_LEFT_OUT / 3) ** 2 + 2 * _LEFT_OUT * spread)
    low = max(math.floor(share * float(ns[0]) - reach), 0)
    high = min(math.ceil(share * float(ns[-1]) + reach), int(ns[-1]))
    m = np.arange(low, high + 1.0)
    rest = ns[:, None] - m
    same = np.maximum(rest, 0)
    log = gammaln(ns[:, None] + 1) - gammaln(m + 1) - gammaln(same + 1)
    mass = np.exp(log + xlogy(m, share) + xlog1py(same, -share))
    return m, np.where(rest >= 0, mass, 0.0)


def least_gained(m: FloatArray, shown: Callable[[FloatArray], NDArray[np.bool_]]) -> FloatArray:
    """Return for each of ``m`` discordant pairs the least gained ones at which ``shown`` is true.

    It takes gained pairs shaped as ``m``, and stays true with more; m + 1 where it never is.
    """
    low, high = np.full(m.shape, -1.0), m + 1.0
    while (unsure := high - low > 1).any():
        middle = np.floor((low + high) / 2)
        true = shown(middle)
        low, high = np.where(unsure & ~true, middle, low), np.where(unsure & true, middle, high)
    return high


def gain_found(gained: FloatArray, m: FloatArray, *, alpha: float) -> NDArray[np.bool_]:
    """Return whether the score test and exact McNemar both find a gain at two-sided ``alpha``."""
    lost = m - gained
    score = tango_statistic(gained, lost, m) >= -float(ndtri(alpha / 2))
    return np.asarray(score & (mcnemar_exact(gained, lost) <= alpha) & (gained > lost))


def chance_of_gained(least: FloatArray, m: FloatArray, design: BinaryDesign) -> FloatArray:
    """Return the probability of at least ``least`` gained pairs among ``m`` discordant ones."""
    share = (1 + design.difference / design.discordant) / 2 if design.discordant else 0.5
    return np.where(least > m, 0.0, bdtrc(least - 1, m.astype(np.int64), share))


def _powers(ns: NDArray[np.int64], design: BinaryDesign, *, claim: Claim) -> FloatArray:
    """Return the power for each of ``ns``, whatever the design's own n."""
    column = ns.astype(np.float64)[:, None]
    numbers, mass = discordant_law(column[:, 0], design.discordant)
    least = np.zeros(1)
    if claim.rule == "superior":
        # Whether there is any gain depends on the discordant pairs alone: once for all of ``ns``.
        least = least_gained(numbers, lambda b: gain_found(b, numbers, alpha=claim.alpha))
        if not claim.least:
            return np.minimum(mass @ chance_of_gained(least, numbers, design), 1.0)
    m = np.broadcast_to(numbers, mass.shape)
    n = np.maximum(column, m)
    z = -float(ndtri(claim.alpha))
    above = least_gained(m, lambda b: tango_statistic(b, m - b, n, null=claim.least) > z)
    chance = chance_of_gained(np.maximum(least, above), m, design)
    if claim.rule == "equivalent":
        over = least_gained(m, lambda b: tango_statistic(b, m - b, n, null=claim.bound) >= -z)
        chance = np.maximum(chance - chance_of_gained(over, m, design), 0.0)
    return np.asarray(np.minimum((mass * chance).sum(axis=1), 1.0), dtype=np.float64)


def _normal_power(design: BinaryDesign, claim: Claim) -> float:
    """Return the probability that every normal score statistic of the claim passes its quantile."""
    z, strict = (-float(ndtri(tail)) for tail in (claim.alpha, claim.alpha / 2))
    below = _passes(design, claim.least, z)
    if claim.rule == "superior":
        return min(below, _passes(design, 0.0, strict))
    if claim.rule == "non_inferior":
        return below
    return max(below - _passes(design, claim.bound, -z), 0.0)


def _passes(design: BinaryDesign, null: float, z: float) -> float:
    """Return P(score statistic of ``null`` > z), its spread under the null being the limiting one.

    The statistic takes shares for counts, with n = 1.
    """
    away = design.difference - null
    gained = (design.discordant + design.difference) / 2
    score = float(tango_statistic(gained, design.discordant - gained, 1, null=null)[0])
    under_null = away / score if score else math.sqrt(design.variance)
    spread = max(math.sqrt(design.variance), 1e-12)
    return float(ndtr((away * math.sqrt(design.n) - z * under_null) / spread))


def _cases(n: int | None, method: str) -> Cases | NotEstimable:
    if n is None:
        return NotEstimable("no number of cases found has that power")
    return Cases(n, method)
