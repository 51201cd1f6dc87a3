"""Stored answers judged again: verdicts from the store, and asked for where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from evalkit.clients import make_client
from evalkit.graders import SuiteGrader
from evalkit.model import Case, Graded, Manifest, Record, Reply, Request
from evalkit.pipeline.judging import Judging, Place
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.run import waited
from evalkit.pipeline.unusable import refuse_self_judging, unusable
from evalkit.runner import Ask, Engine, Terms
from evalkit.store import Answers

Key = tuple[str, str, str, int]
"""Suite, case, model and sample of an answer."""

Answered = tuple[Case, Sequence[Record]]
"""A case with the records of all models and samples."""


def key_of(record: Record) -> Key:
    """Return what tells an answer from all others of a run."""
    return record.suite, record.case, record.model, record.sample


def judged_again(
    plan: Plan, records: Sequence[Record], *, reports: Path, facts: Manifest
) -> Mapping[Key, Mapping[str, Graded]]:
    """Return what the judges of ``plan`` give the answers to its suites, by answer.

    ``facts`` tell who gave the answers. No client is started where every verdict is stored below
    ``reports``. Raises `SetupError` for a judge that cannot be asked, or that would judge its own
    answers.
    """
    allow_code = plan.project.allow_code
    graders = {s.name: SuiteGrader(s, allow_code=allow_code) for s in plan.suites}
    judging = Judging(plan, graders)
    cases = {(c.suite, c.id): c for s in plan.suites if judging.concerns(s.name) for c in s.cases}
    if not cases:
        return {}
    models = {judge.model.name: judge.model for judge in plan.judges.values()}
    clients = {name: make_client(model, environ=os.environ) for name, model in models.items()}
    who = {model.name: model.identity for model in facts.models}
    refuse_self_judging(plan, who | {name: c.identity for name, c in clients.items()})
    answers = [*_by_case(records, cases)]
    with Answers(Options(reports=reports).answers) as store:
        engine = Engine(clients, store, models=models, terms=Terms(budget=plan.project.budget))
        try:
            engine.start(ask for answered in answers for ask in _asks(judging, answered))
            found = dict(pair for a in answers for pair in _grades(judging, a, engine))
        finally:
            engine.stop()
        for name, model in models.items():
            if error := engine.fatal(name):
                raise unusable(model, error)
    return found


def _by_case(
    records: Sequence[Record], cases: Mapping[tuple[str, str], Case]
) -> Iterator[Answered]:
    known = [record for record in records if (record.suite, record.case) in cases]
    known.sort(key=lambda r: (r.suite, r.case))
    for key, found in groupby(known, lambda r: (r.suite, r.case)):
        yield cases[key], tuple(found)


def _asks(judging: Judging, answered: Answered) -> Iterator[Ask]:
    case, records = answered
    said = {(record.model, record.sample): record.outcome for record in records}
    for record in records:
        if isinstance(record.outcome, Reply):
            base = said.get((judging.base_of(case.suite, record.model), record.sample))
            place = Place(case, record.model, record.sample)
            for questions in judging.asks(place, record.outcome, base).values():
                for times in questions:
                    yield from times


def _grades(
    judging: Judging, answered: Answered, engine: Engine
) -> Iterator[tuple[Key, Mapping[str, Graded]]]:
    case, records = answered
    asks = [Ask(record.model, Request({}, record.sample)) for record in records]
    outcomes = [record.outcome for record in records]
    grades, _ = judging.judged(case, asks, outcomes, lambda ask: waited(engine, ask, _idle))
    yield from zip(map(key_of, records), grades, strict=True)


def _idle() -> None:
    """Do nothing while a verdict is waited for."""
