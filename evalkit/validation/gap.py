"""The generalisation gap: its interval, and the permutation test under equal gains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from evalkit.stats.arrays import FloatArray
from evalkit.stats.gap import generalisation_gap
from evalkit.stats.units import case_units
from evalkit.stats.values import NotEstimable, PValue
from evalkit.validation.draws import covers
from evalkit.validation.rates import Rate, Study

_RUNS = 4_000
_TRAIN, _HELDOUT = 60, 150


@dataclass(frozen=True, slots=True)
class _Setting:
    """True gains on either side and how differences are drawn from a gain and a spread."""

    name: str
    train: float
    heldout: float
    draw: Callable[[np.random.Generator, int, float, float], FloatArray]


def _normal(rng: np.random.Generator, n: int, gain: float, spread: float) -> FloatArray:
    return rng.normal(gain, spread, n)


def _binary(rng: np.random.Generator, n: int, gain: float, _: float) -> FloatArray:
    u = rng.random(n)
    return np.where(u < gain + 0.05, 1.0, np.where(u > 0.95, -1.0, 0.0))


_SETTINGS = (
    _Setting("normal, unequal spreads", 0.3, 0.3, _normal),
    _Setting("right or wrong", 0.3, 0.3, _binary),
    _Setting("learned by heart", 0.93, 0.02, _binary),
)


def gap(rng: np.random.Generator) -> Iterator[Rate]:
    """The interval covers, the permutation test keeps its level, and sees what is memorised."""
    for setting in _SETTINGS:
        held = rejected = 0
        for _ in range(_RUNS):
            found = generalisation_gap(
                case_units(setting.draw(rng, _TRAIN, setting.train, 0.1)),
                case_units(setting.draw(rng, _HELDOUT, setting.heldout, 0.3)),
                rng=rng,
                resamples=99,
            )
            interval = found.procedure
            if not isinstance(interval, NotEstimable):
                held += covers(interval.interval(level=0.95), setting.train - setting.heldout)
            test = found.permutation
            rejected += isinstance(test, PValue) and test.value <= 0.05
        yield from _rates(setting, held / _RUNS, rejected / _RUNS)


def _rates(setting: _Setting, held: float, rejected: float) -> Iterator[Rate]:
    where = f"{_TRAIN} and {_HELDOUT} cases, {setting.name}"
    yield Rate("gap interval", where, "coverage", 0.95, held, _RUNS, (0.945, 1.0))
    name = "gap permutation test"
    if setting.train == setting.heldout:
        yield Rate(name, where, "false alarms", 0.05, rejected, _RUNS, (0, 0.055))
    else:
        yield Rate(name, where, "power", 1.0, rejected, _RUNS, (0.99, 1.0))


STUDIES: tuple[Study, ...] = (gap,)
