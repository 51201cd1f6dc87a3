"""How far the asking is, in one line: written over on a terminal, now and then elsewhere."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from evalkit.report.numerals import count, money, roughly
from evalkit.runner import Progress

ERASE = "\r\x1b[2K"
"""What takes a line away that is to be written over."""

LIVE_S = 0.1
PLAIN_S = 10.0
"""Seconds between two writings of a line that is written over, and of lines that stay."""

WINDOW_S = 20.0
"""How far back the rate looks, so that a pause or a faster endpoint shows."""

SLOW = 0.095
"""Answers a second below which they are counted by the minute."""


@dataclass(slots=True)
class Pulse:
    """Tells when a line is due, and what it says. ``now`` is any clock's, in seconds."""

    every_s: float
    began: float
    _last: float = field(init=False)
    _seen: deque[tuple[float, int]] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        self._last = self.began
        self._seen.append((self.began, 0))

    def due(self, now: float) -> bool:
        """Whether the last line is old enough."""
        return now - self._last >= self.every_s

    def line(self, progress: Progress, *, now: float, width: int = 80) -> str:
        """Return the line that is written ``now``."""
        self._last = now
        return describe(progress, rate=self._rate(progress, now), width=width)

    def _rate(self, progress: Progress, now: float) -> float | None:
        """Return the answers a second of late; ``None`` until a second tells."""
        fresh = progress.done - progress.stored
        if not fresh:
            self._seen.clear()  # starting a client is not asking
        self._seen.append((now, fresh))
        while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return (fresh - before) / (now - then) if now - then >= 1 else None


def describe(progress: Progress, *, rate: float | None, width: int = 80) -> str:
    """Return how far, how fast, what failed, what it cost, and how long it will still take.

    Where ``width`` characters are not enough, what matters least is left out.
    """
    left = progress.total - progress.done
    rate = rate if left else None
    parts = {
        "done": f"{count(progress.done)} of {count(progress.total)} answers",
        "stored": f"{count(progress.stored)} stored" if progress.stored else "",
        "in flight": _under_way(progress) if left else "",
        "rate": _rate_words(rate) if rate else "",
        "failed": f"{count(progress.failed)} failed" if progress.failed else "",
        "cost": f"cost {money(progress.money)}" if progress.money else "",
        "left": f"{roughly(left / rate)} left" if rate else "",
    }
    for least in ("stored", "in flight", "rate", "cost"):
        if len(_joined(parts)) > width:
            parts[least] = ""
    return _joined(parts)[:width]


def _joined(parts: dict[str, str]) -> str:
    return " · ".join(part for part in parts.values() if part)


def _under_way(progress: Progress) -> str:
    return f"{count(progress.in_flight)} in flight" if progress.asked else "starting"


def _rate_words(rate: float) -> str:
    if rate < SLOW:
        return f"{60 * rate:.1f}/min"
    return f"{rate:,.0f}/s" if rate >= 9.95 else f"{rate:.1f}/s"
