"""Which checkpoint: what the report says of the choice, and of suites that only report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide import CheckpointRule, Policy, RunData, SuiteRule, decide
from evalkit.decide.decision import AnyDifference, CochranTest, ComparisonDecision, Selection
from evalkit.report import render_html, render_markdown, render_text
from evalkit.report.checkpoints import Choice, checkpoint_line, describe_choice
from tests.unit.report.builder import MadeRun, ModelPlan, Move, SuitePlan, make_run
from tests.unit.report.conftest import PageOf, ViewOf, view_of_run
from tests.unit.report.scenarios import SCENARIOS


def again(name: str, policy: Policy) -> MadeRun:
    """Return a made-up run, decided by another policy."""
    made = SCENARIOS[name]()
    return replace(made, decision=decide(RunData(made.project, made.suites, made.records), policy))


def first(made: MadeRun) -> ComparisonDecision:
    """Return the first comparison of a run."""
    return made.decision.comparisons[0]


def choice_of(made: MadeRun) -> Choice:
    """Return the part on the checkpoints of the first candidate; there must be one."""
    choice = describe_choice(first(made))
    assert choice is not None
    return choice


def selection_of(made: MadeRun) -> Selection:
    """Return the selection of the first candidate; there must be one."""
    selection = first(made).selection
    assert selection is not None
    return selection


def test_every_contender_has_a_row() -> None:
    """By step, the chosen one marked, the candidate not compared with itself."""
    choice = choice_of(SCENARIOS["promote"]())
    (table,) = choice.tables
    assert table.caption == "triage, 54 dev cases"
    assert [row[0] for row in table.rows] == [
        *("step-40", "step-80", "step-120", "step-160 (chosen)", "tuned"),
    ]
    assert [row[1] for row in table.rows] == ["40", "80", "120", "160", "200"]
    assert table.rows[-1][-2:] == ("–", "–")
    assert all(" to " in row[4] for row in table.rows)
    assert "hold for all rows at once" in choice.notes[0]


def test_the_chosen_one_is_judged_on_test_cases() -> None:
    """Size, interval, luck: the numbers are those of the decision."""
    made = SCENARIOS["promote"]()
    finding, chosen, judged, _ = choice_of(made).findings
    assert (
        finding
        == "Whether any other checkpoint is as good as the candidate on triage cannot be told."
    )
    assert chosen == "Of 5 models, step-160 (step 160) scored highest on the dev cases."
    found = selection_of(made).suites[0]
    assert found.difference is not None
    assert f"On the 54 test cases of triage it gains {100 * found.difference:.1f} points" in judged
    assert f"the best of 5 would seem to gain about {100 * found.luck:.1f} by luck" in judged


def test_a_choice_on_the_same_cases() -> None:
    """Each suite has its sentence and table, and the mean over them one without the luck."""
    rule = CheckpointRule("simultaneous", suites=("triage", "general"))
    made = again("promote", Policy(checkpoints=rule))
    choice = choice_of(made)
    assert [table.caption for table in choice.tables] == [
        "general, 640 held-out cases",
        "triage, 108 held-out cases",
    ]
    assert [f for f in choice.findings if f.startswith("On the same 640 cases of general it ")]
    corrected = selection_of(made).corrected
    assert corrected is not None
    assert choice.findings[-1].startswith(
        f"Without the luck of the choice the difference is +{100 * corrected:.1f} ("
    )
    assert choice.findings[-1].endswith(", as a mean over the suites.")


def test_the_candidate_may_be_the_best() -> None:
    """It is then called the candidate, with its step if it has one."""
    found = first(SCENARIOS["promote"]())
    selection = selection_of(SCENARIOS["promote"]())
    for step, words in ((200, "the candidate (step 200)"), (None, "the candidate")):
        chosen = replace(selection, chosen="tuned", step=step, is_candidate=True)
        choice = describe_choice(replace(found, selection=chosen))
        assert choice is not None
        assert f"Of 5 models, {words} scored highest" in choice.findings[1]
        assert choice.tables[0].rows[-1][0] == "tuned (chosen)"


def test_a_chosen_one_that_loses_or_cannot_be_compared() -> None:
    """A loss is told as a loss; a difference that is not there is not made up."""
    found = first(SCENARIOS["promote"]())
    selection = selection_of(SCENARIOS["promote"]())
    (suite,) = selection.suites
    for changed, words in (
        (replace(suite, difference=-0.02, interval=None), "it loses 2.0 points against base ("),
        (replace(suite, difference=None, interval=None), "it cannot be compared with base;"),
    ):
        noted = replace(changed, note="the chosen candidate answered no test case")
        choice = describe_choice(replace(found, selection=replace(selection, suites=(noted,))))
        assert choice is not None
        assert words in choice.findings[-2]
        assert choice.notes[1] == "triage: the chosen candidate answered no test case."


Q = CochranTest(4, 120, 33, 9.1, 0.0004, "Cochran's Q, chi-squared")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            AnyDifference(Q, replace(Q, models=3, p_value=0.31)),
            "differ by more than chance, p < 0.001; the 3 by themselves may differ by chance "
            "alone, p = 0.310 (Cochran's Q).",
        ),
        (
            AnyDifference(replace(Q, p_value=0.05), None, "alike"),
            "differ by more than chance, p = 0.050; the 3 by themselves answered every case alike "
            "(Cochran's Q).",
        ),
    ],
)
def test_whether_the_models_differ_at_all(found: AnyDifference, said: str) -> None:
    """One line a suite, with the base and without it."""
    (line,) = (f for f in described(found).findings if "Cochran" in f)
    cases = "On the 120 cases of triage that all of them answered, the base and 3 trained models"
    assert line == f"{cases} {said}"


def test_why_it_was_not_tested() -> None:
    """A reason in place of the line; nothing where an older decision did not ask."""
    choice = described(AnyDifference(None, None, "scores between right and wrong"))
    assert not [f for f in choice.findings if "Cochran" in f]
    assert choice.notes[1] == (
        "triage: whether the models differ at all cannot be tested: scores between right and wrong."
    )
    assert len(described(None).notes) == 1


def described(found: AnyDifference | None) -> Choice:
    """Return the part on checkpoints where this was found on the one suite that chose."""
    made = SCENARIOS["promote"]()
    (suite,) = selection_of(made).suites
    selection = replace(selection_of(made), suites=(replace(suite, any_difference=found),))
    choice = describe_choice(replace(first(made), selection=selection))
    assert choice is not None
    return choice


def test_nothing_chosen() -> None:
    """Only the reason stands there."""
    made = again("promote", Policy(checkpoints=CheckpointRule(suites=("gone",))))
    choice = choice_of(made)
    assert (choice.findings, choice.tables) == ((), ())
    assert choice.notes == ("Not in this run, so it cannot choose: gone.",)


def test_without_checkpoints_there_is_no_such_part(page_of: PageOf) -> None:
    """A run of base and candidate alone says nothing about checkpoints to choose."""
    assert describe_choice(first(SCENARIOS["inconclusive"]())) is None
    assert "Which checkpoint" not in page_of("inconclusive")


def test_the_page_tells_what_the_gate_assumes(page_of: PageOf, view_of: ViewOf) -> None:
    """In the part itself and among the families, for every candidate with checkpoints."""
    page = page_of("two")
    assert page.count("<h3>Which checkpoint</h3>") == 2
    for name in ("tuned", "tuned-overfit"):
        assert f"the gate is on {name}, and assumes that these cases did not choose it." in page
    families = " ".join(view_of("two").method.families)
    assert "The gate on tuned-overfit assumes that these cases did not choose it" in families
    assert any("max-T" in test for test in view_of("two").method.tests)


def test_the_finding_is_one_line_elsewhere(view_of: ViewOf) -> None:
    """Terminal and pull request carry it where something follows from it, and only there."""
    made = SCENARIOS["overfit"]()
    line = checkpoint_line(first(made))
    assert line.startswith("Step 60 scored higher than the candidate on triage (")
    assert "Step 60 scored higher" in render_text(view_of("overfit"))
    assert render_markdown(view_of("overfit")).count("Step 60 scored higher") == 1
    assert checkpoint_line(first(SCENARIOS["promote"]())) == ""
    assert "cannot be told" not in render_text(view_of("promote"))
    assert checkpoint_line(first(SCENARIOS["inconclusive"]())) == ""


@pytest.fixture(scope="module")
def exploring() -> MadeRun:
    """Return a run with a guard and ten suites that only report, one of them a change alone."""
    plans = [SuitePlan(f"look {i}", "report", 200, 0.5) for i in range(10)]
    still = {plan.name: Move(0.02, 0.02) for plan in plans}
    moves = {**still, "look 0": Move(0.08, 0.02), "guard": Move(0.05, 0.0)}
    return make_run(
        [SuitePlan("guard", "guard", 200, 0.5), *plans], [ModelPlan("tuned", moves)], seed=3
    )


def test_the_table_of_tests_shows_adjusted_p_values(exploring: MadeRun) -> None:
    """Suites that only report have one, a guard has none."""
    tests = next(t for t in view_of_run(exploring).method.tables if t.caption == "Tests")
    place = [column.name for column in tests.columns].index("p, adjusted")
    shown = {row[0]: row[place] for row in tests.rows}
    assert shown.pop("guard") == "–"
    assert "–" not in shown.values()
    families = view_of_run(exploring).method.families
    assert families[-1].startswith("Suites that only report, tuned against base: 10 two-sided")


def test_what_is_no_change_among_many_is_not_called_one(exploring: MadeRun) -> None:
    """The interval alone excludes 0; the lists and the table do not call it better; a note why."""
    result = next(s for s in first(exploring).suites if s.suite == "look 0")
    assert result.interval is not None
    assert result.interval.low > 0
    assert result.p_value is not None
    assert result.p_adjusted is not None
    assert result.p_value <= 0.05 < result.p_adjusted
    candidate = view_of_run(exploring).candidates[0]
    assert "look 0" not in [line.name for line in candidate.summary.better]
    verdicts = {line.suite: line.verdict for line in candidate.changes.lines}
    assert verdicts["look 0"] == "no important loss"
    assert any("not called changed" in note for note in candidate.changes.notes)
    assert "not called changed" in render_html(view_of_run(exploring))
    bare = Policy(exploratory_correction="none", suites={"guard": SuiteRule()})
    data = RunData(exploring.project, exploring.suites, exploring.records)
    uncorrected = decide(data, bare).comparisons[0].suites
    assert next(s for s in uncorrected if s.suite == "look 0").verdict == "improved"
