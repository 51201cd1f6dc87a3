"""What a suite can show, before a call is made: from its cases, its rule and earlier runs.

Only design quantities go in: how many cases there are, how much models' answers to them differ
(from earlier runs, or a stated guess), and the change the rule is about. Never the effect seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.decide.decision import SuiteResult
from evalkit.decide.needs import Design, cases_needed, claim_of, margin_shown, supposed
from evalkit.decide.rules import AppliedRule
from evalkit.decide.tabulate import cluster_labels, heldout
from evalkit.model import Purpose, Suite
from evalkit.stats.arrays import IntArray
from evalkit.stats.exact_power import BinaryDesign, Claim, exact_power
from evalkit.stats.planned_cases import planned_churn
from evalkit.stats.power import Cases, Planned
from evalkit.stats.score_power import ScoreDesign, score_power
from evalkit.stats.values import NotEstimable
from evalkit.stats.verdict_odds import VerdictOdds, planned_odds

GUESS = 0.2
"""Share of cases that are taken to flip where no earlier run can tell."""

GUESSED_CORRELATION = 0.2
"""Correlation of two flips in one cluster where no earlier run can tell.

Without it a cluster would count as so many independent cases: 40 clusters of 10 that flip as one
certified 5.9 points by the plan, 17.6 by the run.
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one suite can show with its held-out cases.

    ``flips`` is the churn planned with (for scores: the variance of one case's difference), and
    ``assumed`` says where it comes from. ``smallest_margin`` is certified with 80 % power if
    nothing changed; ``needed`` are the cases to pass the rule with 80 % power: for a guard if
    nothing changed, for a target if the truth is twice the gain asked for (half of what is left to
    gain where that is less; the margin where any gain will do). ``odds`` are the verdicts' at no
    change, at a loss of the margin and, where asked for, at the gain. ``likely`` is the chance that
    the rule passes if the change that ``needed`` supposes is true, ``falsely`` that it passes right
    at its limit, where it should not. Both are ``None`` where the suite only reports; any figure is
    where it cannot be had, and ``note`` says why.
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
    flip, and those of one cluster to flip alike to some degree (`GUESSED_CORRELATION`).
    """
    cases = heldout(suite.cases)
    labels = cluster_labels(cases)
    clusters = None if labels is None else int(labels.max(initial=-1)) + 1
    design, assumed = _design(len(cases), labels, earlier)
    claim, change = claim_of(rule, alpha), supposed(rule)
    margin, needed = margin_shown(design, alpha), cases_needed(design, rule, alpha)
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
        likely=_chance(replace(design, difference=change), claim) if rule.gates else None,
        falsely=_chance(replace(design, difference=claim.least), claim) if rule.gates else None,
        note="; ".join(dict.fromkeys(missing)),
    )


def _design(n: int, labels: IntArray | None, earlier: SuiteResult | None) -> tuple[Design, str]:
    """Return the design and where its spread comes from.

    The variance of an earlier run with clusters holds their correlation already: what the cases of
    a cluster have in common widened it there as it will here.
    """
    guess = f"a guess, {GUESS:.0%}: there is no earlier run"
    seen = None if earlier is None or earlier.variance is None else earlier
    if labels is None and (seen is None or seen.binary):
        churn = planned_churn(seen.flips.fixed + seen.flips.broken, seen.n) if seen else None
        if seen is None or not isinstance(churn, Planned):
            return BinaryDesign(n, GUESS), guess
        return BinaryDesign(n, churn.value), f"upper limit from {seen.n} earlier pairs"
    assumed = f"variance of {seen.n} earlier pairs" if seen else guess
    size = 1.0 if labels is None or not n else float((np.bincount(labels) ** 2).sum()) / n
    design = ScoreDesign(n, (seen and seen.variance) or GUESS, cluster_size=size)
    if labels is None or (seen and seen.clusters is not None):
        return design, assumed
    assumed = f"{assumed}; within clusters correlated by {GUESSED_CORRELATION:g}"
    return replace(design, icc=GUESSED_CORRELATION), assumed


def _chance(design: Design, claim: Claim) -> float | None:
    if isinstance(design, ScoreDesign):
        found = score_power(design, claim)
    else:
        found = exact_power(design, claim)
    return found.value if isinstance(found, Planned) else None
