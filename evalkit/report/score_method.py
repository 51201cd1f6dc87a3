"""Method and data of a run of scores: what was read, and what scores alone cannot show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.decide.decision import Decision
from evalkit.decide.score_table import FAILED, GRADED, UNGRADED, ScoreTable
from evalkit.model import Manifest, Suite
from evalkit.report.glossary import GLOSSARY
from evalkit.report.method import Method, taken_for_granted, tests_used
from evalkit.report.method_tables import (
    answers_counted,
    decision_tables,
    models_table,
    small_tables,
)
from evalkit.report.numerals import count, short_digest, typeset
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table

_MEANINGS = {
    "Suite": "A set of cases about one ability.",
    "Case": "What both models have a score on. A case is compared with itself, never with others.",
    "Sample": "One score of a case. Where a model has several, their mean counts.",
    "Score": "What each case was given, from 0 (wrong) to 100 (right).",
}
"""Words that mean something else where there are no answers."""

_SUITE_HEAD = (
    Column("Suite"),
    Column("Purpose"),
    Column("Held-out", number=True),
    Column("Training", number=True),
    Column("Samples", number=True),
)
_MODEL_HEAD = (
    Column("Model"),
    Column("Role"),
    Column("Read from"),
    Column("Scores", number=True),
    Column("Without a score", number=True),
    Column("Failed", number=True),
)


def describe_scores(
    decision: Decision,
    manifest: Manifest,
    *,
    suites: Sequence[Suite],
    table: ScoreTable,
    notes: Sequence[str],
) -> Method:
    """Return how the scores were read and judged."""
    scores = int(np.count_nonzero(table.rows.state == GRADED))
    asked = asked_here(manifest)
    models = models_table(manifest.models) if asked else _models(manifest, table)
    counted = answers_counted(manifest) if asked else [("Scores", count(scores))]
    return Method(
        tables=(*decision_tables(decision), _suites(suites, table), models),
        small_tables=small_tables(decision, manifest, counted),
        families=tuple(typeset(one_line(family, 300)) for family in decision.families),
        tests=tests_used(decision),
        limits=(*_limits(decision, suites, manifest), *(one_line(note, 400) for note in notes)),
        assumptions=taken_for_granted(decision),
        glossary=tuple((word, _MEANINGS.get(word, meaning)) for word, meaning in GLOSSARY),
    )


def score_facts(decision: Decision, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return who and what as pairs of name and value; equal digests mean equal files of scores."""
    files = json.dumps(sorted(manifest.digests.items())).encode()
    return (
        ("Run", one_line(manifest.run_id, 80)),
        ("Scores", short_digest(hashlib.sha256(files).hexdigest())),
        ("Policy", short_digest(one_line(decision.policy_digest, 80))),
    )


def _limits(decision: Decision, suites: Sequence[Suite], manifest: Manifest) -> Iterator[str]:
    """Yield what these scores cannot show, by what they lack."""
    yield "It speaks of the cases in these suites and of cases like them, of no others."
    yield (
        "This page shows scores. The answers behind them, too many for a page, are in "
        "records.jsonl.gz beside it."
        if asked_here(manifest)
        else "The scores are taken as they are. Who gave them, to what and by which rules, "
        "and whether both models were treated alike, nothing here can show."
    )
    if all(suite.sampling.samples == 1 for suite in suites):
        yield (
            "Each case has one score of each model. How much a score varies from one try to the "
            "next is not separated from the difference between the models."
        )
    if not any(c.overfitting for c in decision.comparisons):
        yield "No training cases have scores, so learning cannot be told from memorising."
    if not any(s.slices for c in decision.comparisons for s in c.suites):
        yield "No slices were named: a loss in one group of cases can hide in a good total."
    if manifest.partial:
        why = one_line(manifest.partial, 200)
        yield f"A run that the scores came from is partial: {why}. A partial run never promotes."


def asked_here(manifest: Manifest) -> bool:
    """Return whether the run asked the models itself."""
    return any(model.identity for model in manifest.models)


def _suites(suites: Sequence[Suite], table: ScoreTable) -> Table:
    rows = (
        (
            one_line(suite.name, 60),
            suite.purpose,
            count(table.number_of_cases(suite.name, train=False)),
            count(table.number_of_cases(suite.name, train=True)),
            count(suite.sampling.samples),
        )
        for suite in suites
    )
    return Table("Suites", _SUITE_HEAD, tuple(rows))


def _models(manifest: Manifest, table: ScoreTable) -> Table:
    rows = (
        (
            one_line(model.name, 60),
            one_line(model.role, 20),
            one_line(model.model, 120),
            *(_rows(table, side, state) for state in (GRADED, UNGRADED, FAILED)),
        )
        for side, model in enumerate(manifest.models)
    )
    return Table("Models", _MODEL_HEAD, tuple(rows))


def _rows(table: ScoreTable, side: int, state: int) -> str:
    return count(int(np.count_nonzero((table.rows.side == side) & (table.rows.state == state))))
