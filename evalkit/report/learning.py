"""Learning curves: the score of each checkpoint, and what the training log says about the loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evalkit.decide.decision import ComparisonDecision, CurvePoint
from evalkit.model import TrainingPoint
from evalkit.report.charts.curve import CurveLine, CurveValue, LineKind, Mark
from evalkit.report.numerals import ABSENT, count, decimals, points, span_plain
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table

_HEAD = (
    Column("Model"),
    Column("Step", number=True),
    Column("Cases"),
    Column("n", number=True),
    Column("Score", number=True),
    Column("95 % interval", number=True),
)


@dataclass(frozen=True, slots=True)
class Learning:
    """The learning curve of one suite. ``main``: a suite the candidate was trained for."""

    key: str
    suite: str
    main: bool
    finding: str
    scores: tuple[CurveLine, ...]
    losses: tuple[CurveLine, ...]
    marks: tuple[Mark, ...]
    steps: tuple[float, ...]
    table: Table


def learning_curves(
    comparison: ComparisonDecision, training: tuple[TrainingPoint, ...]
) -> tuple[Learning, ...]:
    """Return a curve for each suite scored at two checkpoints or more, those trained for first."""
    steps = _steps(comparison, training)
    losses = _loss_lines(training)
    trained = {o.suite for o in comparison.overfitting}
    scored = [p for p in comparison.learning_curve if p.mean is not None]
    suites = sorted(dict.fromkeys(p.suite for p in scored), key=lambda name: name not in trained)
    found = ([p for p in scored if p.suite == name] for name in suites)
    return tuple(
        _curve(comparison, f"curve-{number}", points, steps=steps, losses=losses)
        for number, points in enumerate(found, start=1)
        if len({steps[p.model] for p in points}) >= 2
    )


def _steps(comparison: ComparisonDecision, training: tuple[TrainingPoint, ...]) -> dict[str, float]:
    """Return where each model stands: the base at 0, a candidate that names no step at the end."""
    named = {p.model: float(p.step) for p in comparison.learning_curve if p.step is not None}
    last = max(named.values(), default=0.0)
    logged = float(max((t.step for t in training), default=0))
    end = logged if logged > last else last + (last / len(named) if named else 1.0)
    default = dict.fromkeys((p.model for p in comparison.learning_curve), end)
    return {**default, comparison.base: 0.0, **named}


def _start(comparison: ComparisonDecision, suite: str) -> Iterator[CurvePoint]:
    """Yield the base's scores as the points at step 0."""
    base = comparison.base
    for r in comparison.suites:
        if r.suite == suite and r.base_mean is not None:
            yield CurvePoint(base, 0, suite, "heldout", r.n, r.base_mean, None)
    for o in comparison.overfitting:
        if o.suite == suite and o.base_train is not None:
            yield CurvePoint(base, 0, suite, "train", o.n_train, o.base_train, None)


def _curve(
    comparison: ComparisonDecision,
    key: str,
    scored: list[CurvePoint],
    *,
    steps: dict[str, float],
    losses: tuple[CurveLine, ...],
) -> Learning:
    suite = scored[0].suite
    known = sorted([*_start(comparison, suite), *scored], key=lambda p: steps[p.model])
    held = [p for p in known if p.split == "heldout"]
    train = [p for p in known if p.split == "train"]
    lines = (
        _line("train", "training cases", train, steps),
        _line("heldout", "held-out cases", held, steps),
    )
    main = suite in {o.suite for o in comparison.overfitting}
    return Learning(
        key=key,
        suite=one_line(suite, 60),
        main=main,
        finding=_finding(comparison, held),
        scores=tuple(line for line in lines if line.values),
        losses=losses if main else (),
        marks=_marks(comparison, held, steps),
        steps=tuple(sorted({float(p.step) for p in known if p.step is not None})),
        table=Table("Every checkpoint in numbers", _HEAD, tuple(_cells(p) for p in known)),
    )


def _line(kind: LineKind, name: str, found: list[CurvePoint], steps: dict[str, float]) -> CurveLine:
    values = tuple(
        CurveValue(
            steps[p.model],
            100 * (p.mean or 0.0),
            100 * p.interval.low if p.interval else None,
            100 * p.interval.high if p.interval else None,
        )
        for p in found
    )
    return CurveLine(kind, name, points(found[-1].mean) if found else ABSENT, values)


def _best(comparison: ComparisonDecision, held: list[CurvePoint]) -> CurvePoint | None:
    tuned = [p for p in held if p.model != comparison.base]
    return max(tuned, key=lambda p: p.mean or 0.0, default=None)


def _finding(comparison: ComparisonDecision, held: list[CurvePoint]) -> str:
    best = _best(comparison, held)
    if best is None:
        return "Scores over the steps of training."
    start = f"On held-out cases of {one_line(best.suite, 60)} "
    last = next((p for p in held if p.model == comparison.candidate), None)
    if last is None or last.mean == best.mean:
        return f"{start}nothing scored higher than {_named(last or best)} ({points(best.mean)})."
    chance = "; their intervals overlap, so this may be chance" if _overlap(best, last) else ""
    return (
        f"{start}{_named(best)} scored highest ({points(best.mean)}); "
        f"the candidate has {points(last.mean)}{chance}."
    )


def _overlap(best: CurvePoint, last: CurvePoint) -> bool:
    upper, lower = best.interval, last.interval
    return upper is not None and lower is not None and upper.low <= lower.high


def _named(point: CurvePoint) -> str:
    at = "" if point.step is None else f" at step {count(point.step)}"
    return one_line(point.model, 40) + at


def _marks(
    comparison: ComparisonDecision, held: list[CurvePoint], steps: dict[str, float]
) -> tuple[Mark, ...]:
    marks = []
    best = _best(comparison, held)
    if best is not None and best.model != comparison.candidate:
        marks.append(Mark(steps[best.model], f"highest on held-out: {one_line(best.model, 24)}"))
    if comparison.candidate in steps:
        name = one_line(comparison.candidate, 24)
        marks.append(Mark(steps[comparison.candidate], f"candidate: {name}"))
    return tuple(marks)


def _cells(point: CurvePoint) -> tuple[str, ...]:
    ends = (point.interval.low, point.interval.high) if point.interval else None
    return (
        one_line(point.model, 60),
        ABSENT if point.step is None else count(point.step),
        "training" if point.split == "train" else "held-out",
        count(point.n),
        points(point.mean),
        span_plain(*ends) if ends else ABSENT,
    )


def _loss_lines(training: tuple[TrainingPoint, ...]) -> tuple[CurveLine, ...]:
    lines = (
        _loss_line("loss", "training loss", ((t.step, t.loss) for t in training)),
        _loss_line("eval-loss", "evaluation loss", ((t.step, t.eval_loss) for t in training)),
    )
    return tuple(line for line in lines if len(line.values) > 1)


def _loss_line(kind: LineKind, name: str, log: Iterable[tuple[int, float | None]]) -> CurveLine:
    values = tuple(CurveValue(step, loss) for step, loss in sorted(log) if loss is not None)
    return CurveLine(kind, name, decimals(values[-1].value, 2) if values else ABSENT, values)
