"""Everything decided about one candidate against one base."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.decide import gates, run_words
from evalkit.decide.curve import learning_curve
from evalkit.decide.decision import (
    ComparisonDecision,
    Gate,
    OverfitResult,
    SuiteResult,
)
from evalkit.decide.identity import identity_result
from evalkit.decide.overfitting import overfit_result
from evalkit.decide.policy import Policy
from evalkit.decide.rules import AppliedRule, rule_for
from evalkit.decide.run_data import RunData
from evalkit.decide.seeds import generator
from evalkit.decide.slices import slice_results
from evalkit.decide.suite_result import suite_result
from evalkit.decide.tabulate import (
    NO_ANSWERS,
    Pairs,
    Table,
    heldout,
    pair_up,
    trained_on,
)
from evalkit.model import Pair, Project, Purpose, Suite


PURPOSES: tuple[Purpose, ...] = ("target", "guard", "report")
"""By what a reader asks first: did it get better, did anything get worse, what else."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One suite with what was found on it; ``overfit`` is ``None`` without a trained case."""

    suite: Suite
    rule: AppliedRule
    heldout: Pairs
    train: Pairs
    result: SuiteResult
    overfit: OverfitResult | None


def decide_pair(run: RunData, pair: Pair, *, policy: Policy, table: Table) -> ComparisonDecision:
    """Judge every suite, targets first, then let the gates decide."""
    suites = sorted(run.suites, key=lambda suite: PURPOSES.index(suite.purpose))
    judged = [_judge(suite, run, pair, policy=policy, table=table) for suite in suites]
    identity = identity_result(run, pair)
    all_gates = (
        *(gate for entry in judged for gate in _suite_gates(entry)),
        gates.identity_gate(pair, identity),
        _run_gate(run, judged, policy),
    )
    outcome, reasons = gates.outcome_of(all_gates, policy)
    return ComparisonDecision(
        base=pair.base,
        candidate=pair.candidate,
        outcome=outcome,
        reasons=reasons,
        suites=tuple(entry.result for entry in judged),
        overfitting=tuple(entry.overfit for entry in judged if entry.overfit),
        identity=identity,
        gates=all_gates,
        learning_curve=learning_curve(run, pair.candidate, table),
    )


def learner(project: Project, name: str) -> str:
    """Return the candidate whose training file the model ``name`` has seen."""
    spec = project.models.get(name)
    return spec.of if spec and spec.of else name


def _judge(suite: Suite, run: RunData, pair: Pair, *, policy: Policy, table: Table) -> _Judged:
    base, candidate = (
        table.get((suite.name, model), NO_ANSWERS) for model in (pair.base, pair.candidate)
    )
    new = pair_up(heldout(suite.cases), base, candidate)
    known = pair_up(trained_on(suite.cases, learner(run.project, pair.candidate)), base, candidate)
    rule = rule_for(suite, policy)
    result = suite_result(
        suite,
        new,
        rule=rule,
        alpha=policy.alpha,
        rng=generator("suite", suite.name),
        slices=slice_results(new, policy),
    )
    overfit = None
    if known.expected and new.expected:
        overfit = overfit_result(
            suite.name,
            known,
            heldout=new,
            verdict=result.verdict,
            policy=policy,
            rng=generator("overfitting", suite.name),
        )
    return _Judged(suite, rule, new, known, result, overfit)


def _suite_gates(entry: _Judged) -> list[Gate]:
    name = entry.suite.name
    found = [gates.suite_gate(entry.result, entry.rule)]
    critical = [case for case in heldout(entry.suite.cases) if case.critical]
    if critical:
        broken = entry.result.broken_critical
        found.append(
            gates.critical_gate(name, critical, pairs=entry.heldout, broken=broken, rule=entry.rule)
        )
    if entry.overfit:
        found.append(gates.overfitting_gate(entry.overfit, entry.rule))
    return found


def _run_gate(run: RunData, judged: list[_Judged], policy: Policy) -> Gate:
    absent = sorted(policy.suites.keys() - {suite.name for suite in run.suites})
    faults = [run_words.suite_absent(name) for name in absent]
    if run.partial:
        return gates.run_gate([], policy, faults=[run_words.deselected(), *faults])
    parts = [
        part
        for entry in judged
        if entry.rule.gates
        for part in (
            (entry.suite.name, entry.heldout),
            (f"{entry.suite.name}, trained cases", entry.train),
        )
    ]
    return gates.run_gate(parts, policy, faults=faults)
