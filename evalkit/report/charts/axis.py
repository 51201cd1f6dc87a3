"""Scales and round tick marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from evalkit.report.numerals import decimals

WIDE, MEDIUM, NARROW = 1120, 690, 350
WIDTHS = {"wide": WIDE, "medium": MEDIUM, "narrow": NARROW}
"""Widths in CSS pixels, at which each drawing is shown one to one."""

_ROUND_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from values to pixels, to a tenth of a pixel."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where ``value`` lies; values outside go to the nearer end."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    label: str


def padded(values: Sequence[float], *, share: float = 0.04) -> tuple[float, float]:
    """Return the range of ``values`` with a little room at both ends; never of no width."""
    low, high = min(values), max(values)
    room = (high - low) * share or 1.0
    return low - room, high + room


def round_values(low: float, high: float, most: int) -> tuple[float, ...]:
    """Return at most ``most`` + 1 round numbers between ``low`` and ``high``, evenly spaced."""
    rough = (high - low) / most
    size = 10.0 ** floor(log10(rough))
    step = size * next(s for s in _ROUND_STEPS if s * size >= rough * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return tuple(round(n * step, 9) for n in range(first, last + 1))


def ticks(scale: Scale, *, most: int, plus: bool = False) -> tuple[Tick, ...]:
    """Return the tick marks of ``scale``, with plus signs if ``plus``."""
    values = round_values(scale.low, scale.high, most)
    digits = 0 if all(float(v).is_integer() for v in values) else _digits(values)
    return tuple(Tick(scale(v), _label(v, digits, plus=plus)) for v in values)


def _digits(values: Sequence[float]) -> int:
    return next(d for d in range(1, 10) if all(abs(round(v, d) - v) < 1e-9 for v in values))


def _label(value: float, digits: int, *, plus: bool) -> str:
    return ("+" if plus and value > 0 else "") + decimals(value, digits)
