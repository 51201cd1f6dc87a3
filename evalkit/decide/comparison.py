"""Everything decided about one candidate against one base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evalkit.decide import gates, run_words
from evalkit.decide.decision import (
    ComparisonDecision,
    Gate,
    OverfitResult,
    SliceResult,
    SuiteResult,
)
from evalkit.decide.evidence import Evidence, SuiteEvidence
from evalkit.decide.exploratory import explored
from evalkit.decide.fairness import fairness_result
from evalkit.decide.judges import judge_results
from evalkit.decide.metrics import suite_metrics
from evalkit.decide.noise import noise_of, without_change
from evalkit.decide.overfitting import overfit_result
from evalkit.decide.policy import Policy
from evalkit.decide.rules import AppliedRule, rule_for
from evalkit.decide.second_opinions import second_opinions
from evalkit.decide.seeds import generator
from evalkit.decide.selection import select_checkpoint
from evalkit.decide.slices import slice_assumptions, slice_results
from evalkit.decide.suite_result import critical_pairs, suite_result
from evalkit.model import Purpose

PURPOSES: tuple[Purpose, ...] = ("target", "guard", "report")
"""By what a reader asks first: did it get better, did anything get worse, what else."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One suite with what was found on it; ``overfit`` is ``None`` without a trained case."""

    evidence: SuiteEvidence
    rule: AppliedRule
    result: SuiteResult
    overfit: OverfitResult | None


def decide_comparison(
    evidence: Evidence, policy: Policy, *, partial: bool, stopped: str = ""
) -> ComparisonDecision:
    """Judge every suite, targets first, then let the gates decide."""
    suites = sorted(evidence.suites, key=lambda part: PURPOSES.index(part.suite.purpose))
    names = (evidence.pair.base, evidence.pair.candidate)
    slices = slice_results(
        [part.heldout for part in suites], policy, rng=generator("slices", *names)
    )
    results = [_result(part, policy, found) for part, found in zip(suites, slices, strict=True)]
    judged = [
        _Judged(part, rule_for(part.suite, policy), result, _overfit(part, result, policy))
        for part, result in zip(suites, explored(results, policy), strict=True)
    ]
    all_gates = (
        *(gate for entry in judged for gate in _suite_gates(entry)),
        gates.identity_gate(evidence.pair, evidence.identity),
        _run_gate(judged, policy, partial=partial, stopped=stopped),
    )
    outcome, reasons = gates.outcome_of(all_gates)
    return ComparisonDecision(
        base=evidence.pair.base,
        candidate=evidence.pair.candidate,
        outcome=outcome,
        reasons=reasons,
        suites=tuple(entry.result for entry in judged),
        overfitting=tuple(entry.overfit for entry in judged if entry.overfit),
        identity=evidence.identity,
        gates=all_gates,
        learning_curve=evidence.learning_curve,
        selection=select_checkpoint(evidence, policy),
    )


def _result(part: SuiteEvidence, policy: Policy, slices: tuple[SliceResult, ...]) -> SuiteResult:
    name, rule = part.suite.name, rule_for(part.suite, policy)
    result = suite_result(part, rule=rule, alpha=policy.alpha, rng=generator("suite", name))
    opinions, why = second_opinions(part, result, rule=rule, alpha=policy.alpha)
    result = replace(
        result,
        slices=slices,
        second_opinions=opinions,
        second_opinions_note=why,
        judges=judge_results(part, result, rule=rule, alpha=policy.alpha),
        metrics=suite_metrics(part),
        fairness=fairness_result(part, alpha=policy.alpha),
        slice_assumptions=slice_assumptions(
            slices, policy, binary=result.binary, clustered=result.clusters is not None
        ),
    )
    if part.aa:
        noise = noise_of(part.aa, result, alpha=policy.alpha, rng=generator("noise", name))
        in_part = part.watched is not None or part.aa.not_asked > 0
        result = replace(result, noise=without_change(noise) if noise and in_part else noise)
    return result


def _overfit(part: SuiteEvidence, result: SuiteResult, policy: Policy) -> OverfitResult | None:
    if not (part.train.expected and part.heldout.expected):
        return None
    overfit = overfit_result(
        result.suite,
        part.train,
        heldout=part.watched.gap if part.watched else part.heldout,
        verdict=result.verdict,
        policy=policy,
        rng=generator("overfitting", result.suite),
    )
    if part.watched and not overfit.note:
        overfit = replace(overfit, note=run_words.gap_of_first(part.watched.gap.expected))
    return overfit


def _suite_gates(entry: _Judged) -> Iterator[Gate]:
    name, rule = entry.result.suite, entry.rule
    pairs = critical_pairs(entry.evidence, rule)
    yield gates.suite_gate(entry.result, rule)
    if pairs.has_critical:
        yield gates.critical_gate(name, pairs, broken=entry.result.broken_critical, rule=rule)
    if entry.overfit:
        yield gates.overfitting_gate(entry.overfit, rule)


def _run_gate(judged: Sequence[_Judged], policy: Policy, *, partial: bool, stopped: str) -> Gate:
    absent = sorted(policy.suites.keys() - {entry.result.suite for entry in judged})
    faults = [run_words.as_sentence(stopped)] if stopped else []
    faults += [run_words.suite_absent(name) for name in absent]
    if partial:
        return gates.run_gate([], policy, faults=[run_words.deselected(), *faults])
    parts = [
        part
        for entry in judged
        if entry.rule.gates
        for part in (
            (entry.result.suite, entry.evidence.heldout),
            (f"{entry.result.suite}, trained cases", entry.evidence.train),
        )
    ]
    return gates.run_gate(parts, policy, faults=faults)
