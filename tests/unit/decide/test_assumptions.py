"""What the figures of a decision take for granted stands beside them, for every way to judge."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from evalkit.decide import Policy, SuiteRule, from_dict, to_dict
from evalkit.decide.policy import Correction
from evalkit.stats import assumptions as said
from evalkit.stats.assumptions import CASES, CLUSTERS, UNITS, UNWRITTEN, assumptions_of

from .made_up import Answer, MadeUp, MadeUpRun, only, result_of, run_of, table
from .test_exploratory import EDGE, GAIN, STILL, looked_at, reported
from .test_noise import twice
from .test_plain import rich_run
from .test_repeats import drawn as sampled
from .test_repeats import repeats_in
from .test_selection import RISING, SAME, chosen_by, drawn, run_with, suite_of
from .test_stopping import gain, stopped

GRADED: list[Answer] = [0.1 * (i % 7) for i in range(60)]
BETTER: list[Answer] = [0.1 * (i % 7) + 0.05 * (i % 3) for i in range(60)]
PAIRS = [f"c{i // 2}" for i in range(60)]


def graded(n: int = 60, **fields: Any) -> MadeUp:
    """Return a suite with scores between 0 and 1."""
    return MadeUp("tone").add(GRADED[:n], BETTER[:n], **fields)


def whole(value: object) -> Iterator[Any]:
    """Yield every dataclass within a decision."""
    if dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from whole(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from whole(item)


@pytest.mark.parametrize(
    ("made", "first", "law"),
    [
        (MadeUp("t").add(*table(60, 9, 2, 49)), CASES, said._COIN),
        (graded(), CASES, said._NORMAL),
        (graded(20), CASES, said._SYMMETRIC),
        (graded(4), CASES, said._SCORE),
        (graded(cluster=PAIRS), CLUSTERS, said._SIGNS),
        (MadeUp("t").add(GRADED, [1.0, *GRADED[1:]], cluster=PAIRS), CLUSTERS, said._SCORE),
    ],
    ids=["right or wrong", "graded", "few", "thin", "clusters", "thin clusters"],
)
def test_every_way_to_judge_says_what_it_takes_for_granted(
    made: MadeUp, first: str, law: str
) -> None:
    """What is independent, said for cases or clusters as they are, and the law of the test."""
    result = result_of(run_of(made))
    assert {CASES, CLUSTERS, UNITS} & set(result.assumptions) == {first}
    assert law in result.assumptions
    assert result.assumptions == assumptions_of(result.method, clustered=first == CLUSTERS)


def test_a_suite_that_may_stop_early() -> None:
    """It takes the random order for granted, and what the test of all cases does."""
    found = stopped(gain(), 24).assumptions
    assert set(found) == {CASES, said._ORDER, said._PLANNED, said._SCORE}


def test_nothing_judged_takes_nothing_for_granted() -> None:
    """A suite without an answer has no test, and no assumption."""
    assert result_of(run_of(MadeUp("empty"))).assumptions == ()


def test_the_gap() -> None:
    """Trained and held-out cases as independent samples; clusters where there are any."""
    made = MadeUp("t").add(*table(10, 40, 10, 40)).add(*table(5, 30, 5, 10), split="train")
    (gap,) = only(run_of(made).decide()).overfitting
    assert gap.interval is not None
    assert {CASES, said._SIDES, said._NORMAL} <= set(gap.assumptions)
    assert set(gap.interval.assumptions) - {UNITS} < set(gap.assumptions)
    labels = [f"c{i // 2}" for i in range(50)]
    made = (
        MadeUp("t")
        .add(*table(10, 40, 10, 40))
        .add(*table(5, 30, 5, 10), split="train", cluster=labels)
    )
    (gap,) = only(run_of(made).decide()).overfitting
    assert CLUSTERS in gap.assumptions


def test_noise() -> None:
    """Its shares count cases, its false alarms draw suites from the pairs."""
    base, tuned = table(60, 9, 2, 49)
    noise = result_of(run_of(twice(MadeUp("triage").add(base, tuned), [0.0] * 120))).noise
    assert noise is not None
    drawn_from = assumptions_of("procedure of each drawn suite")[-1]
    assert {CASES, said._SHARES, said._SCORE, said._COIN, drawn_from} <= set(noise.assumptions)


@pytest.mark.parametrize(
    ("correction", "more"),
    [("none", []), ("holm", []), ("by", []), ("bh", [said._POSITIVE]), ("min_p", [said._JOINT])],
)
def test_slices_say_it_once(correction: Correction, more: list[str]) -> None:
    """Their tests and their correction, beside the suite; nothing without a slice."""
    made = MadeUp("triage").add(
        *table(60, 9, 2, 49), slices=[{"k": str(i % 3)} for i in range(120)]
    )
    result = result_of(run_of(made, policy=Policy(slice_correction=correction)))
    assert set(result.slice_assumptions) == {CASES, said._SCORE, said._COIN, *more}
    assert result_of(run_of(MadeUp("triage").add(*table(6, 1, 1, 4)))).slice_assumptions == ()


def test_slices_of_clusters() -> None:
    """Slices are judged as suites are, by their clusters."""
    made = graded(cluster=PAIRS, slices=[{"k": str(i // 30)} for i in range(60)])
    assert {CASES, CLUSTERS} & set(result_of(run_of(made)).slice_assumptions) == {CLUSTERS}


def test_the_correction_of_suites_that_report() -> None:
    """Benjamini and Hochberg's needs tests that go together; one suite needs no correction."""
    several, alone = reported(looked_at(GAIN, EDGE, STILL)), reported(looked_at(GAIN))
    assert all(result.assumptions[-1] == said._POSITIVE for result in several)
    assert said._POSITIVE not in alone[0].assumptions
    plain = reported(looked_at(GAIN, EDGE, policy=Policy(exploratory_correction="holm")))
    assert said._POSITIVE not in plain[0].assumptions


def test_samples_of_a_case() -> None:
    """They are independent draws, for the parts of the variance and for pass@k."""
    found = repeats_in(result_of(run_of(sampled(40, 3))))
    assert {CASES, said._SAMPLES, said._SCORE} <= set(found.assumptions)


def test_the_choice_of_a_checkpoint() -> None:
    """Tests of all checkpoints at once, by either way to choose."""
    split, same = (
        chosen_by(run_with(suite_of("triage", drawn(RISING)), rule=rule)) for rule in (None, SAME)
    )
    assert {CASES, said._JOINT, said._SCORE, said._LOTS} <= set(split.assumptions)
    assert said._WINNER in same.assumptions
    assert said._WINNER not in split.assumptions


@pytest.mark.parametrize(
    "run",
    [
        rich_run(),
        run_of(MadeUp("t").add(GRADED, BETTER), policy=Policy(suites={"t": SuiteRule("superior")})),
        run_with(suite_of("triage", drawn(RISING)), rule=SAME),
        run_of(twice(sampled(40, 1), [1.0] * 40)),
        run_of(sampled(40, 3)),
    ],
)
def test_nothing_in_a_decision_is_left_unsaid(run: MadeUpRun) -> None:
    """Every method of a decision is known, and its file says so with the same words."""
    decision = run.decide()
    parts = [part for part in whole(decision) if hasattr(part, "assumptions")]
    assert len(parts) > 3
    assert [part for part in parts if UNWRITTEN in part.assumptions] == []
    assert from_dict(json.loads(json.dumps(to_dict(decision)))) == decision


def test_a_decision_of_an_earlier_version_can_be_read() -> None:
    """Without the sentences the rest of it stands."""
    tree = to_dict(run_of(MadeUp("t").add(*table(6, 1, 1, 4))).decide())
    (suite,) = tree["comparisons"][0]["suites"]
    del suite["assumptions"], suite["slice_assumptions"]
    assert only(from_dict(tree)).suites[0].assumptions == ()
