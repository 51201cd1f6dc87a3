"""A suite that was judged while it was asked: which cases count, and what they may say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from evalkit.decide import Decision, Policy, RunLimits, decide, from_dict, to_dict
from evalkit.decide.asking import asked_only, asking_order, gap_cases, watchable
from evalkit.decide.decision import Stopping, SuiteResult
from evalkit.decide.rules import rule_for
from evalkit.decide.words import settled_sentence

from .made_up import FAILED, Answer, MadeUp, MadeUpRun, only, record, ruled, run_of, table
from .test_plain import schema

LAX = RunLimits(max_error_rate=1.0, min_coverage=0.0, max_ungraded_rate=1.0)


def judged(run: MadeUpRun, watched: Mapping[str, int]) -> Decision:
    """Decide a run of which some suites were watched."""
    return decide(replace(run.data, watched=watched), run.policy)


def stopped(made: MadeUp, asked: int, policy: Policy | None = None) -> SuiteResult:
    """Return the result of a suite that stopped after ``asked`` cases."""
    (result,) = only(judged(run_of(made, policy=policy), {made.name: asked})).suites
    return result


def end_of(result: SuiteResult) -> Stopping:
    """Return how a watched suite came to its end."""
    assert result.stopping is not None
    return result.stopping


def alike(n: int, **fields: Any) -> MadeUp:
    """A guard on which nothing changed."""
    return MadeUp("triage").add([1.0] * n, [1.0] * n, **fields)


def gain(n: int = 200) -> MadeUp:
    """A target on which the candidate got every case right, the base none."""
    return MadeUp("triage", "target").add([0.0] * n, [1.0] * n)


def test_the_order_is_that_of_the_ids() -> None:
    """It follows from the suite's name and its held-out ids, not from how the files list them."""
    suite = alike(30).add([1.0] * 5, [1.0] * 5, split="train").suite
    order = [case.id for case in asking_order(suite)]
    turned = replace(suite, cases=suite.cases[::-1])
    assert [case.id for case in asking_order(turned)] == order
    assert sorted(order) == sorted(c.id for c in suite.cases if c.split == "heldout") != order
    assert [c.id for c in asked_only(suite, {"triage": 8}).cases[:8]] == order[:8]
    assert len(asked_only(suite, {"triage": 8}).cases) == 8 + 5
    assert asked_only(suite, {}) is suite


@pytest.mark.parametrize(
    ("rule", "fields", "may"),
    [
        ("superior", {}, True),
        ("non_inferior", {}, True),
        ("equivalent", {}, False),
        ("report", {}, False),
        ("non_inferior", {"cluster": ["a", "a", *"bcdefghi"]}, False),
    ],
)
def test_which_suites_may_stop(rule: str, fields: dict[str, Any], may: bool) -> None:
    """Those with one limit to settle, and independent cases."""
    suite = alike(10, **fields).suite
    assert watchable(suite, rule_for(suite, ruled(rule=rule))) is may


def test_a_clear_gain_after_a_few_cases() -> None:
    """It promotes: a suite that was settled is not partial, and what was not asked not missing."""
    decision = judged(run_of(gain()), {"triage": 24})
    (result,) = only(decision).suites
    assert decision.outcome == "promote"
    assert (result.n, result.expected_cases, result.verdict) == (24, 24, "improved")
    assert result.p_value is result.p_exact is result.smallest_margin is None
    assert "no p-value" in result.note
    end = end_of(result)
    assert (end.planned, end.asked, end.answer, end.by) == (200, 24, "proven", "betting")
    assert end.width_ratio is not None
    assert end.width_ratio > 1
    assert settled_sentence(result) == (
        f"triage was settled after 24 of 200 cases; its interval is {end.width_ratio:.1f} times as "
        "wide as one for 24 cases fixed in advance."
    )


def test_answers_beyond_the_stop_change_nothing() -> None:
    """The first cases of the order decide, whatever else is recorded: the same bytes."""
    made = MadeUp("triage", "target").add(*table(40, 90, 10, 60))
    run = run_of(made)
    first = {case.id for case in asking_order(made.suite)[:96]}
    less = replace(run.data, records=[r for r in run.data.records if r.case in first])
    bytes_of = [
        json.dumps(to_dict(decide(replace(data, watched={"triage": 96}), run.policy)))
        for data in (run.data, less)
    ]
    assert bytes_of[0] == bytes_of[1]


def test_a_suite_asked_whole_keeps_its_part_of_alpha() -> None:
    """The interval of the last case is wider than a fixed plan's, by what the looks cost."""
    run = run_of(MadeUp("triage").add(*table(100, 12, 8, 80)))
    (fixed,) = only(run.decide()).suites
    (whole,) = only(judged(run, {"triage": 200})).suites
    assert fixed.gate_interval is not None
    assert whole.gate_interval is not None
    assert whole.gate_interval.low < fixed.gate_interval.low
    assert whole.gate_interval.high > fixed.gate_interval.high
    assert whole.gate_interval.level == fixed.gate_interval.level == 0.9
    assert (whole.verdict, fixed.verdict) == ("non_inferior", "non_inferior")
    assert end_of(whole).width_ratio == pytest.approx(1.05, abs=0.03)
    assert not end_of(whole).early
    assert settled_sentence(whole) == ""


def test_a_gain_needs_the_exact_test_at_the_end() -> None:
    """Four gains and no loss in 100: Tango's interval lies above 0, McNemar's p is .125."""
    made = MadeUp("triage", "target").add(*table(50, 4, 0, 46))
    result = stopped(made, 100)
    assert result.gate_interval is not None
    assert result.gate_interval.low > 0
    assert (result.verdict, end_of(result).answer) == ("non_inferior", "futile")


@pytest.mark.parametrize("flips", [(9, 2), (8, 2), (12, 3)])
def test_early_stopping_is_not_the_easier_way_to_a_gain(flips: tuple[int, int]) -> None:
    """What no fixed plan calls an improvement is none where all cases were watched."""
    fixed, broken = flips
    made = MadeUp("triage", "target").add(*table(60, fixed, broken, 120 - 60 - fixed - broken))
    (plain,) = only(run_of(made).decide()).suites
    watched = stopped(made, 120)
    assert (watched.verdict == "improved") <= (plain.verdict == "improved")


@pytest.mark.parametrize("asked", [8, 100, 200])
@pytest.mark.parametrize("rule", ["superior", "non_inferior", "equivalent", "report"])
def test_another_policy_reads_the_same_cases(rule: str, asked: int) -> None:
    """Interval and verdict hold at any stop and for any rule; what is open is called open."""
    made = MadeUp("triage").add(*table(100, 6, 6, 88))
    result = stopped(made, asked, ruled(rule=rule, margin=0.05))
    assert result.gate_interval is not None
    assert result.interval is not None
    assert result.interval.low <= result.gate_interval.low < 0 < result.gate_interval.high
    if rule == "superior":
        assert end_of(result).answer == {8: "go_on", 100: "go_on", 200: "futile"}[asked]


def test_a_limit_of_a_whole_point_scale() -> None:
    """A margin of 1 is held by everything, and breaks nothing."""
    assert stopped(alike(50), 50, ruled(margin=1.0)).verdict == "non_inferior"


def test_no_case_at_all() -> None:
    """An empty suite, or one without an answer, has no interval and says why."""
    for made in (MadeUp("triage").add([], []), MadeUp("triage").add([FAILED] * 9, [1.0] * 9)):
        result = stopped(made, 8, Policy(run=LAX))
        assert result.gate_interval is None
        assert result.verdict == "inconclusive"
        assert result.note == "no case was answered by both models"


def losing(made: MadeUp, missing: int, lost: Answer, *, models: tuple[str, ...]) -> MadeUp:
    """Take the answers to the first cases of the order away from some models."""
    first = {case.id for case in asking_order(made.suite)[:missing]}
    records = tuple(
        record(r.suite, r.case, r.model, lost) if r.case in first and r.model in models else r
        for r in made.records
    )
    return replace(made, records=records)


@pytest.mark.parametrize("lost", [FAILED, None])
def test_a_missing_answer_is_taken_at_its_worst_and_best(lost: Answer) -> None:
    """It keeps its place in the order, so what is proven is proven however it would have come."""
    result = stopped(losing(gain(), 2, lost, models=("tuned",)), 24, Policy(run=LAX))
    assert (result.n, result.expected_cases) == (22, 24)
    assert result.bounds is not None
    assert result.bounds.missing == 2
    assert result.bounds.worst.difference == pytest.approx(22 / 24)
    assert result.bounds.best.difference == 1
    assert result.verdict == "improved"


def test_missing_answers_can_leave_open_what_the_others_prove() -> None:
    """Eight of 28 missing: as observed a gain, at the worst none that is proven."""
    made = losing(gain(), 8, FAILED, models=("base", "tuned"))
    result = stopped(made, 28, Policy(run=LAX))
    assert result.bounds is not None
    assert result.bounds.observed == "improved"
    assert (result.verdict, end_of(result).answer) == ("inconclusive", "go_on")


def critical_run(answer: float | None, *, rule: str = "never_break") -> MadeUpRun:
    """A guard that stopped after 80 of 200 cases; a critical case comes later in the order."""
    made = alike(200)
    last = asking_order(made.suite)[-1].id
    cases = tuple(replace(c, critical=c.id == last) for c in made.cases)
    records = tuple(
        replace(r, score=answer) if (r.case, r.model) == (last, "tuned") else r
        for r in made.records
    )
    policy = ruled(critical=rule, margin=0.2)
    return run_of(replace(made, cases=cases, records=records), policy=policy)


@pytest.mark.parametrize(
    ("answer", "status"), [(1.0, "passed"), (0.0, "failed"), (None, "incomplete")]
)
def test_critical_cases_beyond_the_stop_count(answer: float | None, status: str) -> None:
    """None of them may break or go missing, though the suite's interval leaves them out."""
    comparison = only(judged(critical_run(answer), {"triage": 80}))
    (gate,) = (g for g in comparison.gates if g.kind == "critical")
    assert gate.status == status
    (result,) = comparison.suites
    assert result.n == 80
    assert bool(result.broken_critical) == (status == "failed")


def test_critical_cases_that_block_nothing_are_not_asked() -> None:
    """Where a broken one is only reported, those beyond the stop are not missed."""
    comparison = only(judged(critical_run(None, rule="report"), {"triage": 80}))
    assert comparison.outcome == "promote"
    assert [g for g in comparison.gates if g.kind == "critical"] == []


def test_the_gap_is_measured_on_a_number_fixed_beforehand() -> None:
    """Twice as many held-out cases as trained ones, wherever the suite stopped."""
    made = gain().add([0.0] * 20, [1.0] * 20, split="train")
    for asked in (40, 96, 200):
        (gap,) = only(judged(run_of(made), {"triage": asked})).overfitting
        assert (gap.n_train, gap.n_heldout) == (20, gap_cases(20)) == (20, 40)
        assert "fixed before the first answer" in gap.note


def test_a_watched_decision_fits_the_schema() -> None:
    """It reads back as it was, to the byte, and every field is described."""
    made = gain().add([0.0] * 20, [1.0] * 20, split="train")
    other = MadeUp("other").add([1.0] * 9, [1.0] * 9)
    decision = judged(run_of(made, other), {"triage": 48})
    tree = to_dict(decision)
    jsonschema.Draft202012Validator(schema("decision")).validate(tree)
    assert from_dict(json.loads(json.dumps(tree))) == decision
    assert [s.stopping is None for s in only(decision).suites] == [False, True]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("proven", "was settled after 64 of 1,200 cases"),
        ("refuted", "was settled after 64 of 1,200 cases"),
        ("futile", "could not pass any more after 64 of 1,200 cases"),
        ("go_on", "by another policy than this one, after 64 of 1,200 cases"),
    ],
)
def test_the_end_in_words(answer: str, words: str) -> None:
    """Settled either way, past all hope, or stopped by a policy that no longer holds."""
    end = Stopping(1200, 64, answer, "betting", None)  # type: ignore[arg-type]
    result = replace(stopped(gain(40), 40), stopping=end)
    assert settled_sentence(result).endswith(f"{words}.")


def test_a_suite_that_cannot_pass_does_not_ask_for_cases_it_has() -> None:
    """Past all hope after 150 of 200: no "about 180 cases are needed" of a suite that has 200."""
    made = MadeUp("triage").add(*table(60, 20, 30, 90))
    result = stopped(made, 160, ruled(margin=0.02))
    assert end_of(result).answer in ("futile", "go_on")
    gate = next(g for g in only(judged(run_of(made), {"triage": 160})).gates if g.kind == "suite")
    assert "only losses above" not in gate.why
