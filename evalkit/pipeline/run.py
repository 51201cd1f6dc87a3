"""One run from the first call to the decision; pytest and the command line both drive this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Protocol

from evalkit.decide import Decision, RunData, decide
from evalkit.graders import SuiteGrader
from evalkit.model import Case, Outcome, Record, Reply, Suite
from evalkit.pipeline.plan import Plan, asks
from evalkit.runner import Ask

TICK_S = 0.2
"""How often a waiting caller is given the chance to show progress."""

Selected = frozenset[tuple[str, str]]
"""(suite, case id) of every case that is asked."""


class Asker(Protocol):
    """Where outcomes come from: the engine, or a store that another process fills."""

    def wait(self, ask: Ask, timeout: float | None = None) -> Outcome:
        """Return the outcome of one request; raise `TimeoutError` if it is not there in time."""


class Run:
    """Record, grade and decide over one plan. Graded cases are kept: nothing is graded twice."""

    def __init__(self, plan: Plan, asker: Asker, *, selected: Selected) -> None:
        self.plan = plan
        self.selected = selected
        self._asker = asker
        self._graders = {
            s.name: SuiteGrader(s, allow_code=plan.project.allow_code) for s in plan.suites
        }
        self._records: dict[tuple[str, str], tuple[Record, ...]] = {}

    def cases(self) -> Iterator[tuple[Suite, Case]]:
        """Yield the selected cases, suite by suite, in file order."""
        for suite in self.plan.suites:
            for case in suite.cases:
                if (suite.name, case.id) in self.selected:
                    yield suite, case

    def asks(self) -> list[Ask]:
        """Return every request of the run, case by case, so that the models work side by side."""
        return [ask for suite, case in self.cases() for ask in asks(self.plan, suite, case)]

    def records(
        self, suite: Suite, case: Case, *, while_waiting: Callable[[], None] = lambda: None
    ) -> tuple[Record, ...]:
        """Wait for the answers to one case and return them graded.

        ``while_waiting`` is called every `TICK_S` seconds until they are there.
        """
        key = (suite.name, case.id)
        if key not in self._records:
            self._records[key] = tuple(
                self._grade(suite, case, ask, self._wait(ask, while_waiting))
                for ask in asks(self.plan, suite, case)
            )
        return self._records[key]

    def _wait(self, ask: Ask, while_waiting: Callable[[], None]) -> Outcome:
        while True:
            try:
                return self._asker.wait(ask, TICK_S)
            except TimeoutError:
                while_waiting()

    def _grade(self, suite: Suite, case: Case, ask: Ask, outcome: Outcome) -> Record:
        sample = ask.request.sample
        again = sample >= suite.sampling.samples
        record = Record(case.suite, case.id, ask.model, sample, outcome, aa=again)
        if not isinstance(outcome, Reply):
            return record
        grades, score = self._graders[case.suite].grade(case, outcome)
        return replace(record, grades=grades, score=score)

    def all_records(self) -> list[Record]:
        """Return the records of every selected case, in the order of the suites and their cases."""
        return [r for suite, case in self.cases() for r in self.records(suite, case)]

    @property
    def complete(self) -> bool:
        """Return whether every selected case has been answered and graded."""
        return len(self._records) == len(self.selected)

    @property
    def partial(self) -> str:
        """Return in words why this run does not cover the project, empty if it does."""
        whole = sum(len(suite.cases) for suite in self.plan.suites)
        left_out = whole - len(self.selected)
        reasons = [self.plan.limited] if self.plan.limited else []
        if left_out:
            reasons.append(f"{left_out} of {whole} cases were deselected")
        return "; ".join(reasons)

    @cached_property
    def decision(self) -> Decision:
        """Decide over all selected cases; waits for those still out."""
        data = RunData(
            self.plan.project, self.plan.suites, self.all_records(), partial=bool(self.partial)
        )
        return decide(data, self.plan.policy)
