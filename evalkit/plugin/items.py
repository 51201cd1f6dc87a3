"""Suites as pytest sees them: a file of case items, with the gate's rules as items at the end."""

from __future__ import annotations

import os.path
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pytest

from evalkit.decide.status import Status
from evalkit.model import Case, Pair, Suite
from evalkit.plugin.reports import Result, Settled, reports
from evalkit.plugin.rules import Rule, run_rules, suite_rules


class Running(Protocol):
    """What items need of the session."""

    def case(self, suite: Suite, case: Case) -> Status | Settled:
        """Wait for the answers; return what happened to the pair."""

    def story(self, suite: Suite, case: Case) -> str:
        """Tell at length what the models answered."""

    def rule(self, rule: Rule) -> tuple[str, str]:
        """Decide (once); return a rule's status and why it blocks, empty if it does not."""


class EvalkitItem(pytest.Item):
    """One item that reports without set-up and tear-down: there is nothing to set up."""

    line: int

    def outcome(self, running: Running) -> tuple[str, str]:
        """Return the item's status in one word, and why it fails, empty if it does not."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Refuse pytest's own protocol, which a plugin that replaces ours would follow."""
        raise RuntimeError(
            "evalkit's items are run by evalkit's session; another plugin took its place"
        )

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Point at the line of the file that the item comes from."""
        return self.path, max(self.line - 1, 0), self.name

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        """Where the item comes from, relative to the root; the path is worked out once a file."""
        assert isinstance(self.parent, LocatedFile)  # noqa: S101 - items are made by such files
        _, line, name = self.reportinfo()
        return self.parent.relative, line, name

    def run(self, running: Running, *, quiet: bool) -> None:
        """Run and report the item; ``quiet`` leaves out what would break into the live line."""
        if not quiet:
            self.ihook.pytest_runtest_logstart(nodeid=self.nodeid, location=self.location)
        start = time.time()
        status, why = self.outcome(running)
        keywords = dict.fromkeys(self.keywords, 1)
        result = Result(
            self.nodeid,
            self.location,
            status,
            why,
            start=start,
            stop=time.time(),
            keywords=keywords,
        )
        for report in reports(result, self.config):
            self.ihook.pytest_runtest_logreport(report=report)
        if not quiet:
            self.ihook.pytest_runtest_logfinish(nodeid=self.nodeid, location=self.location)


class CaseItem(EvalkitItem):
    """One case, asked of both models: the pair is the unit."""

    def __init__(self, *, suite: Suite, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.suite = suite
        self.case = case
        self.line = case.source.line
        self.extra_keyword_matches.update(case.tags.values())
        marks = {suite.purpose: True, "train": case.split == "train", "critical": case.critical}
        for mark in (name for name, holds in marks.items() if holds):
            self.add_marker(mark)

    def outcome(self, running: Running) -> tuple[str, str]:
        """Fail only when a critical case broke: single flips are noise that the gate judges."""
        status = running.case(self.suite, self.case)
        if not (self.case.critical and status == "broken"):
            return status, ""
        return status, f"critical case broken\n{running.story(self.suite, self.case)}"


class RuleItem(EvalkitItem):
    """One rule of the gate; runs after every case and fails when it stands in the way."""

    def __init__(self, *, rule: Rule, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rule = rule
        self.line = line
        self.add_marker("gate")

    def outcome(self, running: Running) -> tuple[str, str]:
        """Return how the rule came out."""
        return running.rule(self.rule)


class LocatedFile(pytest.File):
    """A file whose path from the root is worked out once, not for each of its items."""

    @cached_property
    def relative(self) -> str:
        """The path of the file, relative to the root of the test run."""
        return os.path.relpath(self.path, self.config.rootpath)


class SuiteFile(LocatedFile):
    """A suite's cases, then the rules that judge it."""

    def __init__(self, *, suite: Suite, pairs: tuple[Pair, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.suite = suite
        self.pairs = pairs

    def collect(self) -> Iterator[EvalkitItem]:
        """Yield an item for each case, then the suite's rules for each comparison."""
        for case in self.suite.cases:
            yield CaseItem.from_parent(self, **_named(self, case.id), suite=self.suite, case=case)
        for rule in suite_rules(self.suite, self.pairs):
            line = self.suite.source.line
            yield RuleItem.from_parent(self, **_named(self, rule.label), rule=rule, line=line)


class ProjectFile(LocatedFile):
    """The packs that a project includes, which have no file below it, and the whole run's rules."""

    def __init__(self, *, pairs: tuple[Pair, ...], packs: tuple[Suite, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pairs = pairs
        self.packs = packs

    def collect(self) -> Iterator[SuiteFile | RuleItem]:
        """Yield each pack, then the run's rules for each comparison."""
        for suite in self.packs:
            yield SuiteFile.from_parent(
                self,
                path=self.path,
                name=suite.pack,
                nodeid=f"{self.nodeid}::{suite.pack}",
                suite=suite,
                pairs=self.pairs,
            )
        for rule in run_rules(self.pairs):
            yield RuleItem.from_parent(self, **_named(self, rule.label), rule=rule, line=1)


def _named(file: pytest.File, name: str) -> dict[str, str]:
    # pytest reads brackets in a reported id as parameters, but not in an item's name; only an id
    # given as text is read alike in both, and `--lf` finds its failures again.
    return {"name": name, "nodeid": f"{file.nodeid}::{name}"}
