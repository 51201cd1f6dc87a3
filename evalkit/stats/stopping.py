"""May a comparison stop before all its planned cases are asked, and what may it then say?

Two things can settle it, and each has its own part of the error level alpha:

* the betting confidence sequence (`evalkit.stats.betting`) at (1 - kept) alpha, which may be read
  after every case;
* the test of all planned cases at kept x alpha, once it can no longer come out otherwise: every
  case not yet seen is taken at its worst and at its best (curtailment). That costs no error beyond
  the test's own, for the answer is the one it would give.

So a model at the margin passes in alpha of the runs at most, stopped or not, as far as the test of
all cases keeps its level. The interval to report is the intersection of the betting interval with
everything the final interval may still become; at the last case that is the final interval itself.

What it costs: the final interval is at 1 - 2 kept alpha instead of 1 - 2 alpha (kept = .8,
alpha = .05: 1.06 times as wide), and `Stop.width_ratio` says how much wider the interval at a stop
is than one for as many cases fixed in advance. `evalkit.validation.sequential` holds the rates.

Assumptions: the differences are those of the first cases of a seeded random order (`shuffled`),
without gaps: taking answers as they arrive would favour fast, short ones. Cases are independent;
for clusters of one size give one mean a cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from evalkit.stats.arrays import FloatArray, IntArray, floats
from evalkit.stats.betting import Bets, Betting, begin, bet
from evalkit.stats.paired_binary import mcnemar_exact, tango_interval
from evalkit.stats.values import Interval, NotEstimable

Rule = Literal["non_inferior", "superior"]
Answer = Literal["go_on", "proven", "refuted", "futile"]
By = Literal["betting", "all cases", "nothing yet"]

_FEWEST_FOR_T = 30
_CARRIERS = 20
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be shown, by how many cases; fixed before the first.

    ``limit`` is the margin of ``non_inferior`` (mean above -limit) or the least gain of
    ``superior`` (mean above limit). ``binary``: both scores are 0 or 1. ``alpha`` is one-sided;
    ``kept`` is the part of it left for the test of all ``planned`` cases.
    """

    rule: Rule
    limit: float
    planned: int
    alpha: float = 0.05
    binary: bool = True
    kept: float = 0.8

    @property
    def null(self) -> float:
        """The mean difference that must be exceeded."""
        return -self.limit if self.rule == "non_inferior" else self.limit


@dataclass(frozen=True, slots=True)
class Stop:
    """The answer, the interval that gives it, and what stopping costs.

    ``proven``: the interval lies above the null. ``refuted``: below. ``futile``: neither, and the
    test of all cases cannot pass any more. ``by`` names what settled it. ``width_ratio`` is the
    width of ``interval`` over that of a fixed-n interval at 1 - 2 alpha for the same cases.
    """

    answer: Answer
    by: By
    n: int
    planned: int
    mean: float | None
    interval: Interval | NotEstimable
    width_ratio: float | None

    @property
    def stops(self) -> bool:
        """Whether no further case need be asked."""
        return self.answer != "go_on"


@dataclass(frozen=True, slots=True)
class Watch:
    """A comparison under way: sums of gains, losses, and second and fourth powers of both."""

    plan: Plan
    betting: Betting
    gains: float = 0.0
    losses: float = 0.0
    squares: float = 0.0
    fourths: float = 0.0

    @property
    def unseen(self) -> int:
        """How many planned cases are still to come."""
        return self.plan.planned - self.betting.n


def shuffled(n: int, rng: np.random.Generator) -> IntArray:
    """Return the order in which ``n`` cases are to be asked; the seed belongs in the record."""
    return rng.permutation(n).astype(np.int64)


def begin_watch(plan: Plan) -> Watch:
    """Return the state before the first case."""
    if plan.planned < 1 or not 0 < plan.kept < 1 or not 0 <= plan.limit < 1:
        raise ValueError("a plan needs a case, 0 < kept < 1 and 0 <= limit < 1")
    if not 0 < plan.alpha < _HALF:
        raise ValueError(f"a plan needs 0 < alpha < .5, got {plan.alpha}")
    level = 1 - 2 * plan.alpha * (1 - plan.kept)
    tuned_for = max(plan.planned // 2, 1)
    return Watch(plan, begin(Bets(null=plan.null, level=level, tuned_for=tuned_for)))


def watch(state: Watch, differences: ArrayLike) -> Watch:
    """Return the state after the next cases of the order; blocks may have any size.

    A difference that is no number (an answer that failed) leaves the question open for good: what a
    gap allows is for the comparison of all cases to say.
    """
    d = floats(differences).reshape(-1)
    usable = d[np.isfinite(d)]
    squares = usable * usable
    if len(usable) > state.unseen:
        raise ValueError(f"{len(usable)} differences, but only {state.unseen} cases are left")
    if state.plan.binary and not np.isin(usable, (-1.0, 0.0, 1.0)).all():
        raise ValueError("differences of scores 0 and 1 must be -1, 0 or 1")
    return replace(
        state,
        betting=bet(state.betting, d),
        gains=state.gains + float(np.clip(usable, 0, None).sum()),
        losses=state.losses + float(np.clip(-usable, 0, None).sum()),
        squares=state.squares + float(squares.sum()),
        fourths=state.fourths + float(squares @ squares),
    )


def stop_or_go_on(differences: ArrayLike, plan: Plan) -> Stop:
    """Return what the ``differences`` so far allow, as if one had looked after each of them."""
    return settle(watch(begin_watch(plan), differences))


def settle(state: Watch) -> Stop:
    """Return whether the comparison may stop, and what it then says."""
    plan, betting = state.plan, state.betting
    read = betting.interval
    if isinstance(read, NotEstimable):
        return Stop("go_on", "nothing yet", betting.n, plan.planned, betting.mean, read, None)
    final = _final(state)
    answer, by = _answer(state, final)
    interval = _intersection(read, final, by=by, level=1 - 2 * plan.alpha)
    ratio = _width_ratio(state, interval)
    return Stop(answer, by, betting.n, plan.planned, betting.mean, interval, ratio)


@dataclass(frozen=True, slots=True)
class _Final:
    """What the interval of all cases can still become, and if it passes at the worst and best."""

    low: float
    high: float
    passes: tuple[bool, bool]


def _answer(state: Watch, final: _Final) -> tuple[Answer, By]:
    if state.betting.above:
        return "proven", "betting"
    if state.betting.below:
        return "refuted", "betting"
    if final.passes[0]:
        return "proven", "all cases"
    if final.high < state.plan.null:
        return "refuted", "all cases"
    if not final.passes[1]:
        return "futile", "all cases"
    return "go_on", "nothing yet"


def _final(state: Watch) -> _Final:
    """Return what the test of all planned cases can still say.

    For a gain above 0 in scores 0 and 1 the exact test must agree, as for any claim of improvement.
    """
    plan = state.plan
    low, high = _ends(state)
    passes = low > plan.null
    if plan.binary and plan.rule == "superior":
        exact = mcnemar_exact(*_sums_at_the_ends(state), side="greater")
        passes &= exact <= plan.alpha * plan.kept
    return _Final(float(low[0]), float(high[1]), (bool(passes[0]), bool(passes[1])))


def _ends(state: Watch) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest that the lower limit of all cases, and the upper, can be.

    Scores 0 and 1: Tango's limits, which rise with each gain and fall with each loss. Other scores:
    t's or Tango's on the sums of gains and losses, whichever `evalkit.stats.paired` would choose at
    the last case, and before it the wider range, as either may be chosen; below 30 planned cases
    Tango's, which are on the safe side of the sign-flip test.
    """
    plan = state.plan
    level = 1 - 2 * plan.alpha * plan.kept
    tango = tango_interval(*_sums_at_the_ends(state), plan.planned, level=level)
    settled = state.unseen == 0 and _thin(state)
    if plan.binary or plan.planned < _FEWEST_FOR_T or settled:
        return tango.low, tango.high
    low, high = _t_limits(state, level)
    if state.unseen == 0:
        return low, high
    return _wider(low, tango.low), _wider(high, tango.high)


def _sums_at_the_ends(state: Watch) -> tuple[FloatArray, FloatArray]:
    r = state.unseen
    return np.array([state.gains, state.gains + r]), np.array([state.losses + r, state.losses])


def _wider(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.array([min(one[0], other[0]), max(one[1], other[1])])


def _t_limits(state: Watch, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest that each limit of the t interval can still become."""
    quantile = -float(stdtrit(state.plan.planned - 1, (1 - level) / 2))
    up = _extreme_t_low(state, state.gains - state.losses, quantile)
    down = _extreme_t_low(state, state.losses - state.gains, quantile)
    return up, -down[::-1]


def _extreme_t_low(state: Watch, total: float, quantile: float) -> FloatArray:
    """Return the range of mean - quantile x standard error over all ways the rest may come out.

    It is a concave function of the values to come. Its maximum is therefore where they are all
    equal, found from the derivative; its minimum at a corner, so many at 1 and the others at -1.
    """
    n, r, planned = state.betting.n, state.unseen, state.plan.planned
    scale = quantile / math.sqrt(planned * (planned - 1))
    ones = np.arange(r + 1)
    means = (total + 2 * ones - r) / planned
    spread = np.maximum(state.squares + r - planned * means * means, 0.0)
    least = float((means - scale * np.sqrt(spread)).min())
    seen = total / n if n else 0.0
    around = max(state.squares - n * seen * seen, 0.0)
    between, slope = n * r / planned, r / planned
    room = 1.0 - seen
    excess = scale * scale * between - slope * slope
    if between > 0 and excess > 0:
        room = min(room, slope * math.sqrt(around / (between * excess)))
    most = seen + slope * room - scale * math.sqrt(around + between * room * room)
    return np.array([least, most])


def _thin(state: Watch) -> bool:
    """Return whether `evalkit.stats.paired` would find that too few cases carry the differences."""
    n = state.betting.n
    if _spread(state) <= 0:
        return True
    return state.squares**2 / state.fourths < min(_CARRIERS, n / 4)


def _spread(state: Watch) -> float:
    """Return the sum of squared distances from the mean; 0 where it is only rounding."""
    n = state.betting.n
    mean = (state.gains - state.losses) / max(n, 1)
    spread = state.squares - n * mean * mean
    return spread if spread > 1e-12 * state.squares else 0.0


def _intersection(read: Interval, final: _Final, *, by: By, level: float) -> Interval:
    low, high = max(read.low, final.low), min(read.high, final.high)
    if low > high:
        # At most 2 alpha of the runs get here: one of the two must be wrong, the answer's holds.
        settled = by == "betting"
        low, high = (read.low, read.high) if settled else (final.low, final.high)
    return Interval(low, high, level, f"{read.method}, within what all cases can show")


def _width_ratio(state: Watch, interval: Interval) -> float | None:
    """Return the ratio to the interval that `evalkit.stats.paired` gives the same cases."""
    n = state.betting.n
    if not n:
        return None
    level = 1 - 2 * state.plan.alpha
    fixed = tango_interval(state.gains, state.losses, n, level=level).at()
    width = fixed.high - fixed.low
    if not state.plan.binary and n >= _FEWEST_FOR_T and not _thin(state):
        width = (
            -2 * float(stdtrit(n - 1, (1 - level) / 2)) * math.sqrt(_spread(state) / (n - 1) / n)
        )
    return (interval.high - interval.low) / width
