"""Repeated samples in the report: a plain sentence, tables for the method, advice in the steps."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from evalkit.decide import Policy, decide_evidence
from evalkit.decide.decision import (
    ComparisonDecision,
    NextPurchase,
    RegressedCase,
    RegressedCases,
    RepeatedSamples,
    VarianceParts,
)
from evalkit.decide.score_table import GRADED, ScoreTable, score_evidence
from evalkit.loader.score_columns import About, ScoreColumns
from evalkit.loader.score_sort import sorted_table
from evalkit.model import Pair, Sampling, Suite
from evalkit.report import render_html, render_markdown, render_text
from evalkit.report.changes import describe_changes
from evalkit.report.repeated import MOST_REGRESSED, repeats_notes, repeats_tables, samples_instead
from evalkit.report.score_view import build_score_view
from tests.unit.report.scenarios import SCENARIOS
from tests.unit.report.test_score_view import OF_ANSWERS, manifest, visible

OF_STATISTICS = re.compile(r"varian|removable|harmonic|p-value|pass[@^]")


def found(
    removable: float, buy: str, *, saving: float = 0.2, best: int | None = 5
) -> RepeatedSamples:
    """Return three samples a case with a share that samples could remove, and advice."""
    noise = removable / 2
    return RepeatedSamples(
        base_samples=3.0,
        candidate_samples=2.85,
        variance=VarianceParts(1 - removable, noise, noise, None, removable),
        next_purchase=NextPurchase(buy, best, best, saving, 10.0),  # type: ignore[arg-type]
    )


UNKNOWN = RepeatedSamples(3.0, 1.0, None, None, note="no case has two samples of one model")
CHOICE = "the choice of cases"
NOISE = "cases that do not score the same each time"
SENTENCES = [
    (found(0.05, "cases"), CHOICE, ": more cases help, more samples do not."),
    (found(0.3, "cases"), CHOICE, ": more cases help, more samples help less."),
    (found(0.7, "cases"), NOISE, ", but each has samples enough: new cases help more"),
    (found(0.3, "samples"), CHOICE, ", but more samples of each case help more"),
    (found(0.7, "samples"), NOISE, ": more samples of each case help, and cost less than new"),
    (found(0.3, "samples", saving=0.01), CHOICE, ", but more samples of each case help as much"),
    (found(0.7, "samples", saving=0.01), NOISE, ": more samples of each case and new cases help"),
]
STEPS = [
    (None, ""),
    (UNKNOWN, ""),
    (found(0.05, "cases"), "More samples of the same cases would not do."),
    (found(0.3, "cases"), "More samples of the same cases would help less."),
    (
        found(0.3, "samples", saving=0.01),
        "More samples of each case would help about as much for the same cost.",
    ),
    (
        found(0.7, "samples"),
        "Cheaper at first: more samples of each case, about 5 of the base and 5 of the candidate.",
    ),
    (found(1.0, "samples", best=None), "Cheaper at first: more samples of each case."),
]


def comparison(*repeats: RepeatedSamples | None, name: str = "overfit") -> ComparisonDecision:
    """Return a decision whose first suites were asked more than once."""
    made = SCENARIOS[name]().decision.comparisons[0]
    suites = list(made.suites)
    for i, own in enumerate(repeats):
        suites[i] = replace(suites[i], repeats=own)
    return replace(made, suites=tuple(suites))


@pytest.mark.parametrize(("repeats", "origin", "helps"), SENTENCES)
def test_where_the_uncertainty_comes_from(
    repeats: RepeatedSamples, origin: str, helps: str
) -> None:
    """One sentence without a word of statistics: the larger part first, then what helps."""
    (note,) = repeats_notes(comparison(repeats).suites)
    assert note.startswith(f"triage: most of the uncertainty comes from {origin}{helps}")
    assert OF_STATISTICS.findall(note) == []


def test_suites_of_one_sentence_share_it() -> None:
    """They are named together; suites asked once, or of unknown spread, are not."""
    made = comparison(found(0.05, "cases"), UNKNOWN, found(0.02, "cases"))
    first, _, third = (s.suite for s in made.suites[:3])
    notes = [n for n in describe_changes(made).notes if "uncertainty" in n]
    assert len(notes) == 1
    assert sorted(notes[0].partition(":")[0].split(", ")) == sorted([first, third])
    assert not [n for n in describe_changes(comparison()).notes if "uncertainty" in n]


@pytest.mark.parametrize(("repeats", "said"), STEPS)
def test_what_samples_would_do_instead(repeats: RepeatedSamples | None, said: str) -> None:
    """Beside the advice to add cases stands what samples would do; nothing where unknown."""
    assert samples_instead(repeats) == said


def test_the_table_of_the_method_section() -> None:
    """The parts are shares of the variance; what is not known is a dash with its reason."""
    made = comparison(found(0.3, "samples"), UNKNOWN, found(1.0, "samples", best=None))
    (table,) = repeats_tables(made, ": tuned")
    assert (
        table.caption == "Repeated samples (a new case counts as 10 samples beside its own): tuned"
    )
    known, unknown, endless = table.rows
    assert known[1:] == (
        *("3 and 2.85", "70.0 %", "15.0 %", "15.0 %", "30.0 %", "5 and 5", "20.0 %"),
        "samples",
    )
    assert unknown[1:] == ("3 and 1", *["–"] * 6, "no case has two samples of one model")
    assert endless[6] == "no limit"
    assert len(table.columns) == len(known)


def test_judges_have_a_column_where_samples_were_judged_twice() -> None:
    """Only there: elsewhere nobody asks who judged."""
    parts = VarianceParts(0.5, 0.2, 0.2, 0.1, 0.5)
    judged = replace(found(0.5, "cases"), variance=parts)
    (table,) = repeats_tables(comparison(judged, found(0.3, "cases"), UNKNOWN), "")
    place = [c.name for c in table.columns].index("From the judge")
    assert [row[place] for row in table.rows] == ["10.0 %", "–", "–"]
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert list(repeats_tables(comparison(), "")) == []


def scored(samples: int) -> ScoreTable:
    """Return scores of 40 cases that are right or wrong by chance, and by the model."""
    rng, columns = np.random.default_rng(2), ScoreColumns()
    for i in range(40):
        case = columns.cases.add("triage", f"c{i:02d}", columns.cases.about(About()))
        chance = rng.random()
        for model in ("old", "new"):
            for sample in range(samples):
                codes = (case, columns.models[0, model], columns.samples[str(sample)], GRADED, 0)
                columns.add(codes, float(rng.random() < chance))
    return sorted_table(columns, 0, 1, pair=Pair("old", "new"))


@pytest.mark.parametrize("samples", [1, 3])
def test_scores_without_answers(samples: int) -> None:
    """Scores from elsewhere have the same sentence, tables and advice, in words of scores."""
    table = scored(samples)
    suite = Suite("triage", "guard", (), (), "score", Sampling(samples=samples))
    decision = decide_evidence([score_evidence(table, [suite])], Policy(), partial=False)
    view = build_score_view(
        decision, manifest=manifest(decision), suites=[suite], table=table, notes=[]
    )
    page, text = visible(render_html(view)), render_text(view, width=400)
    several = samples > 1
    assert ("triage: most of the uncertainty comes from" in page) is several
    assert ("Repeated samples (a new case counts as 10" in page) is several
    assert all((measure in page) is several for measure in ("pass@3", "pass^3"))
    assert ("ore samples of" in text.partition("next: Add cases")[2]) is several
    assert ("ore samples of" in render_markdown(view)) is several
    for said in (page, text, render_markdown(view)):
        assert OF_ANSWERS.findall(said) == []


def test_pass_rates_have_a_row_each() -> None:
    """Any and all of the samples, with the cases left out, the interval and its p."""
    table = scored(3)
    suite = Suite("triage", "guard", (), (), "score", Sampling(samples=3))
    decision = decide_evidence([score_evidence(table, [suite])], Policy(), partial=False)
    comparison = decision.comparisons[0]
    rates = next(t for t in repeats_tables(comparison, "") if t.caption.startswith("Any of k"))
    assert [row[:4] for row in rates.rows] == [
        ("triage", "pass@3", "40", "0"),
        ("triage", "pass^3", "40", "0"),
    ]
    assert all(re.fullmatch(r"[−+]?[\d.]+ to [−+]?[\d.]+", row[7]) for row in rates.rows)
    assert {row[-1] for row in rates.rows} == {"Tango score"}


def regressed(number: int, *, tested: int, note: str = "") -> RepeatedSamples:
    """Return samples by which so many of the tested cases regressed."""
    cases = tuple(RegressedCase(f"c{i}", 5, 5, 0, 5, 1 / 252, 0.02) for i in range(number))
    return replace(UNKNOWN, regressed=RegressedCases(cases, tested, 7, 0.1, note))


@pytest.mark.parametrize(
    ("repeats", "said"),
    [
        (
            regressed(3, tested=40),
            "of 40 cases whose samples could show it, 3 regressed "
            "(on average at most 10\N{NO-BREAK SPACE}% of such a list is chance).",
        ),
        (
            regressed(0, tested=1),
            "of 1 case whose samples could show it, none can be said to have regressed.",
        ),
        (
            regressed(0, tested=0),
            "no case has samples enough to show by itself that it regressed.",
        ),
    ],
)
def test_which_cases_regressed_in_a_sentence(repeats: RepeatedSamples, said: str) -> None:
    """How many of how many, and what chance adds to such a list."""
    (note,) = repeats_notes(comparison(repeats).suites)
    assert note.endswith(f": {said}")


def test_no_sentence_without_a_test() -> None:
    """Where no case could be tested for another reason, nothing is claimed."""
    untested = regressed(0, tested=0, note="a sample scores between right and wrong")
    assert list(repeats_notes(comparison(untested, UNKNOWN).suites)) == []


def test_regressed_cases_have_a_row_each_up_to_a_number() -> None:
    """The surest first with their counts; how many more there are stands in the last row."""
    many = comparison(regressed(MOST_REGRESSED + 2, tested=40))
    table = next(t for t in repeats_tables(many, "") if t.caption.startswith("Cases that"))
    assert len(table.rows) == MOST_REGRESSED + 1
    assert table.rows[0][1:] == ("c0", "5 of 5", "0 of 5", "0.004", "0.020")
    assert table.rows[-1][1] == "2 more cases in decision.json"
    assert {len(row) for row in table.rows} == {len(table.columns)}
    few = list(repeats_tables(comparison(regressed(MOST_REGRESSED, tested=40)), ""))
    assert len(few[-1].rows) == MOST_REGRESSED
