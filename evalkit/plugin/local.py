"""The plain pytest process: asks the models, runs the items, writes the report."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from evalkit.decide.status import Status
from evalkit.model import Case, Suite
from evalkit.pipeline.live import Live
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan, Selected
from evalkit.pipeline.status import case_status
from evalkit.plugin.collection import category_of
from evalkit.plugin.items import CaseItem, EvalkitItem
from evalkit.plugin.progress import LiveLine
from evalkit.plugin.reports import SETTLED, Settled
from evalkit.plugin.rules import Rule, outcome
from evalkit.plugin.story import tell
from evalkit.plugin.summary import Summary
from evalkit.plugin.usage import usage_errors
from evalkit.report.estimate_text import estimate_line


class Local:
    """One pytest session over one run."""

    def __init__(self, config: pytest.Config, plan: Plan, options: Options) -> None:
        self._live = Live(plan, options)
        self._summary = Summary(self._live, config)
        self._line = LiveLine(self._live.progress)
        self._config = config

    def pytest_sessionstart(self) -> None:
        """Take over the terminal's progress, now that there is a reporter."""
        self._line.attach(self._config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
        """Leave pytest's letters out where the live line says more."""
        if not self._line.on or report.when != "call":
            return None
        category = "failed" if report.failed else category_of(report)
        return category, "", ("FAILED", {"red": True}) if report.failed else ""

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None]:
        """Start asking as soon as it is known which cases were chosen.

        What that will take is told below the number of items, before most of it is asked.
        """
        selected = _chosen(session.items)
        if not selected or session.config.getoption("collectonly"):
            return (yield)
        with usage_errors():
            estimate = self._live.start(selected)
        yield
        self._line.say(estimate_line(estimate))
        with usage_errors():
            self._live.go_on(while_waiting=self._line.show)
        return None

    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Run one of our items: one report, without fixtures, set-up and tear-down."""
        if not isinstance(item, EvalkitItem):
            return None
        self._line.begin(item.nodeid)
        item.run(self, quiet=self._line.on)
        return True

    def case(self, suite: Suite, case: Case) -> Status | Settled:
        """Wait for the answers to one case, the live line running meanwhile."""
        run = self._live.required_run()
        if run.skips(case):
            self._line.count(suite, SETTLED)
            return SETTLED
        records = run.records(suite, case, while_waiting=self._line.show)
        status = case_status(case, records, run.plan.project.comparisons)
        self._line.count(suite, status)
        return status

    def story(self, suite: Suite, case: Case) -> str:
        """Tell what the models answered."""
        return tell(case, self._live.required_run().records(suite, case))

    def rule(self, rule: Rule) -> tuple[str, str]:
        """Look one rule up in the decision."""
        status, why = outcome(self._live.run, rule)
        self._line.rule(rule.label, rule.suite, passed=not why)
        return status, why

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report when every chosen case was answered; close what was opened."""
        self._line.end_suite()
        self._line.clear()
        self._summary.finish(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say the decision in words, and where the report is."""
        self._summary.write(terminalreporter)


def _chosen(items: list[pytest.Item]) -> Selected:
    return frozenset((i.suite.name, i.case.id) for i in items if isinstance(i, CaseItem))
