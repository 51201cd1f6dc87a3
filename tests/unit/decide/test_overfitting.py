"""The overfitting gate: what is flagged, what it is called, and what blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide import Policy, SuiteRule
from evalkit.decide.decision import GateStatus, OverfitClass

from .made_up import MadeUp, gate_of, only, run_of, spec, table

Cells = tuple[int, int, int, int]


@pytest.mark.parametrize(
    ("train", "heldout", "found", "status"),
    [
        ((0, 190, 0, 10), (10, 100, 5, 85), "mostly_memorised", "failed"),
        ((0, 190, 0, 10), (150, 5, 5, 140), "no_transfer", "failed"),
        ((0, 190, 0, 10), (550, 10, 40, 400), "harmful", "failed"),
        ((0, 190, 0, 10), (100, 5, 60, 35), "harmful", "failed"),
        ((0, 190, 0, 10), (8, 2, 2, 8), "inconclusive", "failed"),
        ((0, 190, 0, 10), (0, 190, 0, 10), "sound", "passed"),
        ((0, 8, 0, 2), (4, 12, 0, 4), "inconclusive", "reported"),
    ],
)
def test_classes(train: Cells, heldout: Cells, found: OverfitClass, status: GateStatus) -> None:
    """A gap that is surely too large is named by what held-out cases did; doubt blocks nothing."""
    made = MadeUp("triage", "target", 0.05).add(*table(*heldout)).add(*table(*train), split="train")
    run = run_of(made)
    (overfit,) = only(run.decide()).overfitting
    gate = gate_of(run, "overfitting")
    assert (overfit.classification, gate.status) == (found, status)
    assert overfit.flagged == (status == "failed")
    assert overfit.interval is not None
    assert overfit.flagged == (overfit.interval.low > 0.05)
    assert gate.suite == "triage"
    assert "trained cases" in gate.why


def test_numbers() -> None:
    """Means of all four corners, their difference in differences, and the shuffles beside it."""
    made = MadeUp("triage").add(*table(10, 40, 10, 40)).add(*table(5, 30, 5, 10), split="train")
    (overfit,) = only(run_of(made).decide()).overfitting
    assert (overfit.n_train, overfit.n_heldout, overfit.expected_train) == (50, 100, 50)
    assert (overfit.base_train, overfit.candidate_train) == (0.2, 0.7)
    assert (overfit.base_heldout, overfit.candidate_heldout) == (0.2, 0.5)
    assert overfit.gap == pytest.approx(0.2)
    assert overfit.p_value == pytest.approx(overfit.p_permutation, abs=0.02)


def test_a_suite_that_reports_never_blocks_by_its_gap() -> None:
    """The gap is shown, and stops nothing."""
    made = (
        MadeUp("triage", "report").add(*table(10, 5, 5, 80)).add(*table(0, 60, 0, 0), split="train")
    )
    assert gate_of(run_of(made), "overfitting").status == "reported"


def test_the_policy_sets_the_limit() -> None:
    """A generous limit turns a flagged gap into a sound one."""
    made = MadeUp("triage").add(*table(10, 90, 0, 100)).add(*table(0, 70, 0, 30), split="train")
    flagged, sound = (
        only(run_of(made, policy=Policy(max_gap=gap)).decide()).overfitting[0]
        for gap in (0.05, 0.5)
    )
    assert flagged.flagged
    assert sound.classification == "sound"
    assert sound.max_gap == 0.5


def test_only_cases_of_the_candidates_own_training_file_count() -> None:
    """Cases that another candidate learned from are no train cases of this one."""
    made = MadeUp("triage").add(*table(10, 5, 5, 80))
    made = made.add(*table(0, 60, 0, 0), split="train", trained=frozenset({"other"}))
    assert only(run_of(made).decide()).overfitting == ()


def test_a_checkpoint_learned_from_its_candidates_file() -> None:
    """Compared with base, a checkpoint has the train cases of the run it comes from."""
    made = MadeUp("triage").add(*table(10, 5, 5, 80))
    made = made.add(*table(0, 60, 0, 0), split="train", trained=frozenset({"final"}))
    models = {"base": spec("base", "base"), "tuned": spec("tuned", "checkpoint", of="final")}
    (overfit,) = only(run_of(made, models=models).decide()).overfitting
    assert overfit.n_train == 60


def test_trained_cases_without_an_answer_have_no_gap() -> None:
    """All trained answers missing: no gap, and the reason in words."""
    made = MadeUp("triage").add(*table(10, 5, 5, 80)).add([None] * 5, [1.0] * 5, split="train")
    run = run_of(made)
    (overfit,) = only(run.decide()).overfitting
    assert (overfit.gap, overfit.candidate_train, overfit.classification) == (
        None,
        None,
        "inconclusive",
    )
    assert gate_of(run, "overfitting").why == (
        "We cannot tell if triage was memorised: no trained case was answered by both models."
    )


def test_one_cluster_of_trained_cases() -> None:
    """One template in the training file has no spread: a gap without an interval."""
    made = (
        MadeUp("triage")
        .add(*table(10, 5, 5, 80))
        .add(*table(0, 9, 0, 1), split="train", cluster="t")
    )
    (overfit,) = only(run_of(made).decide()).overfitting
    assert overfit.gap is not None
    assert (overfit.interval, overfit.p_value, overfit.flagged) == (None, None, False)


def test_without_held_out_cases_there_is_nothing_to_hold_it_against() -> None:
    """A suite of trained cases only has no gap to report."""
    made = MadeUp("triage").add(*table(0, 60, 0, 0), split="train")
    assert only(run_of(made).decide()).overfitting == ()


def test_gap_where_less_was_gained_on_trained_cases() -> None:
    """A negative gap reads the right way round."""
    made = (
        MadeUp("triage", "target")
        .add(*table(0, 190, 0, 10))
        .add(*table(0, 100, 0, 90), split="train")
    )
    policy = Policy(suites={"triage": SuiteRule(min_gain=0.1)})
    gate = gate_of(replace(run_of(made), policy=policy), "overfitting")
    assert gate.status == "passed"
    assert gate.why.startswith(
        "triage gained 42.4 points less on trained cases than on held-out ones"
    )
