"""Clustered cases: CR1 with t on clusters, and sign flips of whole clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from evalkit.stats.paired import choose_procedure
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.units import Units, cluster_units
from evalkit.stats.values import NotEstimable
from evalkit.validation.draws import covers
from evalkit.validation.rates import Rate, Study

_RUNS = 4_000
_SIZE = 25
_ICC = 0.2


def clusters(rng: np.random.Generator) -> Iterator[Rate]:
    """CR1 with t covers 95 % where an interval over cases covers half; sign flips keep 5 %."""
    for groups in (8, 16, 60):
        held = rejected = 0
        for _ in range(_RUNS):
            units = _draw(rng, groups)
            procedure = choose_procedure(units, binary=False, rng=rng)
            held += isinstance(procedure, NotEstimable) or covers(
                procedure.interval(level=0.95), 0.0
            )
            rejected += sign_flip(units.sums, rng=rng, resamples=199).value <= 0.05
        setting = f"{groups} clusters of {_SIZE}, ICC {_ICC:g}"
        yield Rate(
            "t on clusters (CR1)", setting, "coverage", 0.95, held / _RUNS, _RUNS, (0.94, 1.0)
        )
        yield Rate(
            "sign-flip of clusters",
            setting,
            "false alarms",
            0.05,
            rejected / _RUNS,
            _RUNS,
            (0, 0.05),
        )


def _draw(rng: np.random.Generator, groups: int) -> Units:
    """Draw differences with mean 0 and that correlation within a cluster."""
    shared = np.repeat(rng.normal(0, math.sqrt(_ICC), groups), _SIZE)
    d = (shared + rng.normal(0, math.sqrt(1 - _ICC), groups * _SIZE)) / 5
    return cluster_units(d, np.repeat(np.arange(groups), _SIZE))


STUDIES: tuple[Study, ...] = (clusters,)
