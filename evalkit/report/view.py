"""Everything the report says, as plain strings and numbers; the renderers only place it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from evalkit.decide.decision import ComparisonDecision, Decision, Outcome, SuiteResult
from evalkit.decide.status import Status
from evalkit.model import Manifest, Record, Suite
from evalkit.report.caselist import CaseEntry, list_cases
from evalkit.report.changes import Changes, describe_changes
from evalkit.report.charts.churn import CHURN_KINDS, ChurnRow
from evalkit.report.judges import Judges, describe_judges, judge_warnings
from evalkit.report.method import Method, describe_method, run_facts, size_of_run
from evalkit.report.numerals import count, many
from evalkit.report.overfitting import Overfitting, describe_overfitting
from evalkit.report.safe import one_line
from evalkit.report.summary import Summary, noise_line, summarise
from evalkit.report.tables import Column, Table
from evalkit.report.words import OUTCOMES, Tone

MOST_BROKEN = 50
MOST_FIXED = 20


@dataclass(frozen=True, slots=True)
class Flips:
    """The flips of one candidate on held-out cases, worst first, and how many there are in all.

    ``tables`` stand for the cases where there are no answers to show.
    """

    finding: str
    churn: tuple[ChurnRow, ...]
    table: Table
    broken: tuple[CaseEntry, ...]
    fixed: tuple[CaseEntry, ...]
    left_out: str
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One candidate against its base. ``key`` is unique in the page.

    ``base_model`` and ``candidate_model`` are the names by which the endpoints know them.
    """

    key: str
    base: str
    candidate: str
    base_model: str
    candidate_model: str
    summary: Summary
    changes: Changes
    overfitting: Overfitting
    flips: Flips


@dataclass(frozen=True, slots=True)
class Overall:
    """The decision of the run as a whole."""

    key: Outcome
    title: str
    glyph: str
    tone: Tone
    deck: str


@dataclass(frozen=True, slots=True)
class View:
    """The whole report.

    Without answers (``has_answers``) there are scores only: no text of a case can be shown, and
    ``aside`` is the heading of what stands in its place, empty if nothing does. ``cases_note`` says
    which cases are not listed; empty if all are. ``warnings`` have to stand beside the decision.
    ``judges`` is there where a grader asked a model.
    """

    run_id: str
    created: str
    size: str
    overall: Overall
    facts: tuple[tuple[str, str], ...]
    candidates: tuple[CandidateView, ...]
    cases: tuple[CaseEntry, ...]
    method: Method
    has_answers: bool = True
    aside: str = "Question"
    cases_note: str = ""
    warnings: tuple[str, ...] = ()
    judges: Judges | None = None


def build_view(
    decision: Decision, *, manifest: Manifest, suites: Sequence[Suite], records: Sequence[Record]
) -> View:
    """Return the report on ``decision``: all wording, rounding and ordering is done here."""
    view = assemble(
        decision,
        manifest,
        cases=list_cases(decision.comparisons, suites, records),
        facts=run_facts(decision, manifest),
        method=describe_method(decision, manifest, suites, records),
    )
    warnings = tuple(dict.fromkeys(judge_warnings(decision)))
    return replace(view, warnings=warnings, judges=describe_judges(decision, suites))


def assemble(
    decision: Decision,
    manifest: Manifest,
    *,
    cases: tuple[CaseEntry, ...],
    facts: tuple[tuple[str, str], ...],
    method: Method,
) -> View:
    """Return the report on ``decision`` from its parts."""
    created = _created(manifest.created)
    candidates = tuple(
        _candidate(number, decision, manifest=manifest, cases=cases)
        for number in range(len(decision.comparisons))
    )
    return View(
        run_id=one_line(manifest.run_id, 80),
        created=created,
        size=size_of_run(decision),
        overall=_overall(decision, candidates),
        facts=(("Made", created), *facts),
        candidates=candidates,
        cases=cases,
        method=method,
    )


def _overall(decision: Decision, candidates: tuple[CandidateView, ...]) -> Overall:
    words = OUTCOMES[decision.outcome]
    if not candidates:
        return Overall(words.key, "Nothing to compare", words.glyph, words.tone, _ALONE)
    if len(candidates) == 1:
        deck = candidates[0].summary.deck
    else:
        deck = words.deck_many.format(n=len(candidates))
    return Overall(words.key, words.title, words.glyph, words.tone, deck)


_ALONE = "This run holds one model; evalkit compare takes it and another run."


def _candidate(
    number: int,
    decision: Decision,
    *,
    manifest: Manifest,
    cases: tuple[CaseEntry, ...],
) -> CandidateView:
    comparison = decision.comparisons[number]
    models = {m.name: one_line(m.model, 80) for m in manifest.models}
    mine = [c for c in cases if c.pair == number and c.split == "heldout"]
    return CandidateView(
        key=f"c{number + 1}",
        base=one_line(comparison.base, 60),
        candidate=one_line(comparison.candidate, 60),
        base_model=models.get(comparison.base, ""),
        candidate_model=models.get(comparison.candidate, ""),
        summary=summarise(comparison, alpha=decision.alpha, partial=decision.partial),
        changes=describe_changes(comparison),
        overfitting=describe_overfitting(
            comparison, tuple(manifest.training.get(comparison.candidate, ()))
        ),
        flips=_flips(comparison, mine),
    )


def _flips(comparison: ComparisonDecision, cases: Sequence[CaseEntry]) -> Flips:
    found: dict[Status, list[CaseEntry]] = {"broken": [], "fixed": []}
    for case in cases:
        if case.status in found:
            found[case.status].append(case)
    broken, fixed = found["broken"], found["fixed"]
    n_broken, n_fixed = (sum(getattr(s.flips, k) for s in comparison.suites) for k in found)
    hidden = max(n_broken - MOST_BROKEN, 0) + max(n_fixed - MOST_FIXED, 0)
    churn = tuple(_churn(s) for s in comparison.suites)
    return Flips(
        finding=f"{many(n_broken, 'case')} broke, {many(n_fixed, 'case')} "
        f"{'was' if n_fixed == 1 else 'were'} fixed. {noise_line(comparison)}".rstrip(),
        churn=churn,
        table=Table("Cases by what happened to them", _CHURN_HEAD, tuple(_cells(c) for c in churn)),
        broken=tuple(broken[:MOST_BROKEN]),
        fixed=tuple(fixed[:MOST_FIXED]),
        left_out=f"{many(hidden, 'more flip')} in the table of cases." if hidden else "",
    )


_CHURN_HEAD = (
    Column("Suite"),
    Column("Broken", number=True),
    Column("Both wrong", number=True),
    Column("Both right", number=True),
    Column("Fixed", number=True),
)


def _churn(result: SuiteResult) -> ChurnRow:
    flips = result.flips
    counts = (flips.broken, flips.both_wrong, flips.both_right, flips.fixed)
    return ChurnRow(one_line(result.suite, 60), tuple(zip(CHURN_KINDS, counts, strict=True)))


def _cells(row: ChurnRow) -> tuple[str, ...]:
    return (row.label, *(count(number) for _, number in row.counts))


def _created(stamp: str) -> str:
    """Return an ISO 8601 time as "24 November 2026, 09:32 UTC", anything else as it is."""
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return one_line(stamp, 40)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at:%Y, %H:%M} UTC"


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
