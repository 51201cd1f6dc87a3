"""Early stopping: curtailment against brute force, one interval for every answer, and its edges."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import stdtrit

from evalkit.stats.arrays import FloatArray
from evalkit.stats.betting import log_capital
from evalkit.stats.paired_binary import mcnemar_exact, tango_interval
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.stopping import (
    Plan,
    Rule,
    Stop,
    _ends,
    _final,
    begin_watch,
    settle,
    shuffled,
    stop_or_go_on,
    watch,
)
from evalkit.stats.values import Interval, NotEstimable
from evalkit.validation.sequential import stops

FLIPS = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=60)
RULES: tuple[Rule, ...] = ("non_inferior", "superior")


def inside(found: Stop) -> Interval:
    """Return the interval of an answer, which must have one."""
    assert isinstance(found.interval, Interval)
    return found.interval


def draw(seed: int, n: int, *, gained: float, lost: float) -> FloatArray:
    """Return the differences of ``n`` pairs of scores 0 or 1."""
    law = [lost, 1 - gained - lost, gained]
    return np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], size=n, p=law)


def fixed_test(d: FloatArray, plan: Plan) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return for each row the limits of the test of all cases and whether it passes."""
    rows = np.atleast_2d(d)
    b, c = (rows > 0).sum(axis=1), (rows < 0).sum(axis=1)
    found = tango_interval(b, c, plan.planned, level=1 - 2 * plan.alpha * plan.kept)
    passes = found.low > plan.null
    if plan.rule == "superior":
        passes &= mcnemar_exact(b, c, side="greater") <= plan.alpha * plan.kept
    return found.low, found.high, passes


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=9, max_size=14),
    st.sampled_from(RULES),
    st.sampled_from([0.0, 0.1, 0.3, 0.6]),
)
def test_what_can_still_happen_is_exact(d: list[float], rule: Rule, limit: float) -> None:
    """Every way the last four cases can come out, by brute force, against the two extremes."""
    plan = Plan(rule, limit, planned=len(d), alpha=0.1)
    state = watch(begin_watch(plan), d[:-4])
    ends = np.array([[*d[:-4], *r] for r in itertools.product((-1.0, 0.0, 1.0), repeat=4)])
    lows, highs, passes = fixed_test(ends, plan)
    low, high = _ends(state)
    assert low.tolist() == pytest.approx([lows.min(), lows.max()])
    assert high.tolist() == pytest.approx([highs.min(), highs.max()])
    assert _final(state).passes == (bool(passes.all()), bool(passes.any()))


@settings(max_examples=40)
@given(
    st.lists(st.floats(-1, 1).map(lambda x: round(x, 2)), min_size=2, max_size=28),
    st.integers(0, 2**32 - 1),
)
def test_bounds_of_scores_hold_every_end(d: list[float], seed: int) -> None:
    """No completion of bounded scores, random or extreme, leaves the bounds of t or Tango."""
    plan = Plan("non_inferior", 0.05, planned=30, binary=False)
    low, high = _ends(watch(begin_watch(plan), d))
    rng, rest = np.random.default_rng(seed), 30 - len(d)
    ends = [rng.uniform(-1, 1, (5, rest)), rng.choice([-1.0, 1.0], (5, rest))]
    ends.append(np.repeat(np.linspace(-1, 1, 21)[:, None], rest, axis=1))
    rows = np.concatenate([np.concatenate([np.tile(d, (len(e), 1)), e], axis=1) for e in ends])
    level = 1 - 2 * plan.alpha * plan.kept
    gains, losses = rows.clip(0).sum(axis=1), (-rows).clip(0).sum(axis=1)
    tango = tango_interval(gains, losses, 30, level=level)
    reach = -float(stdtrit(29, (1 - level) / 2)) * rows.std(axis=1, ddof=1) / math.sqrt(30)
    for lows, highs in (
        (tango.low, tango.high),
        (rows.mean(axis=1) - reach, rows.mean(axis=1) + reach),
    ):
        assert low[0] - 1e-9 <= lows.min() <= lows.max() <= low[1] + 1e-9
        assert high[0] - 1e-9 <= highs.min() <= highs.max() <= high[1] + 1e-9


def test_the_best_end_of_t_is_reached() -> None:
    """The greatest lower limit of t is the best of 2,001 common values for the rest."""
    d = np.random.default_rng(2).uniform(-0.6, 0.5, 40)
    plan = Plan("non_inferior", 0.05, planned=100, binary=False)
    quantile = -float(stdtrit(99, plan.alpha * plan.kept))
    found = []
    for v in np.linspace(-1, 1, 2_001):
        whole = np.concatenate([d, np.full(60, v)])
        found.append(whole.mean() - quantile * whole.std(ddof=1) / 10)
    low, _ = _ends(watch(begin_watch(plan), d))
    tango = tango_interval(
        d.clip(0).sum() + 60, (-d).clip(0).sum(), 100, level=1 - 2 * plan.alpha * plan.kept
    ).at()
    assert low[1] == pytest.approx(max(*found, tango.low), abs=1e-5)


@given(FLIPS, st.sampled_from(RULES), st.sampled_from([0.0, 0.05, 0.3]), st.integers(0, 30))
def test_the_interval_gives_the_answer(d: list[float], rule: Rule, limit: float, more: int) -> None:
    """Proven lies above the null, refuted below, and neither interval says more than its answer."""
    plan = Plan(rule, limit, planned=max(len(d) + more, 1), alpha=0.1)
    found = stop_or_go_on(d, plan)
    interval = inside(found)
    assert interval.level == pytest.approx(0.8)
    if found.answer == "proven":
        assert interval.low > plan.null
    elif found.answer == "refuted":
        assert interval.high < plan.null
    elif found.answer == "go_on":
        assert interval.low <= plan.null <= interval.high
        assert found.by == "nothing yet"
    assert found.stops == (found.answer != "go_on")


@given(FLIPS, st.sampled_from([0.02, 0.3]))
def test_swapping_the_models_mirrors_the_interval(d: list[float], limit: float) -> None:
    """The interval of the swapped comparison, with the null swapped too, is the mirror image."""
    plan = Plan("superior", limit, planned=len(d) + 20)
    one = inside(stop_or_go_on(d, plan))
    other = inside(stop_or_go_on([-x for x in d], replace(plan, rule="non_inferior")))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


@given(FLIPS, st.integers(1, 20))
def test_blocks_change_nothing(d: list[float], size: int) -> None:
    """Case by case or all at once: one answer."""
    plan = Plan("non_inferior", 0.1, planned=len(d) + 5, alpha=0.1)
    state = begin_watch(plan)
    for start in range(0, len(d), size):
        state = watch(state, d[start : start + size])
    one, other = settle(state), stop_or_go_on(d, plan)
    assert (one.answer, one.by, one.n) == (other.answer, other.by, other.n)
    assert (inside(one).low, inside(one).high) == pytest.approx(
        (inside(other).low, inside(other).high), abs=1e-9
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("gained", "lost"), [(0.05, 0.05), (0.3, 0.05), (0.05, 0.3), (0.0, 0.0)])
def test_all_cases_always_settle_it(rule: Rule, gained: float, lost: float) -> None:
    """At the last case there is an answer, and the interval lies within that of the fixed test."""
    plan = Plan(rule, 0.03, planned=120)
    d = draw(4, 120, gained=gained, lost=lost)
    found = stop_or_go_on(d, plan)
    assert found.stops
    low, high, passes = fixed_test(d, plan)
    assert inside(found).low >= low[0] - 1e-12
    assert inside(found).high <= high[0] + 1e-12
    if passes[0]:
        assert found.answer == "proven"


def test_a_futile_run_stops_before_its_end() -> None:
    """Eight losses in fifty of sixty planned cases cannot be turned into a gain by ten cases."""
    d = [-1.0] * 8 + [0.0] * 42
    found = stop_or_go_on(d, Plan("superior", 0.0, planned=60, alpha=0.05))
    assert (found.answer, found.by) == ("futile", "all cases")
    assert found.n == 50


def test_a_certain_pass_stops_before_its_end() -> None:
    """When the worst end still passes the rest need not be asked, though the bet has not won."""
    d = draw(0, 200, gained=0.05, lost=0.05)[:195]
    found = stop_or_go_on(d, Plan("non_inferior", 0.06, planned=200))
    assert (found.answer, found.by) == ("proven", "all cases")


def test_clear_cases_need_a_fraction() -> None:
    """A clear gain is proven, a clear loss refuted, in less than half of the planned cases."""
    plan = Plan("non_inferior", 0.03, planned=1_000)
    gain = stop_or_go_on(draw(1, 450, gained=0.15, lost=0.05), plan)
    loss = stop_or_go_on(draw(1, 450, gained=0.03, lost=0.2), plan)
    assert (gain.answer, gain.by) == ("proven", "betting")
    assert (loss.answer, loss.by) == ("refuted", "betting")
    for found in (gain, loss):
        assert found.width_ratio is not None
        assert 1.2 < found.width_ratio < 2.5


def test_many_runs_at_once_stop_where_one_does() -> None:
    """The crossing of `log_capital` is the case at which the state says "proven"."""
    plan = Plan("non_inferior", 0.03, planned=400)
    bets = begin_watch(plan).betting.bets
    runs = np.stack([draw(s, 300, gained=0.12, lost=0.03) for s in range(5)], axis=1)
    for column, path in zip(runs.T, log_capital(runs, bets).T, strict=True):
        first = int(np.argmax(path >= bets.threshold))
        assert path[first] >= bets.threshold
        assert stop_or_go_on(column[: first + 1], plan).by == "betting"
        assert stop_or_go_on(column[:first], plan).by != "betting"


@pytest.mark.parametrize("rule", RULES)
def test_the_simulation_stops_where_the_state_does(rule: Rule) -> None:
    """The study of error rates computes many runs at once; case by case they stop alike."""
    plan = Plan(rule, 0.1 if rule == "non_inferior" else 0.0, planned=32, alpha=0.1)
    laws = [(0.1, 0.1), (0.5, 0.1), (0.1, 0.5), (0.2, 0.25)]
    runs = np.stack([draw(s, 32, gained=g, lost=c) for s, (g, c) in enumerate(laws)], axis=1)
    found = stops(runs, plan)
    for column, case, proven in zip(runs.T, found.case, found.proven, strict=True):
        state = begin_watch(plan)
        for i, d in enumerate(column.tolist()):
            state = watch(state, d)
            answer = settle(state)
            assert answer.stops == (i == case)
            if answer.stops:
                assert (answer.answer == "proven") == proven
                break


def test_scores_end_with_their_own_procedure() -> None:
    """At the last case graded scores have t's limits where cases carry them, Tango's where thin."""
    plan = Plan("non_inferior", 0.05, planned=200, binary=False)
    level = 1 - 2 * plan.alpha * plan.kept
    rich = np.random.default_rng(3).uniform(-0.3, 0.4, 200)
    t = paired_t(rich)
    assert isinstance(t, Estimate)
    low, high = _ends(watch(begin_watch(plan), rich))
    assert low.tolist() == pytest.approx([t.interval(level=level).low] * 2)
    assert high.tolist() == pytest.approx([t.interval(level=level).high] * 2)
    thin = np.zeros(200)
    thin[:5] = -0.5
    low, _ = _ends(watch(begin_watch(plan), thin))
    assert low[0] == pytest.approx(tango_interval(0, 2.5, 200, level=level).at().low)
    found = stop_or_go_on(rich, plan)
    assert found.answer == "proven"
    assert found.width_ratio is not None


@pytest.mark.parametrize("planned", [1, 2, 29, 30])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("seen", [0, 1])
def test_few_cases_are_not_enough(planned: int, binary: bool, seen: int) -> None:
    """Without a case, or after one tie, nothing is proven and nothing refuted."""
    plan = Plan("non_inferior", 0.02, planned=planned, binary=binary)
    found = stop_or_go_on([0.0] * seen, plan)
    assert found.answer in ("go_on", "futile")
    assert (found.mean is None) == (seen == 0)
    assert (found.width_ratio is None) == (seen == 0)


def test_equal_scores_are_not_certain() -> None:
    """Forty equal losses within the margin have no spread, and are no proof of the margin."""
    plan = Plan("non_inferior", 0.05, planned=40, binary=False)
    found = stop_or_go_on([-0.01] * 40, plan)
    assert found.answer == "futile"
    assert inside(found).low < -0.05


def test_no_number_no_answer() -> None:
    """A difference that is nan leaves the question open and says why."""
    found = stop_or_go_on([1.0, math.nan], Plan("superior", 0.0, planned=5))
    assert found.answer == "go_on"
    assert isinstance(found.interval, NotEstimable)


def test_what_cannot_be_is_an_error() -> None:
    """More cases than planned, grades called binary, plans without sense."""
    plan = Plan("superior", 0.0, planned=2)
    with pytest.raises(ValueError, match="only 2"):
        stop_or_go_on([0.0, 0.0, 0.0], plan)
    with pytest.raises(ValueError, match="0 and 1"):
        stop_or_go_on([0.5], plan)
    bad = [{"planned": 0}, {"kept": 1.0}, {"limit": -0.1}, {"alpha": 0.5}]
    for change in bad:
        with pytest.raises(ValueError, match="plan"):
            begin_watch(replace(plan, **change))  # type: ignore[arg-type]


def test_the_order_is_seeded() -> None:
    """One seed gives one order of all cases, another gives another."""
    one, again, other = (shuffled(50, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.tolist() == again.tolist() != other.tolist()
    assert sorted(one.tolist()) == list(range(50))
    assert len(shuffled(0, np.random.default_rng(0))) == 0
