"""Searches over a power function: the first n that is enough, the smallest change that is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.power import Planned
from evalkit.stats.values import NotEstimable

LARGEST = 10**12
"""The most cases that are looked at."""

_BLOCKS = 200
_BISECTIONS = 40


def check_power(power: float) -> None:
    """Raise ValueError unless ``power`` is a probability that can be asked for."""
    if not 0 < power < 1 - 1e-9:
        raise ValueError(f"power must lie between 0 and 1, not {power}")


def first_enough(enough: Callable[[int], bool]) -> int | None:
    """Return the first n >= 1 that is ``enough``, which must stay so; ``None`` up to 10^12."""
    high = 1
    while not enough(high):
        high *= 2
        if high > LARGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def first_lasting(
    enough: Callable[[NDArray[np.int64]], NDArray[np.bool_]], start: int
) -> int | None:
    """Return the smallest n of which all n of a window above are ``enough``; found near ``start``.

    ``enough`` need not be monotone. The window is a sixteenth of ``start``, at least 32 and at most
    512 long. ``None`` if 200 windows upwards hold no such n.
    """
    length = min(max(32, start // 16), 512)
    first = start
    for _ in range(_BLOCKS):
        short = np.flatnonzero(~enough(np.arange(first, first + length)))
        if not len(short):
            break
        first += int(short[-1]) + 1
    else:
        return None
    while first > 1:
        low = max(first - length, 1)
        short = np.flatnonzero(~enough(np.arange(low, first)))
        if len(short):
            return low + int(short[-1]) + 1
        first = low
    return first


def smallest_change(
    power_of: Callable[[float], Planned | NotEstimable], power: float
) -> Planned | NotEstimable:
    """Return the smallest change in (0, 1] shown with ``power``, which must rise with it.

    Bisected from above to 1e-12. What ``power_of`` cannot estimate at 1 cannot be estimated here.
    """
    whole = power_of(1.0)
    if isinstance(whole, NotEstimable):
        return whole
    if whole.value < power:
        return NotEstimable(f"not even a change of 1 has a power of {power:g}")
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        found = power_of(middle)
        if isinstance(found, Planned) and found.value >= power:
            high = middle
        else:
            low = middle
    return Planned(high, whole.method)
