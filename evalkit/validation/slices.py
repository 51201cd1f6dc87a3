"""Twenty slices of a suite and no loss anywhere: how often any alarm sounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from evalkit.stats.arrays import FloatArray
from evalkit.stats.by_group import GroupTests, binary_by_group, scores_by_group
from evalkit.stats.multiplicity import holm
from evalkit.validation.rates import Rate, Study

_RUNS = 8_000
_SLICES, _CASES = 20, 30
_AT_ONCE = 500

_Test = Callable[[np.random.Generator, int], FloatArray]


def binary(rng: np.random.Generator) -> Iterator[Rate]:
    """Right-or-wrong cases, exact McNemar in each slice."""
    return _rates(rng, _binary_p, "right or wrong")


def scores(rng: np.random.Generator) -> Iterator[Rate]:
    """Scores, t in each slice."""
    return _rates(rng, _score_p, "scores")


def _binary_p(rng: np.random.Generator, groups: int) -> FloatArray:
    d = rng.choice([-1.0, 0.0, 1.0], p=[0.15, 0.7, 0.15], size=groups * _CASES)
    return _p(binary_by_group(d, np.repeat(np.arange(groups), _CASES), groups=groups))


def _score_p(rng: np.random.Generator, groups: int) -> FloatArray:
    d = rng.normal(0, 0.2, groups * _CASES)
    return _p(scores_by_group(d, np.repeat(np.arange(groups), _CASES), groups=groups))


def _p(tests: GroupTests) -> FloatArray:
    return tests.p_value.reshape(-1, _SLICES)


def _rates(rng: np.random.Generator, test: _Test, name: str) -> Iterator[Rate]:
    """Yield the share of runs with an alarm by Holm, and without: 1 - .95^20 for exact levels."""
    raw = corrected = 0
    for _ in range(_RUNS // _AT_ONCE):
        p = test(rng, _AT_ONCE * _SLICES)
        raw += int((p <= 0.05).any(axis=1).sum())
        for family in p[p.min(axis=1) <= 0.05]:
            adjusted = holm(family.tolist()).values
            corrected += any(a is not None and a <= 0.05 for a in adjusted)
    setting = f"{_SLICES} slices of {_CASES}, {name}"
    yield Rate(
        "Holm, any slice", setting, "false alarms", 0.05, corrected / _RUNS, _RUNS, (0, 0.05)
    )
    uncorrected = 1 - 0.95**_SLICES
    yield Rate(
        "no correction, any slice",
        setting,
        "false alarms",
        uncorrected,
        raw / _RUNS,
        _RUNS,
        (0.1, uncorrected),
    )


STUDIES: tuple[Study, ...] = (binary, scores)
