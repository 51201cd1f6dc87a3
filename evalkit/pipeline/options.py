"""What a shell (pytest or the command line) may ask of a run."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path


def positive(text: str) -> int:
    """Return a count from a command line; raise what argparse shows for anything below 1."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"needed: a whole number from 1, got: {text}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Options:
    """One run's wishes.

    ``models`` holds names or shell patterns (``tuned*``); empty means the models of the project's
    comparisons. ``limit`` keeps the first cases of each suite, which makes the run partial. ``aa``
    asks the base twice, to measure noise. ``stop_early`` ends a suite as soon as it is settled.
    After ``deadline_s`` seconds nothing is asked any more.
    """

    reports: Path
    models: tuple[str, ...] = ()
    samples: int | None = None
    limit: int | None = None
    offline: bool = False
    rerun: bool = False
    policy: Path | None = None
    aa: bool = False
    stop_early: bool = False
    deadline_s: float | None = None

    @property
    def answers(self) -> Path:
        """Where answers are kept, for this run and the next ones."""
        return self.reports / "answers.sqlite"
