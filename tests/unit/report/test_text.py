"""The terminal's text: 80 columns, no colour unless asked for."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalkit.decide.decision import Noise
from evalkit.report import render_text
from evalkit.report.summary import summarise
from tests.unit.report.conftest import ViewOf
from tests.unit.report.scenarios import SCENARIOS

RUNS = ["promote", "overfit", "inconclusive", "incomplete", "two", "hostile"]
ANSI = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("width", [80, 100, 132])
@pytest.mark.parametrize("name", RUNS)
def test_lines_fit(view_of: ViewOf, name: str, width: int) -> None:
    """No line is longer than the terminal is wide, with or without colour."""
    plain = render_text(view_of(name), width=width)
    assert max(len(line) for line in plain.splitlines()) <= width
    assert ANSI.sub("", render_text(view_of(name), width=width, color=True)) == plain


def test_without_colour_there_is_no_escape(view_of: ViewOf) -> None:
    """Plain text holds no control characters, whatever the answers hold."""
    assert "\x1b" not in render_text(view_of("hostile"))
    assert "\x1b[1;31mDo not promote\x1b[0m" in render_text(view_of("overfit"), color=True)


def test_table_decision_reasons_and_path(view_of: ViewOf) -> None:
    """A row per suite, then decision, reasons, the next step and where the report is."""
    text = render_text(view_of("overfit"), path="reports/x/report.html")
    rows = [line for line in text.splitlines() if line.startswith(("triage ", "tone "))]
    assert rows[0].split() == [
        "triage",
        "41.7",
        "17.6",
        "−24.1",
        *("−33.5", "to", "−15.6"),
        *("▼", "worse"),
    ]
    assert text.index("verdict") < text.index("Do not promote.") < text.index("triage got worse")
    assert "more reason in the rules of the gate" in text
    assert "next: Mend the critical cases first" in text
    assert text.endswith("report  reports/x/report.html\n")


def test_a_guard_with_nothing_to_lose_is_told() -> None:
    """Where the base scores no more than the margin, no loss could show; elsewhere not a word."""
    comparison = SCENARIOS["promote"]().decision.comparisons[0]
    suites = tuple(
        replace(s, base_mean=0.01) if s.suite == "general" else s for s in comparison.suites
    )
    for given, told in ((comparison.suites, 0), (suites, 1)):
        found = summarise(replace(comparison, suites=given), alpha=0.025, partial=False)
        assert sum("no loss could show" in line for line in found.beside) == told


def test_columns_stand_under_their_heads(view_of: ViewOf) -> None:
    """Numbers end where their heading ends."""
    lines = render_text(view_of("overfit")).splitlines()
    head, row = lines[1], next(line for line in lines if line.startswith("general"))
    for name, value in (("base", "63.1"), ("change", "−15.8")):
        assert head.index(name) + len(name) == row.index(value) + len(value)


def test_several_candidates_end_with_the_whole(view_of: ViewOf) -> None:
    """Each candidate has its table; the decision of the run comes last."""
    text = render_text(view_of("two"))
    assert text.index("tuned against base") < text.index("tuned-overfit against base")
    assert text.splitlines()[-1].startswith("Do not promote. At least one of the 2 candidates")


def test_long_names_give_way(view_of: ViewOf) -> None:
    """A suite's long name is cut before a number is."""
    view = view_of("promote")
    candidate = view.candidates[0]
    line = replace(candidate.changes.lines[0], suite="n" * 60)
    changes = replace(candidate.changes, lines=(line,))
    text = render_text(replace(view, candidates=(replace(candidate, changes=changes),)))
    assert "n…  " in text
    assert line.verdict in text


def test_noise_that_was_measured_is_told(view_of: ViewOf) -> None:
    """Where the base was asked twice, how many cases flipped by themselves."""
    view, found = view_of("promote"), SCENARIOS["promote"]().decision.comparisons[0]
    noise = Noise(100, 0.1, 0.08, *(None,) * 8)
    first = replace(found.suites[0], noise=noise)
    found = replace(found, suites=(first, *found.suites[1:]))
    summary = summarise(found, alpha=0.05, partial=False)
    candidate = replace(view.candidates[0], summary=summary)
    text = render_text(replace(view, candidates=(candidate,)))
    assert "Asked twice, the base alone flipped 8 of 100 cases." in text
    assert "Asked twice" not in render_text(view)
