"""What a suite says before its cases are rendered: settings, data sets, and drafts of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.errors import Fault
from evalkit.model import GraderSpec, Message, Purpose, Sampling, Source, Split
from evalkit.suite.document import Document
from evalkit.suite.prompt import Prompt

Format = Literal["jsonl", "csv", "openai-chat"]

TRAINED_ON = "${trained_on}"
"""The path that stands for the training files of every candidate."""


class RowError(Exception):
    """A row that cannot become a case: needed, got, instead."""

    def __init__(self, needed: str, *, got: str, instead: str) -> None:
        self.needed = needed
        self.got = got
        self.instead = instead
        super().__init__(got)

    def fault(self, source: Source) -> Fault:
        """Return this as a fault of the row at ``source``."""
        return Fault(source.path, source.line, self.needed, self.got, self.instead)


@dataclass(frozen=True, slots=True)
class Dataset:
    """An entry of a suite's ``datasets``. ``sample`` is ``None`` for all rows."""

    path: str
    format: Format
    split: Split
    source: Source
    sample: int | None = None
    seed: int = 0
    map: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A case before its prompt is rendered. ``chat`` is the prompt that its row brought along."""

    source: Source
    id: str | None = None
    expected: Any = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    critical: bool = False
    cluster: str | None = None
    chat: tuple[Message, ...] | None = None
    split: Split = "heldout"
    trained: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SuiteDraft:
    """A suite file without its data files.

    ``rows_ask`` is true if the file has no prompt, so that its rows must bring their own;
    otherwise a ``prompt`` of ``None`` is one that could not be read.
    """

    document: Document
    name: str
    purpose: Purpose
    graders: tuple[GraderSpec, ...]
    score: str
    sampling: Sampling
    prompt: Prompt | None
    rows_ask: bool
    cases: tuple[Draft, ...]
    datasets: tuple[Dataset, ...]
    margin: float | None = None
    description: str = ""
    slices: tuple[str, ...] = ()
    cluster: str | None = None
