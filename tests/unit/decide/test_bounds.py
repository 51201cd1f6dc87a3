"""Missing answers bound the verdict: it claims only what holds however they would have come out."""

from __future__ import annotations

import pytest

from evalkit.decide import Policy, RunLimits, SuiteRule
from evalkit.decide.decision import Verdict
from evalkit.decide.verdict import common

from .made_up import FAILED, Answer, MadeUp, gate_of, only, record, result_of, run_of

LAX = RunLimits(max_error_rate=1.0, min_coverage=0.0, max_ungraded_rate=1.0)


def with_missing(lost: Answer, *, missing: int, margin: float = 0.05) -> MadeUp:
    """200 unchanged cases, of which the candidate did not answer the first few."""
    return MadeUp("triage", margin=margin).add(
        [1.0] * 200, [lost] * missing + [1.0] * (200 - missing)
    )


@pytest.mark.parametrize("lost", [FAILED, None])
def test_bounds_by_hand(lost: Answer) -> None:
    """12 of 200 missing: at worst 6 points lower, at best unchanged, as the base was right."""
    result = result_of(run_of(with_missing(lost, missing=12), policy=Policy(run=LAX)))
    bounds = result.bounds
    assert bounds is not None
    assert (bounds.missing, bounds.worst.difference, bounds.best.difference) == (12, -0.06, 0.0)
    assert (result.n, result.difference) == (188, 0.0)


def test_missing_answers_that_matter_leave_doubt() -> None:
    """As observed nothing changed, but 12 missing answers could hide a loss beyond the limit."""
    run = run_of(with_missing(FAILED, missing=12), policy=Policy(run=LAX))
    result = result_of(run)
    assert result.bounds is not None
    assert (result.bounds.observed, result.verdict) == ("non_inferior", "inconclusive")
    assert result.bounds.decisive
    gate = gate_of(run, "suite")
    assert gate.status == "inconclusive"
    assert "12 cases without a score could make it 6.0 points lower" in gate.why
    assert only(run.decide()).outcome == "not_enough_evidence"


def test_missing_answers_that_cannot_matter_change_nothing() -> None:
    """One missing answer of 200 leaves a limit of 10 points intact."""
    result = result_of(run_of(with_missing(FAILED, missing=1, margin=0.1)))
    assert result.bounds is not None
    assert not result.bounds.decisive
    assert result.verdict == "non_inferior"


def test_without_a_missing_answer_there_are_no_bounds() -> None:
    """Bounds are made only where there is something to bound."""
    assert result_of(run_of(MadeUp("triage").add([1.0] * 9, [1.0] * 9))).bounds is None


def test_a_lost_sample_counts_by_its_share() -> None:
    """One of two samples failed: the case's mean may be anything from .5 to 1."""
    made = MadeUp("triage").add([1.0] * 20, [1.0] * 20)
    more = (record("triage", "heldout-0000", "tuned", FAILED, sample=1),)
    result = result_of(run_of(made, more=more, policy=Policy(run=LAX)))
    assert result.bounds is not None
    assert (result.bounds.missing, result.bounds.worst.difference) == (1, -0.025)
    assert result.n == 20


def test_a_gain_must_hold_at_the_worst() -> None:
    """A target that gained enough as observed, but not if its missing answers were wrong."""
    made = MadeUp("triage", "target").add(
        [1.0] * 12 + [0.0] * 18 + [0.0] * 70, [FAILED] * 12 + [1.0] * 18 + [0.0] * 70
    )
    policy = Policy(run=LAX, suites={"triage": SuiteRule(min_gain=0.05)})
    gate = gate_of(run_of(made, policy=policy), "suite")
    assert gate.status == "inconclusive"
    whole = MadeUp("triage", "target").add([0.0] * 18 + [0.0] * 82, [1.0] * 18 + [0.0] * 82)
    assert gate_of(run_of(whole, policy=policy), "suite").status == "passed"


@pytest.mark.parametrize(
    ("verdicts", "shared"),
    [
        (("improved", "improved", "improved"), "improved"),
        (("improved", "non_inferior", "improved"), "non_inferior"),
        (("improved", "regressed_within_margin"), "non_inferior"),
        (("regressed_beyond_margin", "regressed"), "regressed"),
        (("regressed_within_margin", "regressed_beyond_margin"), "regressed"),
        (("improved", "regressed"), "inconclusive"),
        (("non_inferior", "inconclusive"), "inconclusive"),
    ],
)
def test_what_verdicts_have_in_common(verdicts: tuple[Verdict, ...], shared: Verdict) -> None:
    """Claims that all share remain; contradictory ones leave nothing."""
    assert common(verdicts) == shared
    assert common(verdicts[::-1]) == shared


@pytest.mark.parametrize(
    ("lost", "gained", "status"),
    [(0, 0, "passed"), (60, 0, "failed"), (0, 60, "failed"), (7, 0, "inconclusive")],
)
def test_equivalence(lost: int, gained: int, status: str) -> None:
    """Both one-sided tests at once: a gain beyond the margin fails as a loss does."""
    same = 200 - lost - gained
    made = MadeUp("triage").add(
        [1.0] * lost + [0.0] * gained + [1.0] * same, [0.0] * lost + [1.0] * gained + [1.0] * same
    )
    policy = Policy(suites={"triage": SuiteRule(rule="equivalent", margin=0.05)})
    gate = gate_of(run_of(made, policy=policy), "suite")
    assert gate.status == status
    assert {"passed": "stayed within", "failed": "changed by more"}.get(
        status, "cannot"
    ) in gate.why
