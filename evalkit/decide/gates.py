"""The gate's rules on what was found, and the outcome they give together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from evalkit.decide import run_words, words
from evalkit.decide.decision import (
    Gate,
    GateStatus,
    IdentityResult,
    Interval,
    Outcome,
    OverfitResult,
    SuiteResult,
    Verdict,
)
from evalkit.decide.pairs import Pairs
from evalkit.decide.policy import Policy, RunLimits
from evalkit.decide.rules import AppliedRule
from evalkit.decide.suite_result import critical_at_risk
from evalkit.decide.verdict import exceeds
from evalkit.model import Pair
from evalkit.stats.proportions import rule_of_three

_ROUNDING = 1e-9
"""29 of 100 cases are not more than a share of 0.29, whatever 0.29 * 100 comes to."""

_NON_INFERIOR: dict[Verdict, GateStatus] = {
    "improved": "passed",
    "non_inferior": "passed",
    "regressed_within_margin": "passed",
    "inconclusive": "inconclusive",
    "regressed": "failed",
    "regressed_beyond_margin": "failed",
}

_SENTENCES = {"superior": words.gain_sentence, "equivalent": words.equivalence_sentence}

_OUTCOMES: dict[Outcome, GateStatus] = {
    "incomplete": "incomplete",
    "do_not_promote": "failed",
    "not_enough_evidence": "inconclusive",
    "promote": "passed",
}
"""Outcomes from the one that prevails downwards, and the status of the gates that cause them."""


def suite_gate(result: SuiteResult, rule: AppliedRule) -> Gate:
    """Hold a suite's result against its rule.

    A lenient rule waives doubt only where the suite has its cases, an interval, and a difference
    that would pass if it were certain: a policy that only warns must not promote a collapse that
    too few cases leave in doubt. Nor one that missing answers leave in doubt: what was observed
    must not be a loss by itself, and the difference must pass with every missing answer against
    the candidate too.
    """
    why = _SENTENCES.get(rule.rule, words.suite_sentence)(result)
    status = _suite_status(result, rule)
    if status == "passed" and result.n < rule.min_cases:
        status, why = "inconclusive", f"{why} {run_words.few_cases(result, rule.min_cases)}"
    elif status == "inconclusive" and rule.lenient and _would_pass(result, rule):
        status, why = "waived", f"{why} {run_words.waived()}"
    return Gate(result.suite, "suite", status, why, result.suite)


def critical_gate(suite: str, pairs: Pairs, *, broken: tuple[str, ...], rule: AppliedRule) -> Gate:
    """Hold the critical cases of a suite to the rule that none of them may break."""
    missing = pairs.critical_missing
    status: GateStatus
    if broken:
        status, why = "failed", run_words.critical_broken(suite, broken)
    elif missing:
        status, why = "incomplete", run_words.critical_missing(suite, missing)
    else:
        at_risk = critical_at_risk(pairs)
        bound = rule_of_three(at_risk)
        status, why = "passed", run_words.critical_held(suite, at_risk=at_risk, bound=bound)
    return Gate("critical", "critical", status if rule.never_break else "reported", why, suite)


def overfitting_gate(result: OverfitResult, rule: AppliedRule) -> Gate:
    """Fail when overfitting is shown.

    Doubt alone is reported and blocks nothing: the verdict on held-out cases already stands.
    """
    status: GateStatus = "passed" if result.classification == "sound" else "reported"
    if result.flagged and rule.gates:
        status = "failed"
    why = words.overfit_sentence(result)
    return Gate("overfitting", "overfitting", status, why, result.suite)


def identity_gate(pair: Pair, result: IdentityResult | None) -> Gate:
    """Fail unless the candidate is shown to be the model asked for, and not the base.

    Scores without answers cannot show it: that is reported.
    """
    if result is None:
        return Gate("identity", "identity", "reported", run_words.scores_only(pair))
    status: GateStatus = "passed" if result.ok else "failed"
    if not result.compared:
        status = "incomplete"
    return Gate("identity", "identity", status, run_words.identity_sentence(pair, result))


def run_gate(parts: Sequence[tuple[str, Pairs]], policy: Policy, *, faults: Iterable[str]) -> Gate:
    """Void the comparison if too much is missing of any of ``parts`` (a name and its pairs).

    ``faults`` are those of the run as a whole.
    """
    found = [*faults, *(f for name, pairs in parts for f in _faults(name, pairs, policy.run))]
    if found:
        return Gate("run", "run", "incomplete", " ".join(found))
    compared, expected = (sum(getattr(p, k) for _, p in parts) for k in ("n", "expected"))
    return Gate("run", "run", "passed", run_words.complete(compared, expected))


def outcome_of(gates: Sequence[Gate]) -> tuple[Outcome, tuple[str, ...]]:
    """Return the outcome of a comparison and the sentences that give the reasons.

    Incomplete prevails over do not promote, that over not enough evidence, that over promote.
    Without a single rule to pass there is not enough evidence.
    """
    for outcome, status in _OUTCOMES.items():
        whys = tuple(gate.why for gate in gates if gate.status == status)
        if whys and status != "passed":
            return outcome, whys
    judged = [gate for gate in gates if gate.kind == "suite" and gate.status != "reported"]
    if not judged:
        return "not_enough_evidence", (run_words.nothing_gates(),)
    return "promote", tuple(gate.why for gate in judged)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that prevails over the others; incomplete if there are none."""
    present = set(outcomes)
    return next((o for o in _OUTCOMES if o in present), "incomplete")


def _suite_status(result: SuiteResult, rule: AppliedRule) -> GateStatus:
    """Return how a rule came out; one about an interval must come out alike at every bound."""
    if not rule.gates:
        return "reported"
    if rule.rule == "non_inferior":
        return _NON_INFERIOR[result.verdict]
    intervals = result.gate_intervals
    if any(interval is None for interval in intervals):
        return "inconclusive"
    held = _equivalent if rule.rule == "equivalent" else _superior
    found = {held(interval, rule) for interval in intervals if interval}
    status = found.pop() if len(found) == 1 else "inconclusive"
    unproved = rule.rule == "superior" and result.verdict != "improved"
    return "inconclusive" if status == "passed" and unproved else status


def _superior(gate: Interval, rule: AppliedRule) -> GateStatus:
    if exceeds(rule.min_gain, gate.high):
        return "failed"
    return "passed" if exceeds(gate.low, rule.min_gain) else "inconclusive"


def _equivalent(gate: Interval, rule: AppliedRule) -> GateStatus:
    """Hold two one-sided tests at once: the interval at 1 - 2 alpha [Schuirmann 1987]."""
    if exceeds(gate.low, rule.margin) or exceeds(-rule.margin, gate.high):
        return "failed"
    inside = exceeds(gate.low, -rule.margin) and exceeds(rule.margin, gate.high)
    return "passed" if inside else "inconclusive"


def _would_pass(result: SuiteResult, rule: AppliedRule) -> bool:
    observed = result.bounds.observed if result.bounds else result.verdict
    likely_loss = _NON_INFERIOR[observed] == "failed"
    if result.gate_interval is None or likely_loss or result.n < rule.min_cases:
        return False
    least = rule.min_gain if rule.rule == "superior" else -rule.margin
    most = rule.margin if rule.rule == "equivalent" else math.inf
    return all(d is not None and exceeds(d, least) and exceeds(most, d) for d in result.differences)


def _faults(name: str, pairs: Pairs, limits: RunLimits) -> Iterator[str]:
    if not pairs.expected:
        return
    counted = (
        ("have nothing to grade", pairs.errors, limits.max_error_rate),
        ("could not be graded", pairs.ungraded, limits.max_ungraded_rate),
    )
    for what, count, limit in counted:
        if count > limit * pairs.expected + _ROUNDING:
            yield run_words.too_many(name, what, count=count, of=pairs.expected, limit=limit)
    if pairs.n < limits.min_coverage * pairs.expected - _ROUNDING:
        yield run_words.too_few(name, count=pairs.n, of=pairs.expected, limit=limits.min_coverage)
