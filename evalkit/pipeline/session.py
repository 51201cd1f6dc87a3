"""Clients, answer store and engine of a process, opened and closed together; who answers first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import monotonic

from evalkit.clients import make_client
from evalkit.errors import RunError
from evalkit.model import Manifest, Outcome
from evalkit.pipeline.facts import ModelTally, make_manifest
from evalkit.pipeline.first import First, Heard
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.unusable import refuse_self_judging, unusable
from evalkit.runner import Ask, Engine, Progress, Terms
from evalkit.store import Answers, check_writable, new_run_id
from evalkit.store.batches import Batches


class Session:
    """What it takes to ask the models of a plan.

    Made before any call, so that an unwritable folder or a missing package is an error before it.
    ``on_outcome`` hears of each outcome, by its key.
    """

    def __init__(
        self,
        plan: Plan,
        options: Options,
        *,
        on_outcome: Callable[[str, Outcome], None] | None = None,
    ) -> None:
        self.started = datetime.now(UTC)
        self._begun = monotonic()
        self.run_id = new_run_id(self.started)
        self._plan = plan
        self._options = options
        self._first = First((), {})
        self._stored: set[str] = set()
        check_writable(options.reports)
        self._clients = {m.name: make_client(m, environ=os.environ) for m in plan.asked}
        self.identities = {name: client.identity for name, client in self._clients.items()}
        refuse_self_judging(plan, self.identities)
        self.store = Answers(options.answers)
        self.engine = Engine(
            self._clients,
            self.store,
            models={m.name: m for m in plan.asked},
            terms=Terms(
                offline=options.offline,
                rerun=options.rerun,
                budget=plan.project.budget,
                deadline_s=options.deadline_s,
            ),
            on_outcome=on_outcome,
        )

    def start(self, first: First, asks: Iterable[Ask], *, more: bool = False) -> None:
        """Ask the first requests; as `Engine.start` for the others."""
        self._first = first
        if not self._options.rerun:
            self._stored = set(self.store.get_many(self._keys()))
        self.engine.start(asks, first=first.asks, more=more)

    def left(self) -> int:
        """Return how many of the requests that are queued have to be asked after the first ones."""
        asked = sum(self.engine.outlook(model.name).requests for model in self._plan.models)
        return asked - len(set(self._keys()) - self._stored)

    def on_the_way(self, asks: Iterable[Ask]) -> int:
        """Return how many of ``asks`` an open batch asks too; before the first of them is asked."""
        try:
            open_ = Batches(self._options.reports).open_keys()
        except RunError:  # a damaged note is for `evalkit batch` to tell of
            return 0
        if not open_ or self._options.offline:
            return 0
        mine = {key for ask in asks if (key := self._key(ask)) in open_}
        return len(mine) - len(self.store.get_many(list(mine)))

    def hear(self, left: int, while_waiting: Callable[[], None]) -> None:
        """Listen to the first answers for as long as they may show a wrong model.

        ``left`` is how many requests are to be asked after them. Raises `SetupError` for a model
        that cannot be asked, or is shown not to be the one asked for.
        """
        known = self.identities
        pairs = [p for p in self._plan.project.comparisons if known[p.base] != known[p.candidate]]
        heard = Heard(self._first, self.engine, pairs=pairs)
        while not heard.enough:
            heard.listen()
            while_waiting()
        for model in self._plan.models:
            if error := self.engine.fatal(model.name):
                raise unusable(model, error)
        if self._options.check_identity and left > 0 and not self._options.offline:
            self._check(heard, left)

    def _check(self, heard: Heard, left: int) -> None:
        keyed = list(zip(self._keys(), self._first.asks, strict=True))
        stored = frozenset(ask.model for key, ask in keyed if key in self._stored)
        if wrong := heard.wrong(self._plan, left=left, stored=stored):
            model, error = wrong
            self.engine.stop()
            mine = {key for key, ask in keyed if ask.model == model}
            self.store.forget(mine - self._stored)
            raise error

    def _keys(self) -> list[str]:
        """Return the keys of the first requests."""
        return [self._key(ask) for ask in self._first.asks]

    def _key(self, ask: Ask) -> str:
        return ask.request.key(self.identities[ask.model])

    def progress(self) -> Progress:
        """Return how far the asking is."""
        return self.engine.progress()

    def manifest(
        self, plan: Plan, tallies: dict[str, ModelTally], *, partial: str, stopped: str
    ) -> Manifest:
        """Return the facts of the run that ends now; as `make_manifest`."""
        return make_manifest(
            plan,
            tallies,
            run_id=self.run_id,
            started=self.started,
            seconds=monotonic() - self._begun,
            identities=self.identities,
            asked={name: self.engine.progress(name).asked for name in self._clients},
            partial=partial,
            stopped=stopped,
        )

    def close(self) -> None:
        """Stop asking within a second and keep every answer. Safe to call twice."""
        self.engine.stop()
        self.store.close()
