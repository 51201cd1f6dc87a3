"""Metrics beside the mean: which are computed, from what, and that they decide nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from evalkit.decide import Policy, RunData, decide, from_dict, to_dict
from evalkit.decide.decision import MetricResult, SuiteMetrics
from evalkit.model import METRICS, Failure, Grade, GraderSpec, Record, Source, Suite, Ungraded

from .made_up import FAILED, MadeUp, only, record, run_of
from .test_plain import schema

MENU = ("billing", "shipping", "other")
QUEUE = GraderSpec("queue", "choice", {"choices": list(MENU)}, Source("s.yaml", 3))
SURE = GraderSpec("sure", "calibration", {}, Source("s.yaml", 4))
VALID = GraderSpec("valid", "json_valid", {}, Source("s.yaml", 5))

USUAL = ["f1_micro", "f1_macro", "mcc"]


def graded(answer: str | None, expected: str, *, confidence: float = 0.8) -> dict[str, Any]:
    """Return the grades of an answer."""
    right = answer == expected
    return {
        "queue": Grade(float(right), right, "", {"predicted": answer, "expected": expected}),
        "sure": Grade(0.5, right, "", {"confidence": confidence, "correct": right}),
    }


def answered(model: str, case: str, answer: str | None, expected: str, **more: Any) -> Record:
    """Return the record of an answer."""
    right = float(answer == expected)
    made = record("triage", case, model, right, sample=more.pop("sample", 0))
    return replace(made, grades=graded(answer, expected, **more))


ROWS = [
    (MENU[i % 3], MENU[i % 3] if i % 4 else None, MENU[i % 3] if i % 7 else MENU[(i + 1) % 3])
    for i in range(60)
]


def run_with(
    *graders: GraderSpec,
    metrics: tuple[str, ...] | None = None,
    rows: Sequence[tuple[str, str | None, str | None]] = ROWS,
    more: Sequence[Record] = (),
    **fields: Any,
) -> RunData:
    """Return a run of one suite; rows hold expected label, base's and candidate's answer."""
    made = MadeUp("triage").add([1.0] * len(rows), [1.0] * len(rows), **fields)
    records = [
        answered(model, case.id, answer, row[0])
        for case, row in zip(made.cases, rows, strict=True)
        for model, answer in zip(("base", "tuned"), row[1:], strict=True)
    ]
    run = run_of(made).data
    suite = replace(made.suite, graders=graders, metrics=metrics)
    return replace(run, suites=(suite,), records=[*records, *more])


def metrics_of(run: RunData) -> SuiteMetrics | None:
    """Return the metrics of the only suite."""
    (result,) = only(decide(run, Policy())).suites
    return result.metrics


def found_in(run: RunData) -> SuiteMetrics:
    """Return them, where they must be there."""
    found = metrics_of(run)
    assert found is not None
    return found


def names(found: SuiteMetrics) -> list[str]:
    """Return the names of those of all labels."""
    return [metric.name for metric in found.metrics if not metric.label]


def one(found: SuiteMetrics, name: str, label: str = "") -> MetricResult:
    """Return one metric."""
    (metric,) = (m for m in found.metrics if (m.name, m.label) == (name, label))
    return metric


def test_one_grader_gives_the_usual_metrics() -> None:
    """Without a word in the suite file; each label and the confusion matrix among them."""
    found = found_in(run_with(QUEUE, VALID))
    assert names(found) == USUAL
    assert {m.label for m in found.metrics} == {"", *MENU}
    assert {m.name for m in found.metrics if m.label} == {"precision", "recall", "f1"}
    (confusion,) = found.confusions
    assert (confusion.grader, confusion.labels) == ("queue", MENU)
    assert confusion.base[0] == (15.0, 0.0, 0.0, 5.0)
    assert sum(map(sum, confusion.candidate)) == 60
    assert names(found_in(run_with(SURE))) == ["ece", "rms_calibration_error", "brier"]


def test_the_suite_chooses() -> None:
    """Those it names, in any order; none; and none by itself where two graders could give any."""
    found = found_in(run_with(QUEUE, SURE, metrics=("brier", "accuracy", "mcc")))
    assert [(m.name, m.grader) for m in found.metrics] == [
        ("accuracy", "queue"),
        ("mcc", "queue"),
        ("brier", "sure"),
    ]
    assert found.confusions == ()
    assert metrics_of(run_with(QUEUE, metrics=())) is None
    assert metrics_of(run_with(QUEUE, SURE)) is None
    assert metrics_of(run_with(VALID)) is None


def test_figures_are_of_both_models() -> None:
    """45 of 60 answers of the base are right, 51 of the candidate; limits and p stand beside."""
    found = found_in(run_with(QUEUE, metrics=("accuracy", "f1_micro")))
    accuracy, micro = found.metrics
    assert (accuracy.base, accuracy.candidate, accuracy.n) == (0.75, 0.85, 60)
    assert accuracy.difference == pytest.approx(0.1)
    assert micro.base == pytest.approx(90 / 105)
    for limits in (accuracy.interval, accuracy.base_interval, accuracy.candidate_interval):
        assert limits is not None
        assert limits.low < limits.high
    assert accuracy.p_value is not None
    assert accuracy.better == "higher"
    assert found.assumptions[0].startswith("Cases are independent")


def test_recall_of_a_label_is_of_its_cases() -> None:
    """20 cases are about billing, 15 of which the base gets."""
    recall = one(found_in(run_with(QUEUE)), "recall", "billing")
    assert (recall.n, recall.base) == (20, 0.75)


def test_confidences_are_compared() -> None:
    """80 % sure of everything: the base is 5 points off, the candidate too, the other way."""
    found = found_in(run_with(SURE))
    ece, brier = one(found, "ece"), one(found, "brier")
    assert ece.base == pytest.approx(0.05)
    assert ece.candidate == pytest.approx(0.05)
    assert (ece.better, ece.difference, ece.interval, ece.p_value) == ("lower", None, None, None)
    assert "rms_calibration_error" in ece.note
    rms = one(found, "rms_calibration_error")
    assert rms.base == 0.0
    assert rms.candidate == pytest.approx(math.sqrt(0.05**2 - 0.85 * 0.15 / 59))
    assert rms.difference == rms.candidate
    assert rms.p_value is not None
    assert rms.p_value > 0.3
    assert "no interval" in rms.note
    assert brier.base == pytest.approx(0.75 * 0.04 + 0.25 * 0.64)
    assert brier.difference == pytest.approx(-0.06)
    assert brier.interval is not None
    assert brier.interval.low < brier.interval.high


def test_p_of_a_calibration_error_is_of_the_figure_shown() -> None:
    """80 % sure and never right is off by 0.8; right in 4 of 5, by nothing, with which p agrees."""
    rows = [(MENU[0], MENU[1], MENU[0] if i % 5 else MENU[1]) for i in range(60)]
    rms = one(found_in(run_with(SURE, rows=rows)), "rms_calibration_error")
    assert rms.base == pytest.approx(0.8)
    assert rms.candidate == 0.0
    assert rms.difference == pytest.approx(-0.8)
    assert rms.p_value is not None
    assert rms.p_value < 0.001
    assert "parametric bootstrap" in rms.method
    few = one(found_in(run_with(SURE, rows=rows[:9])), "rms_calibration_error")
    assert (few.base, few.difference, few.p_value) == (None, None, None)
    assert "fewer than 10 cases" in few.note
    assert one(found_in(run_with(SURE, rows=rows[:9])), "ece").base == pytest.approx(0.8)


def test_samples_weigh_as_one_case() -> None:
    """A case asked twice counts once, half of it for each answer."""
    more = [answered("base", "heldout-0001", "other", MENU[1], sample=1)]
    (confusion,) = found_in(run_with(QUEUE, more=more)).confusions
    assert confusion.base[1] == (0.0, 14.5, 0.5, 5.0)
    assert names(found_in(run_with(SURE, more=more))) == ["ece", "rms_calibration_error", "brier"]


def test_only_answers_that_both_models_gave_count() -> None:
    """Failed calls, ungraded answers, trained cases and second answers of the base do not."""
    run = run_with(QUEUE)
    records = list(run.records)
    failed: Failure = FAILED
    records[0] = replace(records[0], outcome=failed, grades={}, score=None)
    records[3] = replace(records[3], grades={"queue": Ungraded("no clear choice")}, score=None)
    again = [replace(r, aa=True) for r in records if r.model == "base"]
    found = found_in(replace(run, records=[*records, *again]))
    assert one(found, "f1_macro").n == 58
    trained = found_in(run_with(QUEUE, split="train"))
    assert one(trained, "f1_macro").n == 0
    assert one(trained, "f1_macro").note == "no case"


def test_clusters_are_the_units() -> None:
    """Cases of one passage that are answered alike widen the limits."""
    rows = [row for row in ROWS[:20] for _ in range(3)]
    alone = one(found_in(run_with(QUEUE, rows=rows)), "f1_macro").interval
    together = one(
        found_in(run_with(QUEUE, rows=rows, cluster=[f"p{i // 3}" for i in range(60)])), "f1_macro"
    ).interval
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 1.4 * (alone.high - alone.low)


def test_a_suite_judged_while_asked_has_figures_alone() -> None:
    """Its answers chose how many cases count, so no limits and no p-values."""
    run = replace(run_with(QUEUE, metrics=("f1_macro",)), watched={"triage": 40})
    metric = one(found_in(run), "f1_macro")
    assert metric.n == 40
    assert metric.base is not None
    assert (metric.interval, metric.base_interval, metric.p_value) == (None, None, None)
    assert metric.note.startswith("judged while asked")


def test_they_decide_nothing() -> None:
    """Verdict, gates and outcome are those of the same run without them."""
    with_them, without = (
        decide(run_with(QUEUE, metrics=metrics), Policy()) for metrics in (None, ())
    )
    (result,) = only(with_them).suites
    bare = replace(only(with_them), suites=(replace(result, metrics=None),))
    assert replace(with_them, comparisons=(bare,)) == without


def test_the_order_of_records_changes_nothing() -> None:
    """Equal answers give equal bytes, and the file fits its schema."""
    run = run_with(QUEUE, SURE, metrics=tuple(METRICS))
    decision = decide(run, Policy())
    turned = replace(run, records=list(run.records)[::-1])
    text = json.dumps(to_dict(decision), allow_nan=False)
    assert json.dumps(to_dict(decide(turned, Policy()))) == text
    jsonschema.Draft202012Validator(schema("decision")).validate(json.loads(text))
    assert from_dict(json.loads(text)) == decision


def test_labels_keep_the_order_of_the_menu() -> None:
    """Those that nobody expects or answers are left out, and one off the menu stands last."""
    spec = replace(
        QUEUE, type="label", options={"labels": {"z": [], "other": ["x"], "billing": []}}
    )
    rows = [("other", "billing", "other"), ("billing", "stray", "billing")] * 5
    (confusion,) = found_in(run_with(spec, rows=rows)).confusions
    assert confusion.labels == ("other", "billing", "stray")


def test_the_schema_of_suites_lists_every_metric() -> None:
    """What may be written is what there is."""
    assert tuple(schema("suite")["properties"]["metrics"]["items"]["enum"]) == tuple(METRICS)
    assert Suite.__dataclass_fields__["metrics"].default is None
