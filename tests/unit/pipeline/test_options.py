"""What a command line may say of budget and deadline, and the command that goes on."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from evalkit.model import Budget
from evalkit.pipeline.options import budget, resumed, span


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("money=5,requests=1000,tokens=2e6", Budget(1000, 2_000_000, 5.0)),
        ("money=0.5", Budget(money=0.5)),
        (" tokens=1e3 , requests=1", Budget(requests=1, tokens=1000)),
    ],
)
def test_budgets(text: str, limits: Budget) -> None:
    """Any of the three limits, in any order."""
    assert budget(text) == limits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "euro=5",
        "money",
        "money=0",
        "money=-1",
        "money=inf",
        "money=1,money=2",
        "requests=0.5",
        "tokens=nan",
        "money=5;requests=3",
    ],
)
def test_what_is_no_budget(text: str) -> None:
    """Three parts, with what came and a way to write it."""
    with pytest.raises(ArgumentTypeError, match=r"needed: .*\n +got: .*\n +write: such as money=5"):
        budget(text)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("30m", 1_800.0), ("1.5h", 5_400.0)])
def test_deadlines(text: str, seconds: float) -> None:
    """Seconds, minutes, hours."""
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "0s", "-3m", "1h30m", "5d"])
def test_what_is_no_time(text: str) -> None:
    """A number needs its unit."""
    with pytest.raises(ArgumentTypeError, match=r"needed: a time .*\n +got: .*\n +write: such as"):
        span(text)


def test_limits_of_the_command_line_go_first() -> None:
    """The project's stay where the command line says nothing."""
    project = Budget(requests=10, tokens=20, money=30.0)
    assert Budget(money=1.0).over(project) == Budget(10, 20, 1.0)
    assert Budget().over(project) == project


def test_going_on_asks_nothing_again() -> None:
    """The same command, quoted for a shell, without the option that asks anew."""
    words = ["--evalkit", "my suites", "--evalkit-rerun", "--evalkit-budget", "money=5"]
    assert resumed("pytest", words) == "pytest --evalkit 'my suites' --evalkit-budget money=5"
