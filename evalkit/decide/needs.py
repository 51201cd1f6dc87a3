"""What cases can show, and how many a rule takes; from design quantities alone.

A plan (`evalkit.decide.forecast`) and a report ask the same functions, so that they cannot give
different numbers for one rule. Exact for independent pairs scored right or wrong: the formulas for
the paired test at 0 promise too much where few cases flip, for a gate tests at its margin (with 100
cases and 10 % churn the smallest margin is 8.6 points where the formula says 7.9). Designs recur,
so answers are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from evalkit.decide.rules import AppliedRule
from evalkit.stats.exact_power import BinaryDesign, Claim, exact_cases, exact_smallest_margin
from evalkit.stats.paired import PairedComparison
from evalkit.stats.power import Cases, Planned
from evalkit.stats.score_power import ScoreDesign, score_cases, score_smallest_margin
from evalkit.stats.values import NotEstimable

Design = BinaryDesign | ScoreDesign


@dataclass(frozen=True, slots=True)
class Needs:
    """What is certified with 80 % power if nothing changed, and what a rule would take.

    ``smallest_margin`` is on the score's scale, at most 1; ``cases`` are those to pass the rule
    with 80 % power if `supposed` is the truth. ``None`` where there is no such number.
    """

    smallest_margin: float | None
    cases: int | None


def needs_of(compared: PairedComparison, rule: AppliedRule, *, binary: bool, alpha: float) -> Needs:
    """Return what ``compared`` could show at its own spread, and what its rule would need."""
    variance, n = compared.variance, compared.n
    if variance is None:
        return Needs(None, None)
    design: Design = ScoreDesign(n, variance, cluster_size=compared.cluster_size)
    if binary and compared.clusters is None:
        design = BinaryDesign(n, variance)
    margin, cases = margin_shown(design, alpha), cases_needed(design, rule, alpha)
    return Needs(
        margin.value if isinstance(margin, Planned) else 1.0,
        cases.n if isinstance(cases, Cases) else None,
    )


def claim_of(rule: AppliedRule, alpha: float) -> Claim:
    """Return what the gate is to show; of a suite that only reports, no loss of its margin."""
    if rule.rule == "superior":
        return Claim("superior", rule.min_gain, alpha)
    return Claim("equivalent" if rule.rule == "equivalent" else "non_inferior", rule.margin, alpha)


def supposed(rule: AppliedRule) -> float:
    """Return the true change at which the rule should pass: none, for a rule against losses.

    A target gains twice what it is asked for, or half of what is left to gain where that is less;
    where any gain will do it gains its margin.
    """
    if rule.rule != "superior":
        return 0.0
    return min(2 * rule.min_gain, (1 + rule.min_gain) / 2) if rule.min_gain else rule.margin


@lru_cache(maxsize=4096)
def margin_shown(design: Design, alpha: float) -> Planned | NotEstimable:
    """Return the margin that is certified with 80 % power if nothing changed on average."""
    if isinstance(design, ScoreDesign):
        return score_smallest_margin(design, alpha=alpha)
    return exact_smallest_margin(design.n, design.churn, alpha=alpha)


@lru_cache(maxsize=4096)
def cases_needed(design: Design, rule: AppliedRule, alpha: float) -> Cases | NotEstimable:
    """Return the cases that pass the rule with 80 % power if the change `supposed` is true."""
    claim, change = claim_of(rule, alpha), supposed(rule)
    if isinstance(design, ScoreDesign):
        return score_cases(claim, replace(design, difference=change))
    return exact_cases(claim, design.churn, difference=change)
