"""One run from the first call to the decision; pytest and the command line both drive this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from evalkit.decide import Decision, RunData, decide, run_words
from evalkit.graders import SuiteGrader
from evalkit.graders.suite_grader import NOT_JUDGED
from evalkit.model import Case, Failure, Graded, Outcome, Price, Record, Reply, Suite
from evalkit.pipeline.judging import Judging
from evalkit.pipeline.plan import Plan, Selected, asks
from evalkit.pipeline.turns import heard
from evalkit.runner import Ask, Stopped

if TYPE_CHECKING:
    from evalkit.pipeline.early import Early

TICK_S = 0.2
"""How often a waiting caller is given the chance to show progress."""


class Asker(Protocol):
    """Where outcomes come from: the engine, or a store that another process fills."""

    @property
    def stopped(self) -> Stopped | None:
        """What ended the asking before its end."""

    def wait(self, ask: Ask, timeout: float | None = None) -> Outcome:
        """Return the outcome of one request; raise `TimeoutError` if it is not there in time."""

    def drop(self, asks: Iterable[Ask], *, keep: Iterable[Ask]) -> None:
        """Ask no more what is not yet under way of ``asks`` and of no use to ``keep``."""

    def used(self, asks: Iterable[Ask]) -> None:
        """Note that the outcomes of ``asks`` were used, where asking is bounded by that."""


class Run:
    """Record, grade and decide over one plan. Graded cases are kept: nothing is graded twice.

    Where the plan stops early, a whole run is watched as its cases are graded: those of a suite
    that is settled are skipped from then on. A partial run decides nothing, so none of it is.
    """

    def __init__(self, plan: Plan, asker: Asker, *, selected: Selected) -> None:
        self.plan = plan
        self.selected = selected
        self._asker = asker
        self._graders = {
            s.name: SuiteGrader(s, allow_code=plan.project.allow_code) for s in plan.suites
        }
        self.judging = Judging(plan, self._graders)
        self._records: dict[tuple[str, str], tuple[Record, ...]] = {}
        self._asked: dict[tuple[str, str], tuple[Ask, ...]] = {}
        self._early = _early(plan) if plan.stop_early and not self.partial else None
        self._order = _order(plan)

    def cases(self) -> Iterator[tuple[Suite, Case]]:
        """Yield the selected cases that are not skipped, suite by suite, in the order of asking."""
        return ((suite, case) for suite in self.plan.suites for case in self.cases_of(suite))

    def cases_of(self, suite: Suite) -> Iterator[Case]:
        """Yield the selected cases of one suite that are not skipped, in the order of asking."""
        for case in self._order[suite.name]:
            if (suite.name, case.id) in self.selected and not self.skips(case):
                yield case

    def skips(self, case: Case) -> bool:
        """Return whether a case is not asked any more, as its suite is settled."""
        return self._early is not None and self._early.skips(case)

    def asks(self) -> list[Ask]:
        """Return every first turn of the run, case by case, so that models work side by side."""
        return [ask for _, ask in self.first_turns()]

    def first_turns(self) -> Iterator[tuple[Case, Ask]]:
        """Yield as `asks` does, each request with its case."""
        return ((case, ask) for suite, case in self.cases() for ask in self._asks(suite, case))

    def records(
        self, suite: Suite, case: Case, *, while_waiting: Callable[[], None] = lambda: None
    ) -> tuple[Record, ...]:
        """Wait for the answers to one case and return them graded.

        ``while_waiting`` is called every `TICK_S` seconds until they are there.
        """
        key = (suite.name, case.id)
        if key not in self._records:
            asked = self._asks(suite, case)

            def wait(ask: Ask) -> Outcome:
                return waited(self._asker, ask, while_waiting)

            outcomes = [heard(case, ask, wait) for ask in asked]
            judged, questions = self.judging.judged(case, asked, outcomes, wait)
            self._records[key] = tuple(
                graded(
                    self._graders[suite.name],
                    (suite, case, ask),
                    outcome,
                    judged=verdicts,
                    price=self.plan.project.models[ask.model].price,
                )
                for ask, outcome, verdicts in zip(asked, outcomes, judged, strict=True)
            )
            del self._asked[key]
            self._watch(suite, (*asked, *questions))
        return self._records[key]

    def _asks(self, suite: Suite, case: Case) -> tuple[Ask, ...]:
        """Return what is asked for a case; kept from the start of the run until it is graded."""
        key = (suite.name, case.id)
        if key not in self._asked:
            self._asked[key] = asks(self.plan, suite, case)
        return self._asked[key]

    def _watch(self, suite: Suite, asked: tuple[Ask, ...]) -> None:
        if self._early is None:
            return
        self._asker.used(asked)
        if self._early.note(suite, self._records):
            skipped = (case for case in suite.cases if self.skips(case))
            unneeded = [ask for case in skipped for ask in asks(self.plan, suite, case)]
            self._asker.drop(unneeded, keep=self.asks())

    def all_records(self) -> list[Record]:
        """Return the records of every selected case, in the order of the suites and their cases."""
        return [r for suite, case in self.cases() for r in self.records(suite, case)]

    @property
    def complete(self) -> bool:
        """Return whether every selected case has been answered and graded."""
        return all((suite.name, case.id) in self._records for suite, case in self.cases())

    @property
    def partial(self) -> str:
        """Return in words why this run does not cover the project, empty if it does."""
        whole = sum(len(suite.cases) for suite in self.plan.suites)
        left_out = whole - len(self.selected)
        return in_part(self.plan, left_out, whole)

    @property
    def stopped(self) -> str:
        """Return in words what ended the run before all was asked, empty if nothing did."""
        end = self._asker.stopped
        outcomes = [record.outcome for record in self.all_records()] if end else []
        missing = sum(isinstance(o, Failure) and o.kind == "cancelled" for o in outcomes)
        if end is None or not missing:
            return ""
        return run_words.stopped(end.by, end.limit, missing=missing, of=len(outcomes))

    @property
    def watching(self) -> bool:
        """Whether suites are watched, so that some may end early."""
        return self._early is not None

    @property
    def watched(self) -> dict[str, int]:
        """Return how many held-out cases count of each suite that was watched."""
        return self._early.watched if self._early is not None else {}

    @cached_property
    def decision(self) -> Decision:
        """Decide over all selected cases; waits for those still out."""
        records = self.all_records()
        data = RunData(
            self.plan.project,
            self.plan.suites,
            records,
            partial=bool(self.partial),
            watched=self.watched,
            stopped=self.stopped,
        )
        return decide(data, self.plan.policy)


def in_part(plan: Plan, left_out: int, whole: int) -> str:
    """Return in words why a run does not cover its project, empty if it does."""
    deselected = f"{left_out} of {whole} cases were deselected" if left_out else ""
    return "; ".join(filter(None, [plan.limited, deselected]))


def waited(asker: Asker, ask: Ask, while_waiting: Callable[[], None]) -> Outcome:
    """Wait for the outcome of ``ask``; ``while_waiting`` is called every `TICK_S` seconds."""
    while True:
        try:
            return asker.wait(ask, TICK_S)
        except TimeoutError:
            while_waiting()


def graded(
    grader: SuiteGrader,
    asked: tuple[Suite, Case, Ask],
    outcome: Outcome,
    *,
    judged: Mapping[str, Graded] = NOT_JUDGED,
    price: Price | None = None,
) -> Record:
    """Return the record of one answer to a case of ``grader``'s suite, with its grades.

    ``judged`` are those that judges gave; ``price`` is that of the model.
    """
    suite, case, ask = asked
    sample = ask.request.sample
    again = sample >= suite.sampling.samples
    if not isinstance(outcome, Reply):
        return Record(case.suite, case.id, ask.model, sample, outcome, aa=again)
    grades, score = grader.grade(case, outcome, judged, price=price)
    return Record(case.suite, case.id, ask.model, sample, outcome, grades, score, aa=again)


def _early(plan: Plan) -> Early:
    # Loads scipy, which a run that watches nothing needs only at its end.
    from evalkit.pipeline.early import Early

    return Early(plan)


def _order(plan: Plan) -> dict[str, tuple[Case, ...]]:
    """Return every suite's cases in the order in which they are asked."""
    if not plan.stop_early:
        return {suite.name: suite.cases for suite in plan.suites}
    from evalkit.pipeline.early import in_order

    return {suite.name: in_order(plan, suite) for suite in plan.suites}
