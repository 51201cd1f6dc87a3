"""All graders of a suite together."""

from __future__ import annotations

import pytest

from evalkit.errors import FileFaults
from evalkit.graders import TYPES, SuiteGrader, suite_grader
from evalkit.loader.schemas import grader_schemas, read_schema
from evalkit.model import Case, Grade, Graded, GraderSpec, Reply, Sampling, Suite, Ungraded

from .grading import SOURCE, case, spec


def suite(score: str, *graders: GraderSpec) -> Suite:
    """Return a suite of these graders without cases."""
    return Suite("triage", "target", (), graders, score, Sampling(), source=SOURCE)


VALID = spec("json_valid", "valid")
QUEUE = spec("json_match", "queue", path="$.queue")


@pytest.mark.parametrize(
    ("text", "expected", "score"),
    [
        ('{"queue": "bug"}', {"queue": "bug"}, 1.0),
        ('{"queue": "low"}', {"queue": "bug"}, 0.0),
        ("no", {"queue": "bug"}, 0.0),
        ('{"queue": "bug"}', None, None),
        ("no", None, 0.0),
    ],
)
def test_grades_and_score_come_together(text: str, expected: object, score: float | None) -> None:
    """A grade that the formula does not need may be missing."""
    grader = SuiteGrader(suite("queue if valid else 0", VALID, QUEUE))
    grades, result = grader.grade(case(expected), Reply(text))
    assert list(grades) == ["valid", "queue"]
    assert isinstance(grades["valid"], Grade)
    assert isinstance(grades["queue"], Ungraded) is (expected is None)
    assert result == score


def test_graders_say_which_cases_they_cannot_grade() -> None:
    """Only those that need something name it."""
    grader = SuiteGrader(suite("queue", VALID, QUEUE))
    assert list(grader.lacks(case(None))) == [("queue", "the case has no expected answer")]
    assert list(grader.lacks(case({"queue": "bug"}))) == []


def test_all_faults_of_a_suite_come_at_once() -> None:
    """Broken graders and a broken score are told together; code needs the project's word."""
    code = spec("python", "code", function="tests.unit.graders.user_grader:yes")
    with pytest.raises(FileFaults) as error:
        SuiteGrader(suite("queu", QUEUE, spec("regex", "r", pattern="("), code))
    assert len(error.value.faults) == 3
    assert SuiteGrader(suite("code", code), allow_code=True).grade(case(), Reply(""))[1] == 1.0


def test_every_type_of_the_schema_is_built_and_no_other() -> None:
    """The registry and `schemas/graders` name the same graders, each with its options."""
    defs = read_schema("suite")["$defs"]
    assert set(grader_schemas()) == set(TYPES)
    assert defs["grader"]["properties"]["type"]["enum"] == sorted(TYPES)
    branches = defs["grader"]["allOf"]
    assert [b["then"]["$ref"] for b in branches] == [f"#/$defs/{name}" for name in sorted(TYPES)]
    assert [b["if"]["properties"]["type"]["const"] for b in branches] == sorted(TYPES)
    assert all(defs[name]["additionalProperties"] is False for name in TYPES)


def test_a_fault_of_a_grader_is_no_end_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a grader raises, the answer is ungraded; no memory is not the grader's fault."""
    raised: list[Exception] = [ZeroDivisionError("secret text")]

    class Broken:
        def grade(self, _case: Case, _reply: Reply) -> Graded:
            raise raised[-1]

        def lacks(self, _case: Case) -> str:
            return ""

    monkeypatch.setattr(suite_grader, "make", lambda _spec, **_: Broken())
    grader = SuiteGrader(suite("valid", VALID))
    why = "valid: ZeroDivisionError: a fault of evalkit: please report"
    assert grader.grade(case(), Reply("1")) == ({"valid": Ungraded(why)}, None)
    raised.append(MemoryError())
    with pytest.raises(MemoryError):
        grader.grade(case(), Reply("1"))
