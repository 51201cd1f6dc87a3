"""What a plan starts from: churn, two rates and their phi, noise of repeated answers; cases by it.

Churn drives every number of cases for binary scores, and p(1 - p) says nothing about it: take it
from an earlier run with its own uncertainty (`planned_churn`), or state a guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri

from evalkit.stats.power import Cases, Planned
from evalkit.stats.values import NotEstimable

NORMAL = "normal approximation"

_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class PairedRates:
    """The rates at which base and candidate are right, and the correlation ``phi`` of the two."""

    base: float
    candidate: float
    phi: float

    @property
    def difference(self) -> float:
        """Candidate minus base."""
        return self.candidate - self.base

    @property
    def variance(self) -> float:
        """The variance of one case's difference: p1 q1 + p2 q2 - 2 phi sqrt(p1 q1 p2 q2)."""
        one, other = self.base * (1 - self.base), self.candidate * (1 - self.candidate)
        return one + other - 2 * self.phi * math.sqrt(one * other)

    @property
    def churn(self) -> float:
        """The share of discordant pairs: the variance plus the squared difference."""
        return self.variance + self.difference**2

    @property
    def fault(self) -> str:
        """Why there are no such pairs; empty if there are."""
        if not (0 <= self.base <= 1 and 0 <= self.candidate <= 1 and -1 <= self.phi <= 1):
            return "rates must lie between 0 and 1, phi between -1 and 1"
        most = min(self.base + self.candidate, 2 - self.base - self.candidate)
        possible = abs(self.difference) - _TIE <= self.churn <= most + _TIE
        return "" if possible else "no two models with these rates correlate so"


@dataclass(frozen=True, slots=True)
class RepeatedAnswers:
    """How one case's difference varies when each model answers it several times.

    ``case_variance`` is that of the true differences between cases; ``base_noise`` and
    ``candidate_noise`` are the mean variances of answers to one case.
    """

    case_variance: float
    base_noise: float
    candidate_noise: float
    base_samples: int = 1
    candidate_samples: int = 1

    @property
    def variance(self) -> float:
        """omega^2 + s_A^2 / K_A + s_B^2 / K_B [Miller 2024, sec. 5]: what `power` takes."""
        noise = self.base_noise / self.base_samples + self.candidate_noise / self.candidate_samples
        return self.case_variance + noise


def upper_limit(events: int, n: int, *, level: float = 0.95) -> Planned | NotEstimable:
    """Return the highest rate at which ``events`` or fewer in ``n`` are not yet too few to believe.

    The one-sided limit of Clopper & Pearson [1934]: the true rate lies above it in at most
    1 - ``level`` of all samples. With no event it is the rule of three, 1 - (1 - level)^(1/n).
    """
    if n < 1:
        return NotEstimable("no case")
    if not 0 <= events <= n:
        raise ValueError(f"there cannot be {events} events in {n} cases")
    limit = 1.0 if events == n else float(betaincinv(events + 1, n - events, level))
    return Planned(limit, f"Clopper-Pearson, one-sided {level:.0%}")


def planned_churn(
    discordant: int, n: int, *, level: float = 0.8, guess: float | None = None
) -> Planned | NotEstimable:
    """Return the churn to plan with: the upper limit from ``n`` earlier pairs, else ``guess``.

    The observed churn would leave the power too low in half of all plans; with the upper limit it
    is enough in a share of at least ``level`` of them [80 %: Browne 1995, Stat Med 14:1933]. Count
    each case once: repeats of one case are no earlier pairs.
    """
    if n >= 1:
        return upper_limit(discordant, n, level=level)
    if guess is None:
        return NotEstimable("no earlier run to take the churn from, and no guess")
    return Planned(min(max(guess, 0.0), 1.0), "a guess: there is no earlier run")


def cases_for_difference(
    rates: PairedRates, *, effect: float | None = None, alpha: float = 0.05, power: float = 0.8
) -> Cases | NotEstimable:
    """Return the pairs that show a difference of two rates by a two-sided test.

    (z_{1-alpha/2} + z_power)^2 variance / effect^2 [Bonett 2022, statpsych size.test.prop.ps].
    ``effect`` is the difference to be found where it is not that of ``rates``.
    """
    found = rates.difference if effect is None else effect
    return _cases(rates, float(ndtri(power) - ndtri(alpha / 2)), reach=abs(found))


def cases_for_equivalence(
    rates: PairedRates, margin: float, *, alpha: float = 0.05, power: float = 0.8
) -> Cases | NotEstimable:
    """Return the pairs whose two one-sided tests at ``alpha`` put the difference within +-margin.

    (z_{1-alpha} + z_{(1+power)/2})^2 variance / (margin - |difference|)^2 [Bonett 2022, statpsych
    size.equiv.prop.ps]; a little too many unless the difference is 0. Not estimable where it is no
    smaller than the margin.
    """
    z = float(ndtri((1 + power) / 2) - ndtri(alpha))
    return _cases(rates, z, reach=margin - abs(rates.difference))


def cases_for_width(
    rates: PairedRates, width: float, *, level: float = 0.95
) -> Cases | NotEstimable:
    """Return the pairs that give an interval of ``width`` from limit to limit.

    4 z_{(1+level)/2}^2 variance / width^2 [Bonett 2022, statpsych size.ci.prop.ps].
    """
    return _cases(rates, 2 * float(ndtri((1 + level) / 2)), reach=width)


def _cases(rates: PairedRates, z: float, *, reach: float) -> Cases | NotEstimable:
    if rates.fault:
        return NotEstimable(rates.fault)
    if not reach > _TIE:
        return NotEstimable("no number of cases is enough for a change of nothing")
    return Cases(max(math.ceil(z**2 * rates.variance / reach**2 - _TIE), 1), NORMAL)
