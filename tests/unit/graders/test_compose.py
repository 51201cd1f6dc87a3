"""`all`, `any`, `not`, `weighted`, `multi`: graders made of graders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Fault
from evalkit.graders.registry import make
from evalkit.model import Grade, GraderSpec, Source, Ungraded

from .grading import case, fault, grade, graded, grader, spec

NO = spec("string_check", "no", operation="eq", value="never")
YES = spec("string_check", "yes", operation="ne", value="never")
HALF = spec("python", "half", function="tests.unit.graders.user_grader:score")
LOST = spec("python", "lost", function="tests.unit.graders.user_grader:none_at_all")


@pytest.mark.parametrize(
    ("type_", "inner", "score", "passed"),
    [
        ("all", [YES, YES], 1.0, True),
        ("all", [YES, NO], 0.0, False),
        ("all", [YES, HALF], 0.5, True),
        ("all", [NO, LOST], 0.0, False),
        ("any", [NO, YES], 1.0, True),
        ("any", [NO, NO], 0.0, False),
        ("any", [NO, HALF], 0.5, True),
        ("any", [LOST, YES], 1.0, True),
        ("not", [YES], 0.0, False),
        ("not", [NO], 1.0, True),
        ("not", [HALF], 0.5, False),
    ],
)
def test_logic_over_grades(
    type_: str, inner: list[GraderSpec], score: float, *, passed: bool
) -> None:
    """The lowest, the highest, or one minus the score; passing follows the inner ones."""
    named = [renamed(each, f"g{n}") for n, each in enumerate(inner)]
    result = grade(type_, "0.5", graders=named)
    assert (result.score, result.passed) == (score, passed)
    assert list(result.detail) == [each.name for each in named]


@pytest.mark.parametrize(
    ("type_", "inner"), [("all", [YES, LOST]), ("any", [NO, LOST]), ("not", [LOST])]
)
def test_a_missing_grade_that_could_decide_is_missed(type_: str, inner: list[GraderSpec]) -> None:
    """Without it the outer grade is ungraded, and says whose is missing."""
    assert graded(type_, "x", graders=inner) == Ungraded("lost: not today")


def test_weighted_is_the_weighted_mean() -> None:
    """(2 * 1 + 1 * 0.5 + 1 * 0) / 4; it passes from the threshold on."""
    inner = {"graders": [YES, HALF, NO], "weights": {"yes": 2, "half": 1, "no": 1}}
    assert grade("weighted", "0.5", **inner).score == 0.625
    assert grade("weighted", "0.5", **inner).passed
    assert not grade("weighted", "0.5", **inner, threshold=0.7).passed
    missing = {"graders": [YES, LOST], "weights": {"yes": 1, "lost": 1}}
    assert graded("weighted", "x", **missing) == Ungraded("lost: not today")


@given(scores=st.lists(st.floats(0, 1), min_size=2, max_size=2), weight=st.floats(0.001, 1e6))
def test_weighted_stays_in_range(scores: list[float], weight: float) -> None:
    """Whatever the weights, the score lies between the lowest and the highest."""
    score = grader(
        "weighted",
        graders=[YES, HALF],
        weights={"yes": weight, "half": 1.0},
    ).grade(case(), reply_of(scores[0]))
    assert isinstance(score, Grade)
    assert min(scores[0], 1.0) - 1e-9 <= score.score <= 1.0


def test_multi_follows_its_formula() -> None:
    """It is the language of a suite's score; a grade that is not needed may be missing."""
    options: dict[str, Any] = {"graders": [YES, HALF, LOST]}
    assert grade("multi", "0.5", **options, formula="half if yes else lost").score == 0.5
    result = graded("multi", "0.5", **options, formula="min(half, lost)")
    assert result == Ungraded("lost: not today")


@pytest.mark.parametrize(
    ("type_", "options", "got"),
    [
        ("multi", {"graders": [YES], "formula": "no"}, "'no' in the score"),
        ("multi", {"graders": [YES], "formula": "2 * yes"}, "2 at yes = 1"),
        ("multi", {"graders": [YES], "formula": "__import__('os')"}, "__import__"),
        ("weighted", {"graders": [YES, NO], "weights": {"yes": 1}}, "weights for yes"),
        ("weighted", {"graders": [YES], "weights": {"yes": 1, "x": 1}}, "weights for yes, x"),
        ("all", {"graders": [spec("rubric", "tone", rubric="?", scale=[1, 5])]}, "type rubric"),
    ],
)
def test_what_makes_no_sense_is_a_fault(type_: str, options: dict[str, Any], got: str) -> None:
    """Formulas, weights and names are checked before any call."""
    assert got in fault(type_, **options).got


def test_faults_inside_are_told_at_their_own_line() -> None:
    """Also those deep inside, and code is not let in through the back door."""
    deep = GraderSpec("r", "regex", {"pattern": "("}, Source("suites/x.yaml", 40))
    told = fault("all", graders=[spec("any", "inner", graders=[deep])])
    assert (told.line, told.needed) == (40, "a regular expression")
    code = fault("all", allow_code=False, graders=[spec("not", "n", graders=[HALF])])
    assert "allow_code" in code.instead


def test_what_an_inner_grader_lacks_is_known() -> None:
    """It is told with its name."""
    outer = grader("all", graders=[YES, spec("contains", "has")])
    assert outer.lacks(case()) == "has: the case has no expected answer"
    assert outer.lacks(case("x")) == ""


def test_composed_graders_nest() -> None:
    """not(all(yes, no)) is right."""
    inner = spec("all", "both", graders=[YES, NO])
    assert grade("not", "x", graders=[inner]).passed
    assert not isinstance(make(spec("not", graders=[inner]), allow_code=False), Fault)


def renamed(each: GraderSpec, name: str) -> GraderSpec:
    """Return a grader under another name."""
    return GraderSpec(name, each.type, each.options, each.source)


def reply_of(score: float) -> Any:
    """Return a reply that the grader ``half`` scores so."""
    from evalkit.model import Reply

    return Reply(repr(score))
