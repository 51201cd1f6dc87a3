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
    """A grader as written in a suite.

    ``options`` holds every field but name, type and ``graders``; ``inner`` are those graders.
    """

    name: str
    type: str
    options: Mapping[str, Any]
    source: Source
    inner: tuple[GraderSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """What a person gave an answer, from 0 to 1; ``None`` for ``answer``: whatever it said."""

    score: float
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One question with what is known of its answer.

    ``messages`` is the rendered prompt in chat form. ``trained`` names the candidates whose
    training file this case was drawn from (empty for every held-out case). ``human`` holds what a
    person gave a model's answer, by the model's name. ``extra`` are fields of its request beside
    the messages, such as ``tools``; they go before the suite's. ``turns`` are the texts of further
    user turns: each is asked once the one before is answered, and the last answer is graded.
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
    human: Mapping[str, Label] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    turns: tuple[str, ...] = ()

    @property
    def asks(self) -> Any:  # noqa: ANN401  (a JSON value)
        """What is asked, apart from the suite's settings; equal for equal questions."""
        if self.turns:
            return [self.messages, dict(self.extra), self.turns]
        return [self.messages, dict(self.extra)] if self.extra else self.messages


@dataclass(frozen=True, slots=True)
class Fairness:
    """What makes cases twins that should score alike: those of one ``template`` differ in ``term``.

    Both are ``tags.NAME`` or ``vars.NAME``; ``margin`` is the difference, on the score's 0..1
    scale, below which two terms count as treated alike.
    """

    term: str
    template: str
    margin: float


_LABELS = frozenset({"choice", "label"})
METRICS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("accuracy", "balanced_accuracy", "f1_micro", "f1_macro", "mcc"), _LABELS),
    **dict.fromkeys(("per_label", "confusion"), _LABELS),
    **dict.fromkeys(("ece", "rms_calibration_error", "brier"), frozenset({"calibration"})),
}
"""What can be told of all cases together, beside the mean, by the types of graders that give it."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file, read and rendered. ``margin`` is absolute on the score's 0..1 scale.

    ``pack`` is the name by which the project includes it, empty for a file of the project's own.

    ``metrics`` are those of `METRICS` that were asked for; ``None`` where the file does not say.
    ``fairness`` is there where its cases are templates filled with terms that should not matter.
    """

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
    metrics: tuple[str, ...] | None = None
    fairness: Fairness | None = None
    pack: str = ""
