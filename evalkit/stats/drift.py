"""Drift over a history of runs: control charts whose rate of false alarms is stated.

The input is one figure a run: the mean paired difference to a frozen reference on the *same* cases.
Its spread is what reruns of one unchanged model differ by (`rerun_noise`), not the binomial
standard error: that also holds the choice of cases, which all runs share, and would hide drift. A
changed suite or judge starts a new history.

The reference is a run too, and its own noise moves every difference alike. Taken against a target
of 0, five in six histories of 100 runs without any change alarm, where 24 % were promised
(simulated). So `standardised` compares each run with the runs before it, unless the target is
known.

Charts assume that runs are independent given the level, with a known spread. ARL is the average
number of runs to an alarm: ARL0 with nothing changed, ARL1 after a shift. It is computed from a
Markov chain [Brook & Evans 1972]. A spread taken 10 % too small brings an ARL0 of 370 down to 160.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import lfilter
from scipy.special import chdtrc, ndtr, ndtri, stdtr

from evalkit.stats.arrays import FloatArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.means import mean_interval
from evalkit.stats.values import Interval, NotEstimable, PValue

_STATES = 200
_BISECTIONS = 26
_LATTICE = 800
_MOST_RATES = 50
_LONGEST = 1e7
_RIGHT = 0.5
_FEWEST_BEFORE = 2
_MOST = 38.0


@dataclass(frozen=True, slots=True)
class Chart(Assuming):
    """A chart's two statistics and limits after each run (``low`` and its limit are negative).

    ``alarms`` are the runs, counted from 0, outside a limit; ``first`` is the first of them, to be
    told once a change rather than once a run.
    """

    high: FloatArray
    low: FloatArray
    limits: FloatArray
    method: str

    @property
    def alarms(self) -> tuple[int, ...]:
        """Every run at which a statistic is beyond its limit."""
        outside = (self.high > self.limits) | (self.low < -self.limits)
        return tuple(np.flatnonzero(outside).tolist())

    @property
    def first(self) -> int | None:
        """The first alarm; ``None`` without one."""
        return self.alarms[0] if self.alarms else None


def standardised(
    differences: ArrayLike, *, sigmas: ArrayLike | None = None, target: float | None = None
) -> FloatArray | NotEstimable:
    """Return for each run how many standard deviations it is off: the input of the charts.

    ``sigmas`` is the spread of one run (`RerunNoise.run_sd`) or one a run, such as the standard
    error of runs that drew their cases anew; ``None`` takes it from the runs before. ``target`` is
    the level without drift; ``None`` compares each run with the weighted mean of those before it,
    (x_t - mean) / sqrt(s_t^2 + 1 / sum 1/s_i^2), or with their t quantile turned normal [Hawkins
    1987, self-starting]. Either way the results are independent standard normal if nothing changes.
    A run with too little before it, the first or the first two, is 0: it says nothing. A change so
    early is taken for the level.
    """
    d = floats(differences).reshape(-1)
    if not len(d):
        return NotEstimable("there is no run")
    if sigmas is None and target is not None:
        return NotEstimable("a known target needs a known spread")
    s = np.ones_like(d) if sigmas is None else np.broadcast_to(floats(sigmas), d.shape)
    if not np.isfinite(d).all() or not np.isfinite(s).all():
        return NotEstimable("a difference or its spread is no number")
    if (s <= 0).any():
        return NotEstimable("the spread between reruns is 0, so any difference would be an alarm")
    if target is not None:
        return np.asarray((d - target) / s, dtype=np.float64)
    residuals = _recursive_residuals(d, s)
    return residuals if sigmas is not None else _self_started(residuals)


def cusum(z: ArrayLike, *, slack: float = 0.5, limit: float = 4.774) -> Chart:
    """Return the tabular CUSUM of standardised runs, both sides [Page 1954].

    C+ = max(0, C+ + z - k), C- likewise downwards; alarm beyond h. ``slack`` k is half of the shift
    to be found, in units of z, and ``limit`` h sets ARL0 (`cusum_limit`): k = .5 with h = 4.774
    gives 370 runs, h = 5 465, h = 4 168.
    """
    x = floats(z).reshape(-1)
    return Chart(_reflected(x - slack), -_reflected(-x - slack), np.full(len(x), limit), "CUSUM")


def ewma(z: ArrayLike, *, weight: float = 0.2, limit: float = 2.86) -> Chart:
    """Return the exponentially weighted mean of standardised runs [Roberts 1959].

    E = weight z + (1 - weight) E, from 0; its limits are ``limit`` times its standard deviation at
    each run, sqrt(w / (2 - w) (1 - (1 - w)^2i)), so that early runs are judged rightly. weight .2
    with 2.86 gives an ARL0 near 370.
    """
    x = floats(z).reshape(-1)
    smooth = np.asarray(lfilter([weight], [1.0, weight - 1.0], x), dtype=np.float64)
    runs = np.arange(1, len(x) + 1)
    sd = np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * runs)))
    return Chart(smooth, smooth, limit * sd, "EWMA")


def flip_cusum(
    flipped: ArrayLike, expected: ArrayLike, *, odds_ratio: float = 2.0, limit: float = 4.5
) -> Chart:
    """Return the risk-adjusted CUSUM of flips [Steiner, Cook, Farewell & Treasure 2000].

    Each case adds the log likelihood ratio of an odds ratio R of flipping against 1, y log R -
    log(1 - p + p R), where p, in ``expected``, is the flip rate of that case (or of all) when one
    unchanged model is asked again and held against the same reference. Only increases are charted;
    ``limit`` from `flip_cusum_limit`. nan, a case without an answer, adds nothing.
    """
    y, p = np.broadcast_arrays(floats(flipped).reshape(-1), floats(expected))
    weights = y * math.log(odds_ratio) - np.log1p(p * (odds_ratio - 1))
    high = _reflected(np.where(np.isfinite(weights), weights, 0.0))
    return Chart(high, np.zeros_like(high), np.full(len(high), limit), "risk-adjusted CUSUM")


def cusum_arl(limit: float, *, slack: float = 0.5, shift: float = 0.0) -> float:
    """Return the average number of runs to an alarm of the two-sided CUSUM, from 0.

    1 / ARL = 1 / ARL+ + 1 / ARL- [Van Dobben de Bruyn 1968], exact for ``slack`` > 0.
    """
    up = _run_length(lambda x: ndtr(x + slack - shift), limit)
    down = _run_length(lambda x: ndtr(x + slack + shift), limit)
    return 1 / (1 / up + 1 / down)


def cusum_limit(arl: float, *, slack: float = 0.5) -> float:
    """Return h for which the two-sided CUSUM alarms once in ``arl`` runs though nothing changed."""
    return _solved(lambda limit: cusum_arl(limit, slack=slack), arl)


def ewma_arl(limit: float, *, weight: float = 0.2, shift: float = 0.0) -> float:
    """Return the average run length of the EWMA with its final limits [Lucas & Saccucci 1990].

    With the narrower early limits of `ewma` it is a little shorter.
    """
    reach = limit * math.sqrt(weight / (2 - weight))
    edges = np.linspace(-reach, reach, 2 * _STATES)
    middles = (edges[:-1] + edges[1:]) / 2
    step = (edges[None, :] - (1 - weight) * middles[:, None]) / weight - shift
    runs = _solve_chain(np.diff(ndtr(step), axis=1))
    return float(runs[_STATES - 1])


def ewma_limit(arl: float, *, weight: float = 0.2) -> float:
    """Return the multiple of the standard deviation that gives an ARL0 of ``arl``."""
    return _solved(lambda limit: ewma_arl(limit, weight=weight), arl)


def flip_cusum_arl(
    limit: float, expected: ArrayLike, *, odds_ratio: float = 2.0, true_ratio: float = 1.0
) -> float:
    """Return the average number of *cases* to an alarm of `flip_cusum`.

    ``expected`` holds the flip rates that cases have, in equal shares; flips occur with their odds
    times ``true_ratio``. The few sizes of step are put on a grid, each shared between its two
    neighbours so that its mean stays what it is; simulated run lengths differ by 2 % at most.
    """
    rates = np.sort(floats(expected).reshape(-1))
    if len(rates) > _MOST_RATES:
        rates = np.array([part.mean() for part in np.array_split(rates, _MOST_RATES)])
    rate, counts = np.unique(rates, return_counts=True)
    share = counts / counts.sum()
    flips = true_ratio * rate / (1 - rate + true_ratio * rate)
    base = -np.log1p(rate * (odds_ratio - 1))
    steps = np.concatenate([base, base + math.log(odds_ratio)])
    return _lattice_run_length(steps, np.concatenate([share * (1 - flips), share * flips]), limit)


def flip_cusum_limit(arl: float, expected: ArrayLike, *, odds_ratio: float = 2.0) -> float:
    """Return the limit at which `flip_cusum` alarms once in ``arl`` cases of unchanged models."""
    return _solved(lambda limit: flip_cusum_arl(limit, expected, odds_ratio=odds_ratio), arl)


def false_alarm_chance(arl: float, runs: int) -> float:
    """Return the chance of an alarm within ``runs`` though nothing changed: 1 - exp(-runs / ARL0).

    Run lengths are nearly geometric; a CUSUM that starts at 0 alarms a little less often early.
    """
    return -math.expm1(-runs / arl)


@dataclass(frozen=True, slots=True)
class RerunNoise(Assuming):
    """What reruns of one unchanged model differ by.

    ``sd`` is the standard deviation of the mean difference of two reruns on these cases, with its
    ``interval``; ``flip_rate`` the share of cases that end on the other side of 1/2, with its own.
    ``whole_run`` asks if whole runs differ by more than their cases do: a small p-value says that
    something moves all cases of a run together, and that ``sd`` is too small.
    """

    cases: int
    reruns: int
    sd: float
    interval: Interval
    flip_rate: float
    flip_interval: Interval
    whole_run: PValue | NotEstimable
    method: str

    @property
    def run_sd(self) -> float:
        """The standard deviation of one run's mean, sd / sqrt 2: what a history varies by."""
        return self.sd / math.sqrt(2)

    @property
    def run_sd_limit(self) -> float:
        """Its upper limit, for charts that must not alarm more often than they say."""
        return self.interval.high / math.sqrt(2)


def rerun_noise(scores: ArrayLike, *, level: float = 0.95) -> RerunNoise | NotEstimable:
    """Return the noise between reruns; ``scores`` (reruns, cases) of one model, in [0, 1].

    For a case with rerun variance s^2 two reruns differ with variance 2 s^2, so the mean difference
    over n cases has 2 mean(s^2) / n: known from the cases even with two reruns. Its interval and
    that of the flip rate are those of a mean over cases (`mean_interval`), which is never of width
    0: without any flip the upper limit of the rate stays about 3.8 / n. Cases without a score in
    every rerun (nan) are left out. Cases are taken as independent.
    """
    x = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    x = x[:, np.isfinite(x).all(axis=0)]
    reruns, cases = x.shape
    if reruns < 2 or not cases:
        return NotEstimable("the noise needs two reruns with a case that both have answered")
    squares = 2 * x.var(axis=0, ddof=1)
    right = np.count_nonzero(x >= _RIGHT, axis=0)
    flips = 2 * right * (reruns - right) / (reruns * (reruns - 1))
    spread, rate = (mean_interval(values, level=level) for values in (squares, flips))
    if isinstance(spread, NotEstimable) or isinstance(rate, NotEstimable):
        return NotEstimable("no case has a score in every rerun")
    low, high = (math.sqrt(limit / cases) for limit in (spread.low, spread.high))
    return RerunNoise(
        cases=cases,
        reruns=reruns,
        sd=math.sqrt(float(squares.mean()) / cases),
        interval=Interval(low, high, level, spread.method),
        flip_rate=float(flips.mean()),
        flip_interval=rate,
        whole_run=_whole_run(x, float(squares.sum()) / 2),
        method="rerun variance by case",
    )


def _whole_run(x: FloatArray, variance: float) -> PValue | NotEstimable:
    """Compare the spread of the reruns' totals with the sum of the cases' variances."""
    if variance <= 0:
        return NotEstimable("no case differs between the reruns")
    totals = x.sum(axis=1)
    statistic = float(((totals - totals.mean()) ** 2).sum()) / variance
    return PValue(float(chdtrc(len(x) - 1, statistic)), "chi-squared of the reruns' totals")


def _recursive_residuals(d: FloatArray, s: FloatArray) -> FloatArray:
    """Return each run's distance from the weighted mean of those before, in its own spread."""
    weights = 1 / (s * s)
    before = np.concatenate([[0.0], np.cumsum(weights)[:-1]])
    sums = np.concatenate([[0.0], np.cumsum(weights * (d - d[0]))[:-1]])
    known = before > 0
    safe = np.where(known, before, 1.0)
    residuals = (d - d[0] - sums / safe) / np.sqrt(s * s + 1 / safe)
    return np.where(known, residuals, 0.0)


def _self_started(residuals: FloatArray) -> FloatArray:
    """Turn residuals in unknown units into normal scores, by t from the residuals before.

    The squares of the first i residuals add up to the sum of squares of the first i runs.
    """
    runs = np.arange(len(residuals))
    squares = np.concatenate([[0.0], np.cumsum(residuals**2)[:-1]])
    known = (runs >= _FEWEST_BEFORE) & (squares > 0)
    df = np.maximum(runs - 1.0, 1.0)
    t = np.abs(residuals) / np.sqrt(np.where(known, squares, 1.0) / df)
    scores = np.minimum(-ndtri(stdtr(df, -t)), _MOST) * np.sign(residuals)
    return np.where(known, scores, 0.0)


def _reflected(steps: FloatArray) -> FloatArray:
    """Return max(0, previous + step), as the distance of the sum from its lowest point so far."""
    sums = np.cumsum(steps)
    return np.asarray(sums - np.minimum(np.minimum.accumulate(sums), 0.0), dtype=np.float64)


def _run_length(cdf: Callable[[FloatArray], FloatArray], limit: float) -> float:
    """Return the average run length of one side from 0; ``cdf`` is the law of one step.

    States are strips of the statistic, the first one half as wide and closed at 0; a transition
    goes from the middle of one strip into another.
    """
    width = 2 * limit / (2 * _STATES - 1)
    upper = (np.arange(_STATES) + 0.5) * width
    reached = cdf(upper[None, :] - (np.arange(_STATES) * width)[:, None])
    return float(_solve_chain(np.diff(reached, axis=1, prepend=0.0))[0])


def _lattice_run_length(steps: FloatArray, chances: FloatArray, limit: float) -> float:
    """Return the same for a law of a few ``steps``, which strips would round to nothing."""
    width = limit / (_LATTICE - 1)
    state = np.arange(_LATTICE)
    to = np.maximum(state[:, None] + steps[None, :] / width, 0.0)
    stays = to <= _LATTICE - 1 + 1e-9
    below = np.minimum(np.floor(to).astype(np.int64), _LATTICE - 2)
    part = to - below
    moves = np.zeros((_LATTICE, _LATTICE))
    rows = np.broadcast_to(state[:, None], to.shape)
    for column, weight in ((below, 1 - part), (below + 1, part)):
        np.add.at(moves, (rows, column), np.where(stays, weight * chances, 0.0))
    return float(_solve_chain(moves)[0])


def _solve_chain(moves: FloatArray) -> FloatArray:
    """Return the expected number of steps before leaving, from each state."""
    return np.asarray(np.linalg.solve(np.eye(len(moves)) - moves, np.ones(len(moves))))


def _solved(arl_of: Callable[[float], float], arl: float) -> float:
    """Return the least limit with the run length wanted; it grows with the limit."""
    if not 1 < arl <= _LONGEST:
        raise ValueError(f"an average run length lies between 1 and 10 million, got {arl}")
    low, high = 0.0, 1.0
    while arl_of(high) < arl:
        low, high = high, 2 * high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = arl_of(middle) >= arl
        low, high = (low, middle) if enough else (middle, high)
    return high
