"""Families of 20 slices: the false alarms that each correction lets through, and what it finds.

One-sided tests for a loss: exact McNemar on scores of 0 and 1 with 15 % changed, t on scores. Where
slices share cases, they come from two fields of ten values each. For Benjamini and Hochberg's
methods the rate is the mean share of false alarms among all alarms, else that of runs with any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.by_group import binary_by_group, scores_by_group
from evalkit.stats.joint import Memberships, Statistic, joint_sign_flip
from evalkit.stats.multiplicity import Method, adjust, smallest_sign_p
from evalkit.validation.rates import Rate, Study

_ALPHA = 0.05
_SLICES, _LOSING = 20, 6
_FLIPS = 299
_BY_P: tuple[Method, ...] = (
    "bonferroni",
    "holm",
    "hochberg",
    "hommel",
    "tarone",
    "tarone-holm",
    "bh",
    "by",
)
_JOINT: tuple[Statistic, ...] = ("min-p", "max-t")
_UNCORRECTED = "no correction"

_Alarms = dict[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class _Design:
    """Slices of ``size`` cases; in the first six, where slices are apart, cases lose ``lost``."""

    size: int
    binary: bool
    shared: bool = False
    lost: float = 0.0

    @property
    def words(self) -> str:
        kind = "right or wrong" if self.binary else "scores"
        shared = ", sharing cases" if self.shared else ""
        losing = f", {_LOSING} lose {100 * self.lost:.0f} points" if self.lost else ""
        return f"{_SLICES} slices of {self.size}, {kind}{shared}{losing}"

    def draw(self, rng: np.random.Generator) -> Memberships:
        cases = np.arange(self.size * (_SLICES // 2 if self.shared else _SLICES))
        group = cases // self.size
        lost = np.where(group < _LOSING, self.lost, 0.0)
        if self.binary:
            u = rng.random(len(cases))
            d = np.where(u < 0.075 + lost, -1.0, np.where(u > 0.925, 1.0, 0.0))
        else:
            d = rng.normal(-lost, 0.25)
        if not self.shared:
            return Memberships(d, group, cases, _SLICES)
        groups = np.concatenate([group, _SLICES // 2 + cases % (_SLICES // 2)])
        return Memberships(np.tile(d, 2), groups, np.tile(cases, 2), _SLICES)


def _alarms(design: _Design, rng: np.random.Generator) -> _Alarms:
    """Return, for each method, which slices raise an alarm in one run."""
    m = design.draw(rng)
    if design.binary:
        p = binary_by_group(m.differences, m.group, groups=_SLICES).p_alarm
    else:
        p = scores_by_group(m.differences, m.group, groups=_SLICES, rng=rng).p_alarm
    differing = np.bincount(m.group[m.differences != 0], minlength=_SLICES)
    smallest = [smallest_sign_p(int(k)) for k in differing] if design.binary else None
    found: _Alarms = {_UNCORRECTED: p <= _ALPHA}
    for method in _BY_P:
        adjusted = adjust(p.tolist(), method=method, smallest=smallest)
        found[adjusted.method] = np.array(adjusted.rejected(_ALPHA))
    for statistic in _JOINT:
        joint = joint_sign_flip(m, rng=rng, statistic=statistic, resamples=_FLIPS)
        found[f"{statistic}, step-down"] = np.array(joint.step_down.rejected(_ALPHA))
    return found


def _simulate(design: _Design, rng: np.random.Generator, runs: int) -> dict[str, NDArray[np.bool_]]:
    """Return for each method the alarms of all runs, a row each."""
    drawn = [_alarms(design, rng) for _ in range(runs)]
    return {method: np.stack([run[method] for run in drawn]) for method in drawn[0]}


def _false_alarms(design: _Design, alarms: _Alarms) -> Iterator[Rate]:
    true = np.arange(_SLICES) >= (_LOSING if design.lost else 0)
    # The tests of slices are exact or below: McNemar, and sign-flips of so few scores.
    for method, raised in alarms.items():
        any_false = raised[:, true].any(axis=1)
        share = raised[:, true].sum(axis=1) / np.maximum(raised.sum(axis=1), 1)
        seen = share if method.startswith("Benjamini") else any_false
        allowed = (0.0, 1.0) if method == _UNCORRECTED else (0.0, _ALPHA)
        yield Rate(
            method, design.words, "false alarms", _ALPHA, float(seen.mean()), len(raised), allowed
        )


def _power(design: _Design, alarms: _Alarms) -> Iterator[Rate]:
    """Yield the share of losing slices found; nominal is what Holm finds in the same runs."""
    found = {method: float(raised[:, :_LOSING].mean()) for method, raised in alarms.items()}
    for method, share in found.items():
        floor = found["Bonferroni" if method in ("Bonferroni", "Tarone") else "Holm"]
        allowed = (0.0, 1.0) if method.endswith("Yekutieli") else (floor, 1.0)
        runs = len(alarms[method]) * _LOSING
        yield Rate(method, design.words, "power", found["Holm"], share, runs, allowed)


def no_loss_anywhere(rng: np.random.Generator) -> Iterator[Rate]:
    """Few discordant pairs, slices that share cases, and scores: alarms in at most 5 % of runs."""
    for design in (
        _Design(15, binary=True),
        _Design(30, binary=True, shared=True),
        _Design(14, binary=False, shared=True),
    ):
        yield from _false_alarms(design, _simulate(design, rng, 1_000))


def some_losses(rng: np.random.Generator) -> Iterator[Rate]:
    """Six slices lose: the false alarms among the others, and how many of the six are found."""
    for design in (
        _Design(15, binary=True, lost=0.4),
        _Design(40, binary=True, lost=0.2),
        _Design(14, binary=False, lost=0.2),
    ):
        alarms = _simulate(design, rng, 700)
        yield from _false_alarms(design, alarms)
        yield from _power(design, alarms)


STUDIES: tuple[Study, ...] = (no_loss_anywhere, some_losses)
