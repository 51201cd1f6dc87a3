"""One suite's numbers: what is counted, what is left out, and what a poor suite says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide import Flips
from evalkit.decide.decision import SuiteResult
from evalkit.decide.tabulate import cluster_labels
from evalkit.model import Case

from .made_up import FAILED, Answer, MadeUp, only, record, result_of, ruled, run_of, table


def test_numbers_of_a_table() -> None:
    """Means, difference, flips and flip rates of a 2 x 2 table, by their plain definitions."""
    result = result_of(run_of(MadeUp("triage").add(*table(30, 12, 6, 52))))
    assert (result.n, result.expected_cases, result.clusters) == (100, 100, None)
    assert (result.base_mean, result.candidate_mean, result.difference) == (0.36, 0.42, 0.06)
    assert result.flips == Flips(both_right=30, fixed=12, broken=6, both_wrong=52)
    assert result.flip_rates is not None
    assert (result.flip_rates.churn, result.flip_rates.broken) == (0.18, 0.06)
    assert result.method == "Tango score; exact McNemar"
    assert result.interval is not None
    assert result.gate_interval is not None
    assert (result.interval.level, result.gate_interval.level) == (0.95, 0.9)


def test_errors_and_ungraded_answers_are_left_out_in_pairs_and_counted() -> None:
    """A case without a score on either side is no case at 0, on neither side."""
    base: list[Answer] = [1.0, FAILED, 1.0, None, 1.0]
    tuned: list[Answer] = [1.0, 1.0, None, None, FAILED]
    result = result_of(run_of(MadeUp("triage").add(base, tuned)))
    assert (result.n, result.expected_cases) == (1, 5)
    assert (result.errors, result.ungraded) == (2, 2)
    assert (result.base_mean, result.candidate_mean) == (1.0, 1.0)


def test_a_score_that_is_no_number_is_ungraded() -> None:
    """A nan never reaches the statistics."""
    result = result_of(run_of(MadeUp("triage").add([1.0, 1.0], [float("nan"), 1.0])))
    assert (result.n, result.ungraded) == (1, 1)


def test_samples_are_averaged_within_their_case() -> None:
    """Cases weigh alike, however many samples each has, and a failed sample changes no weight."""
    made = MadeUp("triage").add([1.0, 0.0], [1.0, 0.0])
    first, second = (case.id for case in made.suite.cases)
    more = (
        *(record("triage", first, "tuned", 0.0, sample=s) for s in (1, 2, 3)),
        record("triage", second, "base", FAILED, sample=1),
    )
    result = result_of(run_of(made, more=more))
    assert (result.n, result.errors) == (2, 1)
    assert result.candidate_mean == 0.125
    assert result.method.startswith("Tango score on sums")


def test_duplicated_samples_narrow_nothing() -> None:
    """The case stays the unit when every answer is drawn three times."""
    made = MadeUp("triage").add(*table(30, 12, 6, 52))
    again = tuple(
        record("triage", r.case, r.model, r.score, sample=s) for r in made.records for s in (1, 2)
    )
    thrice = result_of(run_of(made, more=again))
    assert replace(thrice, repeats=None) == result_of(run_of(made))
    assert thrice.repeats is not None


def test_only_held_out_cases_count() -> None:
    """Trained cases, however good, move no number of the suite's result."""
    plain = MadeUp("triage").add(*table(30, 12, 6, 52))
    with_train = plain.add(*table(0, 60, 0, 0), split="train")
    ours, theirs = result_of(run_of(plain)), result_of(run_of(with_train))
    assert (ours.n, ours.difference, ours.interval) == (
        theirs.n,
        theirs.difference,
        theirs.interval,
    )


def test_clusters_widen_the_interval() -> None:
    """Cases that share a template are one unit, and the method says so."""
    answers = table(60, 60, 30, 50)
    plain = result_of(run_of(MadeUp("triage").add(*answers)))
    labels: list[str | None] = [f"template-{i // 2}" for i in range(180)]
    together = MadeUp("triage").add(*answers, cluster=labels + [None] * 20)
    result = result_of(run_of(together))
    assert result.clusters == 110
    assert result.method.startswith("t on clusters (CR2); sign-flip")
    assert result.difference == plain.difference
    assert width(result) > 1.2 * width(plain)


def width(result: SuiteResult) -> float:
    """Return the width of the gate interval."""
    assert result.gate_interval is not None
    return result.gate_interval.high - result.gate_interval.low


def test_clusters_widen_the_share_that_broke() -> None:
    """Ten copies of each case in a cluster tell no more of what breaks than one of them."""
    base, tuned = [1.0] * 60, [0.0] * 3 + [1.0] * 57
    alone = MadeUp("triage").add(base, tuned)
    ten: list[Answer] = [answer for answer in tuned for _ in range(10)]
    labels = [f"c{i // 10}" for i in range(600)]
    copied = MadeUp("triage").add([1.0] * 600, ten, cluster=labels)
    ends = []
    for made in (alone, copied):
        rates = result_of(run_of(made)).flip_rates
        assert rates is not None
        assert rates.broken_interval is not None
        ends.append(rates.broken_interval.high)
    assert ends[1] == pytest.approx(ends[0], abs=0.02)


def test_cases_that_ask_the_very_same_are_one_cluster() -> None:
    """Whatever their ids: a model answers them alike. Cases that all differ have no clusters."""
    cases = [
        Case("triage", f"c{i}", ({"role": "user", "content": ask},)) for i, ask in enumerate("aba")
    ]
    labels = cluster_labels(cases)
    assert labels is not None
    assert labels.tolist() == [0, 1, 0]
    assert cluster_labels(cases[:2]) is None


def test_one_cluster_is_inconclusive_with_a_reason() -> None:
    """All cases from one template: means, but no interval and no verdict."""
    result = result_of(run_of(MadeUp("triage").add(*table(3, 5, 1, 1), cluster="only")))
    assert result.verdict == "inconclusive"
    assert (result.interval, result.p_value, result.smallest_margin) == (None, None, None)
    assert result.note == "all cases are in one cluster, two are needed"
    assert result.difference == 0.4


@pytest.mark.parametrize(
    "answers",
    [([], []), ([FAILED], [1.0]), ([None] * 5, [None] * 5)],
    ids=["no case", "failed", "ungraded"],
)
def test_nothing_to_compare(answers: tuple[list[Answer], list[Answer]]) -> None:
    """Without a pair there is no number and no exception."""
    result = result_of(run_of(MadeUp("triage").add(*answers)))
    assert (result.n, result.difference, result.verdict) == (0, None, "inconclusive")
    assert (result.flip_rates, result.cases_needed) == (None, None)
    assert result.note == "no case was answered by both models"


@pytest.mark.parametrize("score", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("n", [1, 2, 5, 500])
def test_equal_answers_claim_no_certainty(n: int, score: float) -> None:
    """No difference anywhere: an interval around 0 that narrows with n, never to nothing."""
    result = result_of(run_of(MadeUp("triage", margin=0.05).add([score] * n, [score] * n)))
    assert result.gate_interval is not None
    assert result.gate_interval.low < 0 < result.gate_interval.high
    assert result.verdict == ("non_inferior" if n == 500 else "inconclusive")
    assert result.smallest_margin is not None
    assert result.smallest_margin > 0


def test_no_margin_is_above_everything() -> None:
    """Two cases that flip certify no margin below the whole scale, and none beyond it exists."""
    assert result_of(run_of(MadeUp("triage").add(*table(0, 1, 1, 0)))).smallest_margin == 1.0


@pytest.mark.parametrize(
    ("fields", "sought", "needed"),
    [
        ({"rule": "non_inferior", "margin": 0.05}, 0.05, 269),
        ({"rule": "superior", "min_gain": 0.05}, 0.05, 169),
        ({"rule": "superior", "margin": 0.05}, 0.05, 337),
        ({"rule": "report", "margin": 0.05}, 0.05, 269),
        ({"rule": "non_inferior", "margin": 0.0}, 0.0, None),
    ],
)
def test_cases_needed(fields: dict[str, object], sought: float, needed: int | None) -> None:
    """What the rule asks for, at the churn seen (10 %), in cases; a gain of twice what is asked."""
    made = MadeUp("triage").add(*table(50, 5, 5, 40))
    result = result_of(run_of(made, policy=ruled(**fields)))
    assert (result.change_sought, result.cases_needed) == (sought, needed)
    assert result.smallest_margin == pytest.approx(0.0862, abs=1e-4)


def test_cases_needed_for_scores() -> None:
    """Scores between 0 and 1 are planned with the spread of their differences."""
    base: list[Answer] = [0.5] * 200
    tuned: list[Answer] = [0.25 + 0.5 * (i % 2) for i in range(200)]
    result = result_of(run_of(MadeUp("triage", "target", 0.05).add(base, tuned)))
    assert result.cases_needed == pytest.approx(7.849 * 0.0628 / 0.0025, abs=3)


def test_order_of_cases_and_records_changes_nothing() -> None:
    """The same run told backwards gives the same decision."""
    tuned: list[Answer] = [round(0.37 * i % 1, 2) for i in range(25)]
    made = MadeUp("triage").add([0.5] * 25, tuned, slices=[{"k": str(i % 3)} for i in range(25)])
    made = made.add([0.1] * 9, tuned[:9], split="train")
    backwards = MadeUp("triage", cases=made.cases[::-1], records=made.records[::-1])
    assert only(run_of(made).decide()) == only(run_of(backwards).decide())
