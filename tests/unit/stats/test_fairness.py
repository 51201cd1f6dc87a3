"""Terms that should not matter, and slices that may gain differently."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.stats.fairness import (
    DifferenceChange,
    TermGap,
    deviation_changes,
    difference_change,
    swap_table,
    term_deviations,
    term_difference,
    term_gap,
    terms_equivalent,
)
from evalkit.stats.paired import compare
from evalkit.stats.slices import SliceDifference, slice_difference, slice_gaps
from evalkit.stats.template_units import template_units
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable, PValue

nan = float("nan")
SCORE = st.sampled_from([0.0, 0.5, 1.0])
TABLE = st.lists(st.lists(SCORE, min_size=3, max_size=3), min_size=1, max_size=15)


def fresh() -> np.random.Generator:
    """Return the same generator each time."""
    return np.random.default_rng(7)


def graded(n: int, terms: int, *, off: float = 0.0, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return templates x terms of scores, with the last term ``off``."""
    rng = np.random.default_rng(seed)
    scores = 0.5 + rng.normal(0, 0.1, (n, 1)) + rng.normal(0, 0.1, (n, terms))
    scores[:, -1] += off
    return np.clip(scores, 0, 1)


def number(p: PValue | NotEstimable) -> float:
    """Return a p-value that must exist."""
    assert isinstance(p, PValue)
    return p.value


def test_swap_table_averages_the_cases_of_a_cell() -> None:
    """Rows and columns are sorted labels, cells means, and a missing cell is nan."""
    found = swap_table(
        [1.0, 0.0, 1.0, nan, 0.5], ["b", "b", "a", "a", "b"], terms=["y", "y", "x", "y", "x"]
    )
    assert (found.templates, found.terms) == (("a", "b"), ("x", "y"))
    assert found.scores[0, 0] == 1.0
    assert np.isnan(found.scores[0, 1])
    assert found.scores[1].tolist() == [0.5, 0.5]


def test_two_terms_are_a_paired_comparison() -> None:
    """The template is the case; a template that lacks a term is left out."""
    scores = graded(40, 3, off=-0.05)
    scores[0, 0] = nan
    found = term_difference(scores, 2, second=0, rng=fresh())
    assert found == compare(scores[1:, 0], scores[1:, 2], rng=fresh())
    assert found.difference is not None
    assert found.difference < 0


def test_cochran_q_of_conover(reference: dict[str, dict[str, Any]]) -> None:
    """For scores of 0 and 1 Friedman's test is Cochran's Q."""
    entry = reference["cochran_q"]
    found = term_gap(entry["inputs"]["x"], rng=fresh())
    assert number(found.friedman) == pytest.approx(entry["expected"][1], abs=entry["tolerance"])
    assert found.gap == pytest.approx(3 / 12)
    assert not found.shown


def test_gap_by_enumeration() -> None:
    """Two templates of two terms: of four arrangements two are as extreme."""
    found = term_gap([[0.75, 0.25], [1.0, 0.5]], rng=fresh(), resamples=19_999)
    assert number(found.p_value) == pytest.approx(0.5, abs=0.02)
    assert found.friedman == NotEstimable("Friedman's test needs 3 terms")


def test_a_term_that_matters_is_found() -> None:
    """A last term 15 points lower: the gap, and that term farthest from the mean of all."""
    scores = graded(60, 5, off=-0.15)
    found = term_gap(scores, rng=fresh(), resamples=999)
    assert number(found.p_value) == 1 / 1000
    assert number(found.friedman) < 1e-4
    assert int(np.argmin(found.means)) == 4
    every = term_deviations(scores, rng=fresh(), resamples=999)
    assert max(every, key=lambda d: abs(d.estimate)).term == 4
    assert every[4].estimate == pytest.approx(scores[:, 4].mean() - scores.mean())
    assert number(every[4].adjusted) == 1 / 1000
    interval = every[4].interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.high < 0
    assert interval.level == pytest.approx(0.95)


@given(TABLE, st.permutations([0, 1, 2]))
def test_order_of_terms_and_templates_does_not_matter(
    rows: list[list[float]], order: list[int]
) -> None:
    """Gap and deviations follow the terms wherever they stand; deviations add up to 0."""
    scores = np.array(rows)
    one = term_gap(scores, rng=fresh(), resamples=19)
    other = term_gap(scores[::-1, order], rng=fresh(), resamples=19)
    assert one.gap == pytest.approx(other.gap)
    assert [one.means[j] for j in order] == pytest.approx(list(other.means))
    assert number(one.p_value) >= 1 / 20
    every = term_deviations(scores, rng=fresh(), resamples=19)
    moved = term_deviations(scores[::-1, order], rng=fresh(), resamples=19)
    assert [every[j].estimate for j in order] == pytest.approx([d.estimate for d in moved])
    assert math.fsum(d.estimate for d in every) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("scores", [np.ones((30, 4)), np.tile(np.linspace(0, 1, 30)[:, None], 4)])
def test_terms_that_never_differ(scores: Any) -> None:
    """Nothing within templates: gap 0, p = 1, no rank test, and limits that have width."""
    found = term_gap(scores, rng=fresh(), resamples=99)
    assert (found.gap, number(found.p_value)) == (0.0, 1.0)
    assert found.friedman == NotEstimable("within every template all terms have the same score")
    every = term_deviations(scores, rng=fresh(), resamples=99)
    assert {number(d.adjusted) for d in every} == {1.0}
    interval = every[0].interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low < 0 < interval.high


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (np.zeros((0, 3)), "no template has all terms"),
        ([[nan, 1.0, 0.0]], "no template has all terms"),
        ([[1.0]], "there is one term"),
    ],
)
def test_no_gap_says_why(scores: Any, why: str) -> None:
    """Without complete templates or a second term there is no gap."""
    found = term_gap(scores, rng=fresh())
    n = found.templates
    assert found == TermGap(None, (), NotEstimable(why), NotEstimable(why), n, n)
    if np.shape(scores)[1] > 1:
        assert term_deviations(scores, rng=fresh()) == ()


def test_many_templates_are_permuted_in_blocks() -> None:
    """20,000 templates: a difference of a point is found, and no difference is not."""
    scores = graded(20_000, 3, off=-0.01)
    assert number(term_gap(scores, rng=fresh(), resamples=199).p_value) == 1 / 200
    assert number(term_gap(graded(20_000, 3), rng=fresh(), resamples=199).p_value) > 0.01


def test_change_of_a_difference() -> None:
    """The candidate puts the last term 10 points lower; what is harder for both cancels."""
    base = graded(60, 3, off=-0.1)
    candidate = base + np.random.default_rng(1).normal(0, 0.02, base.shape)
    candidate[:, 2] -= 0.1
    found = difference_change(base, candidate, first=2, second=0, rng=fresh())
    assert found.base is not None
    assert found.candidate is not None
    assert found.change == pytest.approx(found.candidate - found.base)
    assert not isinstance(found.procedure, NotEstimable)
    interval = found.procedure.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low < -0.1 < interval.high < 0
    assert number(found.exact) <= 1e-4
    every = deviation_changes(base, candidate, rng=fresh(), resamples=999)
    assert number(every[2].adjusted) == 1 / 1000
    assert every[2].estimate == pytest.approx(-0.067, abs=0.01)


@given(st.integers(0, 2**32 - 1))
def test_swapping_base_and_candidate_mirrors(seed: int) -> None:
    """The change turns its sign and keeps its p-values; raising all terms alike is no change."""
    rng = np.random.default_rng(seed)
    base, candidate = rng.random((12, 3)), rng.random((12, 3))
    one = difference_change(base, candidate, first=0, second=1, rng=fresh())
    other = difference_change(candidate, base, first=0, second=1, rng=fresh())
    assert one.change is not None
    assert other.change == pytest.approx(-one.change)
    assert number(one.exact) == pytest.approx(number(other.exact))
    ours = deviation_changes(base, candidate, rng=fresh(), resamples=99)
    theirs = deviation_changes(candidate, base, rng=fresh(), resamples=99)
    assert [number(d.adjusted) for d in ours] == [number(d.adjusted) for d in theirs]
    raised = deviation_changes(base, candidate + rng.random((12, 1)), rng=fresh(), resamples=99)
    assert [d.estimate for d in raised] == pytest.approx([d.estimate for d in ours])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(2, 5), st.data())
def test_limits_and_adjusted_p_values_agree(seed: int, n: int, k: int, data: st.DataObject) -> None:
    """Limits leave out 0 exactly where the adjusted p-value is at most 5 %, whatever the data."""
    rng = np.random.default_rng(seed)
    kind = data.draw(st.sampled_from(["binary", "rare", "graded"]))
    clusters = data.draw(st.sampled_from([None, np.arange(n) // 3, rng.integers(0, 9, n)]))
    off = np.array([0.0] * (k - 1) + [data.draw(st.sampled_from([0.0, 0.1, 0.4]))])
    base = np.ones((n, k)) if kind == "rare" else (rng.random((n, k)) < 0.7) * 1.0
    candidate = base * (rng.random((n, k)) >= off)
    if kind == "graded":
        base, candidate = rng.beta(5, 2, (2, n, k)) - np.array([np.zeros(k), off / 2])[:, None]
    options: dict[str, Any] = {"rng": rng, "clusters": clusters, "resamples": 199}
    found = [
        *deviation_changes(base, candidate, **options),
        *term_deviations(candidate, **options),
    ]
    assert len(found) == 2 * k
    for each in found:
        interval = each.interval(level=0.95)
        rejected = isinstance(each.adjusted, PValue) and each.adjusted.value <= 0.05
        excluded = isinstance(interval, Interval) and not interval.low <= 0 <= interval.high
        assert rejected == excluded
        if isinstance(interval, Interval):
            assert interval.low - 1e-9 <= each.estimate <= interval.high + 1e-9


@pytest.mark.parametrize("k", [2, 3, 6])
def test_more_terms_lose_no_finding(k: int) -> None:
    """A term that the candidate fails in 9 of 100 templates is found among many as among two."""
    base, candidate = np.ones((100, k)), np.ones((100, k))
    candidate[:9, -1] = 0
    two = difference_change(base, candidate, first=0, second=k - 1, rng=fresh())
    assert not isinstance(two.procedure, NotEstimable)
    p = two.procedure.p_value().value
    last = deviation_changes(base, candidate, rng=fresh())[-1]
    assert number(last.adjusted) == pytest.approx(p, abs=0.003) == pytest.approx(0.034, abs=0.001)
    interval = last.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.high < 0


def test_scores_raised_alike_leave_no_rounding() -> None:
    """A change that every term shares is none: p = 1, not that of what rounding leaves over."""
    rng = np.random.default_rng(5)
    base = rng.random((80, 3)) / 2
    candidate = base + rng.random((80, 1)) / 2
    every = deviation_changes(base, candidate, rng=fresh(), resamples=99)
    assert {number(d.adjusted) for d in every} == {1.0}
    found = difference_change(base, candidate, first=0, second=2, rng=fresh())
    assert not isinstance(found.procedure, NotEstimable)
    assert found.procedure.p_value().value == 1.0


def answers_of(base: Any, candidate: Any, clusters: Any = None) -> list[Any]:
    """Return every p-value and limit that the tables give."""
    options: dict[str, Any] = {"clusters": clusters, "rng": fresh()}
    change = difference_change(base, candidate, first=0, second=1, **options)
    every = deviation_changes(base, candidate, **options, resamples=499)
    gap = term_gap(candidate, **options, resamples=499)
    alike = terms_equivalent(candidate, margin=0.1, **options)
    compared = term_difference(candidate, 0, second=1, **options)
    assert not isinstance(change.procedure, NotEstimable)
    return [
        change.procedure.interval(level=0.95),
        number(change.exact),
        *((number(d.adjusted), d.interval(level=0.95)) for d in every),
        (number(gap.p_value), number(gap.friedman), gap.units),
        *((number(e.p_value), e.interval) for e in alike.pairs),
        (alike.verdict, alike.worst),
        (number(compared.exact), compared.difference),
    ]


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("binary", [True, False])
def test_copies_in_a_cluster_narrow_nothing(n: int, binary: bool) -> None:
    """Templates copied five times in a cluster say what the templates say, to the last digit."""
    rng = np.random.default_rng(n)
    base, candidate = rng.choice([0.0, 0.25, 0.5, 1.0], (2, n, 3))
    if binary:
        base, candidate = (np.round(t) for t in (base, candidate))
    label = np.arange(n)
    once = answers_of(base, candidate)
    assert answers_of(base, candidate, label) == once
    five = [np.repeat(t, 5, axis=0) for t in (base, candidate, label)]
    assert answers_of(*five) == once


def test_clusters_of_unequal_size_are_judged_as_clusters() -> None:
    """By t on clusters (CR2); taken for single templates the limits would be narrower."""
    rng = np.random.default_rng(6)
    label = np.repeat(np.arange(20), [2, 4, 6, 8] * 5)
    shift = rng.normal(0, 0.15, (20, 2))[label]
    base = 0.5 + rng.normal(0, 0.05, (100, 2))
    alone, found = (
        difference_change(base, base + shift, first=0, second=1, clusters=c, rng=fresh())
        for c in (None, label)
    )
    assert alone.change == found.change
    limits = []
    for each in (alone, found):
        assert not isinstance(each.procedure, NotEstimable)
        limits.append(each.procedure.interval(level=0.95))
    plain, clustered = limits
    assert isinstance(plain, Interval)
    assert isinstance(clustered, Interval)
    assert clustered.method == "t on clusters (CR2)"
    assert clustered.high - clustered.low > 1.5 * (plain.high - plain.low)
    gap = term_gap(base + shift, clusters=label, rng=fresh(), resamples=99)
    assert (gap.templates, gap.units) == (100, 20)
    assert isinstance(gap.p_value, PValue)
    assert gap.p_value.method == "terms permuted in cluster, 99 times"


def test_one_cluster_shows_nothing() -> None:
    """All templates in one cluster: not estimable, and why."""
    scores, label = graded(30, 3), np.zeros(30)
    why = NotEstimable("all cases are in one cluster, two are needed")
    for each in deviation_changes(scores, scores, clusters=label, rng=fresh()):
        assert each.adjusted == each.interval(level=0.95) == why
    found = terms_equivalent(scores, margin=0.1, clusters=label, rng=fresh())
    assert (found.verdict, found.p_value) == ("can't tell", why)


def test_units_are_what_clusters_join() -> None:
    """Templates 0 and 1 share a cluster, 1 and 3 another, so all three are one; 2 is alone."""
    template = np.array([0, 1, 1, 2, 3])
    cluster = np.array([5, 5, 2, 0, 2])
    assert template_units(template, cluster).tolist() == [0, 0, 1, 0]
    none = np.array([], dtype=np.int64)
    assert template_units(none, none).tolist() == []


def test_no_change_without_templates() -> None:
    """A template must be complete for both models."""
    found = difference_change([[nan, 1.0]], [[1.0, 1.0]], first=0, second=1, rng=fresh())
    none = NotEstimable("no template has both terms for both models")
    assert found == DifferenceChange(None, None, None, none, none, 0)
    assert deviation_changes([[nan, 1.0]], [[1.0, 1.0]], rng=fresh()) == ()


def test_equivalence_of_all_terms() -> None:
    """Shown within the margin for every pair, shown beyond it for one, or neither."""
    equal, off = graded(200, 3), graded(200, 3, off=-0.2)
    assert terms_equivalent(equal, margin=0.1, rng=fresh()).verdict == "equivalent"
    assert terms_equivalent(equal, margin=0.01, rng=fresh()).verdict == "can't tell"
    beyond = terms_equivalent(off, margin=0.1, rng=fresh())
    assert beyond.verdict == "not equivalent"
    assert beyond.worst in {(0, 2), (1, 2)}
    assert len(beyond.pairs) == 3
    # All pairs are beyond the margin with p = 1: the one farthest apart is named.
    steps = np.column_stack([np.ones(400), np.arange(400) < 280, np.zeros(400)])
    assert terms_equivalent(steps, margin=0.05, rng=fresh()).worst == (0, 2)
    alone = terms_equivalent([[1.0]], margin=0.1, rng=fresh())
    assert (alone.verdict, alone.p_value) == ("can't tell", NotEstimable("there is one term"))
    empty = terms_equivalent([[nan, 1.0]], margin=0.1, rng=fresh())
    assert (empty.verdict, empty.p_value) == (
        "can't tell",
        NotEstimable("no template has both terms"),
    )


def test_tables_have_two_dimensions() -> None:
    """A flat list is a mistake of the caller."""
    with pytest.raises(ValueError, match="templates x terms"):
        term_gap([1.0, 0.0], rng=fresh())


def test_slices_by_square_and_add_and_by_welch() -> None:
    """Binary and thin slices go by Tango's limits, dense ones by Welch."""
    rng = np.random.default_rng(2)
    binary = [
        case_units(rng.choice([-1.0, 0.0, 1.0], p=p, size=80))
        for p in ([0.1, 0.6, 0.3], [0.1, 0.8, 0.1])
    ]
    found = slice_difference(*binary, binary=True)
    assert not isinstance(found.procedure, NotEstimable)
    assert found.procedure.method == "square-and-add of Tango scores"
    interval = found.procedure.interval(level=0.95)
    assert isinstance(interval, Interval)
    assert interval.low < binary[0].mean - binary[1].mean < interval.high
    dense = [case_units(rng.normal(m, 0.2, 100)) for m in (0.3, 0.0)]
    welch = slice_difference(*dense)
    assert not isinstance(welch.procedure, NotEstimable)
    assert welch.procedure.method == "Welch"
    assert welch.procedure.p_value().value < 1e-6
    assert welch.shown


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_slices_mirror(seed: int, binary: bool) -> None:
    """One minus other is minus other minus one, with the same p-value."""
    rng = np.random.default_rng(seed)
    kinds = [-1.0, 0.0, 1.0] if binary else [-0.5, -0.1, 0.0, 0.3]
    one, other = (case_units(rng.choice(kinds, size=n)) for n in (15, 40))
    ours, theirs = (slice_difference(*s, binary=binary) for s in ((one, other), (other, one)))
    assert ours.difference is not None
    assert theirs.difference == pytest.approx(-ours.difference)
    assert not isinstance(ours.procedure, NotEstimable)
    assert not isinstance(theirs.procedure, NotEstimable)
    assert theirs.procedure.p_value().value == pytest.approx(
        ours.procedure.p_value().value, rel=1e-5
    )


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (case_units([]), case_units([0.5]), "a slice has no case"),
        (
            cluster_units([0.5, 0.5], ["a", "a"]),
            cluster_units([0.5, 0.5], ["a", "b"]),
            "all cases of a slice are in one cluster, two are needed",
        ),
    ],
)
def test_no_slice_difference_says_why(one: Units, other: Units, why: str) -> None:
    """Empty slices and single clusters; small slices are flagged, not dropped."""
    found = slice_difference(one, other)
    assert found == SliceDifference(found.difference, NotEstimable(why), (one.count, other.count))
    assert not found.shown


def test_one_slice_of_many_is_found() -> None:
    """A slice that loses among eight: its adjusted p-value is the smallest, no other is small."""
    rng = np.random.default_rng(3)
    label = np.repeat(np.arange(8), 40)
    d = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=320) - 0.8 * (label == 5)
    order = rng.permutation(320)
    found = slice_gaps(case_units(d[order]), label[order], rng=fresh(), shuffles=999)
    p = [number(g.adjusted) for g in found]
    assert p[5] == 1 / 1000
    assert min(p[:5] + p[6:]) > 0.01
    assert found[5].against_rest.difference == pytest.approx(
        d[label == 5].mean() - d[label != 5].mean()
    )


def test_small_and_empty_slices_stay() -> None:
    """A slice of one is not tested, one of none not estimable; both stand in their place."""
    found = slice_gaps(
        case_units([0.5, -0.5, 0.25, 0.0, 0.1, 0.2]), [0, 0, 0, 2, 3, 3], rng=fresh(), shuffles=99
    )
    why = NotEstimable("a shuffle needs 2 units in the slice and 2 outside")
    assert [g.slice for g in found] == [0, 1, 2, 3]
    assert [isinstance(g.adjusted, PValue) for g in found] == [True, False, False, True]
    assert found[2].adjusted == why
    assert found[1].against_rest.difference is None
    alone = slice_gaps(case_units([0.5, 0.2]), [0, 0], rng=fresh())
    assert alone[0].adjusted == why
    with pytest.raises(ValueError, match="one slice per unit"):
        slice_gaps(case_units([0.5]), [0, 1], rng=fresh())


def test_slices_of_graded_scores_are_shuffled_one_by_one() -> None:
    """Differences of many kinds give what the same differences dealt as counts give."""
    rng = np.random.default_rng(4)
    label = np.repeat(np.arange(4), 70)
    d = rng.choice([-1.0, 0.0, 1.0], p=[0.15, 0.7, 0.15], size=280) + 0.4 * (label == 1)
    counted = slice_gaps(case_units(d), label, rng=fresh(), shuffles=1_999)
    almost = d + rng.normal(0, 1e-6, 280)
    shuffled = slice_gaps(case_units(almost), label, rng=fresh(), shuffles=1_999)
    one, other = ([number(g.adjusted) for g in found] for found in (counted, shuffled))
    assert one == pytest.approx(other, abs=0.04)
    assert one[1] < 0.2
