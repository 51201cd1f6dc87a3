"""The report on scores alone: no word of answers, all cases or a note on those left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from evalkit.decide import Decision, Policy, decide_evidence
from evalkit.decide.score_table import ABSENT, FAILED, GRADED, UNGRADED, ScoreTable, score_evidence
from evalkit.loader.score_columns import About, ScoreColumns
from evalkit.loader.score_sort import sorted_table
from evalkit.model import Manifest, ModelFacts, Pair, Purpose, Sampling, Suite
from evalkit.report import View, render_html, render_markdown, render_text, score_cases
from evalkit.report.score_cases import list_scores
from evalkit.report.score_view import build_score_view

PAIR = Pair("old", "new")
NAN = float("nan")
OF_ANSWERS = re.compile(
    r"\b(prompt|answer|question|grader|graded|endpoint|records\.jsonl)", re.IGNORECASE
)


def table_of(
    scores: list[tuple[float, float]], about: Callable[[int], About] = lambda _: About()
) -> ScoreTable:
    """Return a table with a case for each pair of scores; nan is a failed call."""
    columns = ScoreColumns()
    for i, pair in enumerate(scores):
        case = columns.cases.add("triage", f"c{i:05d}", columns.cases.about(about(i)))
        for side, score in zip(("old", "new"), pair, strict=True):
            state = FAILED if np.isnan(score) else GRADED
            columns.add((case, columns.models[0, side], 0, state, 0), score)
    return sorted_table(columns, 0, 1, pair=PAIR)


def pairs(**numbers: int) -> list[tuple[float, float]]:
    """Return the scores of a 2 x 2 table, and of cases that one model failed on (``lost``)."""
    return [_PAIRS[name] for name, number in numbers.items() for _ in range(number)]


_PAIRS = {
    "both": (1.0, 1.0),
    "fixed": (0.0, 1.0),
    "broken": (1.0, 0.0),
    "neither": (0.0, 0.0),
    "lost": (1.0, NAN),
}


def view_of(table: ScoreTable, purpose: Purpose = "guard", *, partial: bool = False) -> View:
    """Return the view of a table of one suite."""
    suite = Suite("triage", purpose, (), (), "score", Sampling())
    decision = decide_evidence([score_evidence(table, [suite])], Policy(), partial=partial)
    return build_score_view(
        decision, manifest=manifest(decision), suites=[suite], table=table, notes=["Not read: x."]
    )


def manifest(decision: Decision) -> Manifest:
    """Return the facts of a comparison."""
    models = (
        ModelFacts("old", "base", "scores", "old.csv", ""),
        ModelFacts("new", "candidate", "scores", "new.csv", ""),
    )
    partial = "half" if decision.partial else ""
    return Manifest("run", "2026-11-24T09:32:11Z", 1.0, {}, {}, models, partial=partial)


def visible(html: str) -> str:
    """Return the text that a reader of the page sees, or hears."""
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    labels = re.findall(r'aria-label="([^"]*)"', body)
    return unescape(" ".join([re.sub(r"<[^>]+>", " ", body), *labels]))


@pytest.mark.parametrize(
    ("made", "purpose", "partial", "title"),
    [
        (pairs(both=390, fixed=8, broken=2), "guard", False, "Promote"),
        (pairs(both=300, broken=100), "guard", False, "Do not promote"),
        (pairs(both=30, fixed=2, broken=2), "target", False, "Not enough evidence"),
        (pairs(both=400, lost=2), "target", False, "Not enough evidence"),
        (pairs(both=395, lost=30), "guard", False, "Run incomplete"),
        (pairs(both=400), "guard", True, "Run incomplete"),
        (pairs(both=999, lost=1), "guard", False, "Promote"),
    ],
)
def test_no_word_of_answers(
    made: list[tuple[float, float]], purpose: Purpose, *, partial: bool, title: str
) -> None:
    """Where there are scores only, page, summary and terminal speak of nothing else."""
    view = view_of(table_of(made), purpose, partial=partial)
    assert view.overall.title == title
    for text in (visible(render_html(view)), render_markdown(view), render_text(view)):
        assert OF_ANSWERS.findall(text) == []


def test_flips_are_tables() -> None:
    """There is nothing to open: cases, slices and scores stand side by side."""
    table = table_of(
        pairs(both=5, fixed=2, broken=3),
        lambda i: About(critical=i == 8, slices=(("language", "de"),)),
    )
    flips = view_of(table).candidates[0].flips
    broken, fixed = flips.tables
    assert broken.rows[0] == ("c00008, critical", "100", "0", "language de")
    assert [row[0] for row in fixed.rows] == ["c00005", "c00006"]
    assert "Broken, worst first" in visible(render_html(view_of(table)))


def test_what_was_read_stands_in_the_method() -> None:
    """Notes on the files are limits of the evidence; there is no digest of suites, no cost."""
    view = view_of(table_of(pairs(both=10)))
    assert "Not read: x." in view.method.limits
    assert [name for name, _ in view.facts] == ["Made", "Run", "Scores", "Policy"]
    models = next(t for t in view.method.tables if t.caption == "Models")
    assert models.rows[0] == ("old", "base", "old.csv", "10", "0", "0")


def test_each_row_of_a_case_is_shown() -> None:
    """Samples by their number, failures by what they were, and what is not there."""
    columns = ScoreColumns()
    case = columns.cases.add("triage", "a", columns.cases.about(About()))
    for side, sample, state, score in (
        ("old", "0", GRADED, 0.25),
        ("old", "1", UNGRADED, NAN),
        ("new", "0", FAILED, NAN),
    ):
        codes = (case, columns.models[0, side], columns.samples[sample], state, 0)
        columns.add(codes, score)
    other = columns.cases.add("triage", "b", columns.cases.about(About()))
    columns.add((other, columns.models[0, "old"], 0, ABSENT, 0), NAN)
    entries = {e.id: e for e in list_scores(sorted_table(columns, 0, 1, pair=PAIR)).entries}
    first = entries["a"]
    assert [(a.score, a.right, a.notes) for a in first.base] == [
        ("25", False, ("sample 0",)),
        ("–", None, ("sample 1", "not graded")),
    ]
    assert first.candidate[0].notes == ("sample 0", "failed")
    assert (first.status, first.base_score, first.candidate_score) == ("error", "25", "–")
    assert entries["b"].base[0].notes == entries["b"].candidate[0].notes == ("no row",)


def test_up_to_a_number_all_cases_are_listed() -> None:
    """And nothing is said of any left out."""
    found = list_scores(table_of(pairs(both=50, broken=5)))
    assert (len(found.entries), found.note) == (55, "")
    assert found.entries[0].status == "broken"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a page that holds few cases."""
    monkeypatch.setattr(score_cases, "MOST_CASES", 40)
    monkeypatch.setattr(score_cases, "OTHERS", 6)
    monkeypatch.setattr(score_cases, "QUOTAS", {"broken": 20, "error": 10, "fixed": 10})


@pytest.mark.usefixtures("small")
def test_what_flipped_or_is_missing_is_never_left_out_while_it_fits() -> None:
    """Of the others some are drawn by chance, always the same ones."""
    table = table_of(
        pairs(both=500, fixed=12, broken=15, neither=30, lost=5),
        lambda i: About(critical=i in (3, 4)),
    )
    found = list_scores(table)
    assert Counter(e.status for e in found.entries) == {
        "broken": 15,
        "fixed": 12,
        "error": 5,
        "missed": 6,
        "passed": 8,
    }
    assert {"c00003", "c00004"} <= {e.id for e in found.entries}
    assert found == list_scores(table)
    assert found.note.startswith("562 cases are too many for a page. Listed are: broken 15 of 15, ")
    assert "both right 8 of 500" in found.note
    assert "scores.csv.gz" in found.note


@pytest.mark.usefixtures("small")
def test_too_many_flips_are_cut_by_their_kind() -> None:
    """Critical ones first, then those that lost most; every kind keeps a share of the page."""
    scores = pairs(both=100, fixed=300, neither=50) + [(1.0, i / 400) for i in range(200)]
    table = table_of(scores, lambda i: About(critical=i == 649))
    found = list_scores(table)
    assert Counter(e.status for e in found.entries) == {
        "broken": 20,
        "fixed": 10,
        "missed": 6,
        "passed": 6,
    }
    assert found.entries[0].id == "c00649"
    assert [e.id for e in found.entries[1:20]] == [f"c{450 + i:05d}" for i in range(19)]
    view = view_of(table)
    assert view.candidates[0].flips.finding.startswith("200 cases broke, 300 cases were fixed.")
    assert "scores.csv.gz all" in view.candidates[0].flips.left_out
    page = visible(render_html(view))
    assert found.note in page
    assert "All cases" not in page


def test_a_run_says_what_it_always_said() -> None:
    """The page of a run with answers has a column for its questions."""
    view = view_of(table_of(pairs(both=3)))
    assert (view.has_answers, view.aside) == (False, "")
    assert View.__dataclass_fields__["aside"].default == "Question"
    assert "Slices</th>" not in render_html(view)
    assert '<th scope="col">Question' in render_html(replace(view, aside="Question"))
