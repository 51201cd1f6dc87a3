"""Exact power: equal to the sum over all tables; cases and margins that are just enough."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import multinomial

from evalkit.stats.exact_power import (
    BinaryDesign,
    Claim,
    Rule,
    exact_cases,
    exact_power,
    exact_smallest_gain,
    exact_smallest_margin,
)
from evalkit.stats.paired_binary import mcnemar_exact, tango_interval, tango_p, tango_statistic
from evalkit.stats.power import Cases, Planned, cases_for_margin, mcnemar_power
from evalkit.stats.power_search import first_enough, first_lasting
from evalkit.stats.values import NotEstimable

RULES: tuple[Rule, ...] = ("non_inferior", "superior", "equivalent")


def value(found: object) -> float:
    """Return the figure that must be there."""
    assert isinstance(found, Planned)
    return found.value


def number(found: object) -> int:
    """Return the number of cases that must be there."""
    assert isinstance(found, Cases)
    return found.n


def summed(design: BinaryDesign, claim: Claim) -> float:
    """Return the power as the plain sum over every table, decided by its interval and tests."""
    n = design.n
    gained, lost = np.array([(b, m - b) for m in range(n + 1) for b in range(m + 1)]).T
    limits = tango_interval(gained, lost, n, level=1 - 2 * claim.alpha)
    tests = np.maximum(tango_p(gained, lost, n), mcnemar_exact(gained, lost))
    shown = {
        "non_inferior": limits.low > -claim.bound,
        "equivalent": (-claim.bound < limits.low) & (limits.high < claim.bound),
        "superior": (limits.low > claim.bound) & (gained > lost) & (tests <= claim.alpha),
    }[claim.rule]
    p = (design.discordant + design.difference) / 2
    q = (design.discordant - design.difference) / 2
    cells = np.array([max(p, 0.0), max(q, 0.0), max(1 - p - q, 0.0)])
    tables = np.stack([gained, lost, n - gained - lost], axis=1)
    return float(multinomial.pmf(tables, n, cells / cells.sum())[shown].sum())


@given(
    st.builds(BinaryDesign, st.integers(1, 20), st.floats(0, 1), st.floats(-1, 1)),
    st.builds(Claim, st.sampled_from(RULES), st.floats(0.01, 0.9), st.just(0.1)),
)
def test_power_is_the_sum_over_all_tables(design: BinaryDesign, claim: Claim) -> None:
    """One critical number of gains for each number of discordant pairs gives the same sum."""
    found = exact_power(design, claim)
    assert value(found) == pytest.approx(summed(design, claim), abs=1e-9)
    assert isinstance(found, Planned)
    assert found.method == "exact, by enumeration"


@pytest.mark.parametrize("rule", RULES)
def test_power_of_a_larger_design_is_that_sum_too(rule: Rule) -> None:
    """60 cases at a realistic churn, summed over all 1,891 tables."""
    design = BinaryDesign(60, 0.3, 0.1)
    claim = Claim(rule, 0.25)
    assert value(exact_power(design, claim)) == pytest.approx(summed(design, claim), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 150])
@pytest.mark.parametrize("null", [-0.9, -0.3, -0.05, 0.0, 0.02, 0.5])
def test_the_score_statistic_rises_with_the_gains(n: int, null: float) -> None:
    """At a fixed number of discordant pairs: what the sum rests on."""
    for m in range(n + 1):
        gained = np.arange(m + 1)
        assert (np.diff(tango_statistic(gained, m - gained, n, null=null)) >= 0).all()


@given(
    n=st.integers(1, 400),
    churn=st.floats(0.01, 1),
    share=st.floats(0, 1),
    alpha=st.floats(0.001, 0.2),
)
def test_any_gain_is_exact_mcnemar(n: int, churn: float, share: float, alpha: float) -> None:
    """The score test finds every gain that the exact test finds, so this one decides."""
    gain = share * churn
    exact = value(exact_power(BinaryDesign(n, churn, gain), Claim("superior", 0.0, alpha)))
    assert exact == pytest.approx(mcnemar_power(n, churn, gain=gain, alpha=alpha), abs=1e-9)


@given(n=st.integers(1, 300), churn=st.floats(0.01, 1), difference=st.floats(-0.5, 0.5))
def test_equivalence_is_symmetric(n: int, churn: float, difference: float) -> None:
    """Swapping base and candidate changes nothing about being as good as each other."""
    claim = Claim("equivalent", 0.2)
    one, other = (
        value(exact_power(BinaryDesign(n, churn, d), claim)) for d in (difference, -difference)
    )
    assert one == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("n", [200, 5_000, 80_000, 1_000_000])
def test_risk_at_the_margin(n: int) -> None:
    """A model exactly at the margin is promoted in about alpha, the closer the larger n."""
    risk = value(exact_power(BinaryDesign(n, 0.1, -0.03), Claim("non_inferior", 0.03)))
    assert risk == pytest.approx(0.05, abs=0.05 / math.sqrt(n))


def test_above_a_million_the_normal_approximation_stands() -> None:
    """The two meet there, and the method says which it was."""
    claim = Claim("non_inferior", 0.001)
    below, above = (exact_power(BinaryDesign(n, 0.2, 0.0), claim) for n in (10**6, 10**6 + 1))
    assert value(below) == pytest.approx(value(above), abs=1e-3)
    assert isinstance(above, Planned)
    assert above.method == "normal approximation of the score test"


@pytest.mark.parametrize(("margin", "churn"), [(0.05, 0.1), (0.03, 0.1), (0.05, 0.02), (0.3, 0.1)])
def test_cases_for_a_margin(margin: float, churn: float) -> None:
    """Enough from there on, not enough one case before, and more than the usual formula says."""
    claim = Claim("non_inferior", margin)
    n = number(exact_cases(claim, churn))
    powers = [value(exact_power(BinaryDesign(k, churn), claim)) for k in range(n, n + 32)]
    assert min(powers) >= 0.8
    assert value(exact_power(BinaryDesign(n - 1, churn), claim)) < 0.8
    usual = cases_for_margin(margin, churn)
    assert usual is not None
    assert n > usual.n


def test_cases_for_the_margins_of_the_design() -> None:
    """269, 705 and 1,565 cases where the formula says 248, 687 and 1,546 (enumerated)."""
    found = [number(exact_cases(Claim("non_inferior", m), 0.1)) for m in (0.05, 0.03, 0.02)]
    assert found == [269, 705, 1565]


@pytest.mark.parametrize(("gain", "n"), [(0.02, 2043), (0.03, 920), (0.05, 337), (0.1, 78)])
def test_cases_for_a_gain(gain: float, n: int) -> None:
    """As many as exact McNemar needs; Connor's formula says 1,960, 870, 312 (design A6)."""
    assert number(exact_cases(Claim("superior", 0.0), 0.1, difference=gain)) == n


def test_a_gain_asked_for_takes_more_cases() -> None:
    """To tell 10 points from 5 takes more than to tell them from none."""
    any_gain, five = (
        number(exact_cases(Claim("superior", bound), 0.2, difference=0.1)) for bound in (0.0, 0.05)
    )
    assert five > 2 * any_gain


def test_equivalence_takes_more_cases_than_holding_a_margin() -> None:
    """Two tests at once need more cases than one of them."""
    one, both = (number(exact_cases(Claim(r, 0.05), 0.1)) for r in ("non_inferior", "equivalent"))
    assert one < both


def test_many_cases_come_from_the_approximation() -> None:
    """Above 20,000 cases nothing is searched, and the approximation has the power it claims."""
    claim = Claim("non_inferior", 0.002)
    found = exact_cases(claim, 0.1)
    assert isinstance(found, Cases)
    assert found.method == "normal approximation of the score test"
    assert value(exact_power(BinaryDesign(found.n, 0.1), claim)) == pytest.approx(0.8, abs=2e-3)


@given(n=st.integers(20, 2_000), churn=st.floats(0.01, 0.5))
def test_the_smallest_margin_is_just_enough(n: int, churn: float) -> None:
    """The power is reached at it, and not at anything smaller."""
    margin = value(exact_smallest_margin(n, churn))
    design = BinaryDesign(n, churn)
    assert value(exact_power(design, Claim("non_inferior", margin))) >= 0.8
    assert value(exact_power(design, Claim("non_inferior", margin - 1e-9))) < 0.8


def test_the_smallest_margin_of_a_hundred_cases() -> None:
    """8.6 points at 10 % churn (enumerated), where the formula says 7.9 (design A6)."""
    assert value(exact_smallest_margin(100, 0.1)) == pytest.approx(0.0862, abs=5e-5)


def test_the_smallest_gain_is_just_enough() -> None:
    """100 cases at 10 % churn find 8.8 points (enumerated), and nothing smaller."""
    gain = value(exact_smallest_gain(100, 0.1))
    assert gain == pytest.approx(0.0884, abs=5e-5)
    claim = Claim("superior", 0.0)
    assert value(exact_power(BinaryDesign(100, 0.1, gain), claim)) >= 0.8
    assert value(exact_power(BinaryDesign(100, 0.1, gain - 1e-6), claim)) < 0.8


@pytest.mark.parametrize(
    "design",
    [
        BinaryDesign(0, 0.1),
        BinaryDesign(10, math.nan),
        BinaryDesign(10, 0.1, math.nan),
        BinaryDesign(10, 1.2),
        BinaryDesign(10, 0.1, -1.5),
    ],
)
def test_no_design_no_power(design: BinaryDesign) -> None:
    """Without a case or with no shares there is a reason instead of a number."""
    assert isinstance(exact_power(design, Claim("non_inferior", 0.1)), NotEstimable)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("churn", [0.0, 1.0])
def test_hardly_any_case(rule: Rule, n: int, churn: float) -> None:
    """One or two cases, all or none of them discordant: a probability, and no claim shown."""
    claim = Claim(rule, 0.1)
    assert value(exact_power(BinaryDesign(n, churn), claim)) == 0


def test_what_no_number_of_cases_shows() -> None:
    """A margin that the candidate loses, or a gain that it does not have, has no n."""
    assert isinstance(exact_cases(Claim("non_inferior", 0.05), 0.1, difference=-0.05), NotEstimable)
    assert isinstance(exact_cases(Claim("superior", 0.0), 0.1), NotEstimable)
    assert isinstance(exact_cases(Claim("equivalent", 0.05), 0.1, difference=0.06), NotEstimable)
    assert isinstance(exact_cases(Claim("non_inferior", 0.05), math.nan), NotEstimable)
    assert isinstance(exact_smallest_margin(1, 0.5), NotEstimable)
    assert isinstance(exact_smallest_gain(3, 0.5), NotEstimable)


def test_without_churn_a_few_cases_do() -> None:
    """Where nothing flips, n is what puts Tango's limit of 0 lost in n above the margin."""
    n = number(exact_cases(Claim("non_inferior", 0.1), 0.0))
    assert (
        tango_interval(0, 0, n, level=0.9).low[0]
        > -0.1
        >= tango_interval(0, 0, n - 1, level=0.9).low[0]
    )


@pytest.mark.parametrize("alpha", [0.0, 0.5, -1.0, math.nan])
def test_levels_that_make_no_sense(alpha: float) -> None:
    """A level at which limits would change places is a mistake of the caller."""
    with pytest.raises(ValueError, match="alpha"):
        Claim("non_inferior", 0.1, alpha)


@pytest.mark.parametrize("bound", [-0.1, 1.1, math.nan])
def test_bounds_that_make_no_sense(bound: float) -> None:
    """So is a margin that no difference can reach."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Claim("non_inferior", bound)


@pytest.mark.parametrize("power", [0.0, 1.0, math.nan])
def test_powers_that_make_no_sense(power: float) -> None:
    """Certainty takes infinitely many cases."""
    with pytest.raises(ValueError, match="power"):
        exact_cases(Claim("non_inferior", 0.1), 0.1, power=power)


@given(st.integers(1, 5_000))
def test_the_first_enough(n: int) -> None:
    """Doubling and halving finds the first of a rising sequence."""
    assert first_enough(lambda k: k >= n) == n


def test_nothing_is_ever_enough() -> None:
    """The search ends."""
    assert first_enough(lambda _: False) is None
    assert first_lasting(lambda ns: ns < 0, 5) is None


@given(n=st.integers(1, 900), start=st.integers(1, 900), holes=st.sets(st.integers(1, 60)))
def test_the_first_that_lasts(n: int, start: int, holes: set[int]) -> None:
    """A number is not the answer while one above it in the window falls short again."""
    gaps = np.array(sorted(n + hole for hole in holes), dtype=np.int64)
    found = first_lasting(lambda ns: (ns >= n) & ~np.isin(ns, gaps), start)
    assert found is not None
    assert found == 1 or not (found - 1 >= n and found - 1 not in gaps)
    window = np.arange(found, found + 32)
    assert ((window >= n) & ~np.isin(window, gaps)).all()


@pytest.mark.parametrize("n", [6, 8, 10, 20, 30, 100, 300, 1_000])
def test_the_worst_guard_allows_no_loss(n: int) -> None:
    """Just above z^2 / (n + z^2) nothing may be lost, and by chance nothing is: the stated risk."""
    z2 = float(ndtri(0.95)) ** 2
    margin = z2 / (n + z2) * (1 + 1e-9)
    found = exact_power(BinaryDesign(n, margin, -margin), Claim("non_inferior", margin))
    assert isinstance(found, Planned)
    assert found.value == pytest.approx((n / (n + z2)) ** n, abs=1e-6)
    below = margin * (1 - 1e-6)
    less = exact_power(BinaryDesign(n, below, -below), Claim("non_inferior", below))
    assert isinstance(less, Planned)
    assert less.value < 0.01
