"""The gates one by one, and which outcome prevails."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from evalkit.decide import Interval, Policy, RunLimits, SuiteRule
from evalkit.decide.decision import GateStatus, Outcome, Verdict
from evalkit.decide.gates import suite_gate
from evalkit.decide.rules import AppliedRule
from evalkit.model import Pair, Reply

from .made_up import (
    FAILED,
    Answer,
    MadeUp,
    MadeUpRun,
    gate_of,
    only,
    record,
    result_of,
    ruled,
    run_of,
    spec,
    table,
)

Cells = tuple[int, int, int, int]

BETTER: Cells = (4, 91, 0, 5)
SAME: Cells = (300, 20, 20, 200)
WORSE: Cells = (200, 10, 60, 10)
UNCLEAR: Cells = (10, 1, 2, 5)


@pytest.mark.parametrize(
    ("cells", "verdict", "guard", "target"),
    [
        (BETTER, "improved", "passed", "passed"),
        (SAME, "non_inferior", "passed", "inconclusive"),
        ((500, 10, 40, 400), "regressed_within_margin", "passed", "failed"),
        ((100, 4, 16, 80), "regressed", "failed", "failed"),
        (WORSE, "regressed_beyond_margin", "failed", "failed"),
        (UNCLEAR, "inconclusive", "inconclusive", "inconclusive"),
        ((0, 0, 0, 0), "inconclusive", "inconclusive", "inconclusive"),
    ],
)
def test_default_rules(
    cells: Cells, verdict: Verdict, guard: GateStatus, target: GateStatus
) -> None:
    """Without a policy a guard must not get worse by its margin, a target must improve."""
    for purpose, status in (("guard", guard), ("target", target), ("report", "reported")):
        made = MadeUp("triage", purpose, 0.05).add(*table(*cells))  # type: ignore[arg-type]
        run = run_of(made)
        assert only(run.decide()).suites[0].verdict == verdict
        assert gate_of(run, "suite").status == status


@pytest.mark.parametrize(
    ("cells", "min_gain", "status", "words"),
    [
        (BETTER, 0.3, "passed", "At least 30.0 points are asked for."),
        (BETTER, 0.9, "inconclusive", "We cannot tell if it gained the 90.0 points asked for"),
        (BETTER, 0.97, "failed", "less than the 97.0 points asked for"),
        (SAME, 0.015, "inconclusive", "It has to show a gain of 1.5 points"),
        (SAME, 0.1, "failed", "A gain of 10.0 points can be ruled out."),
        (WORSE, 0.1, "failed", "It has to improve."),
    ],
)
def test_a_declared_gain_needs_proof(
    cells: Cells, min_gain: float, status: GateStatus, words: str
) -> None:
    """The whole gate interval must lie above the gain asked for; all below it fails."""
    made = MadeUp("triage", "target", 0.05).add(*table(*cells))
    gate = gate_of(run_of(made, policy=ruled(min_gain=min_gain)), "suite")
    assert gate.status == status
    assert words in gate.why


def test_the_policy_goes_before_the_suite_file() -> None:
    """Rule and margin of the policy replace the suite's; what it leaves open stays the suite's."""
    made = MadeUp("triage", "target", 0.05).add(*table(*SAME))
    result = only(run_of(made, policy=ruled(rule="non_inferior")).decide()).suites[0]
    assert (result.rule, result.margin, result.purpose) == ("non_inferior", 0.05, "target")
    result = only(run_of(made, policy=ruled(margin=0.01)).decide()).suites[0]
    assert (result.rule, result.margin) == ("superior", 0.01)
    bare = replace(made, margin=None)
    assert only(run_of(bare).decide()).suites[0].margin == 0.02


def test_too_few_cases_cannot_pass_but_can_fail() -> None:
    """min_cases turns a pass into doubt and leaves a failure a failure."""
    policy = ruled(min_cases=1000)
    good = gate_of(run_of(MadeUp("triage", margin=0.1).add(*table(*SAME)), policy=policy), "suite")
    assert good.status == "inconclusive"
    assert "540 cases compared, at least 1000 are asked for." in good.why
    bad = gate_of(run_of(MadeUp("triage", margin=0.1).add(*table(*WORSE)), policy=policy), "suite")
    assert bad.status == "failed"


CRITICAL = [True, True, False, False]


@pytest.mark.parametrize(
    ("base", "tuned", "status", "words"),
    [
        ([1.0] * 4, [1.0] * 4, "passed", "None of the 2 critical cases of triage"),
        (
            [1.0] * 4,
            [0.0, 1.0, 1.0, 1.0],
            "failed",
            "1 critical case of triage broke: heldout-0000.",
        ),
        ([0.0] * 4, [0.0] * 4, "passed", "No critical case of triage was right before"),
        ([1.0] * 4, [1.0, 1.0, 0.0, 0.0], "passed", "rule out a rate above 77.6 %"),
        ([1.0] * 4, [FAILED, 1.0, 1.0, 1.0], "incomplete", "1 critical case of triage lacks"),
        ([1.0] * 4, [FAILED, None, 1.0, 1.0], "incomplete", "2 critical cases of triage lack"),
        ([1.0] * 4, [FAILED, 0.0, 1.0, 1.0], "failed", "broke: heldout-0001."),
    ],
)
def test_critical_cases(
    base: list[Answer], tuned: list[Answer], status: GateStatus, words: str
) -> None:
    """One broken critical case fails; one that nobody can judge leaves the run incomplete."""
    gate = gate_of(run_of(MadeUp("triage").add(base, tuned, critical=CRITICAL)), "critical")
    assert (gate.name, gate.suite, gate.status) == ("critical", "triage", status)
    assert words in gate.why


def test_many_broken_critical_cases_are_cut_short() -> None:
    """The first five are named, the rest counted."""
    gate = gate_of(run_of(MadeUp("triage").add([1.0] * 8, [0.0] * 8, critical=True)), "critical")
    assert gate.why.startswith("8 critical cases of triage broke: heldout-0000, ")
    assert gate.why.endswith("heldout-0004 and 3 more.")


def test_critical_cases_may_only_report() -> None:
    """By policy, or because the suite only reports."""
    made = MadeUp("triage").add([1.0] * 4, [0.0] * 4, critical=CRITICAL)
    assert gate_of(run_of(made, policy=ruled(critical="report")), "critical").status == "reported"
    assert gate_of(run_of(replace(made, purpose="report")), "critical").status == "reported"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"tuned": [FAILED] * 2}, "2 of 100 cases have nothing to grade (2.0 %; the limit is 1.0"),
        ({"base": [None] * 3}, "3 of 100 cases could not be graded (3.0 %; the limit is 2.0 %)"),
        ({"base": [None] * 2}, "98 of 100 cases compared (98.0 %; 99.0 % are asked for)"),
    ],
)
def test_run_limits_are_per_suite(broken: dict[str, list[Answer]], words: str) -> None:
    """A suite beyond a limit voids the comparison, a large healthy one beside it does not help."""
    answers: dict[str, list[Answer]] = {"base": [1.0] * 100, "tuned": [1.0] * 100}
    for model, start in broken.items():
        answers[model][: len(start)] = start
    sick = MadeUp("triage").add(answers["base"], answers["tuned"])
    run = run_of(sick, MadeUp("general").add(*table(*SAME)))
    gate = gate_of(run, "run")
    assert (gate.status, only(run.decide()).outcome) == ("incomplete", "incomplete")
    assert f"triage: {words}" in gate.why
    only_told = run_of(replace(sick, purpose="report"), MadeUp("general").add(*table(*SAME)))
    assert gate_of(only_told, "run").status == "passed"


def test_limits_hold_exactly() -> None:
    """A share right at its limit is within it, whatever 0.29 times 100 comes to."""
    base: list[Answer] = [FAILED] * 29 + [1.0] * 71
    made = MadeUp("triage").add(base, [1.0] * 100)
    for rate, status in ((0.29, "passed"), (0.28, "incomplete")):
        limits = RunLimits(max_error_rate=rate, min_coverage=0.71)
        assert gate_of(run_of(made, policy=Policy(run=limits)), "run").status == status


def test_failed_trained_cases_count_too() -> None:
    """The gap rests on trained cases, so their failures void the comparison as well."""
    made = (
        MadeUp("triage").add(*table(*BETTER)).add([1.0] * 4, [FAILED, 1.0, 1.0, 1.0], split="train")
    )
    gate = gate_of(run_of(made), "run")
    assert "triage, trained cases: 1 of 4 cases have nothing to grade" in gate.why


def test_a_rule_without_its_suite_is_not_forgotten() -> None:
    """A policy that names a suite the run lacks leaves the run incomplete."""
    policy = Policy(suites={"saftey": SuiteRule()})
    gate = gate_of(run_of(MadeUp("safety").add(*table(*SAME)), policy=policy), "run")
    assert gate.status == "incomplete"
    assert "The policy has a rule for saftey, but the run has no such suite." in gate.why


def test_a_partial_run_never_promotes() -> None:
    """Deselected cases make the best of runs incomplete, for that reason alone."""
    run = run_of(MadeUp("triage", "target").add(*table(*BETTER)))
    assert run.decide().outcome == "promote"
    partial = replace(run, partial=True).decide()
    assert (partial.outcome, partial.partial) == ("incomplete", True)
    (reason,) = only(partial).reasons
    assert reason.startswith("Cases were left out")


@pytest.mark.parametrize(
    ("present", "outcome"),
    [
        ({"good"}, "promote"),
        ({"good", "unclear"}, "not_enough_evidence"),
        ({"good", "unclear", "bad"}, "do_not_promote"),
        ({"bad"}, "do_not_promote"),
        ({"good", "unclear", "bad", "failed"}, "incomplete"),
        ({"good", "failed"}, "incomplete"),
        ({"unclear"}, "not_enough_evidence"),
    ],
)
def test_precedence(present: set[str], outcome: Outcome) -> None:
    """Incomplete, then do not promote, then not enough evidence, then promote."""
    suites = {
        "good": MadeUp("good", "target", 0.05).add(*table(*BETTER)),
        "unclear": MadeUp("unclear", "guard", 0.05).add(*table(*UNCLEAR)),
        "bad": MadeUp("bad", "guard", 0.05).add(*table(*WORSE)),
        "failed": MadeUp("failed", "guard", 0.05).add([1.0] * 9 + [FAILED], [1.0] * 10),
    }
    decision = run_of(*(suites[name] for name in sorted(present))).decide()
    assert decision.outcome == outcome
    assert only(decision).reasons


def test_doubt_blocks_unless_the_policy_only_warns() -> None:
    """on_inconclusive decides; the doubtful suite stays visible in the reasons."""
    suites = (
        MadeUp("good", "target", 0.05).add(*table(*BETTER)),
        MadeUp("unclear", "guard", 0.1).add(*table(*UNCLEAR)),
    )
    assert run_of(*suites).decide().outcome == "not_enough_evidence"
    warned = only(run_of(*suites, policy=Policy(on_inconclusive="warn")).decide())
    assert warned.outcome == "promote"
    assert any(reason.startswith("We cannot tell if unclear") for reason in warned.reasons)
    assert any(reason.endswith("The policy lets this doubt pass.") for reason in warned.reasons)


def test_a_lenient_policy_does_not_promote_a_likely_loss() -> None:
    """Doubt is waived only where the difference seen would pass: not below the margin."""
    suites = (
        MadeUp("good", "target", 0.05).add(*table(*BETTER)),
        MadeUp("unclear", "guard", 0.05).add(*table(*UNCLEAR)),
    )
    assert run_of(*suites, policy=Policy(on_inconclusive="warn")).decide().outcome == (
        "not_enough_evidence"
    )


def test_nothing_to_pass_is_no_promotion() -> None:
    """A project whose suites all only report has no case for a promotion."""
    decision = run_of(MadeUp("triage", "report").add(*table(*BETTER))).decide()
    assert decision.outcome == "not_enough_evidence"
    assert only(decision).reasons == (
        "No suite has a rule to pass, so nothing speaks for a promotion.",
    )
    assert not decision.families


def test_the_worst_comparison_prevails() -> None:
    """One bad candidate of two stops the run; without a comparison it is incomplete."""
    models = {
        n: spec(n, "base" if n == "base" else "candidate") for n in ("base", "tuned", "other")
    }
    made = MadeUp("triage", "target", 0.05).add(*table(*BETTER))
    more = tuple(record("triage", c.id, "other", 0.0) for c in made.suite.cases)
    pairs = (Pair("base", "tuned"), Pair("base", "other"))
    decision = run_of(made, models=models, more=more, pairs=pairs).decide()
    good, bad = decision.comparisons
    assert good.outcome == "promote"
    assert decision.outcome == bad.outcome == "do_not_promote"
    assert run_of(made, pairs=()).decide().outcome == "incomplete"


def same_words(run: MadeUpRun) -> MadeUpRun:
    """Return the run with both models saying the same in every case."""
    suites = tuple(
        replace(
            s,
            records=tuple(
                replace(r, outcome=replace(r.outcome, text="same"))
                for r in s.records
                if isinstance(r.outcome, Reply)
            ),
        )
        for s in run.suites
    )
    return replace(run, suites=suites)


def test_a_candidate_that_answers_like_base_is_not_loaded() -> None:
    """Word for word the same answers fail, even where the scores would pass."""
    run = same_words(run_of(MadeUp("triage").add(*table(200, 0, 0, 100))))
    gate = gate_of(run, "identity")
    assert gate.status == "failed"
    assert gate.why == "All 300 held-out answers of tuned equal those of base: is it really loaded?"
    assert run.decide().outcome == "do_not_promote"
    single = same_words(run_of(MadeUp("triage").add(*table(1, 0, 0, 0))))
    assert gate_of(single, "identity").why.startswith("The only held-out answer of tuned equals")


WARN = Policy(on_inconclusive="warn")


def test_a_missing_answer_waives_no_loss() -> None:
    """What is a loss by the answers that came stays one when another answer is missing."""
    base, tuned = table(150, 3, 9, 38)
    assert run_of(
        MadeUp("triage", margin=0.035).add(base, tuned), policy=WARN
    ).decide().outcome == ("do_not_promote")
    run = run_of(MadeUp("triage", margin=0.035).add(base, [*tuned[:-1], FAILED]), policy=WARN)
    assert gate_of(run, "suite").status == "inconclusive"
    assert run.decide().outcome == "not_enough_evidence"


def test_missing_answers_that_could_be_a_collapse_are_not_waived() -> None:
    """Doubt passes only if the difference would with every missing answer against the candidate."""
    loose = RunLimits(max_error_rate=0.5, min_coverage=0.5)
    policy = Policy(run=loose, on_inconclusive="warn")
    for failed, outcome in ((40, "not_enough_evidence"), (5, "promote")):
        tuned: list[Answer] = [*[1.0] * (100 - failed), *[FAILED] * failed]
        run = run_of(MadeUp("triage", margin=0.06).add([1.0] * 100, tuned), policy=policy)
        assert run.decide().outcome == outcome


def test_a_likely_loss_is_not_waived_under_equivalence() -> None:
    """Below 0 and across the margin is a likely loss, whichever rule reads it."""
    policy = Policy(
        suites={"triage": SuiteRule(rule="equivalent", margin=0.035)}, on_inconclusive="warn"
    )
    run = run_of(MadeUp("triage").add(*table(150, 3, 9, 38)), policy=policy)
    assert gate_of(run, "suite").status == "inconclusive"


@pytest.mark.parametrize("lost", [None, FAILED])
def test_a_critical_case_must_have_the_answers_that_could_break_it(lost: Answer) -> None:
    """One right answer of three leaves it open if the case broke: the run is incomplete."""
    made = MadeUp("triage", margin=0.02).add(*table(400, 9, 0, 91))
    made = replace(made, cases=(replace(made.cases[0], critical=True), *made.cases[1:]))
    case = made.cases[0].id
    more = [
        record("triage", r.case, r.model, r.score, sample=sample)
        for r in made.records
        for sample in (1, 2)
        if (r.case, r.model) != (case, "tuned")
    ]
    for answer, status in ((lost, "incomplete"), (1.0, "passed")):
        rest = [record("triage", case, "tuned", answer, sample=sample) for sample in (1, 2)]
        assert gate_of(run_of(made, more=(*more, *rest)), "critical").status == status


def test_a_limit_on_the_bound_is_no_proof() -> None:
    """A lower limit of .2 and some last digits does not exceed a gain of .2 asked for."""
    result = result_of(run_of(MadeUp("triage", "target").add(*table(4, 91, 0, 5))))
    cases: tuple[tuple[Literal["superior", "equivalent"], float, float], ...] = (
        ("superior", 0.2 + 1e-15, 0.5),
        ("equivalent", -0.2 + 1e-15, 0.1),
    )
    for rule, low, high in cases:
        limits = Interval(low, high, 0.9, "inverted sign-flip")
        seen = replace(result, rule=rule, gate_interval=limits, margin=0.2, min_gain=0.2)
        applied = AppliedRule(rule, 0.2, 0.2, 0, never_break=True)
        assert suite_gate(seen, applied).status == "inconclusive"
        assert "We cannot tell" in suite_gate(seen, applied).why
