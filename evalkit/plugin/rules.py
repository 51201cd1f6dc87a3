"""The gate's rules as items: which there are, and how each came out. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.decide import ComparisonDecision
from evalkit.decide.decision import BLOCKING
from evalkit.model import Pair, Suite
from evalkit.pipeline.run import Run

GATE_KINDS = {
    "gate": ("suite", "critical"),
    "overfitting": ("overfitting",),
    "identity": ("identity",),
}
PAIRWISE = frozenset({"gate", "decision"})
OUTCOMES = {
    "promote": "promote",
    "do_not_promote": "do not promote",
    "not_enough_evidence": "not enough evidence",
    "incomplete": "run incomplete",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for one comparison; ``suite`` is empty for rules of the whole run."""

    kind: str
    pair: Pair
    suite: str = ""

    @property
    def label(self) -> str:
        """Return the item's name."""
        versus = f"{self.pair.candidate} vs {self.pair.base}"
        return f"{self.kind}[{versus if self.kind in PAIRWISE else self.pair.candidate}]"


def suite_rules(suite: Suite, pairs: tuple[Pair, ...]) -> Iterator[Rule]:
    """Yield what one suite is judged by, for each comparison."""
    for pair in pairs:
        if suite.purpose != "report":
            yield Rule("gate", pair, suite.name)
        if any(pair.candidate in case.trained for case in suite.cases):
            yield Rule("overfitting", pair, suite.name)


def run_rules(pairs: tuple[Pair, ...]) -> Iterator[Rule]:
    """Yield what the whole run is judged by: the candidate is the candidate, and the decision."""
    for pair in pairs:
        yield Rule("identity", pair)
        yield Rule("decision", pair)


def outcome(run: Run | None, rule: Rule) -> tuple[str, str]:
    """Return a rule's status and, if it stands in the way of promotion, why."""
    if run is None:
        return (
            "incomplete",
            "no decision: no case was selected\nrun the suites whole, without -k or --lf",
        )
    if run.partial:
        return "incomplete", f"no decision: {run.partial}\nrun the suites whole, without -k or --lf"
    comparison = next(
        c
        for c in run.decision.comparisons
        if (c.base, c.candidate) == (rule.pair.base, rule.pair.candidate)
    )
    return _decision(comparison) if rule.kind == "decision" else _gates(comparison, rule)


def _gates(comparison: ComparisonDecision, rule: Rule) -> tuple[str, str]:
    blocking = [
        gate
        for gate in comparison.gates
        if gate.kind in GATE_KINDS[rule.kind]
        and gate.suite == rule.suite
        and gate.status in BLOCKING
    ]
    return (blocking[0].status if blocking else "passed"), "\n".join(gate.why for gate in blocking)


def _decision(comparison: ComparisonDecision) -> tuple[str, str]:
    if comparison.outcome == "promote":
        return "promote", ""
    headline = f"{OUTCOMES[comparison.outcome]}: {comparison.candidate} for {comparison.base}"
    return comparison.outcome, "\n".join([headline, *(f"  {r}" for r in comparison.reasons)])
