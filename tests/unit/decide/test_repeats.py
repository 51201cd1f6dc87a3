"""Several samples of a case: the variance in parts, what to buy next, pass@k and pass^k."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

from evalkit.decide import decide, from_dict, to_dict
from evalkit.decide.decision import (
    RegressedCases,
    RepeatedSamples,
    SuiteResult,
    VarianceParts,
)
from evalkit.decide.repeats import (
    CASE_COST,
    REGRESSED_RATE,
    next_purchase,
    variance_parts,
)
from evalkit.stats.paired import compare
from evalkit.stats.repeats import Components, paired_components, repeats
from evalkit.stats.values import NotEstimable

from .made_up import FAILED, Answer, MadeUp, MadeUpRun, only, record, result_of, run_of
from .test_plain import schema

Samples = Sequence[Sequence[Answer]]


def asked(base: Samples, tuned: Samples, **fields: Any) -> MadeUp:
    """Return a guard with the samples of each model, a sequence of them a case."""
    made = MadeUp("triage").add([s[0] for s in base], [s[0] for s in tuned], **fields)
    more = tuple(
        record("triage", case.id, model, answer, sample=number)
        for model, samples in (("base", base), ("tuned", tuned))
        for case, of_case in zip(made.cases, samples, strict=True)
        for number, answer in enumerate(of_case)
        if number
    )
    return replace(made, records=(*made.records, *more))


def drawn(n: int, k: int, *, seed: int = 0, **fields: Any) -> MadeUp:
    """Return a guard of right and wrong samples that differ between cases and within them."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 1, (n, 1))
    base, tuned = ((rng.random((n, k)) < chance).astype(float).tolist() for _ in "ab")
    return asked(base, tuned, **fields)


def repeats_in(result: SuiteResult) -> RepeatedSamples:
    """Return what repeated samples show; there must be something."""
    assert result.repeats is not None
    return result.repeats


def parts_in(found: RepeatedSamples) -> VarianceParts:
    """Return the variance in parts, which must be estimable."""
    assert found.variance is not None
    return found.variance


def regressed_in(made: MadeUp) -> RegressedCases:
    """Return which cases regressed; samples must be there to tell."""
    found = repeats_in(result_of(run_of(made))).regressed
    assert found is not None
    return found


def test_one_sample_a_case_says_nothing_of_samples() -> None:
    """There is no field to read where every case was asked once."""
    assert result_of(run_of(drawn(20, 1))).repeats is None


def test_the_parts_are_the_variance_of_the_mean() -> None:
    """Cases and both models' samples add up to s^2 / n of the case means' differences."""
    made = drawn(60, 3)
    found = repeats_in(result_of(run_of(made)))
    means = {
        model: [
            np.mean([r.score for r in made.records if (r.case, r.model) == (c.id, model)])
            for c in made.cases
        ]
        for model in ("base", "tuned")
    }
    d = np.subtract(means["tuned"], means["base"])
    parts = parts_in(found)
    assert parts.cases + parts.base + parts.candidate == pytest.approx(float(d.var(ddof=1)) / 60)
    assert parts.judge is None
    assert parts.removable == pytest.approx(1 - parts.cases / (float(d.var(ddof=1)) / 60))
    assert (found.base_samples, found.candidate_samples) == (3, 3)


def test_samples_that_never_differ_leave_all_to_the_cases() -> None:
    """A model that says the same three times: more cases, and one sample of each would do."""
    base, tuned = [[1.0] * 3] * 20 + [[0.0] * 3] * 20, [[1.0] * 3] * 30 + [[0.0] * 3] * 10
    found = repeats_in(result_of(run_of(asked(base, tuned))))
    parts, bought = parts_in(found), found.next_purchase
    assert (parts.base, parts.candidate, parts.removable) == (0, 0, 0)
    assert bought is not None
    assert (bought.buy, bought.base_samples, bought.candidate_samples) == ("cases", 1, 1)
    # 10 + 2 instead of 10 + 6 for the same variance.
    assert (bought.saving, bought.case_cost) == (0.25, CASE_COST)


def test_noise_beyond_the_cases_asks_for_samples() -> None:
    """Cases that are all alike leave the whole variance to the samples, and no number is best."""
    base = [[1.0, 0.0]] * 40
    tuned = [[1.0, 0.0]] * 38 + [[1.0, 1.0], [0.0, 0.0]]
    found = repeats_in(result_of(run_of(asked(base, tuned))))
    parts, bought = parts_in(found), found.next_purchase
    assert (parts.cases, parts.removable) == (0, 1)
    assert bought is not None
    assert (bought.buy, bought.base_samples, bought.candidate_samples) == ("samples", None, None)


def test_judgements_are_a_part_of_their_own() -> None:
    """Where samples are judged twice, the judge's noise is taken out of the models'."""
    rng = np.random.default_rng(2)
    n, k = 30, 3
    case, sample = np.repeat(np.arange(n), 2 * k), np.repeat(np.arange(n * k), 2)
    models = [
        repeats(
            (rng.normal(0, 0.2, n)[case] + rng.normal(0, 0.3, n * k)[sample])
            + rng.normal(0, 0.2, len(case)),
            case,
            samples=sample,
        )
        for _ in "ab"
    ]
    found = paired_components(*models)
    assert isinstance(found, Components)
    parts = variance_parts(found)
    assert parts.judge is not None
    whole = parts.cases + parts.base + parts.candidate + parts.judge
    assert whole == pytest.approx(found.estimate.standard_error**2)
    # Two judgements each: half of .04 for the judge beside .09 for the samples.
    assert parts.judge / (parts.base + parts.candidate) == pytest.approx(0.02 / 0.09, rel=0.3)


def test_pass_rates_by_hand() -> None:
    """Any of two right, both right; a case with one graded sample is left out and counted."""
    base: Samples = [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, FAILED]]
    tuned: Samples = [[1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    some, every = repeats_in(result_of(run_of(asked(base, tuned)))).passes
    assert (some.measure, some.k, some.n, some.dropped) == ("pass@2", 2, 3, 1)
    assert (some.base, some.candidate) == pytest.approx((2 / 3, 1))
    assert (every.measure, every.k, every.n, every.dropped) == ("pass^2", 2, 3, 1)
    assert (every.base, every.candidate) == pytest.approx((1 / 3, 2 / 3))
    for rates in (some, every):
        assert rates.interval is not None
        assert rates.difference is not None
        assert rates.interval.low < rates.difference < rates.interval.high
        assert rates.interval.level == 0.95


def test_k_is_what_both_models_were_asked() -> None:
    """With five samples of one model and two of the other, k is two."""
    base, tuned = [[1.0, 0.0, 0.0, 0.0, 0.0]] * 8, [[1.0, 1.0]] * 8
    some, every = repeats_in(result_of(run_of(asked(base, tuned)))).passes
    assert (some.measure, every.measure, some.n) == ("pass@2", "pass^2", 8)
    # One of five right: 1 - C(4, 2) / C(5, 2).
    assert (some.base, every.base) == pytest.approx((0.4, 0.0))


@pytest.mark.parametrize(
    ("tuned", "why"),
    [
        ([[0.5, 1.0], [0.0, 1.0], [1.0, 1.0]], ""),
        ([[1.0], [0.0], [1.0]], "no case has two samples of one model"),
    ],
)
def test_without_pass_rates(tuned: Samples, why: str) -> None:
    """Scores between right and wrong, or one sample of a model, have none; the reason is there."""
    found = repeats_in(result_of(run_of(asked([[1.0, 0.0]] * 3, tuned))))
    assert found.passes == ()
    assert found.note.startswith(why)
    assert (found.variance is None) is (found.next_purchase is None) is bool(why)


def test_clusters_count_as_one() -> None:
    """Pass rates are compared by cluster, also where a case is left out; so is the variance."""
    clusters = [f"c{i // 4}" for i in range(80)]
    made = drawn(80, 3, seed=3, cluster=clusters)
    lost = next(r for r in made.records if r.case == made.cases[5].id and r.sample == 2)
    records = [replace(r, outcome=FAILED, score=None) if r is lost else r for r in made.records]
    result = result_of(run_of(replace(made, records=tuple(records))))
    some, _ = repeats_in(result).passes
    assert (some.n, some.dropped) == (79, 1)
    kept = [i for i in range(80) if i != 5]
    base, tuned = (
        [
            max(r.score or 0.0 for r in made.records if (r.case, r.model) == (c.id, model))
            for c in (made.cases[i] for i in kept)
        ]
        for model in ("base", "tuned")
    )
    labels = [clusters[i] for i in kept]
    expected = compare(base, tuned, clusters=labels, rng=np.random.default_rng(0)).procedure
    assert not isinstance(expected, NotEstimable)
    limits = expected.interval(level=0.95)
    assert some.interval is not None
    assert not isinstance(limits, NotEstimable)
    assert (some.interval.low, some.interval.high) == pytest.approx((limits.low, limits.high))
    assert some.interval.method == limits.method == "t on clusters (CR2)"
    # The variance is that of the interval that decides, whose clusters are the units.
    assert result.variance is not None
    parts = parts_in(repeats_in(result))
    whole = parts.cases + parts.base + parts.candidate
    assert whole == pytest.approx(result.variance / result.n)


def test_a_watched_suite_gives_no_interval_of_its_pass_rates() -> None:
    """The answers chose the number of cases, which an interval for a fixed number does not know."""
    run = run_of(drawn(100, 2))
    watched = decide(replace(run.data, watched={"triage": 40}), run.policy)
    (result,) = only(watched).suites
    for rates in repeats_in(result).passes:
        assert rates.n == 40
        assert (rates.interval, rates.p_value) == (None, None)
        assert rates.note.startswith("judged while asked")
        assert rates.difference is not None


def test_the_cases_that_regressed_by_hand() -> None:
    """Fisher's test of five against five, and Benjamini-Hochberg over those that could show it."""
    base = [[1.0] * 5] * 2 + [[1.0] * 4 + [0.0]] + [[1.0] * 5] * 20
    tuned = [[0.0] * 5, [1.0] + [0.0] * 4, [1.0, 1.0] + [0.0] * 3] + [[1.0] * 5] * 20
    found = regressed_in(asked(base, tuned))
    # Of the C(10, 5) choices of the candidate's samples those with as few right ones or fewer: of
    # 5 right none, of 6 right one (C(6, 1) C(4, 4)), of 6 right two or one (15 * 4 + 6).
    p = [1 / 252, 6 / 252, 66 / 252]
    assert [c.case for c in found.cases] == ["heldout-0000", "heldout-0001"]
    assert [c.p_value for c in found.cases] == pytest.approx(p[:2])
    assert [c.p_adjusted for c in found.cases] == pytest.approx([3 * p[0], 3 / 2 * p[1]])
    first = found.cases[1]
    counts = (first.base_right, first.base_samples, first.candidate_right, first.candidate_samples)
    assert counts == (5, 5, 1, 5)
    assert (found.tested, found.unreachable, found.rate, found.note) == (3, 20, REGRESSED_RATE, "")


def test_two_samples_name_no_case() -> None:
    """One in six is the least p-value of two against two: nothing was tested, and that is said."""
    found = regressed_in(asked([[1.0, 1.0]] * 9, [[0.0, 0.0]] * 9))
    assert (found.cases, found.tested, found.unreachable) == ((), 0, 9)


def test_no_list_of_cases() -> None:
    """One sample of a model, graded ones, or a watched suite: no case is named."""
    base = [[1.0] * 5] * 9
    assert repeats_in(result_of(run_of(asked(base, [[0.0]] * 9)))).regressed is None
    graded = regressed_in(asked(base, [[0.0, 0.5, 0.0, 0.0, 0.0]] * 9))
    assert (graded.cases, graded.note) == ((), "a sample scores between right and wrong")
    run = run_of(asked(base, [[0.0] * 5] * 9))
    (result,) = only(decide(replace(run.data, watched={"triage": 9}), run.policy)).suites
    watched = repeats_in(result).regressed
    assert watched is not None
    assert watched.cases == ()
    assert watched.note.startswith("judged while asked")


def test_the_order_of_samples_changes_no_byte() -> None:
    """Records in another order give the same decision, which fits its schema and reads back."""
    made = drawn(30, 4, seed=5)
    mixed = replace(made, records=made.records[::-1])
    one, other = (to_dict(MadeUpRun((m,)).decide()) for m in (made, mixed))
    assert json.dumps(one) == json.dumps(other)
    jsonschema.Draft202012Validator(schema("decision")).validate(one)
    assert to_dict(from_dict(one)) == one


def test_the_cost_of_a_case_is_stated() -> None:
    """Two models of equal noise, as large as the cases' variance: K = sqrt(10), so about 3."""
    rng = np.random.default_rng(7)
    truth, case = rng.normal(0, 0.5, (400, 1)), np.repeat(np.arange(400), 4)
    base, candidate = (repeats(rng.normal(0, 0.5, (400, 4)) + x, case) for x in (0 * truth, truth))
    found = paired_components(base, candidate)
    assert isinstance(found, Components)
    bought = next_purchase(found)
    assert (bought.base_samples, bought.candidate_samples) == (3, 3)
    assert (bought.buy, bought.case_cost) == ("cases", 10)
