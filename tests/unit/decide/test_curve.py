"""The learning curve over checkpoints."""

from __future__ import annotations

from evalkit.model import Record

from .made_up import MadeUp, MadeUpRun, only, record, run_of, spec, table

MODELS = {
    "base": spec("base", "base"),
    "tuned": spec("tuned", "candidate", step=300),
    "late": spec("late", "checkpoint", of="tuned", step=200),
    "early": spec("early", "checkpoint", of="tuned", step=100),
    "foreign": spec("foreign", "checkpoint", of="other", step=1),
}


def run_with(*checkpoints: str) -> MadeUpRun:
    """Return a run in which only ``checkpoints`` answered beside base and candidate."""
    made = MadeUp("triage").add(*table(10, 20, 0, 10)).add(*table(0, 9, 0, 1), split="train")
    scores = {"early": 0.0, "late": 1.0, "foreign": 1.0}
    more: list[Record] = [
        record("triage", case.id, name, scores[name])
        for name in checkpoints
        for case in made.suite.cases
    ]
    return run_of(made, models=MODELS, more=tuple(more))


def test_points_by_step() -> None:
    """Checkpoints by step, the candidate last, held-out before trained; others' are left out."""
    points = only(run_with("late", "early", "foreign").decide()).learning_curve
    assert [(p.model, p.step, p.split, p.n) for p in points] == [
        ("early", 100, "heldout", 40),
        ("late", 200, "heldout", 40),
        ("tuned", 300, "heldout", 40),
        ("early", 100, "train", 10),
        ("late", 200, "train", 10),
        ("tuned", 300, "train", 10),
    ]
    assert [p.mean for p in points] == [0.0, 1.0, 0.75, 0.0, 1.0, 0.9]
    assert all(p.interval and p.interval.method == "Wilson score" for p in points)


def test_a_curve_needs_a_checkpoint() -> None:
    """The candidate alone is a point, not a curve."""
    assert only(run_with().decide()).learning_curve == ()


def test_a_checkpoint_without_a_graded_answer() -> None:
    """It stands in the curve of others with no mean, and makes no curve by itself."""
    run = run_with("late")
    ungraded = record("triage", "heldout-0000", "early", None)
    more = MadeUpRun(run.suites, models=MODELS, more=(*run.more, ungraded))
    first = only(more.decide()).learning_curve[0]
    assert (first.model, first.n, first.mean, first.interval) == ("early", 0, None, None)
    alone = MadeUpRun(run.suites, models=MODELS, more=(ungraded,))
    assert only(alone.decide()).learning_curve == ()
