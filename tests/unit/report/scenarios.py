"""The runs that the report's tests look at, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from evalkit.decide import RunData, decide
from evalkit.decide.policy import Policy
from evalkit.model import Grade, Record, Reply
from tests.unit.report.builder import (
    HOSTILE,
    MadeRun,
    ModelPlan,
    Move,
    SuitePlan,
    loss_log,
    make_run,
)

SUITES = (
    SuitePlan("triage", "target", 108, 0.32, train=60, critical=6, sliced=True),
    SuitePlan("general", "guard", 640, 0.62, margin=0.02),
    SuitePlan("fairness", "guard", 480, 0.70, margin=0.03),
    SuitePlan("tone", "guard", 60, 0.84, margin=0.03),
    SuitePlan("facts", "guard", 300, 0.55, margin=0.05),
)
GOOD = {
    "triage": Move(0.82, 0.0, train_fixed=0.80),
    "general": Move(0.012, 0.006),
    "fairness": Move(0.05, 0.002),
    "tone": Move(0.2, 0.0),
    "facts": Move(0.01, 0.01),
}
BAD = {
    "triage": Move(0.08, 0.62, train_fixed=1.0, german_broken=0.95),
    "general": Move(0.03, 0.30),
    "fairness": Move(0.05, 0.004),
    "tone": Move(0.3, 0.13),
    "facts": Move(0.01, 0.04),
}


def promote() -> MadeRun:
    """Return a run whose candidate improves its target and keeps its guards."""
    return make_run(
        SUITES[:3], good_models(SUITES[:3]), training={"tuned": loss_log(200, 0.4)}, seed=7
    )


def overfit() -> MadeRun:
    """Return a run whose candidate learned its training cases by heart and forgot other things."""
    return make_run(SUITES, bad_models(SUITES), training={"tuned-overfit": loss_log(480, 0.02)})


def two() -> MadeRun:
    """Return a run with two candidates, one good and one overfitted."""
    return make_run(
        SUITES[:3],
        [*good_models(SUITES[:3]), *bad_models(SUITES[:3])],
        training={"tuned": loss_log(200, 0.4), "tuned-overfit": loss_log(480, 0.02)},
    )


def good_models(suites: Sequence[SuitePlan]) -> list[ModelPlan]:
    """Return a candidate that learns, with its checkpoints."""
    shares = {40: 0.35, 80: 0.62, 120: 0.82, 160: 0.93}
    return [
        ModelPlan("tuned", GOOD, step=200),
        *(
            ModelPlan(f"step-{step}", _part(GOOD, share, suites), of="tuned", step=step)
            for step, share in shares.items()
        ),
    ]


def bad_models(suites: Sequence[SuitePlan]) -> list[ModelPlan]:
    """Return a candidate that memorises, with its checkpoints; the first of them is its best."""
    early = {**BAD, "triage": Move(0.45, 0.10, train_fixed=0.45)}
    later = {**BAD, "triage": Move(0.30, 0.30, train_fixed=0.8)}
    return [
        ModelPlan("tuned-overfit", BAD),
        ModelPlan("epoch-1", _part(early, 1.0, suites), of="tuned-overfit", step=60),
        ModelPlan("epoch-4", _part(later, 1.0, suites), of="tuned-overfit", step=240),
    ]


def _part(moves: dict[str, Move], share: float, suites: Sequence[SuitePlan]) -> dict[str, Move]:
    return {
        plan.name: Move(
            share * moves[plan.name].fixed,
            moves[plan.name].broken,
            train_fixed=share * moves[plan.name].train_fixed,
        )
        for plan in suites
    }


def inconclusive() -> MadeRun:
    """Return a run with too few cases to tell, and no training cases."""
    return make_run(
        [
            SuitePlan("triage", "target", 40, 0.40),
            SuitePlan("safety refusals", "guard", 60, 0.80),
        ],
        [ModelPlan("tuned", {"triage": Move(0.8, 0.0), "safety refusals": Move(0.12, 0.06)})],
    )


def incomplete() -> MadeRun:
    """Return a run in which many answers never came."""
    return make_run(
        SUITES[:2],
        [
            ModelPlan(
                "tuned", {**GOOD, "triage": Move(0.8, 0.02, train_fixed=0.8, lost=14, ungraded=3)}
            )
        ],
    )


def large() -> MadeRun:
    """Return a run of 10,000 cases."""
    return make_run(
        [
            SuitePlan("triage", "target", 5_000, 0.30),
            SuitePlan("general", "guard", 5_000, 0.62),
        ],
        [ModelPlan("tuned", {"triage": Move(0.82, 0.02), "general": Move(0.02, 0.012)})],
    )


def hostile() -> MadeRun:
    """Return a run whose every free text tries to break the page."""
    made = inconclusive()
    suite, other = made.suites
    texts = dict(zip((c.id for c in suite.cases), HOSTILE * 4, strict=True))
    name = f"triage{HOSTILE[0]}{HOSTILE[3]}"
    cases = tuple(
        replace(
            c,
            suite=name,
            id=f"{c.id} {texts[c.id]}",
            messages=({"role": texts[c.id], "content": texts[c.id]},),
            expected=[texts[c.id]],
        )
        for c in suite.cases
    )
    suites = (replace(suite, name=name, cases=cases), other)
    records = tuple(
        _spoil(r, texts[r.case], name) if r.suite == suite.name else r for r in made.records
    )
    decision = decide(RunData(made.project, suites, records), Policy())
    comparison = replace(decision.comparisons[0], reasons=HOSTILE[:3])
    return replace(
        made,
        decision=replace(decision, comparisons=(comparison,), families=HOSTILE[4:6]),
        manifest=replace(made.manifest, run_id=HOSTILE[5], versions={HOSTILE[0]: HOSTILE[1]}),
        suites=suites,
        records=records,
    )


def _spoil(record: Record, text: str, suite: str) -> Record:
    grade = Grade(record.score or 0.0, passed=bool(record.score), reason=text)
    case = f"{record.case} {text}"
    return replace(record, suite=suite, case=case, outcome=Reply(text), grades={text: grade})


SCENARIOS: dict[str, Callable[[], MadeRun]] = {
    f.__name__: cache(f) for f in (promote, overfit, inconclusive, incomplete, two, hostile, large)
}
