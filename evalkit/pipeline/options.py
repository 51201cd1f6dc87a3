"""What a shell (pytest or the command line) may ask of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """One run's wishes.

    ``models`` holds names or shell patterns (``tuned*``); empty means the models of the project's
    comparisons. ``limit`` keeps the first cases of each suite, which makes the run partial.
    """

    reports: Path
    models: tuple[str, ...] = ()
    samples: int | None = None
    limit: int | None = None
    offline: bool = False
    rerun: bool = False
    policy: Path | None = None

    @property
    def answers(self) -> Path:
        """Where answers are kept, for this run and the next ones."""
        return self.reports / "answers.sqlite"
