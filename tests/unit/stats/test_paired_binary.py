"""Paired binary outcomes: identities, mirrors, and data that say next to nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.paired_binary import (
    PairedTable,
    TangoScore,
    bonett_price_interval,
    mcnemar_asymptotic,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe_interval,
    tango_interval,
    tango_p,
    tango_statistic,
)
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.values import Side

COUNT = st.integers(0, 60)
LEVEL = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(st.integers(0, 15), st.integers(0, 15), st.sampled_from(["two-sided", "greater", "less"]))
def test_exact_mcnemar_is_the_exact_sign_flip(gained: int, lost: int, side: Side) -> None:
    """Two ways to one law: binomial given the discordant pairs, and all flips of differences."""
    d = [1.0] * gained + [-1.0] * lost + [0.0] * 7
    flipped = sign_flip(d, rng=np.random.default_rng(0), side=side).value
    assert float(mcnemar_exact(gained, lost, side=side)[0]) == pytest.approx(flipped, rel=1e-9)


@given(COUNT, COUNT)
def test_exact_tests_are_never_below_mid_p(gained: int, lost: int) -> None:
    """Mid-p takes mass off, so it lies below the exact p-value and both lie in (0, 1]."""
    exact, mid = mcnemar_exact(gained, lost)[0], mcnemar_mid_p(gained, lost)[0]
    assert 0 < mid <= exact <= 1


@given(COUNT, COUNT, st.sampled_from([mcnemar_exact, mcnemar_mid_p, mcnemar_asymptotic]))
def test_swapping_the_models_swaps_the_sides(gained: int, lost: int, test: object) -> None:
    """A gain of one model is the other's loss, by the same p-value."""
    assert callable(test)
    assert test(gained, lost) == test(lost, gained)
    assert test(gained, lost, side="greater") == test(lost, gained, side="less")


@given(COUNT, COUNT, COUNT, LEVEL)
def test_tango_excludes_zero_exactly_when_its_test_rejects(
    gained: int, lost: int, same: int, level: float
) -> None:
    """Interval and p-value come from one statistic and cannot disagree."""
    n = gained + lost + same
    found = tango_interval(gained, lost, n, level=level).at()
    p = float(tango_p(gained, lost, n)[0])
    assert (found.low > 0 or found.high < 0) == (p < 1 - level)


@given(COUNT, COUNT, COUNT, LEVEL)
def test_tango_mirrors_and_contains_the_difference(
    gained: int, lost: int, same: int, level: float
) -> None:
    """Swapping the models mirrors the limits, and the seen difference lies inside them."""
    n = gained + lost + same
    found = tango_interval(gained, lost, n, level=level).at()
    mirror = tango_interval(lost, gained, n, level=level).at()
    assert (found.low, found.high) == pytest.approx((-mirror.high, -mirror.low), abs=1e-12)
    assert -1 <= found.low < found.high <= 1
    assert found.low - 1e-12 <= (gained - lost) / max(n, 1) <= found.high + 1e-12


@given(COUNT, COUNT, COUNT, LEVEL)
def test_tango_limits_solve_the_score_equation(
    gained: int, lost: int, same: int, level: float
) -> None:
    """At a limit inside (-1, 1) the statistic is the normal quantile."""
    n = gained + lost + same + 1
    found = tango_interval(gained, lost, n, level=level).at()
    z = TangoScore(gained, lost, n).interval(level=level)
    assert z == found
    for limit, sign in ((found.low, 1), (found.high, -1)):
        if abs(limit) < 1 - 1e-9:
            statistic = float(tango_statistic(gained, lost, n, null=limit)[0])
            p = float(tango_p(gained, lost, n, null=limit)[0])
            assert p == pytest.approx(1 - level, rel=1e-6)
            assert statistic * sign > 0


@given(COUNT, COUNT, st.integers(0, 50), st.integers(1, 500))
def test_tied_pairs_never_flip_a_sign(gained: int, lost: int, same: int, more: int) -> None:
    """More pairs without a difference draw the interval together around the same sign."""
    n = gained + lost + same
    before = tango_interval(gained, lost, n).at()
    after = tango_interval(gained, lost, n + more).at()
    assert (before.low > 0, before.high < 0) == (after.low > 0, after.high < 0)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(0, 0, 0), (0, 0, 1), (1, 0, 1), (0, 2, 2), (0, 0, 50), (30, 0, 30)]
)
def test_poor_data_claim_no_certainty(gained: int, lost: int, n: int) -> None:
    """With nothing or little to go by every interval has width and every p-value is a number."""
    found = tango_interval(gained, lost, n).at()
    assert found.high - found.low > 0.1
    for test in (mcnemar_exact, mcnemar_mid_p, mcnemar_asymptotic):
        assert 0 < test(gained, lost)[0] <= 1
    cross = bonett_price_interval(gained, lost, n).at()
    assert cross.high > cross.low


def test_no_pairs_say_nothing() -> None:
    """Without a pair every difference is possible and nothing is against the null."""
    found = tango_interval(0, 0, 0).at()
    assert (found.low, found.high) == (-1.0, 1.0)
    assert tango_p(0, 0, 0)[0] == 1.0


def test_many_discordant_pairs_stay_exact() -> None:
    """A million discordant pairs lose no digits."""
    p = float(mcnemar_exact(500_000, 500_000 + 2_000)[0])
    assert p == pytest.approx(0.0458, abs=1e-4)
    assert float(mcnemar_exact(400_000, 600_000)[0]) == 0.0
    assert float(mcnemar_exact(495_000, 505_000)[0]) == pytest.approx(1.53e-23, rel=0.01)


def test_cross_checks_agree_where_all_are_good() -> None:
    """Tango, Newcombe and Bonett-Price lie within a point of each other on ample data."""
    tango = tango_interval(60, 30, 500).at()
    others = (
        newcombe_interval(PairedTable(300, 60, 30, 110)).at(),
        bonett_price_interval(60, 30, 500).at(),
    )
    for other in others:
        assert math.isclose(tango.low, other.low, abs_tol=0.01)
        assert math.isclose(tango.high, other.high, abs_tol=0.01)
