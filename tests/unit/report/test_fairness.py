"""Are the terms treated alike? A sentence, a table, and a line of the summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide import Policy, RunData, decide
from evalkit.report.fairness import Fairness, describe_fairness
from tests.unit.decide.made_up import only
from tests.unit.decide.test_fairness import ASKED, drawn, fairness_of, swapped
from tests.unit.report.builder import HOSTILE
from tests.unit.report.test_metrics import rendered
from tests.unit.report.test_score_view import visible


def told(run: RunData) -> Fairness:
    """Return the part on the only suite."""
    found = describe_fairness(only(decide(run, Policy())).suites)
    assert found is not None
    return found


EVEN = [[1.0, 1.0]] * 40
WIDE = [[1.0, 1.0]] * 36 + [[1.0, 0.0]] * 4
TURNED = [[1.0, 1.0]] * 36 + [[0.0, 1.0]] * 4


def test_a_gap_that_grew_is_told_plainly() -> None:
    """By how much, from what to what, and that the terms cannot be said to be treated alike."""
    found = told(swapped(EVEN, WIDE))
    (sentence,) = found.sentences
    assert sentence.startswith(
        "letters: the gap between terms of tags.name grew by 10.0 points, from 0.0 to 10.0 (p "
    )
    assert sentence.endswith("it cannot be said that all terms are treated alike within 5 points.")
    (row,) = found.table.rows
    assert row[:7] == (
        *("letters", "tags.name: Anna minus Bogdan", "40", "0"),
        *("0.0", "+10.0", "+10.0"),
    )
    assert row[-1] == "cannot tell within 5"
    assert len(row) == len(found.table.columns)


@pytest.mark.parametrize(
    ("base", "candidate", "said"),
    [
        (WIDE, EVEN, "shrank by 10.0 points, from 10.0 to 0.0"),
        (WIDE, WIDE, "stayed at 10.0 points"),
        (
            WIDE,
            TURNED,
            "Anna minus Bogdan was +10.0 and is −10.0 points, a change of −20.0 points (p 0.0",
        ),
        (
            [[1.0, 0.0]] * 8 + [[1.0, 1.0]] * 92,
            [[0.0, 1.0]] * 10 + [[1.0, 1.0]] * 90,
            "was +8.0 and is −10.0 points, a change of −18.0 points (p 0.003); ",
        ),
    ],
)
def test_what_became_of_a_gap(
    base: list[list[float]], candidate: list[list[float]], said: str
) -> None:
    """It shrank, it stayed, or it is on the other side now."""
    (sentence,) = told(swapped(base, candidate)).sentences
    assert said in sentence


def test_alike_and_not_alike_are_said() -> None:
    """Only where it is shown."""
    even = drawn(3, n=200)
    (yes,) = told(swapped(even, even)).sentences
    assert yes.endswith("the candidate treats all terms alike within 5 points.")
    (no,) = told(swapped(even, drawn(3, n=200, off=-0.3))).sentences
    assert "; against all terms Chidi changed most, by −20.0 points (p < 0.001);" in no
    assert no.endswith("the candidate does not treat all terms alike within 5 points.")


def test_each_of_more_terms_has_a_row() -> None:
    """With its change against all terms, and limits that hold for all at once."""
    found = told(swapped(drawn(3), drawn(3, off=-0.2)))
    assert found.terms is not None
    assert [row[1] for row in found.terms.rows] == ["Anna", "Bogdan", "Chidi"]
    assert found.terms.rows[2][4].startswith("−13")
    assert " to " in found.terms.rows[2][5]
    assert {len(row) for row in found.terms.rows} == {len(found.terms.columns)}
    assert found.table.rows[0][1] == "tags.name: highest minus lowest of 3"
    assert found.table.rows[0][7] == "–"
    assert found.table.rows[0][8].startswith("any term: 0.0")


def test_a_gap_that_moved_to_other_terms_has_the_p_value_of_a_term() -> None:
    """The highest and the lowest change places: the gap stays, and what changed is a term."""
    base = [[1.0, 1.0, 1.0]] * 68 + [[1.0, 1.0, 0.0]] * 12
    candidate = [[1.0, 1.0, 1.0]] * 68 + [[0.0, 1.0, 1.0]] * 12
    (sentence,) = told(swapped(base, candidate)).sentences
    assert (
        "stayed at 15.0 points; against all terms Anna changed most, by −15.0 points (p" in sentence
    )


def test_clusters_are_counted() -> None:
    """Templates that share clusters are told as such; under 20 clusters there are no shares."""
    labels = [f"p{i // 2}" for i in range(40) for _ in range(2)]
    assert told(swapped(EVEN, WIDE, cluster=labels)).table.rows[0][2] == "40 in 20 clusters"
    few = told(swapped(EVEN, WIDE, cluster=[f"p{int(p[1:]) // 2}" for p in labels]))
    assert few.sentences[0].startswith("letters: 10 clusters of templates are fewer than 20")
    assert few.terms is None


def test_few_templates_show_no_shares() -> None:
    """Under 20 templates a percentage says nothing: the number of them is told instead."""
    found = told(swapped(EVEN[:12], EVEN[:12]))
    assert found.sentences[0].startswith("letters: 12 templates are fewer than 20")
    assert found.table.rows[0][4:8] == ("–",) * 4
    assert found.terms is None


def test_nothing_is_said_without_terms() -> None:
    """A suite that names none has no such section."""
    run = swapped(EVEN, WIDE, asked=None)
    assert describe_fairness(only(decide(run, Policy())).suites) is None
    page, summary = rendered(run)
    assert "treated alike" not in page + summary


def test_page_and_summary_show_it() -> None:
    """In the section of changes, one line of the summary, and its assumptions in the method."""
    run = swapped(EVEN, WIDE)
    page, summary = rendered(run)
    places = [page.index(p) for p in ('id="changes"', "Are the terms", 'id="overfitting"')]
    assert places == sorted(places)
    (line,) = (row for row in summary.splitlines() if "Are the terms treated alike" in row)
    assert "(decides nothing) letters: the gap between terms" in line
    for said in fairness_of(run).assumptions:
        assert said in visible(page)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text(name: str) -> None:
    """What a suite calls its terms is no markup."""
    run = swapped(EVEN, WIDE)
    (suite,) = run.suites
    cases = tuple(
        replace(c, tags={"name": name} if c.tags["name"] == "Anna" else c.tags) for c in suite.cases
    )
    page, _ = rendered(replace(run, suites=(replace(suite, cases=cases, fairness=ASKED),)))
    part = page[page.index("Are the terms") : page.index('id="overfitting"')]
    assert "<script" not in part
    assert "<img" not in part
    assert "\u202e" not in part
