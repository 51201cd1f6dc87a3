"""Short ways to make a grader and grade a text with it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from evalkit.errors import Fault
from evalkit.graders.base import Grader
from evalkit.graders.registry import Asking, make
from evalkit.model import Case, Grade, Graded, GraderSpec, Reply, Source

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["queue", "n", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Small JSON values."""

SOURCE = Source("suites/triage/triage.yaml", 9)


def spec(type_: str, name: str = "g", **options: Any) -> GraderSpec:
    """Return a grader as a suite would have it; ``graders`` are the ones inside it."""
    inner = tuple(options.pop("graders", ()))
    return GraderSpec(name, type_, options, SOURCE, inner)


def grader(type_: str, **options: Any) -> Grader:
    """Return a grader that must be sound."""
    made = make(spec(type_, **options), allow_code=True)
    assert not isinstance(made, Fault | Asking), made
    return made


def fault(type_: str, *, allow_code: bool = True, **options: Any) -> Fault:
    """Return what is wrong with a grader that must not be sound."""
    made = make(spec(type_, **options), allow_code=allow_code)
    assert isinstance(made, Fault)
    return made


def case(expected: Any = None) -> Case:
    """Return a case with nothing but an expected answer."""
    return Case("triage", "c1", ({"role": "user", "content": "?"},), expected=expected)


def graded(type_: str, text: str, expected: Any = None, **options: Any) -> Graded:
    """Return the grade of one text."""
    return grader(type_, **options).grade(case(expected), Reply(text))


def answered(type_: str, reply: Reply, expected: Any = None, **options: Any) -> Graded:
    """Return the grade of one reply."""
    return grader(type_, **options).grade(case(expected), reply)


def grade(type_: str, text: str, expected: Any = None, **options: Any) -> Grade:
    """Return the grade of one text that can be graded."""
    result = graded(type_, text, expected, **options)
    assert isinstance(result, Grade), result
    return result
