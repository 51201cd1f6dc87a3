"""The results every family of methods gives: interval, p-value, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from evalkit.stats.assumptions import Assuming

Side = Literal["two-sided", "greater", "less"]
"""The alternative: the difference is not, is above, or is below the null."""


@dataclass(frozen=True, slots=True)
class Interval(Assuming):
    """Two-sided limits at ``level`` (0.95 = 95 %) by ``method`` ("Tango score", "t", ...)."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class PValue(Assuming):
    """A p-value and the test that gave it."""

    value: float
    method: str


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """There is no number, and ``why`` says so in words ("no case was answered")."""

    why: str


@dataclass(frozen=True, slots=True)
class FlipRates:
    """Shares of all cases by what happened to the pair.

    ``broken_interval`` is exact (Clopper-Pearson), of clustered cases that of a mean over clusters;
    ``None`` where one holds them all. ``relative_broken`` sets the broken cases against what a
    candidate with as many errors, but independent ones, would break: 1 means no better than chance,
    0 that nothing broke; ``None`` without an error or without a right answer.
    """

    churn: float
    fixed: float
    broken: float
    broken_interval: Interval | None
    relative_broken: float | None


class Procedure(Protocol):
    """A test and the interval that inverts it, so that the two cannot disagree."""

    @property
    def method(self) -> str:
        """The name printed beside every number of the procedure."""

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return the two-sided interval at ``level``."""

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value of the hypothesis that the difference is ``null``."""
