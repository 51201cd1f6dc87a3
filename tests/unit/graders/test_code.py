"""`python`: functions of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import Fault
from evalkit.graders import check
from evalkit.graders.code import CodeGrader
from evalkit.graders.registry import make
from evalkit.model import Grade, GraderSpec, Reply, Source, Ungraded

from .grading import case, fault, graded, grader, spec

MODULE = "tests.unit.graders.user_grader"


@pytest.mark.parametrize(
    ("function", "text", "result"),
    [
        ("whole", "x", Grade(0.25, passed=True, reason="mine")),
        ("none_at_all", "x", Ungraded("not today")),
        ("yes", "x", Grade(1.0, passed=True)),
        ("score", "0.5", Grade(0.5, passed=True)),
        ("score", "0.4", Grade(0.4, passed=False)),
        ("score", "1.5", Ungraded("the function returned the score 1.5, outside 0 to 1")),
        ("score", "nan", Ungraded("the function returned the score nan, outside 0 to 1")),
        ("score", "x", Ungraded("ValueError: could not convert string to float: 'x'")),
        ("text", "x", Ungraded("the function returned str, not a grade")),
        ("leaves", "x", Ungraded("SystemExit: enough")),
        ("wordy", "x", Ungraded("the function returned the score 'high', which is no number")),
    ],
)
def test_what_a_function_returns_becomes_a_grade(
    function: str, text: str, result: Grade | Ungraded
) -> None:
    """Grades, bools and scores count; anything else, and any exception, is ungraded."""
    assert graded("python", text, "x", function=f"{MODULE}:{function}") == result


def test_a_function_lacks_nothing() -> None:
    """Whether a case has what the function needs, only the function knows."""
    assert grader("python", function=f"{MODULE}:yes").lacks(case()) == ""


def test_a_file_is_found_beside_its_suite(tmp_path: Path) -> None:
    """The path is relative to the suite file."""
    (tmp_path / "mine.py").write_text("def ok(case, reply):\n    return reply.text == 'ok'\n")
    where = Source(str(tmp_path / "suite.yaml"), 3)
    made = make(GraderSpec("g", "python", {"function": "mine.py:ok"}, where), allow_code=True)
    assert isinstance(made, CodeGrader)
    assert made.grade(case(), Reply("ok")) == Grade(1.0, passed=True)


@pytest.mark.parametrize(
    ("function", "got"),
    [
        ("no.such.module:f", "ModuleNotFoundError"),
        ("gone.py:f", "FileNotFoundError"),
        (f"{MODULE}:gone", "no plain function 'gone'"),
        (f"{MODULE}:NOT_A_FUNCTION", "no plain function"),
        (f"{MODULE}:later", "no plain function"),
    ],
)
def test_a_function_that_cannot_be_had_is_a_fault(function: str, got: str) -> None:
    """It is told before any call, with the suite's line."""
    told = fault("python", function=function)
    assert got in told.got
    assert told.line == 9


def test_a_file_that_exits_is_a_fault(tmp_path: Path) -> None:
    """It does not take the run along."""
    (tmp_path / "mine.py").write_text("raise SystemExit('enough')\n")
    where = Source(str(tmp_path / "suite.yaml"), 3)
    told = make(GraderSpec("g", "python", {"function": "mine.py:ok"}, where), allow_code=True)
    assert isinstance(told, Fault)
    assert "SystemExit: enough" in told.got


def test_code_does_not_run_unless_the_project_allows_it(tmp_path: Path) -> None:
    """Without allow_code nothing is imported."""
    (tmp_path / "mine.py").write_text("raise SystemExit('ran')\n")
    where = Source(str(tmp_path / "suite.yaml"), 3)
    [told] = check(GraderSpec("g", "python", {"function": "mine.py:ok"}, where), allow_code=False)
    assert "allow_code: true" in told.instead


def test_an_unknown_type_is_a_fault_with_the_nearest_name() -> None:
    """Types that only sound right are told, with the nearest one or all of them."""
    assert fault("json_mach").instead == "json_match (did you mean it?)"
    assert fault("zzz").instead == "one of them"
    assert check(spec("json_valid"), allow_code=False) == []
