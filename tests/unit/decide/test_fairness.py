"""Whether terms that should not matter are treated alike: from what, by what, deciding nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

from evalkit.decide import Policy, RunData, decide, from_dict, to_dict
from evalkit.decide.decision import FairnessResult
from evalkit.decide.seeds import generator
from evalkit.model import Fairness
from evalkit.stats.assumptions import CASES, CLUSTERS, UNITS
from evalkit.stats.fairness import (
    deviation_changes,
    difference_change,
    term_gap,
    terms_equivalent,
)
from evalkit.stats.values import Interval, NotEstimable, PValue

from .made_up import FAILED, Answer, MadeUp, only, run_of
from .test_plain import schema

ASKED = Fairness("tags.name", "vars.template", 0.05)
NAMES = ("Anna", "Bogdan", "Chidi")

Table = Sequence[Sequence[Answer]]


def swapped(
    base: Table, candidate: Table, *, asked: Fairness | None = ASKED, **fields: Any
) -> RunData:
    """Return a run of one suite; the tables are templates x terms of scores."""
    cells = [(i, j) for i, row in enumerate(base) for j in range(len(row))]
    made = MadeUp("letters").add(
        [base[i][j] for i, j in cells],
        [candidate[i][j] for i, j in cells],
        tags=[{"name": NAMES[j]} for _, j in cells],
        vars=[{"template": f"t{i:03d}"} for i, _ in cells],
        **fields,
    )
    run = run_of(made).data
    return replace(run, suites=(replace(made.suite, fairness=asked),))


def fairness_of(run: RunData, **fields: Any) -> FairnessResult:
    """Return what is told of the only suite."""
    (result,) = only(decide(run, Policy(**fields))).suites
    assert result.fairness is not None
    return result.fairness


def drawn(terms: int, *, off: float = 0.0, n: int = 60, seed: int = 1) -> list[list[float]]:
    """Return scores of templates x terms, with the last term ``off``."""
    rng = np.random.default_rng(seed)
    scores = 0.6 + rng.normal(0, 0.05, (n, 1)) + rng.normal(0, 0.05, (n, terms))
    scores[:, -1] += off
    found: list[list[float]] = np.clip(scores, 0, 1).tolist()
    return found


def p_of(found: PValue | NotEstimable) -> float:
    """Return a p-value that must exist."""
    assert isinstance(found, PValue)
    return found.value


def ends(found: Interval | NotEstimable | None) -> tuple[float, float, float]:
    """Return the limits and level of an interval that must exist."""
    assert isinstance(found, Interval)
    return found.low, found.high, found.level


def test_two_terms_by_hand() -> None:
    """40 templates: the base gets 38 of each name, the candidate all of Anna and 34 of Bogdan."""
    base = [[1.0, 1.0]] * 38 + [[0.0, 0.0]] * 2
    candidate = [[1.0, 1.0]] * 34 + [[1.0, 0.0]] * 6
    found = fairness_of(swapped(base, candidate))
    assert [(t.term, t.base, t.candidate) for t in found.terms] == [
        ("Anna", 0.95, 1.0),
        ("Bogdan", 0.95, 0.85),
    ]
    assert (found.templates, found.left_out) == (40, 0)
    assert [found.base, found.candidate, found.change] == pytest.approx([0.0, 0.15, 0.15])
    # Six templates differ, all one way: 2 of the 64 ways to name their terms are as extreme.
    assert found.base_p == 1.0
    assert found.candidate_p == pytest.approx(2 / 64, abs=0.008)
    assert found.interval is not None
    assert found.interval.low < 0.15 < found.interval.high
    assert found.equivalent != "equivalent"
    assert found.worst == ("Anna", "Bogdan")
    assert found.note == ""


def test_two_terms_are_a_difference_in_differences() -> None:
    """Figures are those of the statistics: change, limits, p, and the two one-sided tests."""
    base, candidate = drawn(2), drawn(2, off=-0.04, seed=2)
    found = fairness_of(swapped(base, candidate))
    rng = generator("fairness", "letters")
    gaps = [term_gap(table, rng=rng) for table in (base, candidate)]
    change = difference_change(base, candidate, first=0, second=1, rng=rng)
    alike = terms_equivalent(candidate, margin=0.05, alpha=0.05, rng=rng)
    assert (found.base_p, found.candidate_p) == tuple(p_of(gap.p_value) for gap in gaps)
    figures = [found.base, found.candidate, found.change]
    assert figures == pytest.approx([change.base, change.candidate, change.change])
    assert not isinstance(change.procedure, NotEstimable)
    limits = change.procedure.interval(level=0.95)
    assert ends(found.interval) == pytest.approx(ends(limits))
    assert found.p_value == pytest.approx(change.procedure.p_value().value)
    assert found.equivalent == alike.verdict
    assert found.equivalence_p == pytest.approx(p_of(alike.p_value))
    assert change.procedure.method in found.method


def test_more_terms_have_a_gap_and_a_change_each() -> None:
    """The gap has no interval; each term has one, and the smallest p is the suite's."""
    base, candidate = drawn(3), drawn(3, off=-0.2, seed=2)
    found = fairness_of(swapped(base, candidate))
    rng = generator("fairness", "letters")
    before, after = (term_gap(table, rng=rng) for table in (base, candidate))
    moved = deviation_changes(base, candidate, rng=rng)
    assert [found.base, found.candidate] == pytest.approx([before.gap, after.gap])
    assert found.interval is None
    assert found.p_value == min(p_of(each.adjusted) for each in moved) == 1 / 10_000
    assert [t.change for t in found.terms] == pytest.approx([each.estimate for each in moved])
    for term, each in zip(found.terms, moved, strict=True):
        assert term.p_adjusted == p_of(each.adjusted)
        assert ends(term.interval) == pytest.approx(ends(each.interval(level=0.95)))
    assert found.equivalent == "not equivalent"
    assert "Chidi" in found.worst


def test_alike_needs_equivalence() -> None:
    """The same scores are alike within 5 points, and cannot be said to be within half a point."""
    scores = drawn(3, n=200)
    assert fairness_of(swapped(scores, scores)).equivalent == "equivalent"
    tight = replace(ASKED, margin=0.005)
    found = fairness_of(swapped(scores, scores, asked=tight))
    assert (found.equivalent, found.change) == ("can't tell", 0.0)
    assert found.equivalence_p is not None
    assert found.equivalence_p > 0.05


def test_the_policys_alpha_decides() -> None:
    """With an alpha below the p-value, the same terms are no longer shown to be alike."""
    scores = drawn(2, n=60)
    p = fairness_of(swapped(scores, scores)).equivalence_p
    assert p is not None
    assert p < 0.05
    found = fairness_of(swapped(scores, scores), alpha=p / 2)
    assert (found.equivalent, found.equivalence_p) == ("can't tell", p)


def test_incomplete_templates_are_left_out() -> None:
    """One that lacks a term, one with a failed call, one of whose two cases has no grade."""
    base: list[list[Answer]] = [[0.5, 0.5, 0.5] for _ in range(30)]
    candidate: list[list[Answer]] = [[0.5, 0.5, 0.4] for _ in range(30)]
    base[0] = [1.0, 0.0]
    candidate[0] = [1.0, 0.0]
    candidate[1] = [FAILED, 0.5, 0.5]
    run = swapped(base, candidate)
    more = MadeUp("letters").add([1.0] * 200, [None] * 200).cases[-1:]
    twin = replace(more[0], tags={"name": "Anna"}, vars={"template": "t002"})
    suite = replace(run.suites[0], cases=(*run.suites[0].cases, twin))
    found = fairness_of(replace(run, suites=(suite,)))
    assert (found.templates, found.left_out) == (27, 3)
    assert [found.base, found.candidate] == pytest.approx([0.0, 0.1])


def test_cases_of_a_cell_are_averaged() -> None:
    """Two cases of one template and term are one cell; cases without the fields are in none."""
    base = [[0.4, 0.4]] * 25
    run = swapped(base, base)
    suite = run.suites[0]
    doubled = MadeUp("letters").add([0.0] * 100, [1.0] * 100)
    cases = tuple(
        replace(c, id=f"more-{i}", tags={"name": NAMES[i % 2]}, vars={"template": f"t{i // 2:03d}"})
        for i, c in enumerate(doubled.cases[:50])
    )
    bare = replace(doubled.cases[50], id="bare")
    ids = dict(zip([c.id for c in doubled.cases], [c.id for c in (*cases, bare)], strict=False))
    records = [replace(r, case=ids[r.case]) for r in doubled.records if r.case in ids]
    found = fairness_of(
        replace(
            run,
            suites=(replace(suite, cases=(*suite.cases, *cases, bare)),),
            records=[*run.records, *records],
        )
    )
    assert [(t.base, t.candidate) for t in found.terms] == [pytest.approx((0.2, 0.7))] * 2
    assert (found.templates, found.left_out) == (25, 0)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ([[1.0, FAILED]] * 3, "no template is complete for both models"),
        ([[1.0]] * 3, "there are not two terms"),
    ],
)
def test_nothing_to_compare_says_why(base: Table, said: str) -> None:
    """No figure, no test, and no claim."""
    found = fairness_of(swapped(base, base))
    assert found.note == said
    assert (found.base, found.candidate, found.change, found.p_value) == (None,) * 4
    assert (found.terms, found.method, found.equivalent) == ((), "", "can't tell")


def test_few_templates_are_told() -> None:
    """Under 20 the note says so; they are still tested. One alone has no test of its change."""
    found = fairness_of(swapped(drawn(2, n=12), drawn(2, n=12)))
    assert found.note.startswith("12 templates are fewer than 20")
    assert found.p_value is not None
    alone = fairness_of(swapped([[1.0, 0.0]], [[1.0, 1.0]]))
    assert (alone.base, alone.candidate, alone.equivalent) == (1.0, 0.0, "can't tell")


def test_of_a_suite_judged_while_asked_there_are_figures_only() -> None:
    """No limits and no p-values for a number of cases that followed the answers."""
    run = replace(swapped(drawn(2), drawn(2, seed=2)), watched={"letters": 120})
    found = fairness_of(run)
    assert found.change is not None
    assert (found.interval, found.p_value, found.candidate_p, found.equivalence_p) == (None,) * 4
    assert found.equivalent == "can't tell"
    assert found.note.startswith("judged while asked")


def test_assumptions_are_of_templates() -> None:
    """The template is the unit: nothing is said of cases, and every method is known."""
    for terms in (2, 3):
        found = fairness_of(swapped(drawn(terms), drawn(terms, seed=2)))
        assert "Templates are independent of each other." in found.assumptions
        assert not {CASES, UNITS} & set(found.assumptions)
        assert not any("not written down" in said for said in found.assumptions)


def test_templates_of_a_cluster_are_one_unit() -> None:
    """Twenty templates copied five times in their cluster show no more than the twenty."""
    rng = np.random.default_rng(1)
    base = (rng.random((20, 2)) < 0.7) * 1.0
    candidate = (rng.random((20, 2)) < np.array([0.85, 0.6])) * 1.0
    once, five = (
        fairness_of(
            swapped(
                np.repeat(base, copies, axis=0).tolist(),
                np.repeat(candidate, copies, axis=0).tolist(),
                cluster=np.repeat([f"p{i}" for i in range(20)], 2 * copies).tolist(),
            )
        )
        for copies in (1, 5)
    )
    assert (once.templates, once.clusters) == (20, None)
    assert (five.templates, five.clusters) == (100, 20)
    assert once.p_value == pytest.approx(0.51, abs=0.01)
    said = "Templates of different clusters are independent; those of one may depend."
    assert said in five.assumptions
    assert "Templates are independent of each other." not in five.assumptions
    assert not {CASES, CLUSTERS, UNITS} & set(five.assumptions)
    assert not any("not written down" in told for told in five.assumptions)
    differing = {"templates", "clusters", "method", "assumptions"}
    assert {
        name
        for name in FairnessResult.__dataclass_fields__
        if getattr(once, name) != getattr(five, name)
    } == differing


def test_a_template_across_clusters_joins_them() -> None:
    """Each template has its cases in two clusters of a ring: all is one unit and shows nothing."""
    ring = [f"p{(i + j) % 30}" for i in range(30) for j in range(2)]
    found = fairness_of(swapped(drawn(2, n=30), drawn(2, n=30, seed=2), cluster=ring))
    assert (found.clusters, found.equivalent, found.p_value) == (1, "can't tell", None)
    assert found.note == "all templates are in one cluster, two are needed"
    more = fairness_of(swapped(drawn(3, n=30), drawn(3, n=30, seed=2), cluster=["p"] * 90))
    assert (more.clusters, more.p_value) == (1, None)
    assert [t.p_adjusted for t in more.terms] == [None] * 3


def test_trained_cases_do_not_count() -> None:
    """Held-out cases alone are compared."""
    found = fairness_of(swapped(drawn(2), drawn(2), split="train"))
    assert (found.templates, found.left_out) == (0, 0)


def test_it_decides_nothing() -> None:
    """Verdict, gates and outcome are those of the same run without it."""
    tables = drawn(3), drawn(3, off=-0.3, seed=2)
    found, without = (decide(swapped(*tables, asked=a), Policy()) for a in (ASKED, None))
    (result,) = only(found).suites
    bare = replace(only(found), suites=(replace(result, fairness=None),))
    assert result.fairness is not None
    assert replace(found, comparisons=(bare,)) == without


def test_the_order_of_cases_and_records_changes_nothing() -> None:
    """Equal answers give equal bytes, and the file fits its schema."""
    run = swapped(drawn(3), drawn(3, seed=2))
    (suite,) = run.suites
    turned = replace(
        run,
        suites=(replace(suite, cases=suite.cases[::-1]),),
        records=list(run.records)[::-1],
    )
    decision = decide(run, Policy())
    text = json.dumps(to_dict(decision), allow_nan=False)
    assert json.dumps(to_dict(decide(turned, Policy()))) == text
    jsonschema.Draft202012Validator(schema("decision")).validate(json.loads(text))
    assert to_dict(from_dict(json.loads(text))) == json.loads(text)
