"""What the tests take for granted, in the method section: once each, and for which suites."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from html import unescape

import pytest

from evalkit.decide.decision import Decision, Noise
from evalkit.report import render_html
from evalkit.report.method import taken_for_granted
from evalkit.stats.assumptions import METHODS
from tests.unit.report import test_score_view as scores
from tests.unit.report.conftest import PageOf, ViewOf
from tests.unit.report.scenarios import SCENARIOS

HEADING = "What these tests take for granted"


def decided(name: str) -> Decision:
    """Return the decision of a named run."""
    return SCENARIOS[name]().decision


def said(decision: Decision) -> dict[str, str]:
    """Return the sentences with the suites they are about."""
    return dict(taken_for_granted(decision))


@pytest.mark.parametrize("name", ["promote", "overfit", "two", "incomplete"])
def test_each_sentence_stands_once(name: str) -> None:
    """Of all suites, gaps and checkpoints of all candidates, and nothing else."""
    decision = decided(name)
    found = taken_for_granted(decision)
    expected: set[str] = set()
    for c in decision.comparisons:
        expected.update(c.selection.assumptions if c.selection else ())
        expected.update(*(s.assumptions for s in c.suites))
        expected.update(*(gap.assumptions for gap in c.overfitting))
    assert {sentence for sentence, _ in found} == expected
    assert set(Counter(sentence for sentence, _ in found).values()) == {1}


def test_each_names_its_suites() -> None:
    """All suites by one word, others by name: those of a gap belong to the suite that trained."""
    decision = decided("overfit")
    (gap,) = decision.comparisons[0].overfitting
    found = said(decision)
    assert found[decision.comparisons[0].suites[1].assumptions[0]] == "all suites"
    assert {found[sentence] for sentence in gap.assumptions} == {"all suites", "triage"}


def test_slices_noise_and_hostile_names() -> None:
    """What only slices or noise take for granted is said too; a name is one line."""
    decision = decided("promote")
    (comparison,) = decision.comparisons
    first, *rest = comparison.suites
    nothing = (None,) * 9
    noise = replace(Noise(1, 0.0, *nothing), assumptions=("Of noise.",))
    first = replace(first, suite="a\nb", slice_assumptions=("Of slices.",), noise=noise)
    found = said(replace(decision, comparisons=(replace(comparison, suites=(first, *rest)),)))
    assert (found["Of noise."], found["Of slices."]) == ("a b", "a b")


def test_the_page_has_them(view_of: ViewOf, page_of: PageOf) -> None:
    """Every sentence is in the page; without any there is no heading."""
    page = unescape(page_of("two"))
    sentences = [sentence for sentence, _ in view_of("two").method.assumptions]
    assert len(sentences) > 5
    assert page.count(HEADING) == 1
    assert all(page.count(f"<li>{sentence} <span>") == 1 for sentence in sentences)
    view = view_of("two")
    assert HEADING not in render_html(replace(view, method=replace(view.method, assumptions=())))


def test_scores_alone_have_them() -> None:
    """`evalkit compare` says the same of its tests; a run of one suite names none."""
    view = scores.view_of(scores.table_of(scores.pairs(both=90, fixed=8, broken=2)))
    assert len(view.method.assumptions) == 3
    assert {suites for _, suites in view.method.assumptions} == {""}
    page = unescape(render_html(view))
    assert all(f"<li>{sentence}</li>" in page for sentence, _ in view.method.assumptions)


def test_no_sentence_speaks_of_answers() -> None:
    """They are shown where there are scores only, too."""
    sentences = [sentence for _, says in METHODS for sentence in says]
    assert [s for s in sentences if scores.OF_ANSWERS.search(s)] == []
