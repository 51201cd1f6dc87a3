"""Scores between 0 and 1: the gate at its margin, t, sign-flip and its interval, means, rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from evalkit.stats.arrays import FloatArray
from evalkit.stats.means import mean_interval
from evalkit.stats.paired import choose_procedure, is_thin
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.proportions import clopper_pearson, wilson
from evalkit.stats.sign_flip import ENUMERATED, sign_flip, subset_means
from evalkit.stats.units import Units, case_units
from evalkit.stats.values import NotEstimable, Procedure
from evalkit.validation.draws import covers, share
from evalkit.validation.rates import Kind, Rate, Study

Draw = Callable[[np.random.Generator, int], FloatArray]


def _losses(rng: np.random.Generator, n: int, part: float, sizes: list[float]) -> FloatArray:
    return np.where(rng.random(n) < part, -rng.choice(sizes, n), 0.0)


_SCORES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(-0.05, 0.3, n).clip(-1, 1), -0.05),
    "10% lose .5": (lambda rng, n: _losses(rng, n, 0.1, [0.5]), -0.05),
    "4% lose .5": (lambda rng, n: _losses(rng, n, 0.04, [0.5]), -0.02),
    "6% lose .25, .5 or 1": (lambda rng, n: _losses(rng, n, 0.06, [0.25, 0.5, 1.0]), -0.035),
    "12% lose, 8% gain .5": (
        lambda rng, n: rng.choice([-0.5, 0.5, 0.0], n, p=[0.12, 0.08, 0.8]),
        -0.02,
    ),
}
_LOPSIDED: dict[str, tuple[Draw, float]] = {
    "20% lose .25": (lambda rng, n: _losses(rng, n, 0.2, [0.25]), -0.05),
}
_COLLAPSE, _NOISE = 0.8, 0.03
_EXCHANGEABLE: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(0, 0.2, n),
    "steps of a quarter": lambda rng, n: rng.integers(-4, 5, n) / 4,
    "long tails": lambda rng, n: rng.standard_t(2, n).clip(-9, 9) / 9,
}
_STEPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_STEP_SHARES = [0.1, 0.2, 0.2, 0.2, 0.3]


def gate(rng: np.random.Generator) -> Iterator[Rate]:
    """Few or lopsided differences do not let a model at the margin pass more often than others."""
    for n in (12, 25, 50, 200, 500):
        for name, (draw, truth) in _SCORES.items():
            yield _gate(rng, draw, n=n, truth=truth, setting=f"n = {n}, {name}", most=0.055)


def lopsided(rng: np.random.Generator) -> Iterator[Rate]:
    """The known limit: many equal losses are too many to be thin, and skewed for t."""
    for name, (draw, truth) in _LOPSIDED.items():
        yield _gate(rng, draw, n=200, truth=truth, setting=f"n = 200, {name}", most=0.065)


def unseen(rng: np.random.Generator) -> Iterator[Rate]:
    """The largest known error: noise in every case, and a collapse too rare to be in the sample.

    The margin is the mean loss. Cases that collapsed are 1 / share apart on average; with fewer
    than three times as many nothing in the sample tells of them, and its spread is the noise's.
    """
    for n, part, most in ((50, 0.01, 0.36), (50, 0.05, 0.08), (100, 0.01, 0.33), (200, 0.01, 0.15)):

        def draw(rng: np.random.Generator, n: int, part: float = part) -> FloatArray:
            return np.where(rng.random(n) < part, -_COLLAPSE, rng.normal(0, _NOISE, n))

        setting = f"n = {n}, noise {_NOISE:g}, {part:.0%} lose {_COLLAPSE:g}"
        yield _gate(rng, draw, n=n, truth=-part * _COLLAPSE, setting=setting, most=most)


def flips(rng: np.random.Generator) -> Iterator[Rate]:
    """Under exchangeable models the sign-flip test keeps its level: listed, convolved or drawn."""
    for n, runs in ((8, 8_000), (12, 8_000), (40, 4_000)):
        for name, draw in _EXCHANGEABLE.items():
            events = (
                sign_flip(draw(rng, n), rng=rng, resamples=199).value <= 0.05 for _ in range(runs)
            )
            measured, setting = share(events, runs), f"n = {n}, {name}"
            yield Rate("sign-flip", setting, "false alarms", 0.05, measured, runs, (0, 0.05))


def inverted(rng: np.random.Generator) -> Iterator[Rate]:
    """The inverted sign-flip test holds the mean of a symmetric law in at least 90 %."""
    runs = 4_000
    for n in (8, 15, 24):
        found = (
            subset_means(case_units(rng.normal(0.1, 0.2, n)), rng=rng, resamples=999)
            for _ in range(runs)
        )
        held = share((covers(means.interval(level=0.9), 0.1) for means in found), runs)
        setting = f"n = {n}, normal, 90% level"
        yield Rate("inverted sign-flip", setting, "coverage", 0.9, held, runs, (0.9, 1.0))


def students_t(rng: np.random.Generator) -> Iterator[Rate]:
    """Student's t on normal differences: exact level, and coverage that is the rest of it."""
    runs = 8_000
    for n in (10, 40):
        drawn = [paired_t(rng.normal(0, 0.2, n)) for _ in range(runs)]
        found = [estimate for estimate in drawn if isinstance(estimate, Estimate)]
        rejected = share((e.p_value().value <= 0.05 for e in found), runs)
        held = share((covers(e.interval(level=0.95), 0.0) for e in found), runs)
        setting = f"n = {n}, normal"
        yield Rate("paired t", setting, "false alarms", 0.05, rejected, runs, (0.05, 0.05))
        yield Rate("paired t", setting, "coverage", 0.95, held, runs, (0.95, 0.95))


def means(rng: np.random.Generator) -> Iterator[Rate]:
    """The mean score of one model on steps of a quarter, whatever the order of its cases."""
    truth = float(_STEPS @ _STEP_SHARES)
    for n, runs in ((6, 100_000), (40, 8_000), (200, 8_000)):
        drawn = rng.multinomial(n, _STEP_SHARES, size=runs)
        kinds, counts = np.unique(drawn, axis=0, return_counts=True)
        held = sum(
            int(count)
            for kind, count in zip(kinds, counts, strict=True)
            if covers(mean_interval(np.repeat(_STEPS, kind)), truth)
        )
        setting, allowed = f"n = {n}, steps of a quarter", (0.93 if n == 6 else 0.94, 1.0)
        yield Rate("mean score", setting, "coverage", 0.95, held / runs, runs, allowed)


def proportions(rng: np.random.Generator) -> Iterator[Rate]:
    """Clopper-Pearson never covers less than 95 %, Wilson about 95 % (93 % near 0 or 1)."""
    runs = 200_000
    for n, rate in ((20, 0.1), (60, 0.5), (200, 0.98)):
        counts, times = np.unique(rng.binomial(n, rate, runs), return_counts=True)
        for name, interval, least in (
            ("Clopper-Pearson", clopper_pearson, 0.95),
            ("Wilson score", wilson, 0.93),
        ):
            held = sum(
                int(k)
                for x, k in zip(counts, times, strict=True)
                if covers(interval(int(x), n), rate)
            )
            setting = f"n = {n}, rate {rate:g}"
            yield Rate(name, setting, "coverage", 0.95, held / runs, runs, (least, 1.0))


def _gate(
    rng: np.random.Generator, draw: Draw, *, n: int, truth: float, setting: str, most: float
) -> Rate:
    runs = 10_000 if 0.06 < most < 0.07 else 2_500
    promoted = 0
    for _ in range(runs):
        procedure = _procedure(case_units(draw(rng, n)), rng)
        if not isinstance(procedure, NotEstimable):
            promoted += procedure.p_value(null=truth, side="greater").value <= 0.05
    kind: Kind = "promotions at the margin"
    return Rate("score gate", setting, kind, 0.05, promoted / runs, runs, (0, most))


def _procedure(units: Units, rng: np.random.Generator) -> Procedure | NotEstimable:
    """Return what the gate chooses; where it would draw 99,999 sign flips, 999 of them do here."""
    if ENUMERATED < units.count < 30 and not is_thin(units):
        return subset_means(units, rng=rng, resamples=999)
    return choose_procedure(units, binary=False, rng=rng)


STUDIES: tuple[Study, ...] = (
    gate,
    lopsided,
    unseen,
    flips,
    inverted,
    students_t,
    means,
    proportions,
)
