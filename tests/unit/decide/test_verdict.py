"""The verdict lattice, zone by zone, and on real tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.decide import Interval
from evalkit.decide.decision import Verdict
from evalkit.decide.verdict import verdict_of

from .made_up import MadeUp, result_of, run_of, table


@pytest.mark.parametrize(
    ("low", "high", "confirmed", "verdict"),
    [
        (0.01, 0.05, True, "improved"),
        (0.01, 0.05, False, "non_inferior"),
        (0.0, 0.05, True, "non_inferior"),
        (-0.01, 0.05, True, "non_inferior"),
        (-0.019, -0.001, True, "regressed_within_margin"),
        (-0.02, -0.001, True, "regressed"),
        (-0.05, -0.001, True, "regressed"),
        (-0.05, -0.021, True, "regressed_beyond_margin"),
        (-0.05, -0.02, True, "regressed"),
        (-0.02, 0.01, True, "inconclusive"),
        (-0.05, 0.05, True, "inconclusive"),
    ],
)
def test_zones(low: float, high: float, confirmed: bool, verdict: Verdict) -> None:
    """Each zone of the interval against a margin of 2 points has its verdict; ends are outside."""
    gate = Interval(low, high, 0.9, "t")
    assert verdict_of(gate, margin=0.02, gain_confirmed=confirmed) == verdict


def test_no_interval_is_inconclusive() -> None:
    """What cannot be estimated is not a pass."""
    assert verdict_of(None, margin=0.5, gain_confirmed=True) == "inconclusive"


def test_rounding_error_is_no_evidence() -> None:
    """A limit that misses the margin by a rounding error has not cleared it."""
    gate = Interval(-0.1 + 1e-17, 0.2, 0.9, "t")
    assert verdict_of(gate, margin=0.1, gain_confirmed=False) == "inconclusive"


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1), st.booleans())
def test_only_a_lower_limit_above_the_margin_passes(
    one: float, other: float, margin: float, confirmed: bool
) -> None:
    """No verdict that passes a guard lies on an interval that reaches the margin."""
    low, high = sorted((one, other))
    verdict = verdict_of(Interval(low, high, 0.9, "t"), margin=margin, gain_confirmed=confirmed)
    passes = verdict in {"improved", "non_inferior", "regressed_within_margin"}
    assert not passes or low > -margin or (low > 0 and confirmed)


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ((4, 91, 0, 5), "improved"),
        ((300, 20, 20, 200), "non_inferior"),
        ((0, 0, 0, 100), "non_inferior"),
        ((0, 0, 0, 20), "inconclusive"),
        ((500, 10, 40, 400), "regressed_within_margin"),
        ((100, 4, 16, 80), "regressed"),
        ((200, 10, 60, 10), "regressed_beyond_margin"),
        ((10, 1, 2, 5), "inconclusive"),
        ((95, 5, 0, 0), "non_inferior"),
    ],
)
def test_tables(cells: tuple[int, int, int, int], verdict: Verdict) -> None:
    """2 x 2 tables at a margin of 5 points; 5 fixed and none broken are too few to claim a gain."""
    made = MadeUp("triage", margin=0.05).add(*table(*cells))
    assert result_of(run_of(made)).verdict == verdict


@given(st.integers(0, 30), st.integers(0, 12), st.integers(0, 12), st.integers(0, 30))
def test_improved_never_shows_an_interval_that_touches_zero(
    both: int, fixed: int, broken: int, neither: int
) -> None:
    """Verdict, 95 % interval and both p-values tell one story at alpha 5 %."""
    made = MadeUp("triage", margin=0.05).add(*table(both, fixed, broken, neither))
    result = result_of(run_of(made))
    if result.verdict != "improved":
        return
    assert result.interval is not None
    assert result.interval.low > 0
    assert max(result.p_value or 1.0, result.p_exact or 1.0) <= 0.05
