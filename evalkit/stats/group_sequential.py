"""Group-sequential tests: a few planned looks whose bounds together spend one error level.

The z-statistic at look k is taken as normal, Z_k ~ N(drift sqrt(t_k), 1), with independent
increments; t_k is the information fraction, for paired cases the share of the planned cases. The
bounds are exact for that law by recursive integration over the looks [Armitage, McPherson & Rowe
1969; Jennison & Turnbull 2000, ch. 19], here with Gauss-Legendre panels.

Five looks at one-sided 5 % and 80 % power: O'Brien-Fleming spending needs 3.5 % more cases than
one look and uses 78 % of them on average, Pocock's 22 % more and 64 %. That is little against an
anytime-valid method (`evalkit.stats.betting`), which in turn stops clear cases far earlier. Looks
must follow the information, never the results, and few flips make the normal law doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from evalkit.stats.arrays import FloatArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import Interval, NotEstimable, PValue

Spending = Callable[[FloatArray, float], FloatArray]
"""The share of the level spent up to each information fraction."""

_BISECTIONS = 70
_WIDEST = 39.0
_REACH = 9.0
_PANEL = 3.0
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True)
class GroupDesign(Assuming):
    """Bounds on z at each information fraction: above ``upper`` stop for efficacy.

    ``alpha`` is one-sided. ``two_sided`` stops below -``upper`` too, at another ``alpha``. At
    ``futility`` one may stop without proof; the upper bounds do not count on it (non-binding).
    """

    times: tuple[float, ...]
    upper: tuple[float, ...]
    alpha: float
    method: str
    two_sided: bool = False
    futility: tuple[float, ...] | None = None

    @property
    def lower(self) -> FloatArray:
        """The bound below which the test stops at each look; -inf where there is none."""
        if self.futility is not None:
            return floats(self.futility)
        edge = -floats(self.upper)
        return edge if self.two_sided else np.full_like(edge, -np.inf)


def obrien_fleming_spending(times: FloatArray, alpha: float) -> FloatArray:
    """Return 2 - 2 Phi(z_{alpha/2} / sqrt t): almost nothing early [Lan & DeMets 1983]."""
    with np.errstate(divide="ignore"):
        return np.asarray(2 * ndtr(ndtri(alpha / 2) / np.sqrt(times)), dtype=np.float64)


def pocock_spending(times: FloatArray, alpha: float) -> FloatArray:
    """Return alpha ln(1 + (e - 1) t): much early [Lan & DeMets 1983]."""
    return np.asarray(alpha * np.log1p((math.e - 1) * times), dtype=np.float64)


def power_spending(exponent: float) -> Spending:
    """Return alpha t^exponent: 1 near Pocock's, 3 near O'Brien-Fleming's [Kim & DeMets 1987]."""

    def spent(times: FloatArray, alpha: float) -> FloatArray:
        return np.asarray(alpha * times**exponent, dtype=np.float64)

    return spent


def spending_design(
    times: Sequence[float],
    *,
    alpha: float = 0.025,
    spending: Spending = obrien_fleming_spending,
    two_sided: bool = False,
) -> GroupDesign:
    """Return the bounds that spend ``alpha`` (per side) as ``spending`` says.

    ``times`` rise within (0, 1], at any distances; a bound depends only on the looks up to its own,
    so looks that came earlier or later than planned are entered as they were. All of ``alpha`` is
    spent only if the last is 1. A bound is inf where there was nothing to spend.
    """
    at = _checked(times)
    spent = np.diff(spending(at, alpha), prepend=0.0)
    upper = np.empty_like(at)
    walk = _START
    for k, time in enumerate(at):
        upper[k] = _bound(walk, time, target=spent[k])
        low = -upper[k] if two_sided else -np.inf
        walk = walk.on(time, low, upper[k], step=_step(at))
    return GroupDesign(_plain(at), _plain(upper), alpha, "alpha spending", two_sided)


def classic_design(
    looks: int, *, shape: float = 0.5, alpha: float = 0.025, two_sided: bool = True
) -> GroupDesign:
    """Return the bounds C t^(shape - 1/2) at equal distances, C so that ``alpha`` is met.

    [Wang & Tsiatis 1987]. ``shape`` 1/2 is Pocock's constant bound, 0 O'Brien and Fleming's.
    """
    at = _checked([(k + 1) / looks for k in range(looks)])

    def built(constant: float) -> GroupDesign:
        bounds = _plain(constant * at ** (shape - 0.5))
        return GroupDesign(_plain(at), bounds, alpha, f"Wang-Tsiatis, shape {shape:g}", two_sided)

    low, high = 0.0, 2 * _WIDEST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = stopping(built(middle)).upper.sum() <= alpha
        low, high = (low, middle) if enough else (middle, high)
    return built(high)


def with_futility(
    design: GroupDesign,
    *,
    drift: float,
    beta: float = 0.2,
    spending: Spending = obrien_fleming_spending,
) -> GroupDesign:
    """Return ``design`` with bounds below which a true ``drift`` is given up; costs ``beta``.

    Non-binding: going on below them leaves alpha as it is. They spend ``beta`` under ``drift`` and
    meet the upper bound at the last look, or earlier where ``beta`` is more than the design needs.
    """
    if design.two_sided:
        raise ValueError("futility bounds belong to a one-sided design")
    at = floats(design.times)
    spent = np.diff(spending(at, beta), prepend=0.0)
    lower = np.empty_like(at)
    walk = _START
    for k, time in enumerate(at):
        alive = walk.above(time, -np.inf, drift=drift)
        found = _bound(walk, time, target=alive - spent[k], drift=drift)
        lower[k] = min(found, design.upper[k])
        walk = walk.on(time, lower[k], design.upper[k], step=_step(at), drift=drift)
    lower[-1] = design.upper[-1]
    return replace(design, futility=_plain(lower))


@dataclass(frozen=True, slots=True)
class Stopping:
    """The chance of stopping at each look above and below, and what share of the cases is used."""

    upper: FloatArray
    lower: FloatArray
    expected_fraction: float


def stopping(design: GroupDesign, *, drift: float = 0.0) -> Stopping:
    """Return where ``design`` stops if Z has ``drift`` at full information; futility is obeyed.

    ``upper.sum()`` is the power, under no drift the type I error. For a mean difference the drift
    is its distance from the null over the standard error of all planned cases.
    """
    at, lower = floats(design.times), design.lower
    above, below = np.empty_like(at), np.empty_like(at)
    walk = _START
    for k, time in enumerate(at):
        above[k] = walk.above(time, design.upper[k], drift=drift)
        below[k] = walk.above(-time, -lower[k], drift=drift)
        walk = walk.on(time, lower[k], design.upper[k], step=_step(at), drift=drift)
    used = float(at @ (above + below)) + float(at[-1]) * float(walk.mass.sum())
    return Stopping(above, below, used)


def drift_for_power(design: GroupDesign, *, power: float = 0.8) -> float:
    """Return the drift that ``design`` detects with ``power``."""
    low, high = 0.0, 4 * _REACH
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = stopping(design, drift=middle).upper.sum() >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def repeated_interval(
    design: GroupDesign, look: int, *, estimate: float, standard_error: float
) -> Interval | NotEstimable:
    """Return estimate +- bound x standard error: valid at all looks at once, stopped or not.

    [Jennison & Turnbull 1989, JRSS-B 51:305]. ``look`` counts from 0. The level is 1 - 2 alpha.
    """
    reach = float(design.upper[look] * standard_error)
    if not math.isfinite(reach) or not math.isfinite(estimate):
        return NotEstimable("at this look nothing is spent yet, or the estimate is no number")
    level = 1 - 2 * design.alpha
    return Interval(estimate - reach, estimate + reach, level, "repeated confidence interval")


def stagewise_p(design: GroupDesign, look: int, *, z: float) -> PValue:
    """Return the p-value "greater" of a test that stopped at ``look`` (from 0) with ``z``.

    More extreme is: stopped above at an earlier look, or at this one with a larger z [Fairbanks &
    Madsen 1982; Tsiatis, Rosner & Mehta 1984]. Non-binding futility bounds are left out. A stop
    between the bounds counts as if this look had been the last.
    """
    return PValue(_more_extreme(design, look, z=z, drift=0.0, futile=False), "stagewise ordering")


def stagewise_interval(
    design: GroupDesign, look: int, *, estimate: float, standard_error: float, level: float = 0.9
) -> Interval | NotEstimable:
    """Return the interval of the stagewise ordering after a stop at ``look`` (from 0).

    The means whose stagewise p-values lie between the tails; ``estimate`` is the distance from the
    null of the test. Narrower than the repeated interval, but valid at the stop only. Futility
    bounds widen the upper limit and leave the lower one alone, so both err on the safe side.
    """
    z = float(estimate / standard_error) if standard_error > 0 else math.nan
    if not math.isfinite(z):
        return NotEstimable("the standard error at the stop is 0 or no number")
    unit = standard_error * math.sqrt(design.times[look])
    tail = (1 - level) / 2
    low = _drift_at(design, look, z=z, target=tail, futile=False) * unit
    high = _drift_at(design, look, z=z, target=1 - tail, futile=True) * unit
    return Interval(low, high, level, "stagewise ordering")


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where z is at a look, for those not stopped: probability ``mass`` at ``nodes``."""

    time: float
    nodes: FloatArray
    mass: FloatArray

    def on(self, time: float, low: float, high: float, *, step: float, drift: float = 0.0) -> _Walk:
        """Return the walk at the next look among those between ``low`` and ``high``."""
        centre = drift * math.sqrt(time)
        nodes, weights = _quadrature(
            max(low, centre - _REACH), min(high, centre + _REACH), step / math.sqrt(time)
        )
        spread = math.sqrt(time - self.time)
        z = (nodes[:, None] * math.sqrt(time) - self._mean(time, drift)) / spread
        kernel = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * math.sqrt(time) / spread
        return _Walk(time, nodes, weights * (kernel @ self.mass))

    def above(self, time: float, bound: float, *, drift: float = 0.0) -> float:
        """Return the chance of z above ``bound`` at ``time``; of -z, for a negative ``time``."""
        sign, time = math.copysign(1.0, time), abs(time)
        z = bound * math.sqrt(time) - sign * self._mean(time, drift)
        return float(ndtr(-z / math.sqrt(time - self.time)) @ self.mass)

    def _mean(self, time: float, drift: float) -> FloatArray:
        return self.nodes * math.sqrt(self.time) + drift * (time - self.time)


_START = _Walk(0.0, np.zeros(1), np.ones(1))


def _bound(walk: _Walk, time: float, *, target: float, drift: float = 0.0) -> float:
    """Return b so that z lies above it with probability ``target``; +-inf where there is none."""
    low, high = -_WIDEST, _WIDEST
    if walk.above(time, high, drift=drift) >= target:
        return math.inf
    if walk.above(time, low, drift=drift) <= target:
        return -math.inf
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = walk.above(time, middle, drift=drift) <= target
        low, high = (low, middle) if enough else (middle, high)
    return high


def _more_extreme(design: GroupDesign, look: int, *, z: float, drift: float, futile: bool) -> float:
    at, lower = floats(design.times), design.lower
    if design.futility is not None and not futile:
        lower = np.full_like(at, -np.inf)
    walk, total = _START, 0.0
    for k in range(look):
        total += walk.above(at[k], design.upper[k], drift=drift)
        walk = walk.on(at[k], lower[k], design.upper[k], step=_step(at), drift=drift)
    return min(total + walk.above(at[look], z, drift=drift), 1.0)


def _drift_at(design: GroupDesign, look: int, *, z: float, target: float, futile: bool) -> float:
    centre = z / math.sqrt(design.times[look])
    low, high = centre - 4 * _REACH, centre + 4 * _REACH
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = _more_extreme(design, look, z=z, drift=middle, futile=futile) >= target
        low, high = (low, middle) if enough else (middle, high)
    return (low + high) / 2


def _quadrature(low: float, high: float, step: float) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of panels about ``step`` long; none for an empty range."""
    if not high > low:
        return np.empty(0), np.empty(0)
    panels = max(math.ceil((high - low) / step), 1)
    edges = np.linspace(low, high, panels + 1)
    half = (edges[1] - edges[0]) / 2
    nodes = (edges[:-1] + half)[:, None] + half * _POINTS
    return nodes.reshape(-1), np.tile(half * _WEIGHTS, panels)


def _step(times: FloatArray) -> float:
    """Return the length of a panel: a few spreads of the shortest way between two looks."""
    return _PANEL * math.sqrt(float(np.diff(times, prepend=0.0).min()))


def _checked(times: Sequence[float]) -> FloatArray:
    at = floats(list(times))
    if not len(at) or at[0] <= 0 or at[-1] > 1 or (np.diff(at) <= 0).any():
        raise ValueError("information fractions must rise within (0, 1]")
    return at


def _plain(values: FloatArray) -> tuple[float, ...]:
    return tuple(values.tolist())
