"""Judges in the report: a table, their prompts, and warnings where they stand on weak ground."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalkit.decide.decision import (
    Corrected,
    Decision,
    Interval,
    JudgeNoise,
    JudgeResult,
    NoVerdict,
    PeopleAgreement,
    PlaceBias,
)
from evalkit.model import GraderSpec, Source
from evalkit.report import build_view, render_html, render_markdown
from evalkit.report.judges import NOBODY, describe_judges, judge_warnings
from tests.unit.report.builder import HOSTILE, MadeRun
from tests.unit.report.scenarios import SCENARIOS

PEOPLE = PeopleAgreement(
    40, 3, 0.9, Interval(0.77, 0.96, 0.95, "Wilson"), 0.2, 0.88, "kappa is low", 0.12, 0.11
)
CORRECTED = Corrected(
    -0.031, Interval(-0.08, 0.018, 0.95, "t"), "t", 40, 108, "inconclusive", agrees=False
)
JUDGE = JudgeResult(
    "tone",
    "gpt-4.1",
    ("gpt-4.1-2025-04-14",),
    214,
    (NoVerdict("no answer: timeout", 2),),
    JudgeNoise(0.08, 214, 0.3),
    PlaceBias(-0.2, 0.004, 3, 15, 108, 0.8),
    PEOPLE,
    CORRECTED,
)
SPEC = GraderSpec("tone", "rubric", {"rubric": "Is it polite?"}, Source("s.yaml", 3))


def judged(**fields: Any) -> MadeRun:
    """Return a run whose first suite has a judge, with other fields."""
    made = SCENARIOS["promote"]()
    suites = (replace(made.suites[0], graders=(SPEC,)), *made.suites[1:])
    comparison = made.decision.comparisons[0]
    first, *others = comparison.suites
    first = replace(first, judges=(replace(JUDGE, **fields),))
    decision = replace(made.decision, comparisons=(replace(comparison, suites=(first, *others)),))
    return replace(made, decision=decision, suites=suites)


def decision(**fields: Any) -> Decision:
    """Return the decision of such a run."""
    return judged(**fields).decision


def cells(**fields: Any) -> tuple[str, ...]:
    """Return the one row of the table."""
    made = judged(**fields)
    section = describe_judges(made.decision, made.suites)
    assert section is not None
    (row,) = section.tables[0].rows
    return row


def notes(**fields: Any) -> str:
    """Return all notes as one text."""
    made = judged(**fields)
    section = describe_judges(made.decision, made.suites)
    assert section is not None
    return "\n".join(section.notes)


def test_the_table_has_a_row_a_judge() -> None:
    """Who answered, what is missing, how far people agree, and what that changes."""
    assert cells() == (
        "triage/tone",
        "gpt-4.1-2025-04-14",
        "214",
        "2 no answer: timeout",
        "90.0 % of 40 (77.0 to 96.0), kappa 0.20, AC1 0.88, scores 12.0 apart",
        "8.0 points, 30.0 % of the variance",
        "−20.0 to the second, p 0.004; 80.0 % of pairs alike in both orders",
        "−3.1, 95 % interval −8.0 to +1.8, 40 of 108 labelled",
    )


def test_what_is_not_known_is_said() -> None:
    """No labels, only stale ones, no repeats, no pairs, too few labels."""
    assert NOBODY in cells(people=None, corrected=None)
    stale = replace(PEOPLE, n=0, raw=None)
    assert "no label that counts, 3 stale" in cells(people=stale)
    assert cells(noise=None)[5] == "asked once"
    assert cells(position=None)[6] == "–"
    few = replace(CORRECTED, difference=None, interval=None, note="9 cases have labels")
    assert cells(corrected=few)[7] == "none, 40 of 108 labelled"
    assert "no corrected change: 9 cases have labels" in notes(corrected=few)


def test_weak_ground_is_noted() -> None:
    """An alias, a place that is favoured, skewed labels, a mild judge, stale labels."""
    said = notes()
    for words in ("is an alias", "stands first", "Read AC1", "milder than people", "3 labels are"):
        assert words in said
    quiet = notes(
        asked_as="gpt-4.1-2025-04-14",
        position=None,
        people=replace(PEOPLE, skew="", lean=0.01, stale=0),
    )
    assert quiet == ""


@pytest.mark.parametrize(
    ("asked", "answered", "alias"),
    [
        ("gpt-4.1", "gpt-4.1-2025-04-14", True),
        ("gpt-4.1-2025-04-14", "gpt-4.1-2025-04-14", False),
        ("judge", "judge", False),
        ("claude-x", "other-20250414", False),
    ],
)
def test_an_alias_is_told_where_it_can_be(asked: str, answered: str, alias: bool) -> None:
    """Only an answer under a dated name shows that the name asked for was none."""
    assert ("is an alias" in notes(asked_as=asked, answered_as=(answered,))) is alias


def test_what_shakes_the_decision_stands_beside_it() -> None:
    """Several names, and labels that contradict the judge; else nothing."""
    shaken = list(judge_warnings(decision(answered_as=("a", "b"))))
    assert ["2 names" in shaken[0], "rests on the judge alone" in shaken[1]] == [True, True]
    assert not list(judge_warnings(decision(corrected=replace(CORRECTED, agrees=True))))
    made = judged()
    view = build_view(
        made.decision, manifest=made.manifest, suites=made.suites, records=made.records
    )
    assert any("corrected by labels of people" in warning for warning in view.warnings)


def test_a_run_without_judges_has_no_such_section() -> None:
    """Neither a section nor a link to it."""
    made = SCENARIOS["promote"]()
    assert describe_judges(made.decision, made.suites) is None
    view = build_view(
        made.decision, manifest=made.manifest, suites=made.suites, records=made.records
    )
    assert 'id="judges"' not in render_html(view)
    assert "**Judges**" not in render_markdown(view)


def test_prompts_are_shown_and_run_nothing() -> None:
    """What a suite tells its judge is text, whatever it holds."""
    made = judged(grader=HOSTILE[0], answered_as=(HOSTILE[1],))
    rubric = "\n".join(HOSTILE)
    spec = replace(SPEC, options={"rubric": rubric})
    suites = (replace(made.suites[0], graders=(spec,)), *made.suites[1:])
    view = build_view(made.decision, manifest=made.manifest, suites=suites, records=made.records)
    page, summary = render_html(view), render_markdown(view)
    assert "You grade one answer of an AI model" in page
    assert "You grade one answer of an AI model" in summary
    assert page.count("<script") == render_html(replace(view, judges=None)).count("<script")
    assert "\u202e" not in page + summary
