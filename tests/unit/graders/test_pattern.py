"""`regex`, and that no pattern can hang a run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from evalkit.model import Ungraded

from .grading import case, fault, grade, graded, grader


@pytest.mark.parametrize(
    ("options", "text", "passes"),
    [
        ({"pattern": r"\d+"}, "it is 42.", True),
        ({"pattern": r"\d+"}, "none", False),
        ({"pattern": r"\d+", "whole": True}, "42", True),
        ({"pattern": r"\d+", "whole": True}, "it is 42.", False),
        ({"pattern": "yes"}, "YES", False),
        ({"pattern": "yes", "ignore_case": True}, "YES", True),
        ({"pattern": "(?s)a.b"}, "a\nb", True),
    ],
)
def test_regex_searches_or_matches_the_whole(
    options: dict[str, Any], text: str, *, passes: bool
) -> None:
    """A hit anywhere passes, unless the whole answer must match."""
    assert grade("regex", text, **options).passed is passes


def test_the_hit_is_in_the_detail() -> None:
    """What matched can be read afterwards."""
    assert grade("regex", "it is 42.", pattern=r"\d+").detail == {"matched": "42"}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("(a|aa)+$", "a" * 100 + "b"), ("(.*?,){25}P", "1," * 200)],
)
def test_a_runaway_pattern_is_ungraded_within_its_limit(pattern: str, text: str) -> None:
    """Patterns that would take years are given up soon after the limit."""
    start = time.perf_counter()
    result = graded("regex", text, pattern=pattern, timeout_s=0.1)
    assert isinstance(result, Ungraded)
    assert "0.1 s" in result.why
    assert time.perf_counter() - start < 2


def test_a_pattern_that_is_none_is_a_fault() -> None:
    """A broken pattern is told with the suite's line, not for every answer."""
    told = fault("regex", pattern="(unclosed")
    assert "(unclosed" in told.got
    assert told.line == 9


def test_each_case_may_bring_its_own_pattern() -> None:
    """Without ``pattern`` the case's expected is it; one that is none is told with the case."""
    assert grade("regex", "it is 42.", r"\d+").passed
    assert not grade("regex", "none", {"form": r"\d+"}, path="$.form").passed
    assert "(unclosed" in grader("regex").lacks(case("(unclosed"))
    assert grader("regex").lacks(case(None))
