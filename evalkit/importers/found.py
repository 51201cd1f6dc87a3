"""What an importer gives: suites to write, or scored answers to keep as a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.model import Message, Outcome, Source

NOWHERE = Source("", 0)


@dataclass(frozen=True, slots=True)
class Note:
    """A part that was not imported, or not as it was: where it stands, and what and why."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Defined:
    """One suite: its file without cases, and the cases, as a user would write them."""

    name: str
    tree: Mapping[str, Any]
    cases: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Definitions:
    """Suites of another tool. ``models`` are entries of a project file, as far as it names any."""

    suites: tuple[Defined, ...]
    notes: tuple[Note, ...] = ()
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """What one scorer gave one answer, on the tool's own scale.

    ``value`` is ``None`` where it could not score; ``reason`` then says why. ``passed`` is ``None``
    where the tool does not say.
    """

    value: float | None
    reason: str = ""
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """One answer of one model to one case of one task, and the marks it got by scorer."""

    task: str
    case: str
    model: str
    outcome: Outcome
    marks: Mapping[str, Mark]
    messages: tuple[Message, ...] = ()
    expected: Any = None
    tags: Mapping[str, str] = field(default_factory=dict)
    sample: int = 0
    source: Source = NOWHERE


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean that the tool itself reports; ``scorer`` as in the marks."""

    task: str
    scorer: str
    model: str
    value: float


@dataclass(frozen=True, slots=True)
class Log:
    """The scored answers of a log, the tool's own figures, and the files that were read."""

    tool: str
    rows: tuple[Scored, ...]
    files: tuple[Path, ...]
    figures: tuple[Figure, ...] = ()
    notes: tuple[Note, ...] = ()
