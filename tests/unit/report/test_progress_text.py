"""The line on how far the asking is: what it says, when it is due, and what fits."""

from __future__ import annotations

import pytest

from evalkit.report.progress_text import LIVE_S, WINDOW_S, Pulse, describe
from evalkit.runner import Progress


def progress(money: float | None = None, **counts: int) -> Progress:
    """Return counts of which most are zero."""
    zero = dict.fromkeys(("total", "done", "stored", "asked", "in_flight", "failed", "tokens"), 0)
    return Progress(**{**zero, **counts}, money=money)


@pytest.mark.parametrize(
    ("now", "rate", "line"),
    [
        (progress(total=9), None, "0 of 9 answers · starting"),
        (progress(0.0, total=9, asked=2, in_flight=2), None, "0 of 9 answers · 2 in flight"),
        (
            progress(total=100, done=50, stored=30, asked=22, in_flight=2, failed=1),
            2.0,
            "50 of 100 answers · 30 stored · 2 in flight · 2.0/s · 1 failed · 25 s left",
        ),
        (
            progress(0.314, total=12_000, done=812, asked=876, in_flight=64),
            41.2,
            "812 of 12,000 answers · 64 in flight · 41/s · cost 0.31 · 5 min left",
        ),
        (
            progress(total=60, done=10, asked=11, in_flight=1),
            1 / 30,
            "10 of 60 answers · 1 in flight · 2.0/min · 25 min left",
        ),
        (progress(2.5, total=5, done=5, asked=5), 3.0, "5 of 5 answers · cost 2.50"),
    ],
)
def test_the_line_says_how_far_and_how_long(now: Progress, rate: float | None, line: str) -> None:
    """Counts, rate, failures, cost and time, what is not known left out."""
    assert describe(now, rate=rate) == line


def test_what_matters_least_gives_way() -> None:
    """In few columns the counts, failures and the time left stay longest."""
    now = progress(103.1, total=20_000, done=12_812, stored=1_000, in_flight=64, failed=131)
    lines = {width: describe(now, rate=412.0, width=width) for width in (200, 80, 60)}
    assert all(len(line) <= width for width, line in lines.items())
    assert "1,000 stored" in lines[200]
    assert "stored" not in lines[80]
    assert lines[60] == "12,812 of 20,000 answers · 131 failed · 17 s left"


def test_a_line_is_due_now_and_then() -> None:
    """Not at once, and not again until the time has passed."""
    pulse = Pulse(10.0, began=100.0)
    assert [pulse.due(now) for now in (100.0, 109.9, 110.0)] == [False, False, True]
    pulse.line(progress(total=9), now=110.0)
    assert [pulse.due(now) for now in (119.0, 120.0)] == [False, True]


def test_the_rate_is_that_of_late() -> None:
    """Stored answers do not count, and what was long ago is forgotten."""
    pulse = Pulse(LIVE_S, began=0.0)
    pulse.line(progress(total=10_000, stored=500, done=500), now=-60.0)
    fast = [progress(total=10_000, done=500 + 100 * s, stored=500) for s in range(11)]
    lines = [pulse.line(now, now=float(s)) for s, now in enumerate(fast)]
    assert "/s" not in lines[0]
    assert "100/s" in lines[10]
    line = ""
    for s in range(11, 11 + 2 * int(WINDOW_S)):
        line = pulse.line(progress(total=10_000, done=1490 + s, stored=500), now=float(s))
    assert "1.0/s" in line
