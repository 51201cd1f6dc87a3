"""The summary for a pull request: complete, short enough, and closed to hostile text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalkit.report import render_markdown
from evalkit.report.markdown import LIMIT, MARKER
from evalkit.report.summary import Line
from tests.unit.report.conftest import ViewOf


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("promote", "TIP"),
        ("overfit", "CAUTION"),
        ("inconclusive", "WARNING"),
        ("incomplete", "IMPORTANT"),
    ],
)
def test_the_alert_leads(view_of: ViewOf, name: str, alert: str) -> None:
    """The hidden marker comes first, then the decision as a GitHub alert."""
    view = view_of(name)
    lines = render_markdown(view).splitlines()
    assert lines[0] == MARKER
    assert lines[1] == f"> [!{alert}]"
    assert lines[2].startswith(f"> **{view.overall.title}.**")


def test_lists_and_table(view_of: ViewOf) -> None:
    """The three lists, a row per suite and the steps are there."""
    text = render_markdown(view_of("overfit"))
    for title in ("Got worse", "Got better", "We cannot tell", "Overfitting", "What to do next"):
        assert f"\n**{title}**\n" in text
    assert text.count("\n| ") == 1 + 1 + 5
    assert "| triage | target | 108 |" in text
    assert "`triage/heldout-001` critical" in text


def test_a_list_without_a_line_says_so(view_of: ViewOf) -> None:
    """Empty lists are not left out."""
    text = render_markdown(view_of("promote"))
    assert "**Got worse**\n\n- Nothing that this run can show." in text
    assert "**Kept its level**\n\n- **general**" in text


def test_a_void_run_carries_its_caveat(view_of: ViewOf) -> None:
    """Numbers of an incomplete run come with a warning."""
    assert "*What follows is read from the answers that came." in render_markdown(
        view_of("incomplete")
    )


def test_each_candidate_has_a_heading(view_of: ViewOf) -> None:
    """Several candidates follow each other under their own headings."""
    text = render_markdown(view_of("two"))
    assert "\n## tuned: promote\n" in text
    assert "\n## tuned-overfit: do not promote\n" in text


def test_hostile_text_stays_text(view_of: ViewOf) -> None:
    """No tag, link, mention or code fence of a name or reason survives as such."""
    text = render_markdown(view_of("hostile"))
    plain = re.sub(r"`[^`\n]*`", "", text)
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"(?<!\\)\]\(", plain)
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("@team", "@<!-- -->team"),
        ("#12", "\\#<!-- -->12"),
        ("https://x.y", "https://<!-- -->x.y"),
        ("a|b", "a\\|b"),
        ("*bold* _it_ `code`", "\\*bold\\* \\_it\\_ \\`code\\`"),
        ("a & <b>", "a &amp; &lt;b>"),
    ],
)
def test_names_are_escaped(view_of: ViewOf, name: str, shown: str) -> None:
    """What Markdown or GitHub would act on is shown as it was written."""
    view = view_of("promote")
    summary = replace(view.candidates[0].summary, better=(Line("▲", "good", name, "so"),))
    view = replace(view, candidates=(replace(view.candidates[0], summary=summary),))
    assert f"- **{shown}** so" in render_markdown(view)


def test_a_backtick_does_not_end_a_code_span(view_of: ViewOf) -> None:
    """Names in code spans lose their backticks."""
    text = render_markdown(replace(view_of("promote"), run_id="a`b"))
    assert "Run `aˋb`," in text


def test_it_never_exceeds_what_github_takes(view_of: ViewOf) -> None:
    """A run of very many suites is cut between lines, and says so."""
    view = view_of("promote")
    lines = tuple(Line("▲", "good", f"suite {i}", "x" * 200) for i in range(1000))
    summary = replace(view.candidates[0].summary, better=lines)
    text = render_markdown(
        replace(view, candidates=(replace(view.candidates[0], summary=summary),))
    )
    assert LIMIT - 1000 < len(text) <= LIMIT
    assert text.endswith("*Cut here: the report has the rest.*\n")
    assert view.overall.title in text
