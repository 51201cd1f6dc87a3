"""Flips with their intervals, churn beyond noise, and which single cases regressed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.flips import (
    FlipAnalysis,
    Ratio,
    Share,
    excess_churn,
    flip_analysis,
    flip_rates,
    share,
)
from evalkit.stats.mover import Mover
from evalkit.stats.proportions import clopper_pearson
from evalkit.stats.regressed_cases import RegressedCases, Successes, regressed_cases
from evalkit.stats.values import FlipRates, Interval, NotEstimable

CELL = st.integers(0, 40)
nan = float("nan")


def analysis(*cells: int, level: float = 0.95) -> FlipAnalysis:
    """Return the flips of a table (both, gained, lost, neither) that has cases."""
    both, gained, lost, neither = cells
    found = flip_analysis(both, gained, lost=lost, neither=neither, level=level)
    assert isinstance(found, FlipAnalysis)
    return found


def named(base: Successes, candidate: Successes, *, rate: float = 0.1) -> RegressedCases:
    """Return the regressed cases of models that were sampled."""
    found = regressed_cases(base, candidate, rate=rate)
    assert isinstance(found, RegressedCases)
    return found


def test_a_real_fine_tune() -> None:
    """GSM8K: +4.3 points net hide that a third of the right answers were lost (design, A15)."""
    found = analysis(266, 208, 152, 693)
    assert found.fixed.value - found.broken.value == pytest.approx(0.0425, abs=5e-4)
    assert found.churn.value == pytest.approx(0.273, abs=5e-4)
    assert isinstance(found.trust, Share)
    assert 1 - found.trust.value == pytest.approx(152 / 418)
    for figure in (found.churn, found.fixed, found.broken, found.trust):
        assert figure.interval == clopper_pearson(figure.count, figure.n)
        assert figure.interval.low < figure.value < figure.interval.high
    assert isinstance(found.relative_broken, Ratio)
    assert found.relative_broken.value == pytest.approx((152 / 845) / (418 / 1319))
    assert found.relative_broken.interval.high < 1


@given(CELL, CELL, CELL, CELL)
def test_flip_rates_are_the_same_shares(both: int, gained: int, lost: int, neither: int) -> None:
    """The shorter result, which the report uses, says the same."""
    found = flip_analysis(both, gained, lost=lost, neither=neither)
    short = flip_rates(both, gained, lost=lost, neither=neither)
    if isinstance(found, NotEstimable):
        assert short == found == NotEstimable("no case")
        return
    assert isinstance(short, FlipRates)
    assert short.broken_interval == found.broken.interval
    shares = (found.churn.value, found.fixed.value, found.broken.value)
    assert shares == (short.churn, short.fixed, short.broken)
    relative = found.relative_broken
    assert (short.relative_broken is None) == isinstance(relative, NotEstimable)
    if isinstance(relative, Ratio):
        assert relative.value == pytest.approx(short.relative_broken)
        assert relative.interval.low <= relative.value <= relative.interval.high


@given(CELL, CELL, CELL, CELL)
def test_swapping_the_models_swaps_fixed_and_broken(a: int, b: int, c: int, d: int) -> None:
    """What one broke the other fixes; churn stays."""
    one = flip_analysis(a, b, lost=c, neither=d)
    other = flip_analysis(a, c, lost=b, neither=d)
    if isinstance(one, NotEstimable) or isinstance(other, NotEstimable):
        assert one == other
        return
    assert (one.fixed, one.broken, one.churn) == (other.broken, other.fixed, other.churn)


def test_independent_errors_have_a_ratio_of_one() -> None:
    """A candidate that errs anywhere breaks as much as chance says; the interval holds 1."""
    found = analysis(560, 140, 240, 60).relative_broken
    assert isinstance(found, Ratio)
    assert found.value == pytest.approx(1.0)
    assert found.interval.low < 1 < found.interval.high


@pytest.mark.parametrize(
    ("cells", "relative", "trust"),
    [
        ((10, 0, 0, 0), "the candidate made no error", None),
        ((0, 5, 0, 5), "the base model had no case right", "the base model had no case right"),
        ((0, 0, 0, 1), "the base model had no case right", "the base model had no case right"),
    ],
)
def test_flips_at_the_edges(cells: Any, relative: str, trust: str | None) -> None:
    """Nothing to break or no error: the reason stands where the figure would."""
    found = analysis(*cells)
    assert found.relative_broken == NotEstimable(relative)
    assert found.trust == NotEstimable(trust) if trust else isinstance(found.trust, Share)


def test_every_right_answer_broken() -> None:
    """All of the base's right answers lost: the ratio exists, and its interval has width."""
    found = analysis(0, 0, 6, 4)
    assert isinstance(found.relative_broken, Ratio)
    assert found.relative_broken.value == pytest.approx(1.0)
    nothing = analysis(8, 0, 0, 4)
    assert isinstance(nothing.relative_broken, Ratio)
    assert nothing.relative_broken.value == 0.0
    assert 0 == nothing.relative_broken.interval.low < nothing.relative_broken.interval.high


def test_share_of_nothing() -> None:
    """A share of no cases is none."""
    assert share(0, 0) == NotEstimable("no case")


def test_noise_is_taken_off() -> None:
    """27 % churn where two runs of the base differ in 20 %: 7 points are left, with limits."""
    found = excess_churn((54, 200), (40, 200))
    assert isinstance(found, Mover)
    assert found.estimate == pytest.approx(0.07)
    interval = found.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low < 0 < interval.high
    assert found.p_value(side="greater").value == pytest.approx(0.05, abs=0.02)
    quiet = excess_churn((54, 200), (2, 200))
    assert isinstance(quiet, Mover)
    above = quiet.interval(level=0.95)
    assert isinstance(above, Interval)
    assert above.low > 0.15


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 60), st.integers(0, 60))
def test_excess_is_antisymmetric(n: int, x: int, m: int, y: int) -> None:
    """Exchanging the two tables turns the sign."""
    one, other = (min(x, n), n), (min(y, m), m)
    found, turned = excess_churn(one, other), excess_churn(other, one)
    assert isinstance(found, Mover)
    assert isinstance(turned, Mover)
    ours, theirs = found.interval(level=0.9), turned.interval(level=0.9)
    assert isinstance(ours, Interval)
    assert isinstance(theirs, Interval)
    assert (ours.low, ours.high) == pytest.approx((-theirs.high, -theirs.low))
    assert ours.low < ours.high


@pytest.mark.parametrize(
    ("flipped", "noise", "why"),
    [
        ((0, 0), (1, 5), "no case of base against candidate"),
        ((1, 5), (0, 0), "no case of the A/A run"),
    ],
)
def test_no_excess_says_why(flipped: Any, noise: Any, why: str) -> None:
    """Both tables are needed."""
    assert excess_churn(flipped, noise) == NotEstimable(why)


def test_fishers_test_per_case() -> None:
    """5 of 5 to 0 of 5 is 1/252; 3 of 4 to 1 of 4 is the tea taster's 17/70 [Fisher 1935]."""
    found = named(Successes([5, 3], [5, 4]), Successes([0, 1], [5, 4]))
    assert found.p_values.tolist() == pytest.approx([1 / 252, 17 / 70])


def test_named_cases_are_the_surest_first() -> None:
    """Regressed cases come out by their p-values; ever right and ever wrong ones cost nothing."""
    base = [10] * 500 + [10, 10, 9] + [0] * 500
    candidate = [10] * 500 + [3, 0, 9] + [0] * 500
    found = named(Successes(base, 10), Successes(candidate, 10))
    assert found.indices.tolist() == [501, 500]
    assert (found.tested, found.unreachable, found.unsampled) == (2, 1001, 0)
    assert np.isnan(found.adjusted[0])
    assert found.adjusted[501] == pytest.approx(2 * found.p_values[501])


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30),
    st.randoms(),
)
def test_order_of_cases_does_not_matter(rows: list[tuple[int, int]], random: Any) -> None:
    """Cases may come in any order; one that did not lose is never named."""
    order = random.sample(range(len(rows)), len(rows))
    base, candidate = (np.array(c) for c in zip(*rows, strict=True))
    one = named(Successes(base, 6), Successes(candidate, 6))
    other = named(Successes(base[order], 6), Successes(candidate[order], 6))
    assert one.regressed[order].tolist() == other.regressed.tolist()
    assert not one.regressed[candidate >= base].any()
    assert (one.adjusted[one.regressed] >= one.p_values[one.regressed] - 1e-15).all()


def test_cases_without_samples_are_counted() -> None:
    """Neither nan nor 0 samples count as tests; another number of samples per model is fine."""
    found = named(
        Successes([5, nan, 4, 0], [5, 5, 4, 0]), Successes([0, 0, 0, 0], [5, 5, 8, 5]), rate=0.2
    )
    assert found.unsampled == 2
    assert found.indices.tolist() == [2, 0]


@pytest.mark.parametrize("trials", [0, nan])
def test_no_samples_at_all(trials: float) -> None:
    """Without samples of both models no case can be named."""
    found = regressed_cases(Successes([0], [trials]), Successes([0], [5]))
    assert found == NotEstimable("no case was sampled from both models")


def test_nothing_reaches_the_rate() -> None:
    """With two samples each the smallest p-value is 1/6: an empty family, and no error."""
    found = named(Successes([2, 2], 2), Successes([0, 2], 2))
    assert found.tested == 0
    assert not found.regressed.any()


def test_impossible_counts_are_errors() -> None:
    """More right samples than samples is a mistake of the caller."""
    with pytest.raises(ValueError, match="between 0 and the number of samples"):
        regressed_cases(Successes([6], [5]), Successes([0], [5]))


def test_a_hundred_thousand_cases_are_one_call() -> None:
    """Each distinct table is computed once, so many cases stay quick."""
    rng = np.random.default_rng(0)
    base = rng.binomial(8, 0.9, 100_000)
    lost = rng.random(100_000) < 0.01
    candidate = np.where(lost, 0, rng.binomial(8, 0.9, 100_000))
    found = named(Successes(base, 8), Successes(candidate, 8))
    assert (found.regressed & lost).sum() > 0.9 * lost.sum()
    assert (found.regressed & ~lost).sum() <= 0.15 * found.regressed.sum()
