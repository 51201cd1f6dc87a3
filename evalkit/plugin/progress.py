"""How far a run is: a live line on a terminal, a plain one now and then where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from evalkit.decide.status import Status
from evalkit.model import Suite
from evalkit.pipeline.status import SEVERITY
from evalkit.plugin.reports import SETTLED, Settled
from evalkit.report.progress_text import ERASE, LIVE_S, PLAIN_S, Pulse

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter

    from evalkit.runner import Progress


class LiveLine:
    """The line that is written over while it changes, and the lines that stay.

    On a terminal it takes the place of pytest's dots: with answers seconds apart, a dot says too
    little. With ``-v`` (pytest's own lines say more) and where the output is no terminal, a plain
    line comes every `PLAIN_S` seconds; with ``-q`` there is none.
    """

    def __init__(self, progress: Callable[[], Progress]) -> None:
        self._progress = progress
        self._pulse = Pulse(PLAIN_S, time.monotonic())
        self._counts: dict[Status | Settled, int] = {}
        self._suite = ""
        self._nodeid = ""
        self._reporter: pytest.TerminalReporter | None = None
        self._writer: TerminalWriter | None = None

    @property
    def on(self) -> bool:
        """Whether there is a line that is written over."""
        return self._writer is not None

    def attach(self, config: pytest.Config, *, live: bool = True) -> None:
        """Find what to write to; without ``live`` there are plain lines only."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or reporter.verbosity < 0 or config.getoption("collectonly"):
            return
        self._reporter = reporter
        if live and reporter.isatty and reporter.verbosity == 0:
            self._writer = reporter._tw  # noqa: SLF001  (pytest offers no public writer)
        self._pulse = Pulse(LIVE_S if self._writer else PLAIN_S, time.monotonic())

    def say(self, text: str) -> None:
        """Leave a line that is no progress, such as what the run will take."""
        if self._reporter and text:
            self._reporter.write_line(text)

    def begin(self, nodeid: str) -> None:
        """Note which item is waited for from now on."""
        self._nodeid = nodeid
        self.show()

    def show(self) -> None:
        """Write the line anew, if it is time."""
        now = time.monotonic()
        if self._reporter is None or not self._pulse.due(now):
            return
        width = self._writer.fullwidth - 1 if self._writer else 80
        text = self._pulse.line(self._progress(), now=now, width=width)
        if self._writer:
            self._writer.write(ERASE + text)
            self._writer.flush()
        else:
            self._plain(self._reporter, text)

    def _plain(self, reporter: pytest.TerminalReporter, text: str) -> None:
        """Write a line that stays between pytest's letters."""
        writer = reporter._tw  # noqa: SLF001  (pytest offers no public writer)
        if writer.width_of_current_line:
            writer.line()
        reporter.currentfspath = None
        if self._nodeid and reporter.verbosity == 0:
            # The letter to come stands behind the name of its file, on a line that this begins.
            reporter.write(text)
            reporter.write_fspath_result(self._nodeid, "")
        else:
            reporter.write_line(text)

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
            self.clear()
            self._writer.write(f"{suite or 'run'}: {label} ")
            self._writer.line("passed" if passed else "failed", green=passed, red=not passed)
