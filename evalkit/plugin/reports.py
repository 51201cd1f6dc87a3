"""From an item's result to pytest's reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter

Settled = Literal["settled"]
SETTLED: Settled = "settled"
"""The status of a case that was not asked, as its suite was settled without it."""

PROPERTY = "evalkit"
"""Name of the user property that carries an item's status through xdist and into JUnit."""

NEEDS_NO_TEARDOWN = frozenset(["session", "terminalreporter", "lfplugin", "logging-plugin"])
"""Pytest's own listeners to reports, which have nothing to do at an item's tear-down."""


class Explanation:
    """Why an item failed, in words instead of a traceback; the first line is the headline."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.message = text.splitlines()[0]

    @property
    def reprcrash(self) -> Explanation:
        """Return what pytest's short summary takes its message from."""
        return self

    def toterminal(self, writer: TerminalWriter) -> None:
        """Write the whole explanation."""
        writer.line(self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item, between ``start`` and ``stop`` in seconds since the epoch."""

    nodeid: str
    location: tuple[str, int | None, str]
    status: str
    why: str
    start: float
    stop: float
    keywords: Mapping[str, Any] = field(default_factory=dict)


def reports(result: Result, config: pytest.Config) -> Iterator[pytest.TestReport]:
    """Yield the item's report, and if anybody heeds it the empty one at which it is torn down."""
    explanation = Explanation(result.why) if result.why else None
    yield _report(result, "call", explanation)
    if _heeds_teardown(config):
        yield _report(result, "teardown", None)


@cache
def _heeds_teardown(config: pytest.Config) -> bool:
    """Return whether anybody waits for an item's last report: JUnit does, and xdist's workers."""
    listeners = config.hook.pytest_runtest_logreport.get_hookimpls()
    return any(listener.plugin_name not in NEEDS_NO_TEARDOWN for listener in listeners)


def _report(
    result: Result, when: Literal["call", "teardown"], explanation: Explanation | None
) -> pytest.TestReport:
    skipped = result.status == SETTLED and when == "call"
    # Without a line number pytest's summary of skips has one line a file, not one an item.
    where = (result.location[0], None, "Skipped: settled early")
    return pytest.TestReport(
        nodeid=result.nodeid,
        location=result.location,
        keywords=result.keywords,
        outcome="skipped" if skipped else "failed" if explanation else "passed",
        longrepr=where if skipped else explanation,  # type: ignore[arg-type]  # toterminal() will do
        when=when,
        duration=result.stop - result.start if when == "call" else 0.0,
        start=result.start,
        stop=result.stop,
        user_properties=[(PROPERTY, result.status)],
    )
