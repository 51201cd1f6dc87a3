"""pytest-xdist: the controller asks and decides, the workers wait for outcomes and report cases.

Workers ask nobody, so that limits, single flight and the embedded model's processes exist once.
They take outcomes from the store that the controller fills. A rule of the gate needs every case,
so workers leave the rules out and the controller reports them when all workers are done.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from evalkit.decide.status import Status
from evalkit.model import Case, Suite
from evalkit.pipeline.follow import Follower
from evalkit.pipeline.live import Live
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.run import Run
from evalkit.pipeline.status import case_status
from evalkit.plugin.items import EvalkitItem, RuleItem
from evalkit.plugin.progress import LiveLine
from evalkit.plugin.reports import Result, reports
from evalkit.plugin.rules import Rule, outcome, run_rules, suite_rules
from evalkit.plugin.session import paths_of
from evalkit.plugin.story import tell
from evalkit.plugin.summary import Summary
from evalkit.plugin.usage import usage_errors
from evalkit.report.estimate_text import estimate_line

RUN_ID = "evalkit_run_id"
AA = "evalkit_aa"
AGAIN = "evalkit_again"
RULES = "evalkit_rules"


class Worker:
    """A process that reports cases; their answers come from the controller's run."""

    def __init__(self, plan: Plan, options: Options, *, run_id: str) -> None:
        everything = frozenset((s.name, c.id) for s in plan.suites for c in s.cases)
        self._follower = Follower(plan, options, run_id=run_id)
        self._run = Run(plan, self._follower, selected=everything)
        self._rules: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the rules to the controller, and remember which of them were chosen."""
        self._rules = [item.nodeid for item in items if isinstance(item, RuleItem)]
        items[:] = [item for item in items if not isinstance(item, RuleItem)]

    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Report one case as soon as the controller has its answers."""
        if not isinstance(item, EvalkitItem):
            return None
        item.run(self, quiet=False)
        return True

    def case(self, suite: Suite, case: Case) -> Status:
        """Wait for the answers to one case."""
        records = self._run.records(suite, case)
        return case_status(case, records, self._run.plan.project.comparisons)

    def story(self, suite: Suite, case: Case) -> str:
        """Tell what the models answered."""
        return tell(case, self._run.records(suite, case))

    def rule(self, rule: Rule) -> tuple[str, str]:
        """Never called: a worker keeps no rules."""
        raise NotImplementedError(rule)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller which rules were chosen."""
        session.config.workeroutput[RULES] = self._rules  # type: ignore[attr-defined]  # xdist's
        self._follower.close()


class Controller:
    """The process that starts the workers: asks for their cases, then reports the rules."""

    def __init__(self, config: pytest.Config, plan: Plan, options: Options) -> None:
        self._live = Live(plan, options, publish=True)
        self._summary = Summary(self._live, config)
        self._line = LiveLine(self._live.progress)
        self._config = config
        self._rules: list[str] = []
        self._files = {plan.project_file, *map(plan.path_of, plan.suites)}
        self._cases = {
            plan.place_of(suite, case.id): (suite.name, case.id)
            for suite in plan.suites
            for case in suite.cases
        }

    def pytest_sessionstart(self) -> None:
        """Find the terminal, which the workers' dots share."""
        self._line.attach(self._config, live=False)

    def pytest_runtest_logreport(self) -> None:
        """Say now and then how far the asking is."""
        self._line.show()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a new worker which run it follows, and whether the base is asked twice."""
        node.workerinput[RUN_ID] = self._live.run_id
        node.workerinput[AA] = self._live.plan.aa
        node.workerinput[AGAIN] = sorted(self._live.plan.again)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Start asking once the first worker has said which cases were chosen."""
        if self._live.run is None:
            places = map(self._place, ids)
            selected = frozenset(self._cases[p] for p in places if p in self._cases)
            with usage_errors():
                self._line.say(estimate_line(self._live.start(selected)))
                self._live.go_on(while_waiting=self._line.show)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear from a worker which rules were chosen."""
        self._rules = getattr(node, "workeroutput", {}).get(RULES, self._rules)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report the rules, then write the run."""
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self._report_rules()
        if session.testsfailed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._summary.finish(session)

    def _report_rules(self) -> None:
        plan = self._live.plan
        pairs = plan.project.comparisons
        every = {
            plan.place_of(suite, rule.label): (suite.source.line, rule)
            for suite in plan.suites
            for rule in suite_rules(suite, pairs)
        }
        every |= {(plan.project_file, rule.label): (1, rule) for rule in run_rules(pairs)}
        for nodeid in self._rules:
            self._report(nodeid, *every[self._place(nodeid)])

    def _report(self, nodeid: str, line: int, rule: Rule) -> None:
        start = time.time()
        status, why = outcome(self._live.run, rule)
        location = (nodeid.split("::", maxsplit=1)[0], max(line - 1, 0), rule.label)
        result = Result(nodeid, location, status, why, start=start, stop=time.time())
        for report in reports(result, self._config):
            self._config.hook.pytest_runtest_logreport(report=report)

    def _place(self, nodeid: str) -> tuple[Path, str]:
        """Return the real path of an item's file, which a link may hide, and the item's name."""
        file, _, name = nodeid.partition("::")
        # A file outside pytest's root is named from the path that pytest was given.
        bases = (self._config.rootpath, *paths_of(self._config))
        paths = [(base / file).resolve() for base in bases]
        return next((path for path in paths if path in self._files), paths[0]), name

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say the decision in words, and where the report is."""
        self._summary.write(terminalreporter)
