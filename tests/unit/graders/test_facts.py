"""`latency`, `tokens`, `finish_reason`: how an answer came about."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.graders import SuiteGrader
from evalkit.model import Grade, Price, Reply, Sampling, Suite, Ungraded, Usage

from .grading import answered, case, spec

REPLY = Reply("x", finish_reason="length", latency_s=1.5, usage=Usage(input=100, output=20))


@pytest.mark.parametrize(
    ("type_", "options", "passes"),
    [
        ("latency", {"max_s": 1.5}, True),
        ("latency", {"max_s": 1.4}, False),
        ("tokens", {"max_output": 20}, True),
        ("tokens", {"max_output": 19}, False),
        ("tokens", {"max_total": 120}, True),
        ("tokens", {"max_total": 119}, False),
        ("tokens", {"max_output": 20, "max_total": 119}, False),
        ("finish_reason", {"allowed": ["length", "stop"]}, True),
        ("finish_reason", {"allowed": ["stop"]}, False),
    ],
)
def test_limits_hold(type_: str, options: dict[str, Any], *, passes: bool) -> None:
    """A limit includes its own value; a wrong answer says by how much."""
    result = answered(type_, REPLY, **options)
    assert isinstance(result, Grade)
    assert (result.passed, result.score, bool(result.reason)) == (passes, float(passes), not passes)


@pytest.mark.parametrize(("price", "most", "passes"), [(2.0, 0.0003, True), (4.0, 0.0003, False)])
def test_an_answer_costs_what_its_model_does(price: float, most: float, *, passes: bool) -> None:
    """100 tokens in and 20 out at 2 and 4 a million; inside other graders too."""
    cheap = spec("cost", name="cheap", max=most)
    dear = spec("not", name="dear", graders=[cheap])
    suite = Suite("s", "target", (), (cheap, dear), "cheap", Sampling())
    grades, score = SuiteGrader(suite).grade(case(), REPLY, price=Price(price, 2 * price))
    assert score == float(passes)
    assert [grade.passed for grade in grades.values() if isinstance(grade, Grade)] == [
        passes,
        not passes,
    ]
    assert SuiteGrader(suite).grade(case(), REPLY)[1] is None


@pytest.mark.parametrize(
    ("type_", "options"), [("latency", {"max_s": 9}), ("tokens", {"max_output": 9})]
)
def test_what_was_not_measured_is_ungraded(type_: str, options: dict[str, Any]) -> None:
    """A zero means that nobody counted, not that it was free."""
    assert isinstance(answered(type_, Reply("x"), **options), Ungraded)
