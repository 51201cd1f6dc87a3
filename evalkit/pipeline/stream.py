"""A run of any size: cases are read, asked, graded and written chunk by chunk, then decided.

In memory are the cases and answers of two chunks: while those of the older one are waited for,
graded and written, the newer one is being asked. What is decided from are the scores, as columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice

from evalkit.decide import run_words
from evalkit.decide.identity import IdentityCount
from evalkit.graders import SuiteGrader
from evalkit.model import Case, Failure, Record, Reply, Suite
from evalkit.pipeline.earlier import latest_facts
from evalkit.pipeline.facts import ModelTally
from evalkit.pipeline.first import first_among
from evalkit.pipeline.kept import Finished
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import asks
from evalkit.pipeline.run import graded, waited
from evalkit.pipeline.session import Session
from evalkit.pipeline.stream_plan import StreamPlan
from evalkit.pipeline.stream_rows import ScoreRows
from evalkit.runner import Ask, Estimate, Outlook, Progress, estimate
from evalkit.store import RunFolder
from evalkit.store.folder import RunRows

CHUNK = 1_000
"""Cases in a chunk at least."""

ROUNDS = 32
"""Rounds of requests in a chunk at least: one that hangs holds up none of them for long."""

Asked = tuple[Suite, Case, tuple[Ask, ...]]


def stream_to_end(
    given: StreamPlan,
    options: Options,
    *,
    on_estimate: Callable[[Estimate], None],
    on_progress: Callable[[Callable[[], Progress]], None],
) -> Finished:
    """Run a plan whose cases do not fit into memory and return what it came to.

    ``on_progress`` is called often, with what tells how far the asking is.
    """
    run = StreamRun(given, options)

    def tell() -> None:
        on_progress(run.progress)

    try:
        on_estimate(run.start())
        run.go_on(while_waiting=tell)
        with _folder(options, run.run_id) as folder:
            with folder.rows(run.columns) as rows:
                run.fill(rows, while_waiting=tell)
            return run.finish(folder)
    finally:
        run.close()


class StreamRun:
    """One run in the making."""

    def __init__(self, given: StreamPlan, options: Options) -> None:
        plan = given.plan
        self._given = given
        self._reports = options.reports
        self._session = Session(plan, options)
        self._engine = self._session.engine
        self._graders = {
            suite.name: SuiteGrader(suite, allow_code=plan.project.allow_code)
            for suite in given.suites
        }
        self._scores = ScoreRows(given.streams)
        self._identity = IdentityCount(plan.project, given.pair)
        self._tallies = {model.name: ModelTally(model) for model in plan.models}
        self._answers = 0
        self._missing = 0
        most = max(model.limits.concurrency for model in plan.models)
        self._chunk = max(CHUNK, ROUNDS * most)
        self._cases = ((suite, case) for suite in given.suites for case in given.cases_of(suite))
        self._older: list[Asked] = []

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._session.run_id

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of its scores."""
        return self._scores.columns

    def start(self) -> Estimate:
        """Ask the first requests; return what all of them will take at most.

        Which answers are stored is found chunk by chunk, so none is taken for it here.
        """
        given, identities = self._given, self._session.identities
        plan = given.plan
        every = (
            ask for s in given.suites for case in given.cases_of(s) for ask in asks(plan, s, case)
        )
        on_the_way = self._session.on_the_way(every)
        self._session.start(first_among(plan, given.cases_of), (), more=True)
        self._older = self._ask_next()
        found = estimate(
            plan.project,
            self._outlooks(),
            earlier=lambda model: latest_facts(self._reports, identities[model]),
            may_end=True,
        )
        return replace(found, on_the_way=on_the_way)

    def _outlooks(self) -> dict[str, Outlook]:
        """Return what all requests take at most, by the lengths of those of the first chunk."""
        found = {model.name: Outlook() for model in self._given.plan.models}
        for ask in _asks(self._older):
            found[ask.model].ask(ask.request)
        total = self._given.number_of_asks
        return {name: outlook.scaled(total) for name, outlook in found.items()}

    def go_on(self, *, while_waiting: Callable[[], None]) -> None:
        """See who answers, then ask all the rest; raises as `Session.hear` does."""
        self._session.hear(self.progress().total - self._engine.progress().done, while_waiting)
        self._engine.go_on()

    def fill(self, rows: RunRows, *, while_waiting: Callable[[], None]) -> None:
        """Ask and grade every case and write what comes of it, in the order of the files."""
        while self._older:
            newer = self._ask_next()
            for suite, case, asked in self._older:
                grader = self._graders[suite.name]
                records = [
                    graded(
                        grader,
                        (suite, case, ask),
                        waited(self._engine, ask, while_waiting),
                        price=self._given.plan.project.models[ask.model].price,
                    )
                    for ask in asked
                ]
                self._note(case, records)
                rows.add(case, records, scores=self._scores.of(case, records))
                while_waiting()
            self._engine.forget(_asks(self._older))
            self._older = newer

    def _ask_next(self) -> list[Asked]:
        """Read the next chunk and begin to ask it."""
        plan, chosen = self._given.plan, islice(self._cases, self._chunk)
        chunk = [(suite, case, asks(plan, suite, case)) for suite, case in chosen]
        self._engine.more(_asks(chunk))
        return chunk

    def _note(self, case: Case, records: Sequence[Record]) -> None:
        pair = self._given.pair
        replies: dict[str, dict[int, Reply]] = {pair.base: {}, pair.candidate: {}}
        self._answers += len(records)
        for record in records:
            self._tallies[record.model].add(record.outcome)
            outcome = record.outcome
            if isinstance(outcome, Failure):
                self._missing += outcome.kind == "cancelled"
            else:
                replies[record.model][record.sample] = outcome
        if case.split == "heldout":
            self._identity.compare(replies[pair.base], replies[pair.candidate])

    def progress(self) -> Progress:
        """Return how far the asking is, of all requests that will be made."""
        total = len(self._given.plan.models) * self._given.number_of_asks
        return replace(self._engine.progress(), total=total)

    def finish(self, folder: RunFolder) -> Finished:
        """Decide and write the rest of the run, once its rows are written."""
        # Needs scipy, which takes longer to load than most runs take to plan.
        from evalkit.pipeline.score_run import (
            ScoreInputs,
            ScoreRun,
            decide_scores,
            finish_score_run,
            read_table,
        )

        self._engine.stop()
        plan, partial, stopped = self._given.plan, self._given.partial, self._stopped
        inputs = ScoreInputs(
            pair=self._given.pair,
            suites=plan.suites,
            policy=plan.policy,
            project=plan.project.public(),
            identity=self._identity.result(),
        )
        manifest = self._session.manifest(plan, self._tallies, partial=partial, stopped=stopped)
        table = read_table(folder.scores, inputs.pair)
        decision = decide_scores(inputs, table, partial=bool(partial), stopped=stopped)
        finished = finish_score_run(folder, ScoreRun(inputs, table, manifest, decision))
        return replace(finished, notes=(stopped,) if stopped else ())

    @property
    def _stopped(self) -> str:
        end = self._engine.stopped
        if end is None or not self._missing:
            return ""
        return run_words.stopped(end.by, end.limit, missing=self._missing, of=self._answers)

    def close(self) -> None:
        """Stop asking within a second and keep every answer. Safe to call twice."""
        self._session.close()


def _asks(chunk: Sequence[Asked]) -> Iterator[Ask]:
    return (ask for _, _, asked in chunk for ask in asked)


@contextmanager
def _folder(options: Options, run_id: str) -> Iterator[RunFolder]:
    """Make the folder of a run; one in which nothing came to its end is taken away again."""
    folder = RunFolder.create(options.reports, run_id)
    try:
        yield folder
    except BaseException:
        with suppress(OSError):  # it is not empty: what is there may be of use
            folder.path.rmdir()
        raise
