"""Equivalence by two one-sided tests, and procedures made of procedures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evalkit.stats.equivalence import tost
from evalkit.stats.mover import Mover, Scaled, WilsonShare, difference_of
from evalkit.stats.paired import choose_procedure
from evalkit.stats.paired_binary import TangoScore
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.proportions import wilson
from evalkit.stats.units import case_units
from evalkit.stats.values import Interval, NotEstimable, Procedure

DIFFERENCES = st.lists(
    st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=45
)


def procedure_of(d: list[float], *, binary: bool = False) -> Procedure:
    """Return the procedure of differences, which must exist."""
    found = choose_procedure(case_units(d), binary=binary, rng=np.random.default_rng(7))
    assert not isinstance(found, NotEstimable)
    return found


def test_tost_by_hand() -> None:
    """.02 with an error of .03 and 30 degrees of freedom: t = 2.667 below a margin of .1."""
    found = tost(Estimate(0.02, 0.03, 30), margin=0.1)
    assert found.verdict == "equivalent"
    assert not isinstance(found.p_value, NotEstimable)
    # scipy 1.17, stats.t.sf(0.08 / 0.03, 30)
    assert found.p_value.value == pytest.approx(0.006112315915443558, abs=1e-12)
    assert isinstance(found.interval, Interval)
    assert found.interval.level == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("mean", "error", "verdict"),
    [
        (0.0, 0.01, "equivalent"),
        (0.0, 0.08, "can't tell"),
        (0.09, 0.01, "can't tell"),
        (0.2, 0.01, "not equivalent"),
        (-0.2, 0.01, "not equivalent"),
    ],
)
def test_three_verdicts(mean: float, error: float, verdict: str) -> None:
    """Within, beyond, or neither; a small difference alone is not equivalence."""
    assert tost(Estimate(mean, error, 100), margin=0.1).verdict == verdict


@given(DIFFERENCES, st.floats(0.01, 0.9), st.sampled_from([0.05, 0.1]))
def test_verdict_p_and_interval_tell_one_story(d: list[float], margin: float, alpha: float) -> None:
    """Equivalent exactly when p <= alpha and when the interval lies within; mirrored alike."""
    found = tost(procedure_of(d), margin=margin, alpha=alpha)
    mirrored = tost(procedure_of([-x for x in d]), margin=margin, alpha=alpha)
    assert mirrored.verdict == found.verdict
    if isinstance(found.interval, NotEstimable):
        assert found.verdict == "can't tell"
        return
    edge = min(abs(found.interval.low + margin), abs(found.interval.high - margin))
    assume(edge > 1e-9)
    assert not isinstance(found.p_value, NotEstimable)
    within = -margin < found.interval.low and found.interval.high < margin
    assert (found.verdict == "equivalent") == within == (found.p_value.value <= alpha)


@pytest.mark.parametrize("margin", [0.0, -0.1])
def test_no_margin_no_equivalence(margin: float) -> None:
    """Nothing can be shown to lie within a margin of 0."""
    found = tost(Estimate(0.0, 1e-6, 100), margin=margin)
    assert found.verdict == "can't tell"
    assert not isinstance(found.p_value, NotEstimable)
    assert found.p_value.value >= 0.5


def test_without_a_procedure() -> None:
    """What can't be estimated can't be equivalent, and the reason is passed on."""
    none = NotEstimable("no case was answered by both models")
    found = tost(none, margin=0.1)
    assert (found.verdict, found.interval, found.p_value) == ("can't tell", none, none)


def test_too_few_cases_are_never_equivalent() -> None:
    """Six differences of 0 do not show that there is none."""
    found = tost(procedure_of([0.0] * 6), margin=0.1)
    assert found.verdict == "can't tell"


@given(st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3), st.floats(-1, 1))
def test_scaling(factor: float, null: float) -> None:
    """Limits are multiplied, sides turn with the sign, p-values stay."""
    inner = Estimate(0.1, 0.2, 20)
    found = Scaled(inner, factor)
    interval, own = found.interval(level=0.9), inner.interval(level=0.9)
    assert isinstance(interval, Interval)
    assert sorted([own.low * factor, own.high * factor]) == [interval.low, interval.high]
    assert found.p_value(null=null).value == inner.p_value(null=null / factor).value
    turned = "less" if factor < 0 else "greater"
    assert found.p_value(side="greater").value == inner.p_value(side=turned).value  # type: ignore[arg-type]
    assert found.method == "t"


def test_scaling_passes_on_that_there_is_no_interval() -> None:
    """Two units have no sign-flip interval, scaled or not."""
    found = choose_procedure(
        case_units([0.1, 0.2, 0.15, 0.3, 0.22, 0.4]), binary=False, rng=np.random.default_rng(0)
    )
    assert not isinstance(found, NotEstimable)
    assert isinstance(Scaled(found, 2.0).interval(level=0.999), NotEstimable)
    both = difference_of((0.2, found), (0.0, Estimate(0.0, 0.1, 9)), bound=2.0, method="sum")
    assert isinstance(both.interval(level=0.999), NotEstimable)


@given(st.integers(0, 30), st.integers(1, 30), st.floats(0.01, 0.99))
def test_wilson_inverts_its_test(x: int, n: int, null: float) -> None:
    """Null values inside are kept, values outside rejected."""
    x = min(x, n)
    found = WilsonShare(x, n)
    interval = found.interval(level=0.9)
    assert interval == wilson(x, n, level=0.9)
    assert isinstance(interval, Interval)
    assume(min(abs(null - interval.low), abs(null - interval.high)) > 1e-9)
    assert (interval.low <= null <= interval.high) == (found.p_value(null=null).value > 0.1)


def test_wilson_at_impossible_nulls() -> None:
    """One success refutes a share of 0; none does not."""
    assert WilsonShare(1, 10).p_value(null=0.0).value == 0.0
    assert WilsonShare(0, 10).p_value(null=0.0).value == 1.0


def test_newcombes_difference_of_proportions() -> None:
    """56/70 - 48/80: method 10 gives .0524 to .3339 [Newcombe 1998, Stat Med 17:873, table II]."""
    parts = [(x / n, WilsonShare(x, n)) for x, n in ((56, 70), (48, 80))]
    found = difference_of(parts[0], parts[1], bound=1.0, method="method 10")
    interval = found.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert (interval.low, interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.estimate == pytest.approx(0.2)


@settings(max_examples=8)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_sums_invert_their_p_value(b: int, c: int, e: int, f: int) -> None:
    """The level at which an end of the interval meets the null is 1 - p; order mirrors."""
    one, other = TangoScore(b, c, 60), TangoScore(e, f, 80)
    first, second = ((b - c) / 60, one), ((e - f) / 80, other)
    found = difference_of(first, second, bound=2.0, method="sum")
    p = found.p_value(null=0.05).value
    for level in (0.8, 0.95):
        interval = found.interval(level=level)
        assert isinstance(interval, Interval)
        assume(abs(p - (1 - level)) > 1e-6)
        assert (interval.low <= 0.05 <= interval.high) == (p > 1 - level)
    mirrored = difference_of(second, first, bound=2.0, method="sum")
    assert mirrored.p_value(null=-0.05).value == pytest.approx(p, rel=1e-6)
    above, below = (found.p_value(null=0.05, side=s).value for s in ("greater", "less"))
    assert above + below == pytest.approx(1)
    assert 2 * min(above, below) == pytest.approx(p)


@pytest.mark.parametrize("null", [-2.0, -0.9, -0.3, 0.0, 0.05, 0.1, 0.4])
def test_one_part_is_that_part(null: float) -> None:
    """A sum of one figure has that figure's p-value, down to the digits that a level has."""
    part = Estimate(0.1, 0.1, np.inf)
    found = Mover(((0.1, part),), 5.0, "one part")
    own = part.p_value(null=null).value
    assert found.p_value(null=null).value == pytest.approx(max(own, 1.3e-15), rel=1e-3)
