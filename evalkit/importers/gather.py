"""Logs to suites and records: a suite for each task and scorer, scores on the scale from 0 to 1."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.decide.status import RIGHT
from evalkit.errors import Fault, FileFaults, SetupError
from evalkit.importers.found import Figure, Log, Mark, Note, Scored
from evalkit.model import (
    Case,
    Failure,
    Grade,
    Graded,
    GraderSpec,
    Record,
    Sampling,
    Source,
    Suite,
    Ungraded,
)

TOLERANCE = 1e-4
"""How far a mean may lie from the tool's own figure, which tools round, before it is told."""

_ROUNDING = 1e-9
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scorers to take (all if empty), and what their scores go from and to."""

    scores: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean score of one model on one suite, and the tool's own; ``None`` where there is none.

    ``cases`` counts the cases with a score, ``lost`` the answers without one.
    """

    suite: str
    model: str
    cases: int
    lost: int
    value: float | None
    reported: float | None

    @property
    def differs(self) -> bool:
        """Whether the tool says something else."""
        both = self.value is not None and self.reported is not None
        return both and abs((self.value or 0.0) - (self.reported or 0.0)) > TOLERANCE


@dataclass(frozen=True, slots=True)
class Gathered:
    """What becomes a run."""

    suites: tuple[Suite, ...]
    records: tuple[Record, ...]
    models: tuple[str, ...]
    means: tuple[Mean, ...]
    notes: tuple[Note, ...]


def gather(logs: Sequence[Log], wanted: Wanted) -> Gathered:
    """Return the suites and records of ``logs``, those of one model in two logs told apart.

    Raises `FileFaults` for answers that stand twice, and `SetupError` if no score is left.
    """
    logs = _told_apart(logs)
    rows = [row for log in logs for row in log.rows]
    _refuse_twins(rows)
    _refuse_other_questions(rows)
    columns = _columns(rows)
    chosen, notes = _chosen(columns, wanted)
    if not chosen:
        raise _nothing(columns, notes)
    alone = {task for task in _tasks(chosen) if sum(t == task for t, _ in chosen) == 1}
    names = _names(chosen, alone)
    suites, records = [], []
    for (task, scorer), members in chosen.items():
        suite = _suite(names[task, scorer], scorer, members, logs[0].tool)
        suites.append(suite)
        records += [_record(suite.name, scorer, row, wanted) for row in members]
    figures = {(f.task, f.scorer, f.model): f for log in logs for f in log.figures}
    return Gathered(
        suites=tuple(suites),
        records=tuple(records),
        models=tuple(dict.fromkeys(row.model for row in rows)),
        means=tuple(_means(chosen, names, figures)),
        notes=(*(note for log in logs for note in log.notes), *notes),
    )


Column = tuple[str, str]
"""A task and one of its scorers."""


def slug(text: str) -> str:
    """Return ``text`` as the name of a suite: letters, digits, '.', '_' and '-'."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:_LONGEST_NAME].strip("-._")
    # A file evalkit.yaml would be taken for a project.
    return name if name not in ("", "evalkit") else f"imported{name}"


def _told_apart(logs: Sequence[Log]) -> list[Log]:
    """Return the logs, models of one name that answer the same cases called (A), (B) ..."""
    answered: dict[str, list[set[tuple[str, str, int]]]] = defaultdict(list)
    for log in logs:
        for model in {row.model for row in log.rows}:
            keys = {(r.task, r.case, r.sample) for r in log.rows if r.model == model}
            answered[model].append(keys)
    twice = {m for m, keys in answered.items() if len(set().union(*keys)) < sum(map(len, keys))}
    return [_renamed(log, twice, f" ({chr(65 + n)})") for n, log in enumerate(logs)]


def _renamed(log: Log, models: set[str], suffix: str) -> Log:
    if not models:
        return log
    rows = (replace(r, model=r.model + suffix) if r.model in models else r for r in log.rows)
    figures = (replace(f, model=f.model + suffix) if f.model in models else f for f in log.figures)
    return replace(log, rows=tuple(rows), figures=tuple(figures))


def _refuse_twins(rows: Iterable[Scored]) -> None:
    first: dict[tuple[str, str, str, int], Source] = {}
    faults = []
    for row in rows:
        at = first.setdefault((row.task, row.case, row.model, row.sample), row.source)
        if at is not row.source:
            got = f"{row.task}/{row.case} of {row.model} again, first in {at.path}:{at.line}"
            needed, instead = "each case once", "the log of one run of each task and model"
            faults.append(Fault(row.source.path, row.source.line, needed, got, instead))
    if faults:
        raise FileFaults(faults[:20], untold=max(0, len(faults) - 20))


def _refuse_other_questions(rows: Iterable[Scored]) -> None:
    """Raise `FileFaults` if two models, or two samples, were asked differently under one id."""
    asked: dict[tuple[str, str], Scored] = {}
    for row in rows:
        first = asked.setdefault((row.task, row.case), row)
        if first.messages != row.messages:
            where = f"{first.source.path}:{first.source.line}"
            got = f"another prompt for {row.task}/{row.case} than in {where}"
            needed, instead = "one prompt for each case", "logs of the same task and prompt"
            raise FileFaults([Fault(row.source.path, row.source.line, needed, got, instead)])


def _columns(rows: Iterable[Scored]) -> dict[Column, list[Scored]]:
    """Return the rows of each scorer: those it marked, and failures of the cases it is for."""
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    return {
        (task, scorer): _marked(members, scorer)
        for task, members in by_task.items()
        for scorer in dict.fromkeys(name for row in members for name in row.marks)
    }


def _marked(rows: Sequence[Scored], scorer: str) -> list[Scored]:
    """Return the rows that count for a scorer.

    An answer that never came has no marks: it counts where the scorer marks every answer there is,
    or marked the same case of another model or sample.
    """
    everywhere = all(scorer in r.marks for r in rows if not isinstance(r.outcome, Failure))
    cases = {row.case for row in rows if scorer in row.marks}
    return [
        row
        for row in rows
        if scorer in row.marks
        or (isinstance(row.outcome, Failure) and (everywhere or row.case in cases))
    ]


def _chosen(
    columns: Mapping[Column, list[Scored]], wanted: Wanted
) -> tuple[dict[Column, list[Scored]], list[Note]]:
    chosen: dict[Column, list[Scored]] = {}
    notes: list[Note] = []
    unknown = [s for s in wanted.scores if all(s != scorer for _, scorer in columns)]
    if unknown:
        raise SetupError(
            "--score with a score of the log",
            got=f"'{unknown[0]}'",
            instead="one of: " + ", ".join(dict.fromkeys(scorer for _, scorer in columns)),
        )
    for (task, scorer), rows in columns.items():
        if wanted.scores and scorer not in wanted.scores:
            notes.append(Note(f"{task}, {scorer}", "not asked for by --score"))
        elif why := _off_scale(rows, scorer, wanted):
            notes.append(Note(f"{task}, {scorer}", why))
        else:
            chosen[task, scorer] = rows
    return chosen, notes


def _off_scale(rows: Iterable[Scored], scorer: str, wanted: Wanted) -> str:
    low, high = wanted.low, wanted.high
    for row in rows:
        value = row.marks[scorer].value if scorer in row.marks else None
        if value is not None and not low - _ROUNDING <= value <= high + _ROUNDING:
            return f"a score of {value:g} is not from {low:g} to {high:g}; --scale LOW HIGH"
    return ""


def _nothing(columns: Mapping[Column, object], notes: Sequence[Note]) -> SetupError:
    got = "; ".join(map(str, notes[:5])) if columns else "answers without any score"
    return SetupError(
        "a score from 0 to 1 for the answers of the log",
        got=got,
        instead="--scale LOW HIGH for scores on another scale, or a log with scores",
    )


def _tasks(chosen: Iterable[Column]) -> list[str]:
    return list(dict.fromkeys(task for task, _ in chosen))


def _names(chosen: Iterable[Column], alone: set[str]) -> dict[Column, str]:
    """Return a name for each suite: its task, and the scorer where a task has several."""
    names: dict[Column, str] = {}
    for task, scorer in chosen:
        name = base = slug(task if task in alone else f"{task}.{scorer}")
        number = 2
        while name in names.values():
            name, number = f"{base}-{number}", number + 1
        names[task, scorer] = name
    return names


def _suite(name: str, scorer: str, rows: Sequence[Scored], tool: str) -> Suite:
    cases: dict[str, Case] = {}
    for row in rows:
        cases.setdefault(
            row.case,
            Case(
                suite=name,
                id=row.case,
                messages=row.messages,
                expected=row.expected,
                tags=row.tags,
                source=row.source,
            ),
        )
    return Suite(
        name=name,
        purpose="guard",
        cases=tuple(cases.values()),
        graders=(GraderSpec(scorer, tool, {}, Source("", 0)),),
        score=scorer,
        sampling=Sampling(samples=max(row.sample for row in rows) + 1),
        description=f"Scores of {tool}.",
    )


def _record(suite: str, scorer: str, row: Scored, wanted: Wanted) -> Record:
    found: Graded | None = None
    if scorer in row.marks and not isinstance(row.outcome, Failure):
        found = _graded(row.marks[scorer], wanted)
    return Record(
        suite=suite,
        case=row.case,
        model=row.model,
        sample=row.sample,
        outcome=row.outcome,
        grades={} if found is None else {scorer: found},
        score=found.score if isinstance(found, Grade) else None,
    )


def _graded(mark: Mark, wanted: Wanted) -> Graded:
    if mark.value is None:
        return Ungraded(mark.reason or "the log has no score")
    score = (mark.value - wanted.low) / (wanted.high - wanted.low)
    score = min(max(score, 0.0), 1.0)
    passed = score >= RIGHT if mark.passed is None else mark.passed
    return Grade(score, passed, mark.reason)


def _means(
    chosen: Mapping[Column, list[Scored]],
    names: Mapping[Column, str],
    figures: Mapping[tuple[str, str, str], Figure],
) -> Iterator[Mean]:
    """Yield the mean over cases of the means over samples, on the tool's own scale."""
    for (task, scorer), rows in chosen.items():
        for model in dict.fromkeys(row.model for row in rows):
            mine = [row for row in rows if row.model == model]
            by_case: dict[str, list[float]] = defaultdict(list)
            for row in mine:
                value = row.marks[scorer].value if scorer in row.marks else None
                if value is not None and not isinstance(row.outcome, Failure):
                    by_case[row.case].append(value)
            scored = sum(map(len, by_case.values()))
            means = [sum(values) / len(values) for values in by_case.values()]
            figure = figures.get((task, scorer, model))
            yield Mean(
                suite=names[task, scorer],
                model=model,
                cases=len(means),
                lost=len(mine) - scored,
                value=sum(means) / len(means) if means else None,
                reported=figure.value if figure else None,
            )


def as_text(value: object) -> str:
    """Return any value of a log as text: texts as they are, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
