"""What changed: one row a suite, ordered by zone, for the forest plot and its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.decide.decision import ComparisonDecision, SliceResult, SuiteResult
from evalkit.report.charts.intervals import IntervalRow, Sides
from evalkit.report.fairness import Fairness, describe_fairness
from evalkit.report.metrics import BeyondMean, describe_metrics
from evalkit.report.numerals import (
    ABSENT,
    count,
    digits_for,
    many,
    points,
    probability,
    signed,
    span,
    trimmed,
    typeset,
)
from evalkit.report.repeated import repeats_notes
from evalkit.report.safe import one_line
from evalkit.report.second_opinions import opinion_notes
from evalkit.report.tables import Column, Table
from evalkit.report.words import VERDICTS, ZONES, Tone, ZoneKey, phrase

SIDES = Sides("worse", "better", "points, candidate minus base")

_HEAD = (
    Column("Suite"),
    Column("Purpose"),
    Column("Cases", number=True),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Difference", number=True),
    Column("95 % interval", number=True),
    Column("Limit", number=True),
    Column("Verdict"),
)
_SLICE_HEAD = (
    Column("Suite"),
    Column("Slice"),
    Column("Cases", number=True),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Difference", number=True),
    Column("95 % interval", number=True),
    Column("p, adjusted", number=True),
    Column("Alarm"),
)


@dataclass(frozen=True, slots=True)
class SuiteLine:
    """One suite in words and numbers, as tables and summaries show it."""

    suite: str
    purpose: str
    cases: str
    base: str
    candidate: str
    difference: str
    interval: str
    limit: str
    glyph: str
    verdict: str
    tone: Tone
    phrase: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as a row of the table of suites."""
        return (
            self.suite,
            self.purpose,
            self.cases,
            self.base,
            self.candidate,
            self.difference,
            self.interval,
            self.limit,
            f"{self.glyph} {self.verdict}",
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """The section on one candidate; ``opinions`` say whether other methods agree.

    ``metrics`` are of the suites that have any, ``fairness`` of those that name terms.
    """

    finding: str
    lines: tuple[SuiteLine, ...]
    chart: tuple[IntervalRow, ...]
    table: Table
    slices: Table | None
    slice_note: str
    notes: tuple[str, ...]
    opinions: tuple[str, ...]
    metrics: tuple[BeyondMean, ...] = ()
    fairness: Fairness | None = None


def describe_changes(comparison: ComparisonDecision) -> Changes:
    """Return what changed between the two models of ``comparison``."""
    suites = sorted(comparison.suites, key=_by_zone)
    lines = tuple(_suite_line(s) for s in suites)
    parts = [(s, part) for s in suites for part in s.slices]
    return Changes(
        finding=_finding(suites),
        lines=lines,
        chart=tuple(_chart_row(s, li) for s, li in zip(suites, lines, strict=True)),
        table=Table("Every suite in numbers", _HEAD, tuple(li.cells for li in lines)),
        slices=_slices(parts),
        slice_note=_slice_note([part for _, part in parts]),
        notes=(*_notes(suites), *repeats_notes(suites)),
        opinions=tuple(map(typeset, opinion_notes(suites))),
        metrics=tuple(describe_metrics(suites)),
        fairness=describe_fairness(suites),
    )


def _notes(suites: Sequence[SuiteResult]) -> Iterator[str]:
    """Yield each note with the suites that it is about."""
    for note in dict.fromkeys(s.note for s in suites if s.note):
        names = ", ".join(one_line(s.suite, 60) for s in suites if s.note == note)
        yield f"{names}: {one_line(note, 300)}"


def _by_zone(result: SuiteResult) -> tuple[int, float]:
    zone = tuple(ZONES).index(VERDICTS[result.verdict].zone)
    return zone, result.difference or 0.0


def _finding(suites: Sequence[SuiteResult]) -> str:
    """Return one sentence that counts the suites by zone, without the empty zones."""
    counted: dict[ZoneKey, int] = dict.fromkeys(_FINDINGS, 0)
    for s in suites:
        counted[VERDICTS[s.verdict].zone] += 1
    *parts, last = [_FINDINGS[zone].format(n=n) for zone, n in counted.items() if n]
    start = f"Of {many(len(suites), 'suite')}, "
    return f"{start}{', '.join(parts)} and {last}." if parts else f"{start}{last}."


_FINDINGS: dict[ZoneKey, str] = {
    "worse": "{n} got worse",
    "better": "{n} got better",
    "held": "{n} had no important loss",
    "unknown": "for {n} we cannot tell",
}


def _suite_line(result: SuiteResult) -> SuiteLine:
    words = VERDICTS[result.verdict]
    bounds = (0.0, _limit(result))
    ends = (result.interval.low, result.interval.high) if result.interval else ()
    return SuiteLine(
        suite=one_line(result.suite, 60),
        purpose=result.purpose,
        cases=_cases(result),
        base=points(result.base_mean),
        candidate=points(result.candidate_mean),
        difference=signed(result.difference),
        interval=span(*ends, bounds=bounds) if ends else ABSENT,
        limit=_limit_text(_limit(result)),
        glyph=words.glyph,
        verdict=words.label,
        tone=words.tone,
        phrase=typeset(phrase(result)),
    )


def _cases(result: SuiteResult) -> str:
    end = result.stopping
    return f"{count(result.n)} of {count(end.planned)}" if end and end.early else count(result.n)


def _chart_row(result: SuiteResult, line: SuiteLine) -> IntervalRow:
    interval = result.interval
    return IntervalRow(
        label=line.suite,
        sub=f"{line.purpose}, {many(result.n, 'case')}",
        low=100 * interval.low if interval else None,
        value=100 * result.difference if result.difference is not None else None,
        high=100 * interval.high if interval else None,
        limit=100 * _limit(result),
        limit_text=_limit_words(result, line.limit),
        text=line.difference,
        span=line.interval,
        word=line.verdict,
        glyph=line.glyph,
        tone=VERDICTS[result.verdict].tone,
    )


def _limit(result: SuiteResult) -> float:
    """Return where the interval has to end: a guard's limit, or the gain asked of a target."""
    limits = {"superior": result.min_gain, "report": 0.0}
    return limits.get(result.rule, -result.margin)


def _limit_text(limit: float) -> str:
    return f"+{trimmed(limit)}" if limit > 0 else trimmed(limit)


def _limit_words(result: SuiteResult, limit: str) -> str:
    if result.rule == "superior":
        return f"asked {limit}" if result.min_gain else "has to improve"
    if result.rule == "equivalent":
        return f"limit {limit}, either way"
    return f"limit {limit}" if result.rule == "non_inferior" else "only reported"


def _slices(parts: Sequence[tuple[SuiteResult, SliceResult]]) -> Table | None:
    ordered = sorted(parts, key=lambda p: (not p[1].alarm, p[1].difference))
    rows = tuple(_slice_cells(result, part) for result, part in ordered)
    return Table("Every slice in numbers", _SLICE_HEAD, rows) if rows else None


def _slice_cells(result: SuiteResult, part: SliceResult) -> tuple[str, ...]:
    ends = (part.interval.low, part.interval.high) if part.interval else None
    return (
        one_line(result.suite, 60),
        one_line(f"{part.field} = {part.value}", 60),
        count(part.n),
        points(part.base_mean),
        points(part.candidate_mean),
        signed(part.difference, digits_for((part.difference,), (0.0,))),
        span(*ends, bounds=(0.0,)) if ends else ABSENT,
        probability(part.p_adjusted),
        "▼ look here" if part.alarm else one_line(part.note, 80),
    )


def _slice_note(parts: Sequence[SliceResult]) -> str:
    if not parts:
        return ""
    alarms = sum(part.alarm for part in parts)
    start = f"{many(len(parts), 'slice')} looked at"
    if not alarms:
        return f"{start}; in none of them is a loss clear once their number is allowed for."
    return (
        f"{start}; {many(alarms, 'slice')} with a loss that stays clear once their number is "
        "allowed for. A slice raises an alarm and never decides."
    )
