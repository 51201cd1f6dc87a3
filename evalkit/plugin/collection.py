"""Collection: which files become items, in which order, and how their statuses are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from evalkit.pipeline.plan import Plan
from evalkit.plugin.items import CaseItem, ProjectFile, RuleItem, SuiteFile
from evalkit.plugin.reports import PROPERTY

LETTERS = {
    "fixed": ("+", "FIXED", {"green": True}),
    "broken": ("-", "BROKEN", {"red": True}),
    "missed": ("m", "MISSED", {"yellow": True}),
    "error": ("!", "NO ANSWER", {"red": True, "bold": True}),
}


class Collection:
    """Hooks that work alike in every process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._suites = {plan.path_of(suite): suite for suite in plan.suites if not suite.pack}
        self._packs = tuple(suite for suite in plan.suites if suite.pack)
        self._order = _order(plan) if plan.stop_early else None

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Collect suite files and the project file; leave all others to pytest."""
        path = file_path.resolve()
        pairs = self._plan.project.comparisons
        if path == self._plan.project_file:
            return ProjectFile.from_parent(parent, path=file_path, pairs=pairs, packs=self._packs)
        suite = self._suites.get(path)
        if suite is None:
            return None
        return SuiteFile.from_parent(parent, path=file_path, suite=suite, pairs=pairs)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the gate's rules behind all cases, the decision last.

        Where suites may stop early their cases come in the order of asking.
        """
        items.sort(key=_place)
        if self._order is not None:
            _arrange(items, self._order)

    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Show what happened to the pair instead of a plain pass."""
        if report.when != "call" or report.failed:
            return None
        status = dict(report.user_properties).get(PROPERTY)
        if status not in LETTERS:
            return None
        letter, word, colour = LETTERS[str(status)]
        return category_of(report), letter, (word, colour)


def category_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the word under which pytest's closing line counts an item that did not fail."""
    if report.skipped:
        return "skipped"
    status = dict(getattr(report, "user_properties", ())).get(PROPERTY)
    return {"error": "no answer"}.get(str(status), str(status)) if status in LETTERS else "passed"


def _order(plan: Plan) -> Mapping[tuple[str, str], int]:
    """Return each case's place among those of its suite, by suite and id."""
    from evalkit.pipeline.early import in_order

    return {
        (suite.name, case.id): place
        for suite in plan.suites
        for place, case in enumerate(in_order(plan, suite))
    }


def _arrange(items: list[pytest.Item], order: Mapping[tuple[str, str], int]) -> None:
    """Sort the cases of each suite among the places that cases have."""
    found = [(place, item) for place, item in enumerate(items) if isinstance(item, CaseItem)]
    cases = [item for _, item in found]
    suites = {name: i for i, name in enumerate(dict.fromkeys(c.suite.name for c in cases))}
    cases.sort(key=lambda c: (suites[c.suite.name], order[c.suite.name, c.case.id]))
    for (place, _), item in zip(found, cases, strict=True):
        items[place] = item


def _place(item: pytest.Item) -> int:
    if not isinstance(item, RuleItem):
        return 0
    return 2 if item.rule.kind == "decision" else 1
