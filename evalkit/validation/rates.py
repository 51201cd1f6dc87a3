"""What a simulation of an error rate gives: the rate stated, the rate seen, and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["false alarms", "coverage", "promotions at the margin", "power"]

_SPREADS = 4.0


@dataclass(frozen=True, slots=True)
class Rate:
    """One simulated rate: the event happened in a share ``measured`` of ``runs`` runs.

    ``nominal`` is what the method states. ``allowed`` are the lowest and the highest true rate that
    its documentation admits: (0, nominal) for an exact test, (nominal, 1) for an interval that is
    on the safe side, a little more for an approximation.
    """

    method: str
    setting: str
    kind: Kind
    nominal: float
    measured: float
    runs: int
    allowed: tuple[float, float]

    @property
    def kept(self) -> bool:
        """Whether the rate is allowed, give or take four standard errors of the simulation."""
        low, high = self.allowed
        return low - self._slack(low) <= self.measured <= high + self._slack(high)

    def _slack(self, rate: float) -> float:
        return _SPREADS * math.sqrt(max(rate * (1 - rate), 1 / self.runs) / self.runs)


Study = Callable[[np.random.Generator], Iterable[Rate]]
"""One simulation: a seeded generator in, rates out."""
