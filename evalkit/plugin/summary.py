"""The end of a session: write the run, and say the decision in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evalkit.pipeline.kept import Finished
from evalkit.pipeline.live import Live
from evalkit.pipeline.options import resumed
from evalkit.plugin.usage import usage_errors
from evalkit.report import render_text
from evalkit.report.numerals import many

WIDEST = 100
"""Columns beyond which a line is harder to read than to fold."""


class Summary:
    """What the terminal says last; holds the finished run between the two hooks."""

    def __init__(self, live: Live, config: pytest.Config) -> None:
        self._live = live
        self._command = resumed("pytest", config.invocation_params.args)
        self._finished: Finished | None = None
        self._kept = ""

    def finish(self, session: pytest.Session) -> None:
        """Write the run if every chosen case was answered; close what was opened.

        A session that decided anything but to promote fails, also where the item that would say so
        was not collected: pytest given folders of suites does not see the project file.
        """
        with usage_errors():
            self._finish()
        decided = self._finished and self._live.run and not self._live.run.partial
        refused = decided and self._finished and self._finished.decision.outcome != "promote"
        if refused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _finish(self) -> None:
        try:
            run = self._live.run
            if run and run.complete:
                self._finished = self._live.finish()
            elif run:
                progress = self._live.progress()
                kept = progress.done - progress.failed
                self._kept = f"{many(kept, 'answer')} {'is' if kept == 1 else 'are'} kept"
        finally:
            self._live.close()

    def write(self, reporter: pytest.TerminalReporter) -> None:
        """Write the summary below pytest's own."""
        if self._finished:
            reporter.section("evalkit", "=")
            width = min(shutil.get_terminal_size().columns, WIDEST)
            path = str(shown(self._finished.folder / "report.html"))
            colour = reporter.hasmarkup
            text = render_text(self._finished.view, width=width, color=colour, path=path)
            reporter.write_line(text.rstrip())
            if self._finished.notes:
                reporter.write_line(f"go on   {self._command}")
        elif self._kept:
            reporter.section("evalkit", "=")
            reporter.write_line(f"Run not finished, nothing decided: {self._kept}.")
            reporter.write_line(f"go on   {self._command}")


def shown(path: Path) -> Path:
    """Return a path as the user would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
