"""A/A: what the gate says about two runs of one model, which should be nothing.

`noise_floor` measures how far two runs of the base model lie apart; `gate_false_alarms` draws many
suites from these pairs and counts how often the gate's own procedure would speak of a regression or
fail to pass, though nothing changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import FloatArray, IntArray, exact_mean
from evalkit.stats.assumptions import Assuming
from evalkit.stats.flips import Share, share
from evalkit.stats.paired import (
    PairedComparison,
    choose_procedure,
    compare,
    is_binary,
    is_thin,
    paired_units,
)
from evalkit.stats.paired_binary import tango_interval
from evalkit.stats.paired_scores import estimate
from evalkit.stats.sign_flip import SubsetMeans
from evalkit.stats.units import Units, both_known, cluster_units
from evalkit.stats.values import NotEstimable, Procedure

_LISTED, _THIRTY = 12, 30
_FLIPS = 1_999


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """How two runs of one model differ over ``n`` cases.

    ``sd`` is that of a case's difference around 0, ``mean_absolute`` its mean size, ``flips`` the
    share of cases whose binary score changed (not estimable for other scores). ``comparison`` asks
    whether the runs differ on average: an interval without 0 means that something other than
    sampling noise changed between them. ``clusters`` counts what is independent: with them the
    interval of ``flips`` is that of a mean over clusters (`evalkit.stats.paired`), else exact.
    """

    n: int
    clusters: int | None
    sd: float | None
    mean_absolute: float | None
    flips: Share | NotEstimable
    comparison: PairedComparison


@dataclass(frozen=True, slots=True)
class GateSettings:
    """A gate: pass if the lower end of the 1 - 2 ``alpha`` interval is above -``margin``.

    ``cases`` (or clusters, where cases are clustered) make up a suite; ``None`` for as many as the
    A/A runs have.
    """

    margin: float
    alpha: float = 0.05
    cases: int | None = None
    draws: int = 2_000


@dataclass(frozen=True, slots=True)
class FalseAlarms(Assuming):
    """How often the gate erred in ``draws`` suites of ``cases`` (or clusters) without any change.

    ``regressed``: the interval lies below 0, stated ``alpha``. ``beyond_margin``: it lies below
    -margin. ``not_passed``: it reaches down to -margin, or does not exist; that has no stated rate,
    it is what a gate costs with so few cases, and falls with their number. Intervals are those of
    the simulation (Clopper-Pearson), given the A/A pairs.
    """

    regressed: Share
    beyond_margin: Share
    not_passed: Share
    cases: int
    draws: int
    settings: GateSettings
    method: str


def noise_floor(
    first: ArrayLike,
    second: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    rng: np.random.Generator,
) -> NoiseFloor:
    """Return how far two runs of one model lie apart; scores in [0, 1], aligned by case.

    Cases with nan in either run are left out.
    """
    x, y, labels = both_known(first, second, clusters=clusters)
    compared = compare(x, y, clusters=labels, rng=rng)
    if not len(x):
        return NoiseFloor(0, None, None, None, NotEstimable("no case was run twice"), compared)
    d = y - x
    flips: Share | NotEstimable = NotEstimable("the scores are not all 0 or 1")
    if is_binary(x, y):
        flips = share_of_cases(np.abs(d), clusters=labels, level=level, rng=rng)
    sd, size = math.sqrt(exact_mean(d * d)), exact_mean(np.abs(d))
    return NoiseFloor(len(d), compared.clusters, sd, size, flips, compared)


def share_of_cases(
    flipped: FloatArray, *, clusters: IntArray | None, level: float, rng: np.random.Generator
) -> Share | NotEstimable:
    """Return the share of cases that flipped (1, else 0) with its interval.

    Exact for independent cases; with clusters that of a mean over them, cut at 0.
    """
    found = share(int(np.count_nonzero(flipped)), len(flipped), level=level)
    if clusters is None or isinstance(found, NotEstimable):
        return found
    procedure = choose_procedure(cluster_units(flipped, clusters), binary=True, rng=rng)
    limits = procedure if isinstance(procedure, NotEstimable) else procedure.interval(level=level)
    if isinstance(limits, NotEstimable):
        return limits
    return replace(found, interval=replace(limits, low=max(limits.low, 0.0)))


def gate_false_alarms(
    first: ArrayLike,
    second: ArrayLike,
    *,
    settings: GateSettings,
    clusters: ArrayLike | None = None,
    rng: np.random.Generator,
) -> FalseAlarms | NotEstimable:
    """Return the gate's error rates without any change, by drawing suites from the A/A pairs.

    Units are drawn with replacement and the two runs of each are exchanged at random, so that the
    true difference is 0 whatever the runs' own was; the procedure is chosen anew for every suite,
    as `evalkit.stats.paired` does, but for suites of 13 to 29 units the sign-flip test takes 1,999
    random flips. Suites of binary scores are drawn as counts.
    """
    x, y, labels = both_known(first, second, clusters=clusters)
    if not len(x):
        return NotEstimable("no case was run twice")
    units = paired_units(x, y, clusters=labels)
    size, draws = settings.cases or units.count, settings.draws
    if is_binary(x, y) and not units.clustered:
        name = "Tango score of drawn suites"
        low, high = _binary_limits(units, size, settings=settings, rng=rng)
    else:
        name = "procedure of each drawn suite"
        low, high = _limits(units, size, draws=draws, alpha=settings.alpha, rng=rng)
    regressed, beyond, stopped = (
        share(int(np.count_nonzero(event)), draws)
        for event in (high < 0, high < -settings.margin, ~(low > -settings.margin))
    )
    if isinstance(regressed, NotEstimable) or isinstance(beyond, NotEstimable):
        return NotEstimable("no suite was drawn")
    if isinstance(stopped, NotEstimable):
        return stopped
    return FalseAlarms(regressed, beyond, stopped, size, draws, settings, name)


def _binary_limits(
    units: Units, size: int, *, settings: GateSettings, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    churn = float(np.count_nonzero(units.sums)) / units.count
    drawn = rng.multinomial(size, [churn / 2, churn / 2, 1 - churn], size=settings.draws)
    kinds, which = np.unique(drawn[:, :2], axis=0, return_inverse=True)
    found = tango_interval(kinds[:, 0], kinds[:, 1], size, level=1 - 2 * settings.alpha)
    which = which.reshape(-1)
    return found.low[which], found.high[which]


def _limits(
    units: Units, size: int, *, draws: int, alpha: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of each drawn suite; without an interval -inf and inf."""
    low, high = np.full(draws, -np.inf), np.full(draws, np.inf)
    for i in range(draws):
        picked = rng.integers(0, units.count, size=size)
        signs = 2.0 * rng.integers(0, 2, size=size) - 1
        suite = Units(units.sums[picked] * signs, units.sizes[picked], units.clustered)
        procedure = _procedure(suite, rng)
        if isinstance(procedure, NotEstimable):
            continue
        found = procedure.interval(level=1 - 2 * alpha)
        if not isinstance(found, NotEstimable):
            low[i], high[i] = found.low, found.high
    return low, high


def _procedure(suite: Units, rng: np.random.Generator) -> Procedure | NotEstimable:
    """Return the procedure of one suite, with fewer flips where a million would be listed."""
    few = _LISTED < suite.count < _THIRTY and not suite.clustered and not is_thin(suite)
    if not few or isinstance(estimate(suite, method=""), NotEstimable):
        return choose_procedure(suite, binary=False, rng=rng)
    chosen = rng.integers(0, 2, size=(_FLIPS, suite.count)).astype(np.float64)
    sums, sizes = chosen @ suite.sums, chosen @ suite.sizes
    means = np.sort(sums[sizes > 0] / sizes[sizes > 0])
    empty = int(np.count_nonzero(sizes == 0))
    return SubsetMeans(means, _FLIPS + 1, 1 + empty, f"inverted sign-flip, {_FLIPS:,} random flips")
