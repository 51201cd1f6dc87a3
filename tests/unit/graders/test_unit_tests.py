"""`unit_tests`: generated code, found, run, scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Fault
from evalkit.graders import unit_tests
from evalkit.graders.registry import make
from evalkit.graders.unit_tests import find_code, read_tests
from evalkit.model import Grade, GraderSpec, Reply, Source, Ungraded
from evalkit.sandbox import Limits, SandboxError, isolation

from .grading import case, fault, grade, graded, grader

ADD = "def add(a, b):\n    return a + b\n"
TESTS = (
    "def test_small():\n    assert add(1, 2) == 3\n\ndef test_big():\n    assert add(9, 9) == 18\n"
)


@pytest.fixture
def confined() -> None:
    """Skip where no code is run."""
    if isolation() == "none":
        pytest.skip("this system lets the user make no namespaces")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1", "x = 1"),
        ("```python\nx = 1\n```", "\nx = 1\n"),
        ("Here:\n```py\nx = 1\n```\nand use it:\n```python\ny\n```", "\nx = 1\n"),
        ("```\nx = 1\n```", "\nx = 1\n"),
        ("```sh\nls\n```\n```Python\nx = 1\n```", "\nx = 1\n"),
        ("```sh\nls\n```", "\nls\n"),
        ("```python\nx = 1\n# cut off", "\nx = 1\n# cut off"),
        ("  ```python title=a.py\nx = 1\n  ```", "\nx = 1\n"),
        ("", ""),
    ],
)
def test_code_is_found(text: str, code: str) -> None:
    """The first Python fence, the first fence, or all of it."""
    assert find_code(text) == code


@pytest.mark.parametrize(
    ("raw", "calls"),
    [
        (TESTS, ["test_small", "test_big"]),
        ("assert add(1, 2) == 3", [""]),
        (["assert 1", "assert 2"], ["", ""]),
        ([TESTS, "check(add)"], ["test_small", "test_big", ""]),
        ("def check(f):\n    assert f(1, 2) == 3\ncheck(add)", [""]),
    ],
)
def test_tests_are_found(raw: Any, calls: list[str]) -> None:
    """Each function test_... is one, else the whole text."""
    assert [test.call for test in read_tests(raw)] == calls


@pytest.mark.parametrize(
    "expected",
    [
        None,
        "",
        [],
        3,
        "def test_(:",
        "\0",
        "x = 1",
        "import os\ndef helper(): pass",
        ["assert 1", {}],
    ],
)
def test_tests_that_run_nothing_are_ungraded(expected: Any) -> None:
    """They would pass whatever the answer; that is known before any call."""
    made = grader("unit_tests")
    if expected == 3:
        assert made.lacks(case(expected)) == ""
    else:
        assert made.lacks(case(expected)) != ""


@pytest.mark.usefixtures("confined")
def test_code_is_graded_by_its_tests() -> None:
    """All must pass; with partial the share counts; the detail says what kept it apart."""
    half = "def add(a, b):\n    return 3"
    good = grade("unit_tests", f"Sure!\n```python\n{ADD}```", TESTS)
    assert (good.score, good.passed) == (1.0, True)
    assert good.detail == {"passed": 2, "tests": 2, "network": isolation()}
    bad = grade("unit_tests", half, TESTS)
    assert (bad.score, bad.passed) == (0.0, False)
    assert bad.reason == "test 2 of 2: AssertionError in: assert add(9, 9) == 18"
    assert grade("unit_tests", half, TESTS, partial=True).score == 0.5
    assert grade("unit_tests", ADD, tests=["assert add(1, 1) == 2"]).passed
    assert grade("unit_tests", ADD, {"t": TESTS}, path="$.t").passed


@pytest.mark.usefixtures("confined")
@pytest.mark.parametrize("text", ["", "No.", "\ud800", "import sys; sys.exit(0)", "```python\n"])
def test_an_answer_without_the_code_is_wrong(text: str) -> None:
    """Nothing to test is nothing right."""
    assert grade("unit_tests", text, TESTS).score == 0


def test_a_file_of_tests_is_found_beside_its_suite(tmp_path: Path) -> None:
    """The path is relative to the suite file; a missing or broken one is a fault."""
    (tmp_path / "t.py").write_text(TESTS)
    (tmp_path / "broken.py").write_text("def (")
    source = Source(str(tmp_path / "suite.yaml"), 3)
    found = make(GraderSpec("g", "unit_tests", {"file": "t.py"}, source), allow_code=True)
    assert not isinstance(found, Fault)
    assert found.lacks(case()) == ""
    for name in ("gone.py", "broken.py"):
        told = make(GraderSpec("g", "unit_tests", {"file": name}, source), allow_code=True)
        assert isinstance(told, Fault)
        assert told.line == 3


def test_nothing_runs_unless_the_project_allows_it() -> None:
    """As for `python`."""
    assert "allow_code: true" in fault("unit_tests", allow_code=False).instead


def test_without_namespaces_nothing_is_run_unless_the_suite_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The answer is ungraded, and the reason says what runs it all the same."""
    monkeypatch.setattr(unit_tests, "isolation", lambda: "none")
    monkeypatch.setattr(unit_tests, "run_tests", lambda *_: [])
    for options in ({}, {"require_isolation": True}):
        result = graded("unit_tests", ADD, TESTS, **options)
        assert isinstance(result, Ungraded)
        assert "require_isolation: false" in result.why
    assert grade("unit_tests", ADD, TESTS, require_isolation=False).detail["network"] == "none"


def test_a_process_that_cannot_be_had_is_ungraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is not to blame."""

    def fails(*_: object) -> None:
        raise SandboxError("no process")

    monkeypatch.setattr(unit_tests, "isolation", lambda: "namespace")
    monkeypatch.setattr(unit_tests, "run_tests", fails)
    assert graded("unit_tests", ADD, TESTS) == Ungraded("no process")


def test_limits_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As written in the suite."""
    seen: list[Limits] = []

    def remember(_code: str, _tests: object, limits: Limits) -> list[Any]:
        seen.append(limits)
        return []

    monkeypatch.setattr(unit_tests, "isolation", lambda: "namespace")
    monkeypatch.setattr(unit_tests, "run_tests", remember)
    made = grader("unit_tests", timeout_s=2, memory_mb=100, processes=3, tests="assert 1")
    assert isinstance(made.grade(case(), Reply(ADD)), Grade)
    assert seen == [Limits(2, 100, 3)]


def test_too_long_answers_are_ungraded() -> None:
    """They are not run."""
    assert isinstance(graded("unit_tests", "x = 1\n" * 2_000_000, TESTS), Ungraded)


@given(text=st.text(alphabet="`\n python x", max_size=60))
def test_code_is_a_part_of_the_answer(text: str) -> None:
    """Whatever the fences, nothing is made up."""
    assert find_code(text) in text
