"""False alarms of control charts within a horizon, and of change-point tests on level histories.

What a chart does on data that break its assumptions is shown, not claimed: it allows anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from evalkit.stats.arrays import FloatArray
from evalkit.stats.change_points import change_points, pettitt, single_change
from evalkit.stats.drift import (
    Chart,
    cusum,
    cusum_limit,
    ewma,
    ewma_limit,
    false_alarm_chance,
    flip_cusum,
    flip_cusum_limit,
    rerun_noise,
    standardised,
)
from evalkit.stats.values import NotEstimable
from evalkit.validation.rates import Rate, Study

_Found = TypeVar("_Found")
_ANY = (0.0, 1.0)
_ARL = 370.0
_RUNS = 3_000


def _sure(found: _Found | NotEstimable) -> _Found:
    if isinstance(found, NotEstimable):
        raise TypeError(found.why)
    return found


def _alarms(rows: FloatArray, chart: Callable[[FloatArray], Chart]) -> float:
    """Return the share of histories (rows) with an alarm."""
    return float(np.mean([chart(row).first is not None for row in rows]))


def _charts() -> dict[str, Callable[[FloatArray], Chart]]:
    h, width = cusum_limit(_ARL), ewma_limit(_ARL)
    return {
        "CUSUM": lambda z: cusum(z, limit=h),
        "EWMA": lambda z: ewma(z, limit=width),
    }


def charts(rng: np.random.Generator) -> Iterator[Rate]:
    """Charts set to one false alarm in 370 runs, over 100 and 370 runs without a change.

    They start at 0, so early alarms are a little rarer than 1 - exp(-runs / ARL0); EWMA's limits
    widen at first, so its are a little more frequent.
    """
    for runs in (100, 370):
        z = rng.normal(size=(_RUNS, runs))
        nominal = false_alarm_chance(_ARL, runs)
        for name, chart in _charts().items():
            yield Rate(
                name, f"ARL0 {_ARL:.0f}, {runs} runs, known level and spread", "false alarms",
                nominal, _alarms(z, chart), _RUNS, (nominal - 0.03, nominal + 0.02),
            )  # fmt: skip


def shared_reference(rng: np.random.Generator) -> Iterator[Rate]:
    """Differences to one frozen reference share its noise: a target of 0 is then wrong."""
    runs = 100
    noise = rng.normal(0, 0.01, (_RUNS, runs + 1))
    d = noise[:, 1:] - noise[:, :1]
    nominal = false_alarm_chance(_ARL, runs)
    spread = 0.01
    inputs: dict[str, Callable[[FloatArray], FloatArray | NotEstimable]] = {
        "against a target of 0": lambda x: standardised(x, sigmas=spread, target=0.0),
        "against the runs before": lambda x: standardised(x, sigmas=spread),
        "self-starting": standardised,
    }
    for words, prepare in inputs.items():
        rows = np.array([prepare(x) for x in d])
        allowed = _ANY if "target" in words else (nominal - 0.04, nominal + 0.02)
        for name, chart in _charts().items():
            yield Rate(
                f"{name}, {words}", f"ARL0 {_ARL:.0f}, {runs} runs, one noisy reference",
                "false alarms", nominal, _alarms(rows, chart), _RUNS, allowed,
            )  # fmt: skip


def _answers(rng: np.random.Generator, chance: FloatArray, runs: int) -> FloatArray:
    return (rng.random((runs, len(chance))) < chance).astype(np.float64)


def estimated_noise(rng: np.random.Generator) -> Iterator[Rate]:
    """The spread from three reruns of 200 cases: the estimate, and its upper limit."""
    runs, histories = 100, 600
    chance = rng.beta(0.2, 0.2, 200)
    h = cusum_limit(_ARL)
    hits = {"run_sd": 0, "run_sd_limit": 0}
    for _ in range(histories):
        floor = _sure(rerun_noise(_answers(rng, chance, 3)))
        d = _answers(rng, chance, runs).mean(axis=1)
        for field in hits:
            z = _sure(standardised(d, sigmas=getattr(floor, field)))
            hits[field] += cusum(z, limit=h).first is not None
    nominal = false_alarm_chance(_ARL, runs)
    for field, allowed in (("run_sd", _ANY), ("run_sd_limit", (0.0, nominal + 0.02))):
        yield Rate(
            f"CUSUM with RerunNoise.{field}", f"{runs} runs, 3 reruns of 200 cases",
            "false alarms", nominal, hits[field] / histories, histories, allowed,
        )  # fmt: skip


def noise(rng: np.random.Generator) -> Iterator[Rate]:
    """Does the interval of the noise floor hold what reruns differ by?"""
    runs = 1_500
    for name, cases, reruns in (("many", 300, 2), ("few", 40, 2), ("few", 40, 5)):
        chance = rng.beta(0.2, 0.2, cases)
        truth = 2 * chance * (1 - chance)
        sd, rate = math.sqrt(float(truth.mean()) / cases), float(truth.mean())
        held = np.zeros(2)
        for _ in range(runs):
            found = _sure(rerun_noise(_answers(rng, chance, reruns)))
            held += [
                found.interval.low <= sd <= found.interval.high,
                found.flip_interval.low <= rate <= found.flip_interval.high,
            ]
        for words, share in zip(("sd", "flip rate"), held / runs, strict=True):
            yield Rate(
                f"noise floor: {words}", f"{name} cases ({cases}), {reruns} reruns", "coverage",
                0.95, float(share), runs, (0.94, 1.0),
            )  # fmt: skip


def flips(rng: np.random.Generator) -> Iterator[Rate]:
    """The risk-adjusted chart over 2,000 cases of an unchanged model, ARL0 5,000 cases."""
    cases, runs, arl = 2_000, 2_000, 5_000.0
    for words, rates in (("5 %", np.array([0.05])), ("2, 5 and 20 %", np.array([0.02, 0.05, 0.2]))):
        limit = flip_cusum_limit(arl, rates)
        hits = 0
        for _ in range(runs):
            p = rng.choice(rates, size=cases)
            flipped = (rng.random(cases) < p).astype(np.float64)
            hits += flip_cusum(flipped, p, limit=limit).first is not None
        nominal = false_alarm_chance(arl, cases)
        yield Rate(
            "risk-adjusted CUSUM of flips", f"ARL0 5,000 cases, {cases} cases, flip rate {words}",
            "false alarms", nominal, hits / runs, runs, (nominal - 0.03, nominal + 0.02),
        )  # fmt: skip


def found_shifts(rng: np.random.Generator) -> Iterator[Rate]:
    """A shift of one or two standard deviations after 50 quiet runs: found within 20."""
    for shift, least in ((1.0, 0.85), (2.0, 0.99)):
        z = rng.normal(size=(1_000, 70))
        z[:, 50:] += shift
        for name, chart in _charts().items():
            firsts = [chart(row).first for row in z]
            quiet = [first for first in firsts if first is None or first >= 50]
            share = sum(first is not None for first in quiet) / len(quiet)
            yield Rate(
                name, f"ARL0 {_ARL:.0f}, shift of {shift:.0f} sd, found within 20 runs", "power",
                1.0, share, len(quiet), (least, 1.0),
            )  # fmt: skip


_LAWS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails (t3)": lambda rng, n: rng.standard_t(3, size=n),
    "many ties": lambda rng, n: rng.integers(0, 3, size=n).astype(np.float64),
}


def change_point_tests(rng: np.random.Generator) -> Iterator[Rate]:
    """Level histories of 15 and 40 runs: how often a change is named at 5 %."""
    runs, alpha = 800, 0.05
    for n in (15, 40):
        for law, draw in _LAWS.items():
            named = {"Pettitt": 0, "single change, shuffles": 0, "change points": 0}
            for _ in range(runs):
                x = draw(rng, n)
                split = _sure(single_change(x, rng=rng, resamples=199))
                levels = _sure(change_points(x, rng=rng, resamples=199))
                named["Pettitt"] += _pettitt_p(x) <= alpha
                named["single change, shuffles"] += split.p_value.value <= alpha
                named["change points"] += len(levels.starts) > 1
            for name, count in named.items():
                yield Rate(
                    name, f"{n} runs, {law}, no change", "false alarms", alpha, count / runs, runs,
                    (0.0, alpha),
                )  # fmt: skip


def pettitts_approximation(rng: np.random.Generator) -> Iterator[Rate]:
    """Pettitt's p-value is an approximation on the safe side: many runs of the test alone."""
    for n in (10, 20, 60):
        p = [_pettitt_p(rng.normal(size=n)) for _ in range(5_000)]
        yield Rate(
            "Pettitt", f"{n} runs, normal, no change", "false alarms", 0.05,
            float(np.mean(np.array(p) <= 0.05)), len(p), (0.0, 0.05),
        )  # fmt: skip


def _pettitt_p(x: FloatArray) -> float:
    return _sure(pettitt(x)).p_value.value


def remembering_runs(rng: np.random.Generator) -> Iterator[Rate]:
    """Runs that keep half of the last one's deviation are split too often: not exchangeable."""
    runs, n, hits = 300, 40, 0
    for _ in range(runs):
        x = rng.normal(size=n)
        for i in range(1, n):
            x[i] += 0.5 * x[i - 1]
        hits += _pettitt_p(x) <= 0.05
    yield Rate(
        "Pettitt", f"{n} runs, autocorrelation .5", "false alarms", 0.05, hits / runs, runs, _ANY
    )


def found_changes(rng: np.random.Generator) -> Iterator[Rate]:
    """A step of two standard deviations, and one that is undone: named, and at the right place."""
    runs = 200
    up, undone = [0] * 20 + [2] * 20, [0] * 20 + [2] * 20 + [0] * 20
    for words, shape in (("up after 20 of 40 runs", up), ("and down after 40 of 60", undone)):
        starts = 1 + np.flatnonzero(np.diff(shape))
        hits = 0
        for _ in range(runs):
            x = rng.normal(size=len(shape)) + shape
            found = _sure(change_points(x, rng=rng, resamples=199))
            right = len(found.starts) == len(starts) + 1
            hits += right and bool((np.abs(np.array(found.starts[1:]) - starts) <= 2).all())
        yield Rate(
            "change points: right number, within 2 runs", words, "power", 1.0, hits / runs, runs,
            (0.6, 1.0),
        )  # fmt: skip


STUDIES: tuple[Study, ...] = (
    charts,
    shared_reference,
    estimated_noise,
    noise,
    flips,
    found_shifts,
    change_point_tests,
    pettitts_approximation,
    remembering_runs,
    found_changes,
)
