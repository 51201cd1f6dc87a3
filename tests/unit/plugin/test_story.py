"""What a failing case shows: nothing that a terminal would obey, and no endless text."""

from __future__ import annotations

from evalkit.model import Case, Failure, Grade, Graded, Record, Reply, Ungraded
from evalkit.plugin.story import LONGEST, tell

RED = "\x1b[31mred"
SHOWN = "⟦U+001B⟧[31mred"


def test_no_text_can_command_the_terminal() -> None:
    """Escapes in what was asked, expected, answered and said of it are symbols."""
    case = Case("s", "c", ({"role": "user", "content": RED},), expected=RED)
    grades: dict[str, Graded] = {"a": Grade(0.0, passed=False, reason=RED), "b": Ungraded(RED)}
    records = [
        Record("s", "c", "base", 0, Failure("server", RED)),
        Record("s", "c", "tuned", 0, Reply(RED), grades),
    ]
    told = tell(case, records)
    assert "\x1b" not in told
    assert told.count(SHOWN) == 6


def test_a_text_without_end_is_cut() -> None:
    """A model that repeats itself does not flood the terminal."""
    case = Case("s", "c", ({"role": "user", "content": "go"},))
    told = tell(case, [Record("s", "c", "tuned", 0, Reply("x" * 10 * LONGEST))])
    assert LONGEST - 10 < len(told) < LONGEST + 100
