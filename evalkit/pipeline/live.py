"""The process that asks: a run from its first request to its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evalkit.errors import SetupError
from evalkit.model import Outcome, Suite
from evalkit.pipeline.again import with_noise_known
from evalkit.pipeline.earlier import latest_facts
from evalkit.pipeline.facts import tallied
from evalkit.pipeline.first import first_of
from evalkit.pipeline.kept import Finished
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan, Selected
from evalkit.pipeline.run import Run
from evalkit.pipeline.session import Session
from evalkit.pipeline.stages import Stored, write_run
from evalkit.pipeline.turns import Conversations
from evalkit.runner import Estimate, Progress, estimate
from evalkit.store import RunFolder


class Live:
    """One run in the making.

    Made when the plan is known, so that an unwritable folder or a missing package is an error
    before any call; started when it is known which cases are asked. ``publish`` lets other
    processes follow the run through the store (`evalkit.pipeline.follow`).
    """

    def __init__(self, plan: Plan, options: Options, *, publish: bool = False) -> None:
        self.run: Run | None = None
        self._options = options
        self._publishes = publish
        self._conversations: Conversations | None = None
        self._more = plan.asks_more
        heard = publish or self._more
        self._session = Session(plan, options, on_outcome=self._hear if heard else None)
        self.plan = with_noise_known(plan, self._session.store, self._session.identities)

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._session.run_id

    def start(self, selected: Selected) -> Estimate:
        """Ask the first requests for the selected cases; return what all of them will take."""
        engine, identities = self._session.engine, self._session.identities
        self.run = Run(self.plan, engine, selected=selected)
        asks = self.run.asks()
        follow = Conversations(self.run.judging, identities, skips=self.run.skips)
        if self._more:
            follow.expect(self.run.first_turns())
            self._conversations = follow
        on_the_way = self._session.on_the_way(asks)
        self._session.start(first_of(self.run), asks, more=self._more)
        found = estimate(
            self.plan.with_judges,
            follow.outlooks({m.name: engine.outlook(m.name) for m in self.plan.asked}),
            earlier=lambda model: latest_facts(self._options.reports, identities[model]),
            may_end=self.plan.stop_early,
        )
        return replace(found, on_the_way=on_the_way)

    def go_on(self, *, while_waiting: Callable[[], None] = lambda: None) -> Run:
        """See who answers, then ask all the rest.

        Raises:
            SetupError: a model cannot be asked, or is shown not to be the one asked for, before
                anything is graded or written.
        """
        try:
            self._session.hear(self._session.left(), while_waiting)
        except SetupError:
            self.run = None
            raise
        self._session.engine.go_on(bounded=self.required_run().watching)
        return self.required_run()

    def required_run(self) -> Run:
        """Return the run once it has been started."""
        if self.run is None:
            raise RuntimeError("the run was not started")
        return self.run

    def progress(self) -> Progress:
        """Return how far the asking is."""
        return self._session.progress()

    def _hear(self, key: str, outcome: Outcome) -> None:
        """Tell other processes of an outcome, and ask what follows from it."""
        if self._publishes:
            self._session.store.put_outcome(self.run_id, key, outcome)
        if self._conversations is not None:
            turns, questions = self._conversations.after(key, outcome)
            self._session.engine.more(turns, ahead=True)
            self._session.engine.more(questions)

    def finish(self) -> Finished:
        """Decide and write the run; waits for answers still out."""
        run = self.required_run()
        records = run.all_records()
        tallies = tallied(self.plan, records) | run.judging.tallies
        manifest = self._session.manifest(
            self.plan, tallies, partial=run.partial, stopped=run.stopped
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
        finished = write_run(RunFolder.create(self._options.reports, self.run_id), stored)
        return replace(finished, notes=(run.stopped,) if run.stopped else ())

    def close(self) -> None:
        """Stop asking within a second and keep every answer. Safe to call twice."""
        self._session.close()


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
