"""Conversations: what the user says next follows from the case, what it is said to from the answer.

Each turn is a request like any other: its messages are those of the turn before, the model's answer
to them, and the next text of the case. So stored answers, limits, retries and budget hold for each,
and whoever has the answers knows what was asked next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from threading import Lock
from typing import Any

from evalkit.errors import SetupError
from evalkit.model import Case, Failure, Outcome, Reply, Request, Suite, Usage
from evalkit.pipeline.judging import FollowUps, Judging, Place
from evalkit.runner import Ask, Outlook
from evalkit.runner.budget import CHARACTERS_A_TOKEN, longest

Wait = Callable[[Ask], Outcome]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation under way: ``ask`` is its latest turn, ``said`` answers those before."""

    case: Case
    ask: Ask
    said: tuple[Reply, ...] = ()

    def after(self, outcome: Outcome) -> Talk | Outcome:
        """Return the talk with its next turn, or the outcome of the whole if there is none.

        A turn that failed is the failure of the whole. So is one, other than the last, whose answer
        was cut off or withheld or called a tool: what the user says next would not follow.
        """
        texts, turn = self.case.turns, len(self.said)
        if not texts:
            return outcome
        if turn < len(texts) and isinstance(outcome, Reply):
            outcome = _broken_off(outcome) or outcome
        if isinstance(outcome, Failure):
            tries = outcome.tries + sum(reply.tries for reply in self.said)
            where = f"turn {turn + 1} of {len(texts) + 1}: {outcome.message}"
            return Failure(outcome.kind, where, tries=tries)
        if turn == len(texts):
            return _whole(self.said, outcome, texts)
        ask = Ask(self.ask.model, _followed(self.ask.request, outcome, texts[turn]))
        return replace(self, ask=ask, said=(*self.said, outcome))

    def ahead(self) -> Iterator[Ask]:
        """Yield the turns after this one as long as they can be, the answers before them full."""
        longest_answer = Reply("x" * (CHARACTERS_A_TOKEN * longest(self.ask.request).output))
        talk = self.after(longest_answer)
        while isinstance(talk, Talk):
            yield talk.ask
            talk = talk.after(longest_answer)


def heard(case: Case, ask: Ask, wait: Wait) -> Outcome:
    """Return the outcome of a whole case, of which ``ask`` is the first turn."""
    step: Talk | Outcome = Talk(case, ask)
    while isinstance(step, Talk):
        step = step.after(wait(step.ask))
    return step


class Conversations:
    """Hears of answers and returns what is to be asked because of them; any thread may call.

    ``identities`` are those of the models by name. A case that ``skips`` is asked no further turn.
    """

    def __init__(
        self,
        judging: Judging,
        identities: Mapping[str, str],
        *,
        skips: Callable[[Case], bool] = lambda _: False,
    ) -> None:
        self._judging = judging
        self._judges = FollowUps(judging)
        self._identities = identities
        self._skips = skips
        self._lock = Lock()
        self._talks: dict[str, list[Talk]] = {}
        self._turns = False
        self._heard: dict[str, Outcome] = {}

    def expect(self, asked: Iterable[tuple[Case, Ask]]) -> None:
        """Note the first turns of cases, before any answer comes."""
        for case, ask in asked:
            if case.turns or self._judging.concerns(case.suite):
                self._turns = self._turns or bool(case.turns)
                self._judges.expect(_place(case, ask))
                self._talks.setdefault(self._key(ask), []).append(Talk(case, ask))

    def after(self, key: str, outcome: Outcome) -> tuple[list[Ask], list[Ask]]:
        """Return the next turns, and what judges are asked, now that ``key`` has its outcome."""
        turns: list[Ask] = []
        over: list[tuple[Place, Outcome]] = []
        with self._lock:
            if self._turns:  # or no later request can be one that was answered before
                self._heard[key] = outcome
            steps = [(talk, outcome) for talk in self._talks.pop(key, ())]
            while steps:
                talk, said = steps.pop()
                step = talk.after(said)
                if not isinstance(step, Talk):
                    over.append((_place(talk.case, talk.ask), step))
                elif not self._skips(talk.case):
                    then = self._key(step.ask)
                    if then in self._heard:  # another case asked the same
                        steps.append((step, self._heard[then]))
                    else:
                        self._talks.setdefault(then, []).append(step)
                        turns.append(step.ask)
        return turns, list(chain.from_iterable(self._judges.after(*each) for each in over))

    def outlooks(self, known: Mapping[str, Outlook]) -> dict[str, Outlook]:
        """Return ``known``, what is asked already, with all that may follow from the answers."""
        with self._lock:
            # Equal conversations are asked once.
            talks = {(k, t.case.turns): t for k, talks in self._talks.items() for t in talks}
        found = {name: Outlook() for name in known}
        for talk in talks.values():
            for ask in talk.ahead():
                found[ask.model].ask(ask.request)
        added = {name: outlook.plus(found[name]) for name, outlook in known.items()}
        return added | self._judging.outlooks(self._judges.to_come, added)

    def _key(self, ask: Ask) -> str:
        return ask.request.key(self._identities[ask.model])


def refuse_turns(suites: Iterable[Suite], *, way: str, instead: str) -> None:
    """Raise `SetupError` if a case of ``suites`` is a conversation, which ``way`` cannot ask."""
    for suite in suites:
        if case := next((case for case in suite.cases if case.turns), None):
            raise conversation_refused(f"{suite.name}/{case.id}", way=way, instead=instead)


def conversation_refused(where: str, *, way: str, instead: str) -> SetupError:
    """Return the error of a case whose turns follow from answers, where these are not there."""
    return SetupError(
        f"cases of one user turn, {way}", got=f"{where}, which has a conversation", instead=instead
    )


def _place(case: Case, ask: Ask) -> Place:
    return Place(case, ask.model, ask.request.sample)


def _followed(request: Request, reply: Reply, text: str) -> Request:
    """Return the request of the turn after ``request``, which ``reply`` answered."""
    messages = [*request.body["messages"], *_between(reply, text)]
    return replace(request, body={**request.body, "messages": messages})


def _between(reply: Reply, text: str) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": reply.text}
    yield {"role": "user", "content": text}


def _broken_off(reply: Reply) -> Failure | None:
    """Return why nothing can be said to an answer; ``None`` if something can."""
    if reply.finish_reason == "length":
        why = "the answer was cut off at max_tokens, and more was to be said to it"
        return Failure("bad_response", why, tries=reply.tries)
    if reply.finish_reason == "content_filter":
        why = "the endpoint's content filter withheld the answer"
        return Failure("content_filter", why, tries=reply.tries)
    if reply.extra.get("tool_calls"):
        why = "the answer called a tool, whose result a conversation does not give"
        return Failure("bad_response", why, tries=reply.tries)
    return None


def _whole(said: tuple[Reply, ...], last: Reply, texts: tuple[str, ...]) -> Reply:
    """Return the last answer with what was said before it, and with what all of them took."""
    every = (*said, last)
    turns = [m for reply, text in zip(said, texts, strict=True) for m in _between(reply, text)]
    return replace(
        last,
        usage=Usage(
            input=sum(reply.usage.input for reply in every),
            output=sum(reply.usage.output for reply in every),
            cached=sum(reply.usage.cached for reply in every),
        ),
        latency_s=sum(reply.latency_s for reply in every),
        tries=sum(reply.tries for reply in every),
        extra={**last.extra, "turns": turns},
    )
