"""The noise of a suite: what changes between two runs of the base, where nothing has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.decide.decision import Interval, Noise, SuiteResult
from evalkit.decide.pairs import Pairs
from evalkit.decide.reading import READING_LEVEL
from evalkit.stats.a_a import FalseAlarms, GateSettings, gate_false_alarms, noise_floor
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.flips import Share, excess_churn
from evalkit.stats.paired import PairedComparison, is_binary
from evalkit.stats.values import NotEstimable, PValue

_DRAWS, _DRAWS_OF_SCORES = 2_000, 300
"""Suites drawn: binary ones as counts; for others the procedure is chosen anew each time."""


def noise_of(
    pairs: Pairs, result: SuiteResult, *, alpha: float, rng: np.random.Generator
) -> Noise | None:
    """Return the noise of a suite from the base's first and second answers; ``None`` without any.

    ``result`` is the suite's own comparison: its margin is the gate's, and its churn is set against
    that of the base with itself.
    """
    floor = noise_floor(
        pairs.base, pairs.candidate, clusters=pairs.clusters, level=READING_LEVEL, rng=rng
    )
    if floor.sd is None:
        return None
    interval, p_value = _change(floor.comparison)
    exact = floor.comparison.exact if isinstance(floor.comparison.exact, PValue) else None
    alarms = _alarms(pairs, result.margin, alpha=alpha, rng=rng)
    excess, excess_interval = _excess(result, floor.flips)
    flips = floor.flips if isinstance(floor.flips, Share) else None
    shares = flips.interval if flips else None
    given = (interval, exact, alarms, excess_interval, shares)
    names = [found.method for found in given if found]
    return Noise(
        n=floor.n,
        spread=floor.sd,
        flips=flips.value if flips else None,
        flips_interval=shares,
        difference=floor.comparison.difference,
        interval=interval,
        p_value=p_value,
        false_regressed=alarms.regressed.value if alarms else None,
        false_refused=alarms.not_passed.value if alarms else None,
        excess=excess,
        excess_interval=excess_interval,
        p_exact=exact.value if exact else None,
        assumptions=assumptions_of(*names, clustered=pairs.clusters is not None),
    )


def without_change(noise: Noise) -> Noise:
    """Return the noise without its test of a change between the two runs.

    For cases that are not all of the suite's: if the first answers chose which ones, their second
    answers lie back towards the mean, which would look like a change.
    """
    return replace(noise, difference=None, interval=None, p_value=None, p_exact=None)


def _change(compared: PairedComparison) -> tuple[Interval | None, float | None]:
    """Return the interval of a change between the two runs, and the p-value of its test."""
    procedure = compared.procedure
    if isinstance(procedure, NotEstimable):
        return None, None
    found = procedure.interval(level=READING_LEVEL)
    return None if isinstance(found, NotEstimable) else found, procedure.p_value().value


def _alarms(
    pairs: Pairs, margin: float, *, alpha: float, rng: np.random.Generator
) -> FalseAlarms | None:
    counted = pairs.clusters is None and is_binary(pairs.base, pairs.candidate)
    draws = _DRAWS if counted else _DRAWS_OF_SCORES
    found = gate_false_alarms(
        pairs.base,
        pairs.candidate,
        settings=GateSettings(margin, alpha=alpha, draws=draws),
        clusters=pairs.clusters,
        rng=rng,
    )
    return None if isinstance(found, NotEstimable) else found


def _excess(
    result: SuiteResult, noise: Share | NotEstimable
) -> tuple[float | None, Interval | None]:
    """Return the churn between the models that noise does not explain."""
    if isinstance(noise, NotEstimable) or not result.binary:
        return None, None
    flipped = result.flips.fixed + result.flips.broken
    found = excess_churn((flipped, result.n), (noise.count, noise.n))
    if isinstance(found, NotEstimable):
        return None, None
    # Its interval takes cases for independent: with clusters it covers .51 to .77 instead of .95.
    interval = None if result.clusters is not None else found.interval(level=READING_LEVEL)
    return found.estimate, None if isinstance(interval, NotEstimable) else interval
