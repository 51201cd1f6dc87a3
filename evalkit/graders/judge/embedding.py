"""The grader `cosine`: how near an answer comes to a text in meaning, by a model of embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from evalkit.graders.base import UngradableError, clip, reference_of
from evalkit.graders.judge.base import Verdicts, judge_named, no_answer
from evalkit.graders.text import as_texts
from evalkit.model import (
    Case,
    Failure,
    Grade,
    Graded,
    GraderSpec,
    Message,
    Outcome,
    Reply,
    Ungraded,
)

Vector = NDArray[np.float64]

DIGITS = 12
"""Of a cosine: so that a text is equal to itself, on every machine."""

_EMPTY = "the answer is empty"
_NO_VECTOR = "no embedding that has a direction: empty, zero, or not finite"
_LENGTHS = "embeddings of different lengths"
_MODELS = "embeddings of different models"


def cosine(spec: GraderSpec) -> CosineGrader:
    """Score the answer by the cosine of its embedding and the expected text's, or the nearest's.

    The embeddings are those of the model called ``judge`` in the project, which has ``endpoint:
    embeddings``. A cosine below 0 scores 0; the answer passes from ``threshold`` on. An empty
    answer, and one whose embedding or that of any of its references is missing, is ungraded.
    """
    options = spec.options
    references = reference_of(options, prepare=as_texts)
    return CosineGrader(judge_named(options), references, float(options["threshold"]))


@dataclass(frozen=True, slots=True)
class CosineGrader:
    """Grades by the embeddings of the project's judge called ``judge``; passes from ``passes`` on.

    It is asked as a `JudgeGrader` is. It tells the model nothing and has no form of an answer.
    """

    judge: str
    references: Callable[[Case], tuple[str, ...]]
    passes: float
    shown: ClassVar[str] = ""
    form: ClassVar[None] = None
    repeats: ClassVar[int] = 1
    against_base: ClassVar[bool] = False

    def questions(
        self, case: Case, reply: Reply, _base: Reply | None
    ) -> tuple[tuple[Message, ...], ...]:
        """Return the answer and each reference, each as a chat; nothing for an empty answer."""
        if not reply.text.strip():
            return ()
        return tuple(_chat(text) for text in (reply.text, *self.references(case)))

    def lacks(self, case: Case) -> str:
        """Return what is wrong with the case's reference, empty if nothing."""
        try:
            self.references(case)
        except UngradableError as error:
            return str(error)
        return ""

    def read(self, verdicts: Verdicts) -> Graded:
        """Return the cosine to the nearest reference, from 0 to 1: the answer's embedding is first.

        What is missing is no reason for a low score: without all embeddings it is `Ungraded`.
        """
        try:
            cosines = _cosines([_embedding(outcomes[0]) for outcomes in verdicts])
        except UngradableError as error:
            return Ungraded(clip(str(error)))
        score = min(max(*cosines, 0.0), 1.0)
        names = [said.model for said, *_ in verdicts if isinstance(said, Reply)]
        detail = {"cosines": cosines, "judges": list(dict.fromkeys(names))}
        reason = f"{score:.3f}, passes from {self.passes:g}"
        return Grade(score, score >= self.passes, reason, detail)


def _chat(text: str) -> tuple[Message, ...]:
    whole = text.encode(errors="replace").decode()  # half a surrogate pair is no text to send
    return ({"role": "user", "content": whole},)


def _embedding(outcome: Outcome) -> tuple[Vector, str]:
    """Return an embedding of length 1, and whose it is. Raise `UngradableError` for none."""
    if isinstance(outcome, Failure):
        raise UngradableError(no_answer(outcome))
    vector = np.array(outcome.extra.get("embedding", ()), dtype=float)
    largest = float(np.max(np.abs(vector), initial=0.0))
    if not 0 < largest < np.inf:
        raise UngradableError(_NO_VECTOR)
    unit: Vector = vector / largest  # whose squares are neither too large nor too small
    return unit / np.linalg.norm(unit), outcome.model


def _cosines(embeddings: Sequence[tuple[Vector, str]]) -> list[float]:
    """Return the cosines of the first embedding, of length 1, with each other one."""
    if not embeddings:
        raise UngradableError(_EMPTY)
    if len({len(vector) for vector, _ in embeddings}) > 1:
        raise UngradableError(_LENGTHS)
    if len({name for _, name in embeddings}) > 1:
        raise UngradableError(_MODELS)
    (answer, _), *references = embeddings
    return [round(float(answer @ reference), DIGITS) for reference, _ in references]
