"""What a suite says before its cases are rendered: settings, data sets, and drafts of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.errors import Fault
from evalkit.model import Fairness, GraderSpec, Label, Message, Purpose, Sampling, Source, Split
from evalkit.suite.document import Document
from evalkit.suite.filters import EVERY_ROW, Filter
from evalkit.suite.prompt import Image, Prompt

Format = Literal[
    "jsonl",
    "csv",
    "tsv",
    "parquet",
    "huggingface",
    "openai-chat",
    "openai-dpo",
    "openai-rft",
    "openai-evals",
    "sharegpt",
    "prompt-completion",
]

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
    """An entry of a suite's ``datasets``. ``sample`` is ``None`` for all rows.

    ``shuffle`` is the seed of another order than the file's, ``None`` for the file's.
    """

    path: str
    format: Format
    split: Split
    source: Source
    sample: int | None = None
    seed: int = 0
    map: Mapping[str, str] = field(default_factory=dict)
    filter: Filter = EVERY_ROW
    shuffle: int | None = None
    turns: Literal["last", "all"] = "last"


@dataclass(frozen=True, slots=True)
class Draft:
    """A case before its prompt is rendered. ``chat`` is the prompt that its row brought along.

    ``extra`` are the fields of a request that it brought. ``conversation`` is what several cases
    of one row depend on. ``turns`` are its own further user turns, ``None`` for the suite's.
    """

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
    human: Mapping[str, Label] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    conversation: str | None = None
    turns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FewShot:
    """Examples before the question: ``count`` rows of a data set, the first in a seed's order."""

    dataset: Dataset
    count: int
    seed: int


@dataclass(frozen=True, slots=True)
class SuiteDraft:
    """A suite file without its data files.

    ``rows_ask`` is true if the file has no prompt, so that its rows must bring their own;
    otherwise a ``prompt`` of ``None`` is one that could not be read. ``shots`` are the examples
    that ``few_shot`` drew, as turns; ``image`` turns a path or URL into what is sent. ``turns`` are
    the further user turns of every case that has none of its own.
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
    metrics: tuple[str, ...] | None = None
    fairness: Fairness | None = None
    few_shot: FewShot | None = None
    shots: tuple[Message, ...] = ()
    image: Image = str
    turns: Prompt | None = None
