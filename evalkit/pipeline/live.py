"""The process that asks: clients, answer store and engine, opened and closed together."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from evalkit.clients import make_client
from evalkit.model import Outcome
from evalkit.pipeline.again import with_noise_known
from evalkit.pipeline.facts import make_manifest
from evalkit.pipeline.kept import Finished
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.run import Run, Selected
from evalkit.pipeline.stages import Stored, write_run
from evalkit.pipeline.unusable import unusable
from evalkit.runner import Engine, Progress, Terms
from evalkit.store import Answers, RunFolder, check_writable, forget_latest, new_run_id


class Live:
    """One run in the making.

    Made when the plan is known, so that an unwritable folder or a missing package is an error
    before any call; started when it is known which cases are asked. ``publish`` lets other
    processes follow the run through the store (`evalkit.pipeline.follow`).
    """

    def __init__(self, plan: Plan, options: Options, *, publish: bool = False) -> None:
        self.started = datetime.now(UTC)
        self.run_id = new_run_id(self.started)
        self.run: Run | None = None
        self._reports = options.reports
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

    def start(self, selected: Selected) -> Run:
        """Begin asking for the selected cases.

        Returns when every model has answered or could not: raises the first error that makes a
        model useless, before anything is graded or written.
        """
        forget_latest(self._reports)
        run = Run(self.plan, self._engine, selected=selected)
        asks = run.asks()
        self._engine.start(asks)
        for model in self.plan.models:
            first = next((ask for ask in asks if ask.model == model.name), None)
            if first is not None:
                self._engine.wait(first)
            if error := self._engine.fatal():
                raise unusable(model, error)
        _load_statistics()
        self.run = run
        return run

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
            records,
            run_id=self.run_id,
            started=self.started,
            identities=self._identities,
            asked={name: self._engine.progress(name).asked for name in self._clients},
            partial=run.partial,
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
        return write_run(RunFolder.create(self._reports, self.run_id), stored)

    def close(self) -> None:
        """Stop asking within a second and keep every answer. Safe to call twice."""
        self._engine.stop()
        self._store.close()


def _load_statistics() -> None:
    """Load what decides, which takes a second, while answers are on their way."""
    import evalkit.decide.comparison
    import evalkit.decide.evidence  # noqa: F401


def run_to_end(
    plan: Plan, options: Options, *, on_progress: Callable[[Progress], None]
) -> Finished:
    """Run a whole plan without pytest and return what it came to."""
    live = Live(plan, options)
    try:
        run = live.start(frozenset((s.name, c.id) for s in plan.suites for c in s.cases))
        for suite, case in run.cases():
            run.records(suite, case, while_waiting=lambda: on_progress(live.progress()))
        return live.finish()
    finally:
        live.close()
