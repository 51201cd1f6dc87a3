"""Which rule holds for a suite: the policy's word, else the suite file's, else the default."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.decide.policy import Policy, Rule, SuiteRule
from evalkit.model import Purpose, Suite

BY_PURPOSE: dict[Purpose, Rule] = {
    "target": "superior",
    "guard": "non_inferior",
    "report": "report",
}
"""The rule of a suite of which the policy names none."""


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """A suite's rule with nothing left open; ``lenient`` lets some doubt pass."""

    rule: Rule
    margin: float
    min_gain: float
    min_cases: int
    never_break: bool
    lenient: bool = False

    @property
    def gates(self) -> bool:
        """Whether the suite can stand in the way of promotion."""
        return self.rule != "report"

    @property
    def change_sought(self) -> float:
        """The size of change that the rule is about."""
        return self.min_gain or self.margin if self.rule == "superior" else self.margin


def rule_for(suite: Suite, policy: Policy) -> AppliedRule:
    """Return the rule for ``suite``.

    Where the rule is only to report, a broken critical case is only reported too.
    """
    said = policy.suites.get(suite.name, SuiteRule())
    rule = said.rule or BY_PURPOSE[suite.purpose]
    margins = (said.margin, suite.margin, policy.default_margin)
    return AppliedRule(
        rule=rule,
        margin=float(next(m for m in margins if m is not None)),
        min_gain=float(said.min_gain),
        min_cases=said.min_cases,
        never_break=said.critical == "never_break" and rule != "report",
        lenient=policy.on_inconclusive == "warn",
    )
