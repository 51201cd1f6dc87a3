"""What the cases of a suite can show, and how many it would take; from design quantities alone.

Exact for independent pairs scored right or wrong: the formulas for the paired test at 0 promise too
much where few cases flip, for a gate tests at its margin (with 100 cases and 10 % churn the
smallest margin is 8.6 points where the formula says 7.9). Designs recur, so answers are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from evalkit.decide.rules import AppliedRule
from evalkit.stats.exact_power import Claim, exact_cases, exact_smallest_margin
from evalkit.stats.paired import PairedComparison
from evalkit.stats.power import (
    Cases,
    Planned,
    cases_for_binary_gain,
    cases_for_gain,
    cases_for_margin,
    smallest_margin,
)
from evalkit.stats.values import NotEstimable


@dataclass(frozen=True, slots=True)
class Needs:
    """What is certified with 80 % power if nothing changed, and what a rule would take.

    ``smallest_margin`` is on the score's scale; ``cases`` are those to see a change of the size
    that the rule is about. ``None`` where there is no such number.
    """

    smallest_margin: float | None
    cases: int | None


def needs_of(compared: PairedComparison, rule: AppliedRule, *, binary: bool, alpha: float) -> Needs:
    """Return what ``compared`` could show at its own spread, and what its rule would need."""
    variance, n = compared.variance, compared.n
    if variance is None:
        return Needs(None, None)
    if binary and compared.clusters is None:
        gain = rule.rule == "superior"
        return _exact(n, variance, gain=gain, sought=rule.change_sought, alpha=alpha)
    search = cases_for_gain if rule.rule == "superior" else cases_for_margin
    found = search(rule.change_sought, variance, alpha=alpha)
    return Needs(smallest_margin(n, variance, alpha=alpha), found.n if found else None)


@lru_cache(maxsize=4096)
def _exact(n: int, churn: float, *, gain: bool, sought: float, alpha: float) -> Needs:
    margin = exact_smallest_margin(n, churn, alpha=alpha)
    found: Cases | NotEstimable | None
    if gain:
        found = cases_for_binary_gain(sought, churn, alpha=alpha)
    else:
        found = exact_cases(Claim("non_inferior", sought, alpha), churn)
    return Needs(
        margin.value if isinstance(margin, Planned) else 1.0,
        found.n if isinstance(found, Cases) else None,
    )
