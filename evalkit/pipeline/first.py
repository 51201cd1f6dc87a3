"""The first answers of a run: asked before all others, to see who answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """Return what is asked first in ``run``, as `first_among` chooses it."""
    return first_among(run.plan, run.cases_of)


def first_among(plan: Plan, cases_of: Callable[[Suite], Iterable[Case]]) -> First:
    """Return the first held-out cases of the suites that must improve, one sample of each model.

    A model that none of them asks has its own first request. ``cases_of`` gives the cases of a
    suite in the order of asking; no more are taken of it than are needed.
    """
    chosen: list[Ask] = []
    places: list[dict[str, int]] = []
    for suite, case in islice(_in_turn(plan, cases_of), CASES):
        mine = [ask for ask in asks(plan, suite, case) if ask.request.sample == 0]
        places.append({ask.model: len(chosen) + i for i, ask in enumerate(mine)})
        chosen += mine
    if not chosen:
        chosen = _one_each(plan, cases_of)
    shared = {
        pair: tuple((at[pair.base], at[pair.candidate]) for at in places)
        for pair in plan.project.comparisons
    }
    return First(tuple(chosen), shared)


def _in_turn(
    plan: Plan, cases_of: Callable[[Suite], Iterable[Case]]
) -> Iterator[tuple[Suite, Case]]:
    """Yield the held-out cases of the suites that must improve, one of each suite in turn."""
    must = [s for s in plan.suites if rule_for(s, plan.policy).rule == "superior"]

    def heldout(suite: Suite) -> Iterator[tuple[Suite, Case]]:
        return ((suite, case) for case in cases_of(suite) if case.split == "heldout")

    rounds = zip_longest(*(islice(heldout(suite), CASES) for suite in must))
    return (entry for entry in chain.from_iterable(rounds) if entry is not None)


def _one_each(plan: Plan, cases_of: Callable[[Suite], Iterable[Case]]) -> list[Ask]:
    """Return the first request of each model that has one."""
    found: dict[str, Ask] = {}
    for suite in plan.suites:
        for case in cases_of(suite):
            for ask in asks(plan, suite, case):
                found.setdefault(ask.model, ask)
            if len(found) == len(plan.models):
                return list(found.values())
    return list(found.values())


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
