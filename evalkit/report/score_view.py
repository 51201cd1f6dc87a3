"""The report on scores without answers: the same sections, without what needs a text to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.decide.decision import Decision
from evalkit.decide.score_table import ScoreTable
from evalkit.model import Manifest, Suite
from evalkit.report.caselist import CaseEntry
from evalkit.report.score_cases import list_scores
from evalkit.report.score_method import asked_here, describe_scores, score_facts
from evalkit.report.score_warnings import score_warnings
from evalkit.report.tables import Column, Table
from evalkit.report.view import CandidateView, View, assemble


def build_score_view(
    decision: Decision,
    *,
    manifest: Manifest,
    suites: Sequence[Suite],
    table: ScoreTable,
    notes: Sequence[str],
) -> View:
    """Return the report on ``decision``, which was made from the scores of ``table``.

    ``notes`` say what was not read, and what was left out, of the files that the scores came from.
    """
    listed = list_scores(table)
    view = assemble(
        decision,
        manifest,
        cases=listed.entries,
        facts=score_facts(decision, manifest),
        method=describe_scores(decision, manifest, suites=suites, table=table, notes=notes),
    )
    sliced = bool(table.cases.slices.names)
    shown = tuple(_with_tables(candidate, table) for candidate in view.candidates)
    return replace(
        view,
        candidates=tuple(map(_not_all, shown)) if listed.note else shown,
        has_answers=False,
        aside="Slices" if sliced else "",
        cases_note=listed.note,
        warnings=() if asked_here(manifest) else score_warnings(table),
    )


def _with_tables(candidate: CandidateView, table: ScoreTable) -> CandidateView:
    """Return the view with its flips as tables: a case has nothing to open."""
    flips = candidate.flips
    found = (("Broken, worst first", flips.broken), ("Fixed", flips.fixed))
    sliced, several = bool(table.cases.slices.names), len(table.suites) > 1
    tables = tuple(
        _table(title, cases, sliced=sliced, several=several) for title, cases in found if cases
    )
    return replace(candidate, flips=replace(flips, tables=tables))


def _not_all(candidate: CandidateView) -> CandidateView:
    """Return the view without the promise that the table of cases has all flips."""
    flips = candidate.flips
    more = "The table of cases lists more of them, scores.csv.gz all." if flips.left_out else ""
    return replace(candidate, flips=replace(flips, left_out=more))


def _table(title: str, cases: Sequence[CaseEntry], *, sliced: bool, several: bool) -> Table:
    aside = (*[Column("Suite")] * several, *[Column("Slices")] * sliced)
    head = (Column("Case"), Column("Base", number=True), Column("Candidate", number=True), *aside)
    rows = (
        (
            f"{case.id}, critical" if case.critical else case.id,
            case.base_score,
            case.candidate_score,
            *[case.suite] * several,
            *[case.question] * sliced,
        )
        for case in cases
    )
    return Table(title, head, tuple(rows))
