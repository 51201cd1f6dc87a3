"""Is the candidate the candidate? The names that answered, and if the answers differ from base."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from evalkit.decide import run_words as words
from evalkit.decide.decision import IdentityResult
from evalkit.decide.run_data import RunData
from evalkit.model import ModelSpec, Pair, Project, Record, Reply

K = TypeVar("K")

_SNAPSHOT = re.compile(r"[-@:](\d{4}-\d{2}-\d{2}|\d{3,8}|v\d[\d.]*|latest)")
"""What may follow the asked name: "-2025-04-14", "-0613", "@001", "-v2", ":latest"; not "-32k"."""

_Answers = dict[tuple[str, str, int], Reply]


def identity_result(run: RunData, pair: Pair) -> IdentityResult:
    """Compare the held-out answers of both models, sample by sample.

    Not ok if there is nothing to compare, if no answer differs, or if the endpoint says that
    another model answered.
    """
    inside = {(c.suite, c.id) for s in run.suites for c in s.cases if c.split == "heldout"}
    base, candidate = (_answers(run.records, name, inside) for name in (pair.base, pair.candidate))
    count = IdentityCount(run.project, pair)
    count.compare(base, candidate)
    return count.result()


class IdentityCount:
    """The held-out answers of two models, compared part by part."""

    def __init__(self, project: Project, pair: Pair) -> None:
        self._project = project
        self._pair = pair
        self._names: dict[str, set[str]] = {pair.base: set(), pair.candidate: set()}
        self._compared = 0
        self._different = 0

    def compare(self, base: Mapping[K, Reply], candidate: Mapping[K, Reply]) -> None:
        """Take in answers of both models; equal keys stand for one question, asked nowhere else."""
        shared = base.keys() & candidate.keys()
        self._compared += len(shared)
        self._different += sum(said(base[key]) != said(candidate[key]) for key in shared)
        for name, answers in ((self._pair.base, base), (self._pair.candidate, candidate)):
            self._names[name].update(reply.model for reply in answers.values())

    def result(self) -> IdentityResult:
        """Return what all of them show."""
        pair, compared, different = self._pair, self._compared, self._different
        names = {name: tuple(sorted(found - {""})) for name, found in self._names.items()}
        strangers = [
            words.answered_by_another(name, asked=expected_name(spec), answered=other)
            for name in (pair.base, pair.candidate)
            if (spec := self._project.models.get(name))
            for other in names[name]
            if not answers_as(spec, other)
        ]
        notes = [*strangers, *words.answers_compared(pair, compared=compared, different=different)]
        return IdentityResult(
            answered_as=names[pair.candidate],
            compared=compared,
            different=different,
            ok=different > 0 and not strangers,
            note=" ".join(notes),
        )


def answers_as(spec: ModelSpec, name: str) -> bool:
    """Return whether an answer under ``name`` is one of the model asked for.

    OpenAI answers as a dated snapshot of the model. A proxy, or a deployment at Azure, answers as
    the model behind it, which only the project can tell. Other clients' names prove nothing.
    """
    if not spec.answers_as and spec.client != "openai":
        return True
    return any(_is(name, known) for known in spec.answers_as or (spec.model,))


def expected_name(spec: ModelSpec) -> str:
    """Return in words the names under which a model may answer."""
    return " or ".join(spec.answers_as) or spec.model


def _is(name: str, known: str) -> bool:
    rest = name.removeprefix(known)
    return name == known or (rest != name and _SNAPSHOT.fullmatch(rest) is not None)


def _answers(records: Iterable[Record], model: str, inside: set[tuple[str, str]]) -> _Answers:
    return {
        (r.suite, r.case, r.sample): r.outcome
        for r in records
        if r.model == model
        and not r.aa
        and isinstance(r.outcome, Reply)
        and (r.suite, r.case) in inside
    }


def said(reply: Reply) -> tuple[str, object]:
    """Return what makes two answers the same: the text and the calls of tools."""
    return reply.text, reply.extra.get("tool_calls")
