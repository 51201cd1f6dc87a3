"""One live line on a terminal while answers come; nothing where output is not a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from evalkit.decide.status import Status
from evalkit.model import Suite
from evalkit.pipeline.status import SEVERITY
from evalkit.plugin.reports import SETTLED, Settled

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter

    from evalkit.runner import Progress

ERASE = "\r\x1b[2K"
MINUTE_S = 60


class LiveLine:
    """The line that is written over while it changes, and the lines that stay.

    Takes the place of pytest's dots: with answers seconds apart, a dot says too little. Off with
    ``-v`` (pytest's own lines say more), ``-q``, and where the output is not a terminal.
    """

    def __init__(self, progress: Callable[[], Progress]) -> None:
        self._progress = progress
        self._started = time.monotonic()
        self._counts: dict[Status | Settled, int] = {}
        self._suite = ""
        self._writer: TerminalWriter | None = None

    @property
    def on(self) -> bool:
        """Whether there is a terminal to write to."""
        return self._writer is not None

    def attach(self, config: pytest.Config) -> None:
        """Find the terminal, if there is one and it is neither asked to say more nor less."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or reporter.verbosity != 0 or config.getoption("collectonly"):
            return
        if reporter.isatty:
            self._writer = reporter._tw  # noqa: SLF001  (pytest offers no public writer)

    def show(self) -> None:
        """Write the line anew."""
        if self._writer:
            width = self._writer.fullwidth - 1
            self._writer.write(
                ERASE + describe(self._progress(), time.monotonic() - self._started)[:width]
            )
            self._writer.flush()

    def clear(self) -> None:
        """Take the line away, so that others can write."""
        if self._writer:
            self._writer.write(ERASE)

    def count(self, suite: Suite, status: Status | Settled) -> None:
        """Count one case; when its suite changes, leave a line about the one before."""
        if suite.name != self._suite:
            self.end_suite()
            self._suite = suite.name
        self._counts[status] = self._counts.get(status, 0) + 1

    def end_suite(self) -> None:
        """Leave a line about the suite that has come to its end."""
        if self._writer and self._counts:
            counts = [f"{self._counts[s]} {s}" for s in reversed(SEVERITY) if s in self._counts]
            if skipped := self._counts.get(SETTLED):
                counts.append(f"settled, {skipped} not asked")
            self.clear()
            self._writer.line(f"{self._suite}: {', '.join(counts)}")
        self._counts = {}

    def rule(self, label: str, suite: str, *, passed: bool) -> None:
        """Leave a line about one rule of the gate."""
        if self._writer:
            self.end_suite()
            self._writer.write(f"{suite or 'run'}: {label} ")
            self._writer.line("passed" if passed else "failed", green=passed, red=not passed)


def describe(progress: Progress, seconds: float) -> str:
    """Return the line: what is done, how fast, what failed, how long it will still take."""
    parts = [f"{progress.done} of {progress.total} answers"]
    if progress.stored:
        parts.append(f"{progress.stored} stored")
    parts.append(f"{progress.in_flight} in flight")
    fresh = progress.done - progress.stored
    if fresh and seconds > 1:
        rate = fresh / seconds
        parts += [f"{rate:.1f}/s", f"{_span((progress.total - progress.done) / rate)} left"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return " · ".join(parts)


def _span(seconds: float) -> str:
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE_S:.0f} min"
