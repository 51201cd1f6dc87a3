"""Learned or memorised: gains on training cases beside gains on cases never seen in training."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.decide.decision import ComparisonDecision, OverfitClass, OverfitResult
from evalkit.decide.words import overfit_sentence
from evalkit.model import TrainingPoint
from evalkit.report.charts.dumbbell import DumbbellRow
from evalkit.report.charts.intervals import IntervalRow, Sides
from evalkit.report.checkpoints import Choice, describe_choice
from evalkit.report.learning import Learning, learning_curves
from evalkit.report.numerals import ABSENT, count, many, points, signed, span, trimmed, typeset
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table
from evalkit.report.words import OVERFITTING, point_words

GAP_SIDES = Sides(
    "carries over",
    "memorised",
    "points, gain on training cases minus gain on held-out cases",
)

_HEAD = (
    Column("Suite"),
    Column("Cases"),
    Column("n", number=True),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Difference", number=True),
    Column("Gap", number=True),
    Column("Interval of the gap", number=True),
    Column("Result"),
)


@dataclass(frozen=True, slots=True)
class Overfitting:
    """The section on one candidate; ``measured`` is false when no suite has training cases."""

    measured: bool
    findings: tuple[str, ...]
    pairs: tuple[DumbbellRow, ...]
    gaps: tuple[IntervalRow, ...]
    table: Table | None
    learning: tuple[Learning, ...]
    choice: Choice | None
    notes: tuple[str, ...]


def describe_overfitting(
    comparison: ComparisonDecision, training: tuple[TrainingPoint, ...]
) -> Overfitting:
    """Return what the training cases say about ``comparison``."""
    results = comparison.overfitting
    return Overfitting(
        measured=bool(results),
        findings=tuple(typeset(one_line(overfit_sentence(r), 400)) for r in results),
        pairs=tuple(row for r in results for row in _pair(r)),
        gaps=tuple(_gap(r) for r in results),
        table=Table("Training and held-out cases in numbers", _HEAD, _cells(results))
        if results
        else None,
        learning=learning_curves(comparison, training),
        choice=describe_choice(comparison),
        notes=tuple(f"{one_line(r.suite, 60)}: {one_line(r.note, 300)}" for r in results if r.note),
    )


def _gain(base: float | None, candidate: float | None) -> str:
    return ABSENT if base is None or candidate is None else signed(candidate - base)


def _pair(result: OverfitResult) -> tuple[DumbbellRow, DumbbellRow]:
    group = one_line(result.suite, 60)
    sides = (
        ("training cases", result.n_train, result.base_train, result.candidate_train),
        ("held-out cases", result.n_heldout, result.base_heldout, result.candidate_heldout),
    )
    first, second = (
        DumbbellRow(
            group=group,
            label=label,
            sub=many(n, "case"),
            base=None if base is None else 100 * base,
            candidate=None if candidate is None else 100 * candidate,
            base_text=points(base),
            candidate_text=points(candidate),
            change=_gain(base, candidate),
        )
        for label, n, base, candidate in sides
    )
    return first, second


def _gap(result: OverfitResult) -> IntervalRow:
    word, tone = OVERFITTING[result.classification]
    interval = result.interval
    return IntervalRow(
        label=one_line(result.suite, 60),
        sub=f"{count(result.n_train)} training, {count(result.n_heldout)} held-out",
        low=100 * interval.low if interval else None,
        value=100 * result.gap if result.gap is not None else None,
        high=100 * interval.high if interval else None,
        limit=100 * result.max_gap,
        limit_text=f"limit {point_words(trimmed(result.max_gap))}",
        text=signed(result.gap),
        span=_span(result),
        word=word,
        glyph=_GLYPHS[result.classification],
        tone=tone,
    )


_GLYPHS: dict[OverfitClass, str] = {
    "sound": "=",
    "mostly_memorised": "▼",
    "no_transfer": "▼",
    "harmful": "▼",
    "inconclusive": "?",
}


def _span(result: OverfitResult) -> str:
    interval = result.interval
    if interval is None:
        return ABSENT
    ends = span(interval.low, interval.high, bounds=(0.0, result.max_gap))
    return f"{ends} ({points(interval.level, 0)} %)"


def _cells(results: tuple[OverfitResult, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            row.group,
            row.label,
            row.sub.split()[0],
            row.base_text,
            row.candidate_text,
            row.change,
            *((signed(r.gap), _span(r), OVERFITTING[r.classification][0]) if i else ("", "", "")),
        )
        for r in results
        for i, row in enumerate(_pair(r))
    )
