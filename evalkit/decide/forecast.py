"""What a suite can show, before a call is made: from its cases, its rule and earlier runs.

Only design quantities go in: how many cases there are, how much models' answers to them differ
(from earlier runs, or a stated guess), and the change the rule is about. Never the effect seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalkit.decide.decision import SuiteResult
from evalkit.decide.rules import AppliedRule
from evalkit.decide.tabulate import cluster_labels, heldout
from evalkit.model import Purpose, Suite
from evalkit.stats.exact_power import (
    BinaryDesign,
    Claim,
    exact_cases,
    exact_power,
    exact_smallest_margin,
)
from evalkit.stats.planned_cases import planned_churn
from evalkit.stats.power import Cases, Planned
from evalkit.stats.score_power import ScoreDesign, score_cases, score_power, score_smallest_margin
from evalkit.stats.values import NotEstimable
from evalkit.stats.verdict_odds import VerdictOdds, planned_odds

GUESS = 0.2
"""Share of cases that are taken to flip where no earlier run can tell."""

Design = BinaryDesign | ScoreDesign


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one suite can show with its held-out cases.

    ``flips`` is the churn planned with (for scores: the variance of one case's difference), and
    ``assumed`` says where it comes from. ``smallest_margin`` is certified with 80 % power if
    nothing changed; ``needed`` are the cases to pass the rule with 80 % power: for a guard if
    nothing changed, for a target if the truth is twice the gain asked for (or gains the margin
    where any gain will do). ``odds`` are the verdicts' at no change, at a loss of the margin and,
    where asked for, at the gain. ``likely`` is the chance that the rule passes if the change that
    ``needed`` supposes is true, ``falsely`` that it passes right at its limit, where it should not.
    Both are ``None`` where the suite only reports; any figure is where it cannot be had, and
    ``note`` says why.
    """

    suite: str
    purpose: Purpose
    rule: str
    margin: float
    min_gain: float
    n: int
    clusters: int | None
    flips: float
    assumed: str
    smallest_margin: float | None
    needed: int | None
    odds: tuple[VerdictOdds, ...]
    likely: float | None
    falsely: float | None
    note: str = ""


def forecast(
    suite: Suite, rule: AppliedRule, *, earlier: SuiteResult | None, alpha: float
) -> Forecast:
    """Return what ``suite`` can show under ``rule``.

    ``earlier`` is the suite's result in a run before; without one a fifth of the cases is taken to
    flip.
    """
    cases = heldout(suite.cases)
    labels = cluster_labels(cases)
    clusters = None if labels is None else int(labels.max(initial=-1)) + 1
    design, assumed = _design(len(cases), clusters, earlier)
    claim = _claim(rule, alpha)
    margin = _smallest_margin(design, alpha)
    needed = _needed(replace(design, difference=_truth(rule)), claim)
    odds = planned_odds(design, rule.margin, min_gain=rule.min_gain, alpha=alpha)
    missing = [f.why for f in (margin, needed) if isinstance(f, NotEstimable)]
    return Forecast(
        suite=suite.name,
        purpose=suite.purpose,
        rule=rule.rule,
        margin=rule.margin,
        min_gain=rule.min_gain,
        n=len(cases),
        clusters=clusters,
        flips=design.churn if isinstance(design, BinaryDesign) else design.variance,
        assumed=assumed,
        smallest_margin=margin.value if isinstance(margin, Planned) else None,
        needed=needed.n if isinstance(needed, Cases) else None,
        odds=tuple(o for o in odds if isinstance(o, VerdictOdds)),
        likely=_chance(replace(design, difference=_truth(rule)), claim) if rule.gates else None,
        falsely=_chance(replace(design, difference=claim.least), claim) if rule.gates else None,
        note="; ".join(dict.fromkeys(missing)),
    )


def _design(n: int, clusters: int | None, earlier: SuiteResult | None) -> tuple[Design, str]:
    size = n / clusters if clusters else 1.0
    if earlier is None or not earlier.n or earlier.variance is None:
        churn = Planned(GUESS, f"a guess, {GUESS:.0%}: there is no earlier run")
    elif earlier.binary:
        flips = earlier.flips
        found = planned_churn(flips.fixed + flips.broken, earlier.n)
        churn = found if isinstance(found, Planned) else Planned(GUESS, found.why)
        churn = replace(churn, method=f"upper limit from {earlier.n} earlier pairs")
    else:
        design = ScoreDesign(n, earlier.variance, cluster_size=size)
        return design, f"variance of {earlier.n} earlier pairs"
    if clusters:
        return ScoreDesign(n, churn.value, cluster_size=size), churn.method
    return BinaryDesign(n, churn.value), churn.method


def _claim(rule: AppliedRule, alpha: float) -> Claim:
    if rule.rule == "superior":
        return Claim("superior", rule.min_gain, alpha)
    return Claim("equivalent" if rule.rule == "equivalent" else "non_inferior", rule.margin, alpha)


def _truth(rule: AppliedRule) -> float:
    """Return the change that the rule should be able to show."""
    return 2 * rule.min_gain or rule.margin if rule.rule == "superior" else 0.0


def _smallest_margin(design: Design, alpha: float) -> Planned | NotEstimable:
    if isinstance(design, ScoreDesign):
        return score_smallest_margin(design, alpha=alpha)
    return exact_smallest_margin(design.n, design.churn, alpha=alpha)


def _needed(design: Design, claim: Claim) -> Cases | NotEstimable:
    if isinstance(design, ScoreDesign):
        return score_cases(claim, design)
    return exact_cases(claim, design.churn, difference=design.difference)


def _chance(design: Design, claim: Claim) -> float | None:
    if isinstance(design, ScoreDesign):
        found = score_power(design, claim)
    else:
        found = exact_power(design, claim)
    return found.value if isinstance(found, Planned) else None
