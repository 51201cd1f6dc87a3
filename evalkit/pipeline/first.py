"""The first answers of a run: asked before all others, to see who answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from evalkit.decide.first_answers import CASES, Both, copied, differ, stranger
from evalkit.decide.rules import rule_for
from evalkit.errors import SetupError
from evalkit.model import Case, Outcome, Pair, Reply, Suite
from evalkit.pipeline.plan import Plan, asks
from evalkit.pipeline.run import TICK_S, Asker, Run
from evalkit.pipeline.unusable import base_answered, stranger_answered
from evalkit.runner import Ask

PATIENCE_S = 60.0
"""How long the rest waits for more of the first answers, once every model has given one."""


@dataclass(frozen=True, slots=True)
class First:
    """What is asked first.

    ``shared`` has for each comparison the places of base and candidate in ``asks``, case by case.
    """

    asks: tuple[Ask, ...]
    shared: Mapping[Pair, tuple[tuple[int, int], ...]]


def first_of(run: Run) -> First:
    """Return the first held-out cases of the suites that must improve, one sample of each model.

    A model that none of them asks has its own first request.
    """
    plan = run.plan
    chosen: list[Ask] = []
    places: list[dict[str, int]] = []
    for suite, case in islice(_in_turn(run), CASES):
        mine = [ask for ask in asks(plan, suite, case) if ask.request.sample == 0]
        places.append({ask.model: len(chosen) + i for i, ask in enumerate(mine)})
        chosen += mine
    if not chosen:
        chosen = list({ask.model: ask for ask in reversed(run.asks())}.values())
    shared = {
        pair: tuple((at[pair.base], at[pair.candidate]) for at in places)
        for pair in plan.project.comparisons
    }
    return First(tuple(chosen), shared)


def _in_turn(run: Run) -> Iterator[tuple[Suite, Case]]:
    """Yield the held-out cases of the suites that must improve, one of each suite in turn."""
    policy = run.plan.policy
    must = {s.name for s in run.plan.suites if rule_for(s, policy).rule == "superior"}
    found: dict[str, list[tuple[Suite, Case]]] = {}
    for suite, case in run.cases():
        if suite.name in must and case.split == "heldout":
            found.setdefault(suite.name, []).append((suite, case))
    rounds = zip_longest(*found.values())
    return (entry for entry in chain.from_iterable(rounds) if entry is not None)


class Heard:
    """The answers to a run's first requests, as they come.

    ``pairs`` are the comparisons of two models that the project takes for different ones.
    """

    def __init__(self, first: First, asker: Asker, *, pairs: Sequence[Pair]) -> None:
        self._first = first
        self._asker = asker
        self._pairs = pairs
        self._open = dict(enumerate(first.asks))
        self._outcomes: dict[int, Outcome] = {}
        self._from_all_at: float | None = None

    def listen(self) -> None:
        """Wait a little for one more, and take in all that are there."""
        patience = TICK_S
        for place, ask in list(self._open.items()):
            try:
                self._outcomes[place] = self._asker.wait(ask, patience)
            except TimeoutError:
                pass
            else:
                del self._open[place]
            patience = 0.0

    @property
    def enough(self) -> bool:
        """Whether nothing more is to be waited for.

        Every model has answered or could not, and all pairs differ, or no other answer will come.
        """
        heard = {self._first.asks[place].model for place in self._outcomes}
        if any(ask.model not in heard for ask in self._open.values()):
            return False
        now = time.monotonic()
        self._from_all_at = self._from_all_at or now
        late = now - self._from_all_at > PATIENCE_S
        return not self._open or late or all(differ(self._both(pair)) for pair in self._pairs)

    def wrong(
        self, plan: Plan, *, left: int, stored: frozenset[str]
    ) -> tuple[str, SetupError] | None:
        """Return the model that is shown not to be the one asked for, and what to say of it.

        ``left`` counts the requests not asked yet, ``stored`` names the models of which some of
        these answers were stored before.
        """
        for model in plan.models:
            if name := stranger(model, self._replies(model.name)):
                known = model.name in stored
                return model.name, stranger_answered(model, name, left=left, stored=known)
        for pair in self._pairs:
            if copied(both := self._both(pair)):
                model = plan.project.models[pair.candidate]
                known = not stored.isdisjoint((pair.base, pair.candidate))
                error = base_answered(pair, model, cases=len(both), left=left, stored=known)
                return pair.candidate, error
        return None

    def _replies(self, model: str) -> Iterator[Reply]:
        for place, outcome in self._outcomes.items():
            if isinstance(outcome, Reply) and self._first.asks[place].model == model:
                yield outcome

    def _both(self, pair: Pair) -> list[Both]:
        """Return what both models of a comparison answered to the same cases."""
        shared = self._first.shared[pair]
        found = [(self._outcomes.get(base), self._outcomes.get(other)) for base, other in shared]
        return [(b, c) for b, c in found if isinstance(b, Reply) and isinstance(c, Reply)]
