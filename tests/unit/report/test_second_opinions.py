"""Second opinions in the report: one sentence a suite, a table for the method, never a decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide.decision import (
    Bound,
    Bounds,
    ComparisonDecision,
    Interval,
    SecondOpinion,
    SuiteResult,
    Verdict,
)
from evalkit.report import render_html, render_markdown
from evalkit.report.second_opinions import opinion_notes, opinion_tables
from tests.unit.report.conftest import ViewOf
from tests.unit.report.scenarios import SCENARIOS
from tests.unit.report.test_score_view import OF_ANSWERS, pairs, table_of, visible
from tests.unit.report.test_score_view import view_of as view_of_scores

AGREES = SecondOpinion("BCa, 9,999 resamples", "difference", 0.01, None, 0.2, "non_inferior", True)
SILENT = SecondOpinion("mid-p McNemar", "difference", 0.01, None, 0.2)
WORSE = replace(AGREES, method="paired t", verdict="regressed_within_margin", agrees=False)
TWIN = replace(WORSE, method="bootstrap-t, 9,999 resamples")
RANKS = SecondOpinion(
    "Wilcoxon signed-rank, exact",
    "rank-biserial correlation",
    0.206,
    None,
    0.061,
    agrees=False,
    note="points the other way: more cases got better (70) than worse (20), but the losses are "
    "larger",
)
RATIO = SecondOpinion(
    "conditional odds ratio, Clopper-Pearson",
    "odds ratio",
    4.5,
    Interval(0.9314, 42.7997, 0.95, "conditional odds ratio, Clopper-Pearson"),
    0.065,
)


def suite(*opinions: SecondOpinion, name: str = "triage", note: str = "") -> SuiteResult:
    """Return a suite that had no important loss, with opinions on it."""
    result = SCENARIOS["promote"]().decision.comparisons[0].suites[0]
    return replace(
        result,
        suite=name,
        rule="non_inferior",
        verdict="non_inferior",
        bounds=None,
        second_opinions=opinions,
        second_opinions_note=note,
    )


def comparison(*suites: SuiteResult) -> ComparisonDecision:
    """Return a comparison of these suites."""
    return replace(SCENARIOS["promote"]().decision.comparisons[0], suites=suites)


@pytest.mark.parametrize(
    ("opinions", "said"),
    [
        ((AGREES, AGREES, SILENT), "2 other methods give the same verdict."),
        ((AGREES,), "1 other method gives the same verdict."),
        (
            (AGREES, WORSE, TWIN),
            "1 of 3 other methods gives the same verdict; "
            'paired t and bootstrap-t would say "worse, within limit".',
        ),
        (
            (replace(WORSE, note="it is too narrow"),),
            'paired t would say "worse, within limit", but it is too narrow.',
        ),
        (
            (AGREES, AGREES, RANKS),
            "2 of 3 other methods give the same verdict; Wilcoxon signed-rank points the other "
            "way: more cases got better (70) than worse (20), but the losses are larger.",
        ),
        (
            (replace(AGREES, agrees=False),),
            "BCa would say otherwise whether it passes.",
        ),
    ],
)
def test_who_agrees_and_who_does_not(opinions: tuple[SecondOpinion, ...], said: str) -> None:
    """Agreement is one short sentence, a disagreement says what else the method would say."""
    assert list(opinion_notes([suite(*opinions)])) == [f"triage: {said}"]


@pytest.mark.parametrize(("rule", "asked"), [("superior", "gains"), ("equivalent", "stays within")])
def test_what_the_rule_asks_beyond_the_verdict(rule: str, asked: str) -> None:
    """One verdict can pass by one method and not by another, and that is told."""
    made = replace(suite(replace(AGREES, agrees=False)), rule=rule)  # type: ignore[arg-type]
    (said,) = opinion_notes([made])
    assert f"otherwise whether it {asked}" in said


@pytest.mark.parametrize("opinions", [(), (SILENT, RATIO)])
def test_nothing_is_said_where_no_method_can(opinions: tuple[SecondOpinion, ...]) -> None:
    """p-values and ratios alone neither agree nor disagree."""
    assert list(opinion_notes([suite(*opinions)])) == []


def test_suites_of_one_opinion_share_a_sentence() -> None:
    """Names stand together before what holds for all of them."""
    made = [suite(AGREES), suite(WORSE, name="tone"), suite(AGREES, name="facts")]
    assert list(opinion_notes(made)) == [
        "triage, facts: 1 other method gives the same verdict.",
        'tone: paired t would say "worse, within limit".',
    ]


def test_a_verdict_that_missing_answers_took_back() -> None:
    """Methods that agree with the interval did not give the verdict that missing answers left."""
    observed: Verdict = "non_inferior"
    bound = Bound(None, None, "inconclusive")
    made = replace(suite(AGREES), verdict="inconclusive", bounds=Bounds(3, observed, bound, bound))
    assert list(opinion_notes([made])) == [
        "triage: 1 other method agrees with the interval that decides."
    ]


def test_every_opinion_has_a_row() -> None:
    """Differences in points, ratios and correlations on their own scale, reasons where none is."""
    none = suite(name="tone", note="judged while asked")
    (table,) = opinion_tables(comparison(suite(AGREES, RATIO, RANKS), none), ": tuned")
    assert table.caption.endswith("which decide nothing: tuned")
    agrees, ratio, ranks, tone = table.rows
    assert agrees[1:] == (
        *("BCa, 9,999 resamples", "difference", "+1.0", "–", "0.200", "no important loss", ""),
    )
    assert ratio[2:7] == ("odds ratio", "4.50", "0.93 to 42.80", "0.065", "–")
    assert ranks[2:7] == ("rank-biserial correlation", "0.21", "–", "0.061", "–")
    assert ranks[7] == RANKS.note
    assert tone == ("tone", *["–"] * 6, "judged while asked")
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert list(opinion_tables(comparison(suite()), "")) == []


def test_page_and_summary_say_it(view_of: ViewOf) -> None:
    """The sentence stands near the suites, the table in the method section."""
    view = view_of("inconclusive")
    said = 'Newcombe method 8 would say "no important loss"'
    page = visible(render_html(view))
    assert page.index("What changed") < page.index(said) < page.index("Method and data")
    assert page.index("Method and data") < page.index("Second opinions: other methods")
    assert said in render_markdown(view)
    assert any("They decide nothing" in test for test in view.method.tests)


def test_scores_without_answers_have_them_too() -> None:
    """`evalkit compare` says the same, in words of scores."""
    view = view_of_scores(table_of(pairs(both=60, fixed=9, broken=2, neither=49)))
    for text in (visible(render_html(view)), render_markdown(view)):
        assert "triage: 3 other methods give the same verdict." in text
        assert OF_ANSWERS.findall(text) == []
    assert any(t.caption.startswith("Second opinions") for t in view.method.tables)
