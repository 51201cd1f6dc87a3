"""The process that asks: clients, answer store and engine, opened and closed together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from evalkit.clients import make_client
from evalkit.errors import RunError, SetupError
from evalkit.model import Outcome, Suite
from evalkit.pipeline.again import with_noise_known
from evalkit.pipeline.earlier import latest_facts
from evalkit.pipeline.facts import make_manifest, tallied
from evalkit.pipeline.first import First, Heard, first_of
from evalkit.pipeline.kept import Finished
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.run import Run, Selected
from evalkit.pipeline.stages import Stored, write_run
from evalkit.pipeline.unusable import unusable
from evalkit.runner import Engine, Estimate, Progress, Terms, estimate
from evalkit.store import Answers, RunFolder, check_writable, new_run_id
from evalkit.store.batches import Batches


class Live:
    """One run in the making.

    Made when the plan is known, so that an unwritable folder or a missing package is an error
    before any call; started when it is known which cases are asked. ``publish`` lets other
    processes follow the run through the store (`evalkit.pipeline.follow`).
    """

    def __init__(self, plan: Plan, options: Options, *, publish: bool = False) -> None:
        self.started = datetime.now(UTC)
        self._begun = monotonic()
        self.run_id = new_run_id(self.started)
        self.run: Run | None = None
        self._options = options
        self._reports = options.reports
        self._first = First((), {})
        self._stored: set[str] = set()
        check_writable(options.reports)
        self._clients = {m.name: make_client(m, environ=os.environ) for m in plan.models}
        self._identities = {name: client.identity for name, client in self._clients.items()}
        self._store = Answers(options.answers)
        self.plan = with_noise_known(plan, self._store, self._identities)
        self._engine = Engine(
            self._clients,
            self._store,
            models={m.name: m for m in plan.models},
            terms=Terms(
                offline=options.offline,
                rerun=options.rerun,
                budget=plan.project.budget,
                deadline_s=options.deadline_s,
            ),
            on_outcome=self._publish if publish else None,
        )

    def start(self, selected: Selected) -> Estimate:
        """Ask the first requests for the selected cases; return what all of them will take."""
        self.run = Run(self.plan, self._engine, selected=selected)
        self._first = first_of(self.run)
        if not self._options.rerun:
            self._stored = set(self._store.get_many(self._keys()))
        self._engine.start(self.run.asks(), first=self._first.asks)
        found = estimate(
            self.plan.project,
            {model.name: self._engine.outlook(model.name) for model in self.plan.models},
            earlier=lambda model: latest_facts(self._reports, self._identities[model]),
            may_end=self.plan.stop_early,
        )
        return replace(found, on_the_way=self._on_the_way())

    def go_on(self, *, while_waiting: Callable[[], None] = lambda: None) -> Run:
        """See who answers, then ask all the rest.

        Raises:
            SetupError: a model cannot be asked, or is shown not to be the one asked for, before
                anything is graded or written.
        """
        try:
            self._hear(while_waiting)
        except SetupError:
            self.run = None
            raise
        self._engine.go_on(bounded=self.required_run().watching)
        return self.required_run()

    def _hear(self, while_waiting: Callable[[], None]) -> None:
        """Listen to the first answers for as long as they may show a wrong model."""
        known = self._identities
        pairs = [p for p in self.plan.project.comparisons if known[p.base] != known[p.candidate]]
        heard = Heard(self._first, self._engine, pairs=pairs)
        while not heard.enough:
            heard.listen()
            while_waiting()
        for model in self.plan.models:
            if error := self._engine.fatal(model.name):
                raise unusable(model, error)
        left = 0 if self._options.offline else self._left()
        if self._options.check_identity and left > 0:
            self._check(heard, left)

    def _check(self, heard: Heard, left: int) -> None:
        keyed = list(zip(self._keys(), self._first.asks, strict=True))
        stored = frozenset(ask.model for key, ask in keyed if key in self._stored)
        if wrong := heard.wrong(self.plan, left=left, stored=stored):
            model, error = wrong
            self._engine.stop()
            mine = {key for key, ask in keyed if ask.model == model}
            self._store.forget(mine - self._stored)
            raise error

    def _on_the_way(self) -> int:
        """Return how many requests of the run an open batch asks too."""
        try:
            open_ = Batches(self._reports).open_keys()
        except RunError:  # a damaged note is for `evalkit batch` to tell of
            return 0
        if not open_ or self._options.offline:
            return 0
        asks = self.required_run().asks()
        mine = open_ & {ask.request.key(self._identities[ask.model]) for ask in asks}
        return len(mine) - len(self._store.get_many(list(mine)))

    def _keys(self) -> list[str]:
        """Return the keys of the first requests."""
        return [ask.request.key(self._identities[ask.model]) for ask in self._first.asks]

    def _left(self) -> int:
        """Return how many requests have to be asked after the first ones."""
        asked = sum(self._engine.outlook(model.name).requests for model in self.plan.models)
        return asked - len(set(self._keys()) - self._stored)

    def required_run(self) -> Run:
        """Return the run once it has been started."""
        if self.run is None:
            raise RuntimeError("the run was not started")
        return self.run

    def progress(self) -> Progress:
        """Return how far the asking is."""
        return self._engine.progress()

    def _publish(self, key: str, outcome: Outcome) -> None:
        self._store.put_outcome(self.run_id, key, outcome)

    def finish(self) -> Finished:
        """Decide and write the run; waits for answers still out."""
        run = self.required_run()
        records = run.all_records()
        manifest = make_manifest(
            self.plan,
            tallied(self.plan, records),
            run_id=self.run_id,
            started=self.started,
            seconds=monotonic() - self._begun,
            identities=self._identities,
            asked={name: self._engine.progress(name).asked for name in self._clients},
            partial=run.partial,
            stopped=run.stopped,
        )
        stored = Stored(
            project=self.plan.project,
            suites=self.plan.suites,
            policy=self.plan.policy,
            records=records,
            manifest=manifest,
            decision=run.decision,
            watched=run.watched,
        )
        finished = write_run(RunFolder.create(self._reports, self.run_id), stored)
        return replace(finished, notes=(run.stopped,) if run.stopped else ())

    def close(self) -> None:
        """Stop asking within a second and keep every answer. Safe to call twice."""
        self._engine.stop()
        self._store.close()


def run_to_end(
    plan: Plan,
    options: Options,
    *,
    suites: Sequence[Suite],
    on_estimate: Callable[[Estimate], None],
    on_progress: Callable[[Callable[[], Progress]], None],
) -> Finished:
    """Run ``suites`` of a plan, most often all, without pytest and return what it came to.

    ``on_progress`` is called often, with what tells how far the asking is.
    """
    live = Live(plan, options)

    def tell() -> None:
        on_progress(live.progress)

    try:
        selected = frozenset((s.name, c.id) for s in suites for c in s.cases)
        on_estimate(live.start(selected))
        run = live.go_on(while_waiting=tell)
        for suite, case in run.cases():
            run.records(suite, case, while_waiting=tell)
            tell()
        return live.finish()
    finally:
        live.close()
