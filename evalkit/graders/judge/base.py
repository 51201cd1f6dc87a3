"""Graders that ask another model: what it is asked, and what its verdicts say.

Both halves are pure. The call in between is made by whoever runs the suite, so that judges share
limits, retries, stored answers and budget with all other calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import clip
from evalkit.graders.judge.marks import EXPLAINED, conversation, marked
from evalkit.graders.judge.verdicts import FIELD, Said, Scale, read_verdict
from evalkit.model import Case, Failure, Grade, Graded, Message, Outcome, Reply, Ungraded

PASS_FROM = 0.5

_NO_ANSWER = "the judge did not answer"
_NO_VERDICT = "no verdict of the judge"
_CUT_OFF = "the judge's answer was cut off before its verdict"
_NO_BASE = "no answer of the base to compare with"

Verdicts = Sequence[Sequence[Outcome]]
"""What came back: for each question, the outcome of each time it was asked."""

Asker = Callable[[Case, Reply, Reply | None], tuple[tuple[Message, ...], ...]]


@dataclass(frozen=True, slots=True)
class JudgeGrader:
    """Grades by the verdicts of the project's judge called ``judge``.

    ``ask`` makes the questions about a reply (and the base's, if ``against_base``), each a chat;
    ``combine`` makes one score of the scores of one time that all questions were asked. A reply
    passes from ``passes`` on. ``shown`` is what the report prints of the prompt; ``repeats`` is
    ``None`` where the judge says how often it is asked.
    """

    judge: str
    scale: Scale
    ask: Asker
    shown: str
    combine: Callable[[Sequence[float]], float]
    passes: float = PASS_FROM
    repeats: int | None = None
    against_base: bool = False

    @property
    def form(self) -> Mapping[str, Any]:
        """The JSON Schema of an answer of the judge: its reasoning, and then the verdict."""
        return {
            "type": "object",
            "properties": {"reasoning": {"type": "string"}, FIELD: self.scale.form},
            "required": ["reasoning", FIELD],
            "additionalProperties": False,
        }

    def questions(
        self, case: Case, reply: Reply, base: Reply | None
    ) -> tuple[tuple[Message, ...], ...]:
        """Return the chats to send; none if there is nothing to compare the reply with."""
        return () if self.against_base and base is None else self.ask(case, reply, base)

    def lacks(self, _case: Case) -> str:
        """Return nothing: a judge can judge whatever there is."""
        return ""

    def read(self, verdicts: Verdicts) -> Graded:
        """Return the mean score of all times that every question was answered with a verdict.

        A judge that failed, or said something that is no verdict, is no reason for a low score:
        without one whole time the answer is `Ungraded`.
        """
        if not verdicts:
            return Ungraded(_NO_BASE)
        found, why = [], ""
        for outcomes in zip(*verdicts, strict=True):
            read = [self._read(outcome) for outcome in outcomes]
            good = [part for part in read if isinstance(part, _Judged)]
            if len(good) == len(read):
                found.append(good)
            why = why or next((part for part in read if isinstance(part, str)), "")
        return self._grade(found) if found else Ungraded(clip(why))

    def _read(self, outcome: Outcome) -> _Judged | str:
        if isinstance(outcome, Failure):
            return no_answer(outcome)
        cut = outcome.finish_reason == "length"
        said = read_verdict(outcome.text, cut=cut)
        if cut and said is None:
            return f"{_CUT_OFF}: finish_reason length: allow it more tokens"
        score = self.scale.score(said.verdict) if said else None
        if said is None or score is None:
            got = repr(said.verdict if said else outcome.text)
            return f"{_NO_VERDICT}, which needs {self.scale.words}: {got:.60}"
        return _Judged(said, score, outcome.model)

    def _grade(self, found: Sequence[Sequence[_Judged]]) -> Grade:
        scores = [self.combine([part.score for part in once]) for once in found]
        score = sum(scores) / len(scores)
        first = found[0][0]
        detail = {
            "verdicts": [[part.said.verdict for part in once] for once in found],
            "scores": scores,
            "judges": list(dict.fromkeys(part.by for once in found for part in once)),
        }
        return Grade(score, score >= self.passes, clip(first.said.reasoning.strip()), detail)


@dataclass(frozen=True, slots=True)
class _Judged:
    said: Said
    score: float
    by: str


def no_answer(failure: Failure) -> str:
    """Return why there is no verdict of a judge that failed; `kind_of` reads it."""
    return f"{_NO_ANSWER}: {failure.kind}: {failure.message}"


def kind_of(lacking: Ungraded) -> str:
    """Return why there is no verdict in words that are the same for all of a kind."""
    what, _, why = lacking.why.partition(": ")
    if what == _NO_ANSWER:
        return f"no answer: {why.partition(':')[0]}"
    return "no verdict on its scale" if what.startswith(_NO_VERDICT) else lacking.why


def judge_named(options: Mapping[str, Any]) -> str:
    """Return the name of the judge that a grader's options mean."""
    return str(options.get("judge", "default"))


def chat(system: str, user: str) -> tuple[Message, ...]:
    """Return one question: what the judge is told, and the material."""
    return ({"role": "system", "content": system}, {"role": "user", "content": user})


def only(scores: Sequence[float]) -> float:
    """Return the score of the only question."""
    return scores[0]


def instructions(task: str, scale: Scale) -> str:
    """Return what a judge is told before it sees the material."""
    return (
        f"{task} {EXPLAINED} Length, style and a confident tone count only where the criterion "
        "says so. First reason in a few sentences, then give the verdict. Answer with one JSON "
        f'object and nothing else: {{"reasoning": "...", "{FIELD}": ...}}, where {FIELD} is '
        f"{scale.words}."
    )


def material(case: Case, turns: Sequence[Message], *, reference: bool) -> str:
    """Return what was asked, and with ``reference`` the expected answer, as marked material.

    ``turns`` are the messages between the prompt and the answer that is judged.
    """
    parts = [marked("question", conversation([*case.messages, *turns]))]
    if reference and case.expected is not None:
        parts.append(marked("reference", str(case.expected)))
    return "\n\n".join(parts)
