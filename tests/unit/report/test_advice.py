"""What to do next follows from the rules that did not pass."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalkit.decide.decision import ComparisonDecision, Flips, Gate, GateStatus
from evalkit.report.advice import next_steps
from tests.unit.report.scenarios import SCENARIOS


def comparison(name: str) -> ComparisonDecision:
    """Return the decision of a named run."""
    return SCENARIOS[name]().decision.comparisons[0]


def texts(found: ComparisonDecision, *, partial: bool = False) -> list[str]:
    """Return the steps' texts."""
    return [step.text for step in next_steps(found, partial=partial)]


def with_gate(found: ComparisonDecision, kind: str, status: GateStatus) -> ComparisonDecision:
    """Return ``found`` with one gate only."""
    gate = Gate(kind, kind, status, "", found.suites[0].suite)  # type: ignore[arg-type]
    return replace(found, outcome="do_not_promote", gates=(gate,))


def test_a_promotion_says_where_to_put_the_candidate() -> None:
    """After a promotion: use it, read what broke anyway, test again later."""
    steps = texts(comparison("promote"))
    assert steps[0].startswith("Put tuned where base is served now")
    assert "Read the" in steps[1]
    assert "Run the same suites again" in steps[-1]


def test_a_promotion_without_broken_cases_has_nothing_to_read() -> None:
    """Nothing is asked for that is not there."""
    found = comparison("promote")
    suites = tuple(replace(s, flips=Flips(9, 1, 0, 0)) for s in found.suites)
    assert not [t for t in texts(replace(found, suites=suites)) if t.startswith("Read")]


def test_a_refused_candidate() -> None:
    """Critical cases first; broken ones once for all suites; then overfitting and a checkpoint."""
    steps = next_steps(comparison("overfit"), partial=False)
    assert steps[0].text.startswith("Mend the critical cases first: heldout-001")
    assert [s.text[:8] for s in steps].count("Read the") == 1
    assert any(s.text.startswith("Try epoch-1") for s in steps)
    assert {s.section for s in steps} == {"flips", "overfitting", ""}
    assert len(steps) <= 5


def test_the_candidate_is_no_alternative_to_itself() -> None:
    """No checkpoint is advertised where none scored higher than the candidate."""
    found = with_gate(comparison("two"), "overfitting", "failed")
    points = tuple(p for p in found.learning_curve if p.model == found.candidate)
    steps = texts(replace(found, learning_curve=points))
    assert steps == ["Train for fewer steps, or on more and more varied data."]


def test_undecided_suites_ask_for_cases() -> None:
    """The number of cases needed comes with the change they would show."""
    (step,) = texts(comparison("inconclusive"))
    assert re.fullmatch(
        r"Add cases to safety refusals: it has 60, and about [\d,]+ are needed to see 2 points\.",
        step,
    )


def test_cases_needed_are_named_only_if_known() -> None:
    """Without a planned number the advice names the cases there are."""
    found = comparison("inconclusive")
    suites = tuple(replace(s, cases_needed=None) for s in found.suites)
    assert texts(replace(found, suites=suites)) == [
        "Add cases to safety refusals: 60 do not settle it."
    ]


def test_an_incomplete_run_asks_for_what_is_missing() -> None:
    """Ungraded answers point to the grader, missing ones to another run."""
    steps = texts(comparison("incomplete"))
    assert "3 answers could not be graded" in steps[0]
    assert "14 cases" in steps[1]


def test_a_run_that_lacks_nothing_but_is_void() -> None:
    """A void run without a counted error is simply run again."""
    found = with_gate(comparison("promote"), "run", "incomplete")
    assert texts(found) == ["Run again: answers that came are kept and not asked again."]


def test_a_partial_run_asks_for_the_rest() -> None:
    """A run of chosen cases says that it cannot promote."""
    found = with_gate(comparison("promote"), "run", "passed")
    assert texts(found, partial=True) == [
        "Run every case of every suite: a partial run never leads to a promotion."
    ]


def test_a_partial_run_asks_for_nothing_else() -> None:
    """What its rules lack, it may lack only because cases were left out."""
    assert texts(comparison("incomplete"), partial=True) == [
        "Run every case of every suite: a partial run never leads to a promotion."
    ]


def test_a_candidate_that_is_not_itself() -> None:
    """A failed proof of identity asks to look at the endpoint."""
    found = with_gate(comparison("promote"), "identity", "failed")
    assert texts(found)[0].startswith("Make sure that the endpoint serves tuned")


def test_a_target_that_gained_too_little() -> None:
    """A target short of its gain asks for training, with the gain that was asked for."""
    found = with_gate(comparison("promote"), "suite", "failed")
    assert texts(found) == ["Train for triage: as a target it has to improve by 3 points."]


def test_a_loss_without_a_flip() -> None:
    """Scores can fall without any case going from right to wrong."""
    found = comparison("overfit")
    suites = tuple(replace(s, flips=Flips(9, 1, 0, 0)) for s in found.suites)
    found = with_gate(replace(found, suites=suites), "suite", "failed")
    assert texts(found) == [
        "See which cases of triage, general, facts lost most: none went from right to wrong."
    ]


def test_broken_cases_are_counted_by_suite_only_where_there_are_several() -> None:
    """One suite's number is not given twice."""
    found = with_gate(comparison("overfit"), "suite", "failed")
    assert "that broke (triage " in texts(found)[0]
    alone = replace(found, suites=found.suites[:1])
    assert "cases that broke and cover" in texts(alone)[0]


def test_many_critical_cases_are_counted() -> None:
    """Beyond four names the rest is a number."""
    found = comparison("overfit")
    first = replace(found.suites[0], broken_critical=tuple("abcdef"))
    found = with_gate(replace(found, suites=(first, *found.suites[1:])), "critical", "failed")
    assert texts(found) == ["Mend the critical cases first: a, b, c, d and 2 more."]


@pytest.mark.parametrize("kind", ["suite", "critical", "overfitting", "identity", "run"])
def test_a_rule_that_passed_asks_for_nothing(kind: str) -> None:
    """Passed rules give no advice."""
    assert texts(with_gate(comparison("overfit"), kind, "passed")) == []


def test_a_rule_on_a_suite_that_is_not_there_asks_for_nothing() -> None:
    """A gate may name a suite that the run does not have."""
    gate = Gate("lost", "suite", "incomplete", "", "lost")
    found = replace(comparison("overfit"), gates=(gate,))
    assert texts(found) == []


def test_a_target_that_cannot_have_gained_enough_is_trained_for() -> None:
    """Nothing is said of what broke: that the suite did not get worse is no claim that none did."""
    found = with_gate(comparison("overfit"), "suite", "failed")
    first, *others = found.suites
    target = replace(first, rule="superior", min_gain=0.3, verdict="inconclusive")
    assert texts(replace(found, suites=(target, *others))) == [
        "Train for triage: as a target it has to improve by 30 points."
    ]


def test_a_suite_that_may_not_change_and_did() -> None:
    """A gain beyond the margin is a change as well: what changed is to be read."""
    found = with_gate(comparison("overfit"), "suite", "failed")
    first, *others = found.suites
    changed = replace(first, rule="equivalent", verdict="improved")
    assert texts(replace(found, suites=(changed, *others))) == [
        "Read what changed in triage: its rule allows no change either way."
    ]
