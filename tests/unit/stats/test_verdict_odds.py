"""The odds of the verdicts: those that the lattice of the decision gives, table by table."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import astuple, replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.decide.decision import Verdict
from evalkit.decide.verdict import verdict_of
from evalkit.stats.exact_power import BinaryDesign, Claim, exact_power
from evalkit.stats.paired_binary import TangoScore, mcnemar_exact
from evalkit.stats.power import Planned
from evalkit.stats.score_power import ScoreDesign, score_power
from evalkit.stats.values import NotEstimable
from evalkit.stats.verdict_odds import VerdictOdds, planned_odds, verdict_odds


def odds(found: object) -> VerdictOdds:
    """Return odds that must be there."""
    assert isinstance(found, VerdictOdds)
    return found


def by_verdict(found: object) -> dict[Verdict, float]:
    """Return the probabilities under the decision's own names."""
    return {verdict: getattr(odds(found), verdict) for verdict in get_args(Verdict)}


@functools.cache
def verdicts(n: int, margin: float, alpha: float) -> list[tuple[int, int, Verdict]]:
    """Return every table of n pairs with the verdict that the decision would give."""
    found = []
    for gained, lost in itertools.product(range(n + 1), repeat=2):
        if gained + lost <= n:
            score = TangoScore(gained, lost, n)
            tests = (score.p_value().value, float(mcnemar_exact(gained, lost)[0]))
            gate = score.interval(level=1 - 2 * alpha)
            confirmed = max(tests) <= alpha
            verdict = verdict_of(gate, margin=margin, gain_confirmed=confirmed)
            found.append((gained, lost, verdict))
    return found


def summed(design: BinaryDesign, margin: float, alpha: float) -> dict[Verdict, float]:
    """Return the odds as a sum over every table."""
    total: dict[Verdict, float] = dict.fromkeys(get_args(Verdict), 0.0)
    p = max(design.discordant + design.difference, 0.0) / 2
    q = max(design.discordant - design.difference, 0.0) / 2
    for b, c, verdict in verdicts(design.n, margin, alpha):
        ways = math.comb(design.n, b) * math.comb(design.n - b, c)
        total[verdict] += ways * p**b * q**c * max(1 - p - q, 0.0) ** (design.n - b - c)
    return total


@given(
    n=st.integers(1, 9),
    churn=st.floats(0, 1),
    difference=st.floats(-1, 1),
    margin=st.sampled_from([0.02, 0.2, 0.5]),
)
def test_odds_are_those_of_the_decision(
    n: int, churn: float, difference: float, margin: float
) -> None:
    """Every table judged by `evalkit.decide.verdict` and weighed gives the same six numbers."""
    design = BinaryDesign(n, churn, difference)
    expected = summed(design, margin, 0.1)
    for verdict, chance in by_verdict(verdict_odds(design, margin, alpha=0.1)).items():
        assert chance == pytest.approx(expected[verdict], abs=1e-9), verdict


@pytest.mark.parametrize("difference", [0.0, -0.2, 0.2])
def test_odds_of_a_larger_suite(difference: float) -> None:
    """The same with 40 pairs, where all six verdicts occur."""
    design = BinaryDesign(40, 0.4, difference)
    expected = summed(design, 0.2, 0.05)
    for verdict, chance in by_verdict(verdict_odds(design, 0.2)).items():
        assert chance == pytest.approx(expected[verdict], abs=1e-9), verdict


@given(
    n=st.integers(2, 4_000),
    difference=st.floats(-0.5, 0.5),
    margin=st.floats(0, 0.5),
    binary=st.booleans(),
)
def test_odds_sum_to_one(n: int, difference: float, margin: float, *, binary: bool) -> None:
    """One verdict is given, whatever the design."""
    kind = BinaryDesign(n, 0.2, difference) if binary else ScoreDesign(n, 0.05, difference)
    parts = by_verdict(verdict_odds(kind, margin)).values()
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(1)


@given(n=st.integers(2, 3_000), difference=st.floats(-0.3, 0.3), margin=st.floats(0.01, 0.5))
def test_a_guard_passes_as_often_as_its_power_says(
    n: int, difference: float, margin: float
) -> None:
    """Improved, non-inferior and worse within the margin together are the claim "non_inferior"."""
    claim = Claim("non_inferior", margin)
    pairs, scores = BinaryDesign(n, 0.3, difference), ScoreDesign(n, 0.05, difference)
    for found, power in (
        (verdict_odds(pairs, margin), exact_power(pairs, claim)),
        (verdict_odds(scores, margin), score_power(scores, claim)),
    ):
        assert isinstance(power, Planned)
        assert odds(found).holds_margin == pytest.approx(power.value, abs=1e-6)


def test_planned_truths() -> None:
    """Nothing changed, the margin lost, the gain asked for; each with its method."""
    found = [odds(o) for o in planned_odds(BinaryDesign(200, 0.1), 0.05, min_gain=0.03)]
    assert [o.difference for o in found] == [0.0, -0.05, 0.03]
    assert {o.method for o in found} == {"exact, by enumeration"}
    assert found[1].holds_margin < 0.052 < found[0].holds_margin < found[2].holds_margin
    assert len(planned_odds(BinaryDesign(200, 0.1), 0.05)) == 2


def test_a_small_suite_mostly_cannot_tell() -> None:
    """30 cases at 20 % churn, a margin of 5 points: an unchanged model is promoted in a tenth."""
    found = odds(verdict_odds(BinaryDesign(30, 0.2), 0.05))
    assert found.inconclusive > 0.8
    assert found.holds_margin < 0.15


def test_binary_scores_in_great_number_are_scores() -> None:
    """The exact odds at a million cases are those of their normal approximation above it."""
    exact, normal = (verdict_odds(BinaryDesign(n, 0.2, 0.0), 0.001) for n in (10**6, 10**6 + 1))
    for verdict, chance in by_verdict(exact).items():
        assert by_verdict(normal)[verdict] == pytest.approx(chance, abs=2e-3)
    assert odds(normal).method == "t interval of normal differences"


def test_few_clusters_can_show_little() -> None:
    """With the same cases in 4 clusters instead of 100 units a guard passes less often."""
    alone = ScoreDesign(100, 0.04)
    grouped = replace(alone, cluster_size=25, icc=0.2)
    single, clustered = (odds(verdict_odds(d, 0.05)).holds_margin for d in (alone, grouped))
    assert clustered < single / 2


@pytest.mark.parametrize(
    "design", [BinaryDesign(0, 0.1), BinaryDesign(9, math.nan), ScoreDesign(1, 0.1)]
)
def test_no_design_no_odds(design: BinaryDesign | ScoreDesign) -> None:
    """Without a case, a share or a spread there is a reason instead of odds."""
    assert isinstance(verdict_odds(design, 0.1), NotEstimable)


@pytest.mark.parametrize(("margin", "alpha"), [(math.nan, 0.05), (-0.1, 0.05), (0.1, 0.5)])
def test_no_margin_no_odds(margin: float, alpha: float) -> None:
    """A margin or level that is none has no verdicts."""
    assert isinstance(verdict_odds(BinaryDesign(50, 0.1), margin, alpha=alpha), NotEstimable)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("churn", [0.0, 1.0])
def test_hardly_any_case_never_claims(n: int, churn: float) -> None:
    """One or two cases leave it open, all flipped or none."""
    found = odds(verdict_odds(BinaryDesign(n, churn), 0.05))
    assert found.inconclusive + found.regressed + found.regressed_beyond_margin == pytest.approx(1)
    assert len(astuple(found)) == 8
