"""What a suite is once it has been read: cases with their prompts, graders, purpose and margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.model.project import Sampling

Purpose = Literal["target", "guard", "report"]
Split = Literal["heldout", "train"]
Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was written: a path as the user would type it, and a line from 1."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class GraderSpec:
    """A grader as written in a suite; ``options`` holds every field but name and type."""

    name: str
    type: str
    options: Mapping[str, Any]
    source: Source


@dataclass(frozen=True, slots=True)
class Case:
    """One question with what is known of its answer.

    ``messages`` is the rendered prompt in chat form. ``trained`` names the candidates whose
    training file this case was drawn from (empty for every held-out case).
    """

    suite: str
    id: str
    messages: tuple[Message, ...]
    expected: Any = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    split: Split = "heldout"
    trained: frozenset[str] = frozenset()
    critical: bool = False
    cluster: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    source: Source = Source("", 0)


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file, read and rendered. ``margin`` is absolute on the score's 0..1 scale."""

    name: str
    purpose: Purpose
    cases: tuple[Case, ...]
    graders: tuple[GraderSpec, ...]
    score: str
    sampling: Sampling
    margin: float | None = None
    description: str = ""
    digest: str = ""
    source: Source = Source("", 0)
