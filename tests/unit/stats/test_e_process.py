"""E-processes for flips: the closed form, fairness by enumeration, and how they are combined."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from evalkit.stats.e_process import (
    FlipEvidence,
    after,
    anytime_p,
    average_e,
    e_bh,
    log_e_mcnemar,
    mcnemar_e_process,
)
from evalkit.stats.values import Side

Reference = dict[str, dict[str, Any]]
FLIPS = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=60)
SIDES: tuple[Side, ...] = ("two-sided", "greater", "less")


def test_reference_number(reference: Reference) -> None:
    """Eight gains in ten flips: 1024 8! 2! / 11! in closed form."""
    entry = reference["evalue_binomial_uniform"]
    gained, n = entry["inputs"]["s"], entry["inputs"]["n"]
    found = math.exp(log_e_mcnemar(gained, n - gained)[0])
    assert found == pytest.approx(entry["expected"][0], abs=entry["tolerance"])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("prior", [0.5, 1.0, 5.0])
def test_the_bet_is_fair(side: Side, prior: float) -> None:
    """Over all ways 8 flips can fall, E is 1 on average when gains are as likely as losses."""
    total = sum(
        math.comb(8, b) * math.exp(log_e_mcnemar(b, 8 - b, side=side, prior=prior)[0])
        for b in range(9)
    )
    assert total / 2**8 == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.499])
def test_a_one_sided_bet_loses_against_worse(share: float) -> None:
    """If gains are rarer than losses the bet on more gains shrinks on average, at every step."""
    for b, c in itertools.product(range(6), repeat=2):
        now, up, down = np.exp(log_e_mcnemar([b, b + 1, b], [c, c, c + 1], side="greater"))
        assert share * up + (1 - share) * down < now


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 1), (1, 9), (40, 70), (0, 400)])
@pytest.mark.parametrize("prior", [1.0, 3.0])
def test_one_sided_evidence_is_the_integral_over_the_cut_prior(
    b: int, c: int, prior: float
) -> None:
    """Numerical integration of the likelihood ratio over shares above 1/2 gives the same."""

    def density(t: float) -> float:
        return float((t * (1 - t)) ** (prior - 1))

    ratio, _ = quad(lambda t: (2 * t) ** b * (2 - 2 * t) ** c * density(t), 0.5, 1, limit=200)
    mass, _ = quad(density, 0.5, 1)
    found = math.exp(log_e_mcnemar(b, c, side="greater", prior=prior)[0])
    assert found == pytest.approx(ratio / mass, rel=1e-6)


# From mpmath 1.4.1 at 30 digits: with a, b = gained + 1, lost + 1, the sum of
# log(hyp2f1(a + b, 1, b + 1, 1/2) / b) - (a + b) log 2 and (gained + lost + 1) log 2.
@pytest.mark.parametrize(
    ("gained", "lost", "expected"),
    [
        (2, 1499, -7.31188794303777),
        (99, 2999, -7.97283428562136),
        (99_999, 899_999, -13.592368569144),
    ],
)
def test_evidence_does_not_underflow(gained: int, lost: int, expected: float) -> None:
    """Far on the wrong side the evidence is small, finite, and right."""
    found = float(log_e_mcnemar(gained, lost, side="greater")[0])
    assert found == pytest.approx(expected, abs=1e-6)


@given(FLIPS, st.sampled_from([0.5, 1.0, 4.0]))
def test_swapping_the_models_mirrors_the_sides(d: list[float], prior: float) -> None:
    """Gains of one are losses of the other; two-sided evidence does not care."""
    swapped = [-x for x in d]
    for side, other in (("greater", "less"), ("two-sided", "two-sided")):
        ours = mcnemar_e_process(d, side=side, prior=prior)  # type: ignore[arg-type]
        theirs = mcnemar_e_process(swapped, side=other, prior=prior)  # type: ignore[arg-type]
        np.testing.assert_array_equal(ours, theirs)


@given(FLIPS)
def test_two_sided_evidence_is_the_mean_of_the_one_sided(d: list[float]) -> None:
    """The uniform prior is half of each cut prior."""
    b, c = sum(x > 0 for x in d), sum(x < 0 for x in d)
    two, up, down = (float(np.exp(log_e_mcnemar(b, c, side=side))[0]) for side in SIDES)
    assert two == pytest.approx((up + down) / 2, rel=1e-9)


@given(FLIPS, st.sampled_from(SIDES), st.integers(1, 9))
def test_blocks_give_what_the_whole_sequence_gives(d: list[float], side: Side, size: int) -> None:
    """Evidence updated block by block equals the cumulative process, ties and all."""
    state = FlipEvidence(side=side)
    for start in range(0, len(d), size):
        state = after(state, d[start : start + size])
    whole = mcnemar_e_process(d, side=side)
    assert state.log_e == pytest.approx(float(whole[-1]) if d else 0.0, abs=1e-12)
    expected = float(anytime_p(whole)[-1]) if d else 1.0
    assert state.p_value.value == pytest.approx(expected)
    assert state.rejects(alpha=0.05) == (state.p_value.value <= 0.05)


@given(FLIPS)
def test_an_anytime_p_value_never_rises(d: list[float]) -> None:
    """What was once rejected stays rejected."""
    p = anytime_p(mcnemar_e_process(d)) if d else np.ones(1)
    assert (np.diff(p) <= 0).all()
    assert ((p > 0) & (p <= 1)).all()


@pytest.mark.parametrize("d", [[], [0.0], [0.0] * 50, [math.nan, math.nan]])
def test_without_a_flip_there_is_no_evidence(d: list[float]) -> None:
    """No case, only ties, or no numbers: E = 1 and p = 1."""
    state = after(FlipEvidence(), d)
    assert (state.gained, state.lost, state.log_e) == (0, 0, 0.0)
    assert state.p_value.value == 1.0


def test_all_one_way_is_evidence_early() -> None:
    """Gains only: E = 2^m / (m + 1) passes 20 at the eighth flip and not before."""
    p = anytime_p(mcnemar_e_process(np.ones(10)))
    assert int(np.argmax(p <= 0.05)) + 1 == 8


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=8))
def test_average_lies_between_and_scales(values: list[float]) -> None:
    """The mean of e-values is the mean, computed without overflow."""
    expected = math.log(np.mean(np.exp(values)))
    assert average_e(values) == pytest.approx(expected, abs=1e-9)
    assert average_e([v + 1000 for v in values]) == pytest.approx(expected + 1000, abs=1e-9)
    last = [0.0] * (len(values) - 1) + [2.0]
    assert average_e(values, weights=last) == pytest.approx(values[-1], abs=1e-9)


def test_average_of_none_says_nothing() -> None:
    """No e-value is as good as E = 1; weights that cannot be are an error."""
    assert average_e([]) == 0.0
    for weights in ([1.0], [-1.0, 2.0], [0.0, 0.0]):
        with pytest.raises(ValueError, match="weights"):
            average_e([0.0, 1.0], weights=weights)


def test_e_bh_by_hand() -> None:
    """With m = 4 at 5 % the k-th largest must reach 80 / k: 90, 41, 26, 5 give k = 2."""
    found = e_bh(np.log([26.0, 90.0, 5.0, 41.0]).tolist())
    assert found.rejected == (False, True, False, True)
    assert (found.tested, found.excluded) == (4, 0)
    third = e_bh(np.log([27.0, 20.0, 5.0, 27.0]).tolist())
    assert third.rejected == (False, False, False, False)
    assert e_bh(np.log([27.0, 27.0, 5.0, 27.0]).tolist()).rejected == (True, True, False, True)


def test_e_bh_leaves_out_what_was_not_tested() -> None:
    """None and nan are no tests and shrink the family."""
    found = e_bh([math.log(41), None, math.nan, 0.0])
    assert found.rejected == (True, None, None, False)
    assert (found.tested, found.excluded) == (2, 2)
    assert e_bh([]).rejected == ()
    assert e_bh([None]).rejected == (None,)


def test_a_prior_must_be_one() -> None:
    """A parameter of 0 or less is no prior."""
    with pytest.raises(ValueError, match="above 0"):
        log_e_mcnemar(1, 1, prior=0.0)
