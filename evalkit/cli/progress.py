"""What `evalkit run` says while it asks, on stderr: stdout is the result's."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.runner import Estimate, Progress


class Told:
    """A line on what the run will take, then how far it is; nothing if ``quiet``."""

    def __init__(self, *, quiet: bool) -> None:
        from evalkit.report.progress_text import LIVE_S, PLAIN_S, Pulse

        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._pulse = Pulse(LIVE_S if self._live else PLAIN_S, time.monotonic())

    def estimate(self, found: Estimate) -> None:
        """Say what the run will take, if anything has to be asked."""
        from evalkit.report.estimate_text import estimate_line

        line = estimate_line(found)
        if line and not self._quiet:
            print(line, file=sys.stderr)

    def progress(self, progress: Callable[[], Progress]) -> None:
        """Write the line anew on a terminal, a new one elsewhere, if it is time."""
        from evalkit.report.progress_text import ERASE

        now = time.monotonic()
        if self._quiet or not self._pulse.due(now):
            return
        width = shutil.get_terminal_size().columns - 1 if self._live else 80
        line = self._pulse.line(progress(), now=now, width=width)
        sys.stderr.write(ERASE + line if self._live else f"{line}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away that was written over."""
        from evalkit.report.progress_text import ERASE

        if self._live and not self._quiet:
            print(ERASE, end="", file=sys.stderr, flush=True)
