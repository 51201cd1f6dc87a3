"""A table of scores says what the records say from which it could have been made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.decide import Policy, decide_evidence
from evalkit.decide.evidence import gather
from evalkit.decide.pairs import Extremes, Membership, Pairs, Samples
from evalkit.decide.score_table import (
    ABSENT,
    FAILED,
    GRADED,
    UNGRADED,
    ScoreTable,
    most_samples,
    score_evidence,
)
from evalkit.loader.score_columns import About, ScoreColumns
from evalkit.loader.score_sort import sorted_table
from evalkit.model import Case, Failure, Pair, Record

from .made_up import FAILED as NO_ANSWER
from .made_up import Answer, MadeUp, MadeUpRun, record, run_of

PAIR = Pair("base", "tuned")


def table_of(made: Sequence[MadeUp], *, order: Sequence[int] = ()) -> ScoreTable:
    """Return the records of made-up suites as a table; ``order`` is that of the rows."""
    columns = ScoreColumns()
    cases = {(case.suite, case.id): case for suite in made for case in suite.cases}
    records = [r for suite in made for r in suite.records]
    for number in order or range(len(records)):
        add(columns, cases[records[number].suite, records[number].case], records[number])
    codes = {name: code for (_, name), code in columns.models.items()}
    return sorted_table(columns, codes["base"], codes["tuned"], pair=PAIR)


def add(columns: ScoreColumns, case: Case, found: Record) -> None:
    """Add a record as a row."""
    about = About(
        cluster=case.cluster or "",
        critical=case.critical,
        train=case.split == "train",
        slices=tuple(case.slices.items()),
    )
    number = columns.cases.add(case.suite, case.id, columns.cases.about(about))
    state = GRADED if found.score is not None else UNGRADED
    if isinstance(found.outcome, Failure):
        state = FAILED
    codes = (number, columns.models[0, found.model], columns.samples[str(found.sample)], state, 0)
    columns.add(codes, float("nan") if found.score is None else found.score)


def assert_equal(one: object, other: object) -> None:
    """Assert that two values of arrays are the same; clusters may be numbered otherwise."""
    assert type(one) is type(other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs)
        return
    if not isinstance(one, Pairs | Extremes | Membership | Samples):
        assert one == other
        return
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "clusters" and mine is not None and theirs is not None:
            mine, theirs = (np.unique(c, return_index=True)[1][c] for c in (mine, theirs))
        if isinstance(mine, np.ndarray):
            assert np.array_equal(mine, theirs), field.name
        else:
            assert_equal(mine, theirs)


answers = st.one_of(st.sampled_from([0.0, 0.1, 0.2, 0.7, 1.0]), st.none(), st.just(NO_ANSWER))


@st.composite
def suites(draw: st.DrawFn) -> MadeUp:
    """Draw a suite with samples, clusters, slices, critical and trained cases."""
    made = MadeUp("triage")
    for split in ("heldout", "train"):
        n = draw(st.integers(1, 8))
        each = st.lists(st.tuples(answers, answers), min_size=n, max_size=n)
        base, tuned = zip(*draw(each), strict=True)
        clusters = draw(st.lists(st.sampled_from(["x", "y", None]), min_size=n, max_size=n))
        made = made.add(
            base,
            tuned,
            split="heldout" if split == "heldout" else "train",
            cluster=draw(st.sampled_from([clusters, [None] * n])),
            critical=draw(st.lists(st.booleans(), min_size=n, max_size=n)),
            slices=[{"kind": draw(st.sampled_from("ab"))} for _ in range(n)],
        )
    more = draw(st.lists(st.tuples(st.sampled_from(made.cases), answers, answers), max_size=6))
    extra = [
        record("triage", case.id, model, answer, sample=1 + number)
        for number, (case, *both) in enumerate(more)
        for model, answer in zip(("base", "tuned"), both, strict=True)
    ]
    return replace(made, records=(*made.records, *extra))


@given(suites(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_a_table_is_the_evidence_of_the_records(made: MadeUp, rng: object) -> None:
    """Means, samples, counts, bounds, slices: to the bit what `tabulate` makes of the records."""
    order = list(range(len(made.records)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    found = score_evidence(table_of([made], order=order), [made.suite])
    (expected,) = gather(run_of(made).data)
    for name in ("heldout", "train"):
        assert_equal(getattr(found.suites[0], name), getattr(expected.suites[0], name))


def test_the_decision_is_that_of_the_run() -> None:
    """The same numbers and verdicts; only who the candidate is stays open."""
    made = MadeUp("triage", "target").add([0.0] * 30 + [1.0] * 70, [1.0] * 95 + [0.0] * 5)
    made = made.add([0.0] * 20, [1.0] * 20, split="train")
    guard = MadeUp("facts").add([1.0] * 90 + [None] * 2, [1.0] * 92)
    run = MadeUpRun((made, guard))
    ours = run.decide().comparisons[0]
    evidence = score_evidence(table_of([made, guard]), [made.suite, guard.suite])
    theirs = decide_evidence([evidence], Policy(), partial=False).comparisons[0]
    assert theirs.suites == ours.suites
    assert theirs.overfitting == ours.overfitting
    assert theirs.identity is None
    assert [g for g in theirs.gates if g.kind != "identity"] == [
        g for g in ours.gates if g.kind != "identity"
    ]


def test_equal_questions_are_one_observation() -> None:
    """Cases that ask the same count as a cluster, as long as both are there; alone as none."""
    columns = ScoreColumns()
    for name, asked in (("a", "x"), ("b", "x"), ("c", "y")):
        number = columns.cases.add("s", name, columns.cases.about(About(asked=asked)))
        for model in ("base", "tuned"):
            lost = (name, model) == ("b", "tuned")
            state = ABSENT if lost else GRADED
            score = float("nan") if lost else 1.0
            columns.add((number, columns.models[0, model], 0, state, 0), score)
    table = sorted_table(columns, 0, 1, pair=PAIR)
    (part,) = score_evidence(table, [replace(MadeUp("s").suite, name="s")]).suites
    assert part.heldout.ids == ("a", "c")
    assert part.heldout.clusters is None
    assert part.heldout.extremes is not None
    assert part.heldout.extremes.clusters is not None
    assert part.heldout.extremes.clusters.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("base", "samples"), [([1.0, 1.0], 1), ([1.0], 2)])
def test_samples_are_counted(base: list[Answer], samples: int) -> None:
    """The most that a case has of one model; a suite that is not there has one."""
    made = MadeUp("triage").add(base, base)
    if samples == 2:
        again = record("triage", made.cases[0].id, "tuned", 0.0, sample=1)
        made = replace(made, records=(*made.records, again))
    assert most_samples(table_of([made]), "triage") == samples
    assert most_samples(table_of([made]), "nowhere") == 1


def test_a_suite_without_a_row_is_empty() -> None:
    """It has no case, which the gate will not let pass."""
    made = MadeUp("triage").add([1.0], [1.0])
    evidence = score_evidence(table_of([made]), [MadeUp("facts").suite])
    assert (evidence.suites[0].heldout.n, evidence.suites[0].heldout.expected) == (0, 0)
