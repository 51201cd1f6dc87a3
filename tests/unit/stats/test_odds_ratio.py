"""The conditional odds ratio: published limits, edges, and agreement with McNemar's tests."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.odds_ratio import OddsLimits, conditional_odds_ratio
from evalkit.stats.paired_binary import mcnemar_exact, mcnemar_mid_p
from evalkit.stats.values import Interval, NotEstimable

KINDS: tuple[OddsLimits, ...] = get_args(OddsLimits)
COUNT = st.integers(0, 60)


@pytest.mark.parametrize(("name", "kind"), [("exact", "exact"), ("midp", "mid-p")])
def test_airway_responsiveness(
    name: str, kind: OddsLimits, reference: dict[str, dict[str, Any]]
) -> None:
    """Fagerland's worked example of one gain and seven losses."""
    entry = reference[f"paired_or_{name}_ahr"]
    found = conditional_odds_ratio(entry["inputs"]["b"], entry["inputs"]["c"], limits=kind)
    assert found.estimate == pytest.approx(1 / 7)
    assert isinstance(found.interval, Interval)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        entry["expected"], abs=entry["tolerance"]
    ), entry["source"]


@given(COUNT, COUNT, st.sampled_from(KINDS), st.sampled_from([0.8, 0.9, 0.95]))
def test_holds_one_exactly_when_mcnemar_keeps_it(
    b: int, c: int, kind: OddsLimits, level: float
) -> None:
    """Limits and p-value are one statement, by the exact test and by mid-p."""
    found = conditional_odds_ratio(b, c, level=level, limits=kind)
    test = mcnemar_exact if kind == "exact" else mcnemar_mid_p
    assert found.p_value.value == float(test(b, c)[0])
    if isinstance(found.interval, NotEstimable):
        assert b == c == 0
        return
    close = min(abs(found.interval.low - 1), abs(found.interval.high - 1)) < 1e-9
    rejects = found.p_value.value <= 1 - level
    assert close or (found.interval.low > 1 or found.interval.high < 1) == rejects


@given(COUNT, COUNT, st.sampled_from(KINDS))
def test_swapped_models_have_the_inverse(b: int, c: int, kind: OddsLimits) -> None:
    """The ratio of base over candidate is one over that of candidate over base."""
    one, other = (conditional_odds_ratio(x, y, limits=kind) for x, y in ((b, c), (c, b)))
    if isinstance(one.interval, NotEstimable):
        return
    assert isinstance(other.interval, Interval)
    inverse = 1 / other.interval.high if other.interval.high else math.inf
    assert one.interval.low == pytest.approx(inverse, rel=1e-6)


@given(COUNT, COUNT)
def test_mid_p_is_inside_the_exact_limits(b: int, c: int) -> None:
    """Mid-p takes off what exactness costs."""
    exact, mid = (conditional_odds_ratio(b, c, limits=kind).interval for kind in KINDS)
    if isinstance(exact, NotEstimable) or isinstance(mid, NotEstimable):
        return
    assert exact.low <= mid.low * (1 + 1e-9)
    assert mid.high <= exact.high * (1 + 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_edges(kind: OddsLimits) -> None:
    """Without a gain the ratio is 0, without a loss infinite, and neither has width 0."""
    none, all_gained = (conditional_odds_ratio(b, c, limits=kind) for b, c in ((0, 9), (9, 0)))
    assert isinstance(none.interval, Interval)
    assert isinstance(all_gained.interval, Interval)
    assert (none.estimate, none.interval.low) == (0.0, 0.0)
    assert 0 < none.interval.high < 1
    assert (all_gained.estimate, all_gained.interval.high) == (math.inf, math.inf)
    assert 1 < all_gained.interval.low < math.inf


def test_mid_p_limit_without_a_gain_in_closed_form() -> None:
    """With 0 of m the upper mid-p share t solves (1 - t)^m / 2 = .025."""
    found = conditional_odds_ratio(0, 9, limits="mid-p").interval
    assert isinstance(found, Interval)
    share = 1 - 0.05 ** (1 / 9)
    assert found.high == pytest.approx(share / (1 - share))


def test_no_discordant_pair() -> None:
    """No ratio, and nothing against the null."""
    found = conditional_odds_ratio(0, 0)
    assert found.estimate == found.interval == NotEstimable("no pair is discordant")
    assert (found.p_value.value, found.n) == (1.0, 0)


def test_many_pairs() -> None:
    """A million discordant pairs have narrow limits around the ratio."""
    for kind in KINDS:
        found = conditional_odds_ratio(600_000, 400_000, limits=kind).interval
        assert isinstance(found, Interval)
        assert 1.49 < found.low < 1.5 < found.high < 1.51
