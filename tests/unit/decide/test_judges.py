"""Judges of a suite: whether they are steady, whether people agree, and what labels change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from evalkit.decide import Policy, RunData, decide, to_dict
from evalkit.decide.decision import JudgeResult, SuiteResult
from evalkit.model import (
    Case,
    Failure,
    Grade,
    Graded,
    GraderSpec,
    Judge,
    Label,
    ModelSpec,
    Pair,
    Project,
    Record,
    Reply,
    Sampling,
    Source,
    Suite,
    Ungraded,
)

from .made_up import only, spec
from .test_plain import schema

Human = Mapping[str, Label]
JUDGE = ModelSpec("judge default", "judge", "scripted", "gpt-4.1")
KIND = GraderSpec("kind", "rubric", {"rubric": "Is it kind?", "pass": 4}, Source("s.yaml", 3))
BETTER = GraderSpec("better", "pairwise", {}, Source("s.yaml", 3))


def graded(*scores: float, by: str = "gpt-4.1-2025-04-14") -> Grade:
    """Return the grade of a judge that was asked as often as there are scores."""
    mean = sum(scores) / len(scores)
    detail = {"verdicts": [[1 + 4 * s] for s in scores], "scores": list(scores), "judges": [by]}
    return Grade(mean, mean >= 0.75, "because", detail)


def paired(first: str, second: str) -> Grade:
    """Return the grade of a pair that was judged in both orders."""
    wins = {"first": 1.0, "second": 0.0, "tie": 0.5}
    one, other = wins[first], 1 - wins[second]
    score = one if one == other else 0.5
    detail = {"verdicts": [[first, second]], "scores": [score], "judges": ["j"]}
    return Grade(score, score >= 0.5, "", detail)


def answer(
    case: str, model: str, grade: Graded, *, grader: str = "kind", sample: int = 0
) -> Record:
    """Return the record of an answer that says what it was given."""
    score = grade.score if isinstance(grade, Grade) else None
    reply = Reply(f"{model} on {case}", model=f"{model}-name")
    return Record("tone", case, model, sample, reply, {grader: grade}, score)


def decided(
    records: Sequence[Record],
    *,
    human: Mapping[str, Human] | None = None,
    grader: GraderSpec = KIND,
    score: str = "",
    **fields: Any,
) -> SuiteResult:
    """Return the result of a suite whose score is one grader's, unless ``score`` says otherwise."""
    ids = sorted({record.case for record in records})
    labels = human or {}
    cases = tuple(Case("tone", name, (), human=labels.get(name, {}), **fields) for name in ids)
    suite = Suite("tone", "guard", cases, (grader,), score or grader.name, Sampling(), margin=0.1)
    models = {"base": spec("base", "base"), "tuned": spec("tuned", "candidate")}
    judges = {"default": Judge(JUDGE, Sampling())}
    project = Project(Path(), models, (Pair("base", "tuned"),), judges=judges)
    decision = decide(RunData(project, (suite,), records), Policy())
    jsonschema.Draft202012Validator(schema("decision")).validate(
        json.loads(json.dumps(to_dict(decision)))
    )
    (result,) = only(decision).suites
    return result


def judge_of(result: SuiteResult) -> JudgeResult:
    """Return the one judge of a suite."""
    (judge,) = result.judges
    return judge


def both(scores: Sequence[tuple[float, float]]) -> list[Record]:
    """Return the records of as many cases, base and tuned judged once."""
    return [
        answer(f"c{i:03}", model, graded(score))
        for i, pair in enumerate(scores)
        for model, score in zip(("base", "tuned"), pair, strict=True)
    ]


def test_who_judged_and_what_has_no_verdict() -> None:
    """Names as they were answered; answers without a verdict by kind, and none of them a score."""
    lost = Ungraded("the judge did not answer: timeout: no answer in 120 s")
    odd = Ungraded("no verdict of the judge, which needs a whole number: 'splendid'")
    records = both([(1, 1)] * 20)
    records[1] = answer("c000", "tuned", lost)
    records[3] = answer("c001", "tuned", odd)
    records[5] = answer("c002", "tuned", graded(1, by="gpt-4.1-2026-01-01"))
    found = decided(records)
    judge = judge_of(found)
    assert (judge.grader, judge.asked_as, judge.judged) == ("kind", "gpt-4.1", 38)
    assert judge.answered_as == ("gpt-4.1-2025-04-14", "gpt-4.1-2026-01-01")
    assert {no.why: no.n for no in judge.no_verdict} == {
        "no answer: timeout": 1,
        "no verdict on its scale": 1,
    }
    assert (found.n, found.ungraded, found.candidate_mean) == (18, 2, 1.0)
    assert (judge.noise, judge.position, judge.people, judge.corrected) == (None,) * 4


def test_failed_calls_and_other_graders_are_no_judgements() -> None:
    """An answer that never came was not judged; a suite without judges has none."""
    records = both([(1, 1)] * 5)
    records[1] = replace(records[1], outcome=Failure("timeout", ""), grades={}, score=None)
    assert judge_of(decided(records)).judged == 9
    plain = GraderSpec("kind", "contains", {}, Source("s.yaml", 3))
    assert decided(records, grader=plain).judges == ()


def test_repeats_show_the_judges_noise() -> None:
    """The pooled spread on one answer, and its part of the variance of the mean difference."""
    rng = np.random.default_rng(5)
    records = [
        answer(f"c{i:03}", model, graded(*rng.choice([0.0, 1.0], size=3)))
        for i in range(200)
        for model in ("base", "tuned")
    ]
    noise = judge_of(decided(records)).noise
    assert noise is not None
    # Each verdict is a coin, whatever the answer: its variance is .25, and nothing else varies.
    assert noise.answers == 400
    assert noise.spread == pytest.approx(0.5, abs=0.03)
    assert noise.share == pytest.approx(1, abs=0.15)
    steady = [answer(r.case, r.model, graded(0.5, 0.5)) for r in records]
    still = judge_of(decided(steady)).noise
    assert still is not None
    assert (still.spread, still.share) == (0, 0)
    assert judge_of(decided(both([(1, 0)] * 9))).noise is None


def test_all_differences_from_the_judges_own_flips_are_all_its_noise() -> None:
    """15 of 200 cases lose .5 as the judge disagrees with itself: the suite is thin, the share 1.

    The variance of these differences is 15 / 200 x .25 less their mean's square, the judge's part
    15 / 400 x .5; the suite's variance for planning is twice as large.
    """
    records = [
        answer(f"c{i:03}", model, graded(1, 0 if model == "tuned" and i < 15 else 1))
        for i in range(200)
        for model in ("base", "tuned")
    ]
    result = decided(records)
    noise = judge_of(result).noise
    assert noise is not None
    assert noise.share == 1
    more = [
        answer(f"d{i:03}", model, graded(*[float(model == "base")] * 2))
        for i in range(30)
        for model in ("base", "tuned")
    ]
    mixed = judge_of(decided([*records, *more])).noise
    assert mixed is not None
    differences = np.array([-0.5] * 15 + [0.0] * 185 + [-1.0] * 30)
    assert mixed.share == pytest.approx(15 * 0.5 / 460 / differences.var(ddof=1))


def test_the_judges_part_of_the_variance_stands_apart() -> None:
    """Where cases have several samples, and samples several verdicts: here nothing else varies."""
    rng = np.random.default_rng(6)
    records = [
        answer(f"c{i:03}", model, graded(*rng.choice([0.0, 1.0], size=2)), sample=sample)
        for i in range(150)
        for model in ("base", "tuned")
        for sample in range(3)
    ]
    repeats = decided(records).repeats
    assert repeats is not None
    assert repeats.variance is not None
    parts = repeats.variance
    assert parts.judge is not None
    assert repeats.base_samples == 3
    total = parts.cases + parts.base + parts.candidate + parts.judge
    assert parts.judge / total > 0.7
    once = [answer(r.case, r.model, graded(r.score or 0.0), sample=r.sample) for r in records]
    alone = decided(once).repeats
    assert alone is not None
    assert alone.variance is not None
    assert alone.variance.judge is None


def test_position_bias_of_a_judge_of_pairs() -> None:
    """A judge that always takes the first place prefers nobody; it is told, with the exact p."""
    grades = [paired("first", "first")] * 12 + [paired("first", "second")] * 6
    records = [
        record
        for i, grade in enumerate(grades)
        for record in (
            answer(f"c{i:03}", "base", Grade(0.5, passed=True), grader="better"),
            answer(f"c{i:03}", "tuned", grade, grader="better"),
        )
    ]
    judge = judge_of(decided(records, grader=BETTER))
    place = judge.position
    assert judge.judged == 18
    assert place is not None
    assert (place.first, place.second, place.n) == (12, 0, 18)
    assert place.estimate == pytest.approx(-12 / 18)
    assert place.p_value == pytest.approx(2 * 0.5**12)
    assert place.consistent == pytest.approx(6 / 18)


def test_places_are_counted_by_cluster() -> None:
    """Cases of one cluster are one of `first`, as the sign test counts them; `n` counts cases."""
    records = [
        record
        for i in range(18)
        for record in (
            answer(f"c{i:03}", "base", Grade(0.5, passed=True), grader="better"),
            answer(f"c{i:03}", "tuned", paired("first", "first"), grader="better"),
        )
    ]
    place = judge_of(decided(records, grader=BETTER, cluster="x")).position
    assert place is not None
    assert (place.first, place.second, place.n) == (1, 0, 18)
    assert place.p_value == 1


def test_agreement_with_people() -> None:
    """As pass or fail by the grader's own threshold, and how far apart the scores are."""
    records = both([(1.0, 0.5)] * 6 + [(0.0, 1.0)] * 4)
    human = {f"c{i:03}": {"base": Label(float(i < 6)), "tuned": Label(0.5)} for i in range(10)}
    people = judge_of(decided(records, human=human)).people
    assert people is not None
    # Of the base all agree; of tuned the six at .5 fail on both sides, the four at 1 pass alone.
    assert (people.n, people.stale, people.raw) == (20, 0, 16 / 20)
    assert people.interval is not None
    assert people.interval.low < 0.8 < people.interval.high
    assert people.kappa is not None
    assert people.gap == pytest.approx(4 * 0.5 / 20)
    assert people.lean == pytest.approx(4 * 0.5 / 20)


def test_a_label_of_another_answer_is_stale() -> None:
    """It counts for nothing but is counted; one of this very answer counts."""
    records = both([(1.0, 1.0)] * 3)
    human = {
        "c000": {"tuned": Label(1, "tuned on c000\n")},
        "c001": {"tuned": Label(0, "what an older model said")},
        "c002": {"somebody-else": Label(0)},
    }
    people = judge_of(decided(records, human=human)).people
    assert people is not None
    assert (people.n, people.stale, people.raw) == (1, 1, 1.0)
    human = {"c000": {"tuned": Label(1, "gone")}}
    gone = judge_of(decided(records, human=human)).people
    assert gone is not None
    assert (gone.n, gone.stale, gone.raw, gone.gap) == (0, 1, None, None)


def test_of_several_samples_the_one_that_was_read_counts() -> None:
    """A label with an answer finds it; one without is of the first sample."""
    records = [
        replace(answer("c0", model, graded(float(sample == 1)), sample=sample), outcome=Reply(text))
        for model in ("base", "tuned")
        for sample, text in enumerate(("no", "yes"))
    ]
    human = {"c0": {"base": Label(1, "yes"), "tuned": Label(1)}}
    people = judge_of(decided(records, human=human)).people
    assert people is not None
    assert (people.n, people.raw) == (2, 0.5)


def test_skewed_labels_are_warned_of() -> None:
    """Nearly all pass on both sides: kappa falls, AC1 does not, and the report can say so."""
    records = both([(1.0, 1.0)] * 29 + [(0.0, 1.0)])
    human = {f"c{i:03}": {"base": Label(1), "tuned": Label(float(i > 0))} for i in range(30)}
    people = judge_of(decided(records, human=human)).people
    assert people is not None
    assert "labels are 'pass'" in people.skew
    assert people.kappa is not None
    assert people.ac1 is not None
    assert people.kappa < 0.1
    assert people.ac1 > 0.9


def noisy(seed: int) -> tuple[SuiteResult, float]:
    """Return a suite of 400 cases whose judge is right four times in five, and the true change.

    People labelled three cases in ten, at random.
    """
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.random(400) < 0.4, rng.random(400) < 0.7])
    seen = np.where(rng.random(truth.shape) < 0.8, truth, ~truth).astype(float)
    chosen = set(rng.choice(400, size=120, replace=False).tolist())
    human = {
        f"c{i:03}": {"base": Label(float(truth[0, i])), "tuned": Label(float(truth[1, i]))}
        for i in chosen
    }
    return decided(both(list(zip(*seen.tolist(), strict=True))), human=human), 0.3


def test_labels_take_the_judges_errors_out() -> None:
    """A judge right in 80 % shows a change too small; the corrected interval holds the truth."""
    raw = corrected = 0
    runs = 20
    for seed in range(runs):
        result, truth = noisy(seed)
        found = judge_of(result).corrected
        assert found is not None
        assert found.interval is not None
        assert result.interval is not None
        assert (found.labelled, found.cases, found.verdict) == (120, 400, "improved")
        raw += result.interval.low <= truth <= result.interval.high
        corrected += found.interval.low <= truth <= found.interval.high
    assert corrected >= 0.85 * runs
    assert raw <= 0.15 * runs


def test_a_correction_may_contradict_the_judge() -> None:
    """A judge that likes the candidate's ways sees a gain where people see a loss: it is told."""
    records = both([(0.0, 1.0)] * 60 + [(1.0, 1.0)] * 60)
    human = {
        f"c{i:03}": {"base": Label(1), "tuned": Label(float(i % 3 == 0))} for i in range(0, 120, 2)
    }
    result = decided(records, human=human)
    found = judge_of(result).corrected
    assert result.verdict == "improved"
    assert found is not None
    assert (found.agrees, found.labelled) == (False, 60)
    assert found.verdict == "regressed_beyond_margin"
    assert any("random sample" in sentence for sentence in found.assumptions)


def test_where_all_is_labelled_people_decide_the_figure() -> None:
    """No judge is needed for it: the difference is that of the labels."""
    records = both([(1.0, 1.0)] * 30)
    human = {f"c{i:03}": {"base": Label(0), "tuned": Label(float(i < 15))} for i in range(30)}
    found = judge_of(decided(records, human=human)).corrected
    assert found is not None
    assert found.difference == 0.5
    assert found.interval is not None
    assert found.interval.low > 0.2


def test_pairs_are_corrected_from_one_label_a_case() -> None:
    """The base ties with itself, so that the candidate's label is the difference."""
    rng = np.random.default_rng(2)
    won = rng.random(200) < 0.6
    records = [
        record
        for i, better in enumerate(won.tolist())
        for record in (
            answer(f"c{i:03}", "base", Grade(0.5, passed=True), grader="better"),
            answer(
                f"c{i:03}",
                "tuned",
                paired("first", "second") if better else paired("second", "first"),
                grader="better",
            ),
        )
    ]
    human = {f"c{i:03}": {"tuned": Label(float(won[i]))} for i in range(0, 200, 4)}
    judge = judge_of(decided(records, human=human, grader=BETTER))
    assert judge.people is not None
    assert (judge.people.n, judge.people.raw) == (50, 1.0)
    assert judge.corrected is not None
    assert judge.corrected.difference == pytest.approx(won.mean() - 0.5, abs=0.01)
    assert judge.corrected.agrees is True


@pytest.mark.parametrize(
    ("labels", "score", "why"),
    [
        (9, "", "9 cases have labels of both answers, and a correction needs 10"),
        (20, "0.5 * kind", None),
    ],
)
def test_no_correction_where_it_means_nothing(labels: int, score: str, why: str | None) -> None:
    """Of a few labels, or of a score that is more than the judge's."""
    records = both([(1.0, 0.0)] * 40)
    human = {f"c{i:03}": {"base": Label(1), "tuned": Label(0)} for i in range(labels)}
    found = judge_of(decided(records, human=human, score=score)).corrected
    assert (found and found.note) == why


def test_clusters_are_the_units_of_a_correction() -> None:
    """Cases of one cluster count as one observation, of the judge and of people."""
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 2, size=(120, 2)).astype(float)
    human = {
        f"c{i:03}": {"base": Label(scores[i, 0]), "tuned": Label(scores[i, 1])}
        for i in range(0, 120, 3)
    }
    found = judge_of(decided(both(scores.tolist()), human=human, cluster="x")).corrected
    assert found is not None
    assert found.interval is None
    apart = judge_of(decided(both(scores.tolist()), human=human)).corrected
    assert apart is not None
    assert apart.interval is not None


def test_a_cosine_is_on_nobodys_scale() -> None:
    """Labels tell how often it and people agree on what passes, and nothing about its scores."""
    near = GraderSpec("near", "cosine", {"threshold": 0.7}, Source("s.yaml", 3))
    given = {
        model: Grade(score, score >= 0.7, "", {"judges": ["e-1"]})
        for model, score in (("tuned", 0.9), ("base", 0.6))
    }
    records = [
        answer(f"c{i:03}", model, grade, grader="near")
        for i in range(30)
        for model, grade in given.items()
    ]
    human = {f"c{i:03}": {"tuned": Label(1.0), "base": Label(0.0)} for i in range(30)}
    judge = judge_of(decided(records, human=human, grader=near))
    assert (judge.answered_as, judge.judged) == (("e-1",), 60)
    assert judge.people is not None
    assert (judge.people.n, judge.people.raw) == (60, 1.0)
    assert (judge.people.gap, judge.people.lean, judge.corrected) == (None, None, None)
    assert (judge.noise, judge.position) == (None, None)
