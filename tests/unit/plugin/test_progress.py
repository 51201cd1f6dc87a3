"""The live line: what it says, and when it is there at all."""

from __future__ import annotations

import pytest

from evalkit.plugin.progress import describe
from evalkit.runner import Progress


def progress(**counts: int) -> Progress:
    """Return counts of which most are zero."""
    zero = dict.fromkeys(("total", "done", "stored", "asked", "in_flight", "failed", "tokens"), 0)
    return Progress(**{**zero, **counts})


@pytest.mark.parametrize(
    ("now", "seconds", "line"),
    [
        (progress(total=9, in_flight=2), 0.1, "0 of 9 answers · 2 in flight"),
        (
            progress(total=100, done=50, stored=30, in_flight=2, failed=1),
            10,
            "50 of 100 answers · 30 stored · 2 in flight · 2.0/s · 25 s left · 1 failed",
        ),
        (
            progress(total=1000, done=10),
            10,
            "10 of 1000 answers · 0 in flight · 1.0/s · 16 min left",
        ),
    ],
)
def test_the_line_says_how_far_and_how_long(now: Progress, seconds: float, line: str) -> None:
    """Stored answers do not count towards the rate, so the time left is that of the rest."""
    assert describe(now, seconds) == line
