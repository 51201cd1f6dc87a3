"""Judges in a run: what an answer makes worth asking, and what the verdicts come to.

Judges are asked as soon as the answers that they are about are there, by the same engine: they
share its limits, retries, stored answers and budget. What they are asked follows from the answer
alone, so whoever has the answers knows which verdicts to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import Any

from evalkit.graders import SuiteGrader
from evalkit.graders.judge.pairwise import ITSELF
from evalkit.graders.registry import Asking
from evalkit.model import Case, Graded, Judge, Message, Outcome, Project, Reply, Request
from evalkit.pipeline.facts import ModelTally
from evalkit.pipeline.plan import Plan, drawn
from evalkit.runner import Ask, Outlook

Asked = Mapping[str, Sequence[Sequence[Ask]]]
"""What is asked about one answer: by grader, for each question, once for each repeat."""

Wait = Callable[[Ask], Outcome]

_SAMPLED = 100
"""Answers whose questions are made to see how long they are."""

_SHORTEST = Reply("?")
"""Stands for an answer that is not there: of an empty one not every grader asks."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer belongs: one sample of one model to one case."""

    case: Case
    model: str
    sample: int


class Judging:
    """All judges of a plan's suites; without any, nothing is ever asked.

    ``tallies`` adds up what was waited for of each judge's model, by its name.
    """

    def __init__(self, plan: Plan, graders: Mapping[str, SuiteGrader]) -> None:
        self._judges = plan.judges
        self._bases = _bases(plan.project)
        found = {suite: grader.judges for suite, grader in graders.items()}
        self._graders = {suite: judges for suite, judges in found.items() if judges}
        self.tallies = {j.model.name: ModelTally(j.model) for j in self._judges.values()}

    def concerns(self, suite: str) -> bool:
        """Return whether a suite has a judge."""
        return suite in self._graders

    def base_of(self, suite: str, model: str) -> str:
        """Return the model whose answers this one's are compared with; empty if none are."""
        return self._bases.get(model, "") if self._compares(suite) else ""

    def compared_with(self, suite: str, base: str) -> tuple[str, ...]:
        """Return the models whose answers to a suite are compared with those of ``base``."""
        models = self._bases if self._compares(suite) else ()
        return tuple(model for model in models if self._bases[model] == base)

    def asks(self, place: Place, reply: Reply, base: Outcome | None) -> Asked:
        """Return what is asked about one answer, ``base`` being what the base said to the same."""
        rival = base if isinstance(base, Reply) else None
        return {
            name: self._asks(grader, place.case, reply, rival)
            for name, grader in self._graders.get(place.case.suite, {}).items()
            if not (grader.against_base and place.model not in self._bases)
        }

    def judged(
        self, case: Case, asked: Sequence[Ask], outcomes: Sequence[Outcome], wait: Wait
    ) -> tuple[list[Mapping[str, Graded]], list[Ask]]:
        """Wait for the verdicts on all answers to one case.

        Returns for each of them the grades by grader, and all that the judges were asked.
        """
        if not self.concerns(case.suite):
            return [{} for _ in asked], []
        places = [Place(case, ask.model, ask.request.sample) for ask in asked]
        known = {(p.model, p.sample): o for p, o in zip(places, outcomes, strict=True)}
        used: list[Ask] = []

        def counted(ask: Ask) -> Outcome:
            used.append(ask)
            verdict = wait(ask)
            self.tallies[ask.model].add(verdict)
            return verdict

        pairs = zip(places, outcomes, strict=True)
        return [self._about(place, outcome, known, counted) for place, outcome in pairs], used

    def outlooks(self, places: Sequence[Place], known: Mapping[str, Outlook]) -> dict[str, Outlook]:
        """Return what each judge's model is to be asked at most, with the answers to ``places``.

        ``known`` is what it is asked already, about answers that are there. Those that are not are
        taken to be of one character.
        """
        found: dict[str, Outlook] = {}
        for place in places[:_SAMPLED]:
            for questions in self.asks(place, _SHORTEST, _SHORTEST).values():
                for ask in chain.from_iterable(questions):
                    found.setdefault(ask.model, Outlook()).ask(ask.request)
        share = len(places) / _SAMPLED if len(places) > _SAMPLED else 1.0
        return {
            name: known[name].plus(outlook.scaled(round(outlook.requests * share)))
            for name, outlook in found.items()
        }

    def _about(
        self,
        place: Place,
        outcome: Outcome,
        known: Mapping[tuple[str, int], Outcome],
        wait: Wait,
    ) -> Mapping[str, Graded]:
        if not isinstance(outcome, Reply):
            return {}
        base = known.get((self.base_of(place.case.suite, place.model), place.sample))
        asked = self.asks(place, outcome, base)
        return {
            name: grader.read([[wait(ask) for ask in asks] for asks in asked[name]])
            if name in asked
            else ITSELF
            for name, grader in self._graders[place.case.suite].items()
        }

    def _compares(self, suite: str) -> bool:
        return any(grader.against_base for grader in self._graders.get(suite, {}).values())

    def _asks(
        self, grader: Asking, case: Case, reply: Reply, base: Reply | None
    ) -> tuple[tuple[Ask, ...], ...]:
        judge = self._judges[grader.judge]
        times = range(grader.repeats or judge.repeats)
        return tuple(
            tuple(Ask(judge.model.name, _request(judge, chat, grader.form, n)) for n in times)
            for chat in grader.questions(case, reply, base)
        )


class FollowUps:
    """Hears of answers and returns what judges are to be asked about them; any thread may call."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self._lock = Lock()
        self._waiting: dict[tuple[str, str, str, int], Outcome] = {}
        self._to_come: dict[tuple[str, str, str, int], Place] = {}

    def expect(self, place: Place) -> None:
        """Note where an answer belongs that is to come."""
        with self._lock:
            if self._judging.concerns(place.case.suite):
                self._to_come[_at(place, place.model)] = place

    @property
    def to_come(self) -> tuple[Place, ...]:
        """Where the answers belong that judges could not be asked about yet."""
        with self._lock:
            return tuple(self._to_come.values())

    def after(self, place: Place, outcome: Outcome) -> list[Ask]:
        """Return what is to be asked now that there is one outcome more."""
        with self._lock:
            return [*self._about(place, outcome)]

    def _about(self, place: Place, outcome: Outcome) -> Iterator[Ask]:
        """Yield the questions that can be asked from now on: about this answer, or another."""
        base = self._judging.base_of(place.case.suite, place.model)
        others = self._judging.compared_with(place.case.suite, place.model)
        if base or others:
            self._waiting[_at(place, place.model)] = outcome
        if isinstance(outcome, Reply) and (not base or _at(place, base) in self._waiting):
            yield from self._flat(place, outcome, self._waiting.get(_at(place, base)))
        for other in others:
            reply = self._waiting.get(_at(place, other))
            if isinstance(reply, Reply):
                rival = Place(place.case, other, place.sample)
                yield from self._flat(rival, reply, outcome)

    def _flat(self, place: Place, reply: Reply, base: Outcome | None) -> Iterator[Ask]:
        self._to_come.pop(_at(place, place.model), None)
        for questions in self._judging.asks(place, reply, base).values():
            for times in questions:
                yield from times


def _at(place: Place, model: str) -> tuple[str, str, str, int]:
    return place.case.suite, place.case.id, model, place.sample


def _bases(project: Project) -> dict[str, str]:
    """Return the base of each model that is compared with one, checkpoints as their candidates."""
    found = {pair.candidate: pair.base for pair in project.comparisons}
    of = {m.name: m.of for m in project.models.values() if m.of}
    return found | {name: found[parent] for name, parent in of.items() if parent in found}


def _request(
    judge: Judge, chat: Sequence[Message], form: Mapping[str, Any] | None, repeat: int
) -> Request:
    """Return one question. Without a ``form`` nothing is drawn: an embedding is computed."""
    sampling = judge.sampling
    if form is None:
        more = {name: value for name, value in sampling.extra.items() if value is not None}
        return Request({"messages": list(chat), **more}, repeat)
    if judge.structured:
        schema = {"name": "verdict", "strict": True, "schema": form}
        form_of_answer = {"type": "json_schema", "json_schema": schema}
        extra = {"response_format": form_of_answer, **sampling.extra}
        return drawn(chat, sampling, repeat, extra=extra)
    return drawn(chat, sampling, repeat, extra=sampling.extra)
