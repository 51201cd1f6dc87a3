"""Procedures made of other procedures: one times a factor, and independent ones added up.

The sum takes each part's distance to its own limit and adds the squares [Zou & Donner 2008, Stat
Med 27:1693; "MOVER"], so that limits which are skewed, or which rightly are not 0 where nothing was
seen, stay so in the sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr

from evalkit.stats.assumptions import Assuming
from evalkit.stats.proportions import wilson
from evalkit.stats.values import Interval, NotEstimable, Procedure, PValue, Side

_LARGEST_Z = 8.0
_FLIPPED: dict[Side, Side] = {"two-sided": "two-sided", "greater": "less", "less": "greater"}


@dataclass(frozen=True, slots=True)
class Scaled(Assuming):
    """What ``procedure`` says about a figure, said about ``factor`` (not 0) times that figure."""

    procedure: Procedure
    factor: float

    @property
    def method(self) -> str:
        """The name of the procedure itself."""
        return self.procedure.method

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return both limits times the factor."""
        found = self.procedure.interval(level=level)
        if isinstance(found, NotEstimable):
            return found
        low, high = sorted((found.low * self.factor, found.high * self.factor))
        return Interval(low, high, found.level, found.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value at ``null`` / factor, sides swapped by a negative factor."""
        asked = _FLIPPED[side] if self.factor < 0 else side
        return self.procedure.p_value(null=null / self.factor, side=asked)


@dataclass(frozen=True, slots=True)
class WilsonShare(Assuming):
    """The score test and Wilson's interval of a share; ``successes`` may be a sum of scores."""

    successes: float
    n: int
    method: str = "Wilson score"

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return Wilson's interval."""
        return wilson(self.successes, self.n, level=level)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value of the score test; a null of 0 or 1 is refuted by any other share."""
        spread = math.sqrt(self.n * max(null * (1 - null), 0.0))
        above = self.successes - self.n * null
        z = above / spread if spread else math.copysign(math.inf, above) if above else 0.0
        tails = {"greater": ndtr(-z), "less": ndtr(z), "two-sided": 2 * ndtr(-abs(z))}
        return PValue(float(tails[side]), self.method)


@dataclass(frozen=True, slots=True)
class Mover(Assuming):
    """The sum of independent figures, each with its estimate and its procedure.

    Limits are cut at +-``bound``. Not estimable where a part is not.
    """

    parts: tuple[tuple[float, Procedure], ...]
    bound: float
    method: str

    @property
    def estimate(self) -> float:
        """The sum of the parts' estimates."""
        return math.fsum(value for value, _ in self.parts)

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return the sum - and + the root of the parts' squared distances to their limits."""
        down, up = [], []
        for value, procedure in self.parts:
            found = procedure.interval(level=level)
            if isinstance(found, NotEstimable):
                return found
            down.append(value - found.low)
            up.append(found.high - value)
        low = max(self.estimate - math.hypot(*down), -self.bound)
        return Interval(low, min(self.estimate + math.hypot(*up), self.bound), level, self.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return 1 - the highest level whose interval excludes ``null``, halved one-sided.

        Nothing below 1e-15, where the level itself runs out of digits.
        """
        tail = float(ndtr(-self._reach(null)))
        if side == "two-sided":
            return PValue(min(2 * tail, 1.0), self.method)
        agrees = (self.estimate > null) == (side == "greater")
        return PValue(tail if agrees else 1 - tail, self.method)

    def _reach(self, null: float) -> float:
        """Return the z of the level at which a limit meets ``null``."""
        from scipy.optimize import brentq

        if self._excluded(null, 0.0) <= 0:
            return 0.0
        if self._excluded(null, _LARGEST_Z) > 0:
            return _LARGEST_Z
        return float(brentq(lambda z: self._excluded(null, z), 0.0, _LARGEST_Z, xtol=1e-10))

    def _excluded(self, null: float, z: float) -> float:
        """Return how far ``null`` lies outside the interval at z; below 0 inside."""
        found = self.interval(level=1 - 2 * float(ndtr(-z)))
        if isinstance(found, NotEstimable):
            return -self.bound
        return found.low - null if self.estimate > null else null - found.high


def difference_of(
    one: tuple[float, Procedure],
    other: tuple[float, Procedure],
    *,
    bound: float,
    method: str,
) -> Mover:
    """Return the difference of two independent figures as a procedure."""
    value, procedure = other
    return Mover((one, (-value, Scaled(procedure, -1.0))), bound, method)
