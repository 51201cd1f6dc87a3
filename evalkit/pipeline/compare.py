"""Scores of two models, from files or runs, to a decision and a report as a run gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from evalkit.decide import Policy
from evalkit.decide.rules import rule_for
from evalkit.decide.score_table import ABSENT, BASE, CANDIDATE, FAILED, ScoreTable, most_samples
from evalkit.errors import SetupError
from evalkit.loader.faults import Faults
from evalkit.loader.score_columns import ScoreColumns
from evalkit.loader.score_layout import Choice, shown_names
from evalkit.loader.score_sort import sorted_table, twin_rows
from evalkit.model import Manifest, ModelFacts, Pair, Purpose, Sampling, Suite
from evalkit.pipeline.answer_scores import AnswerScores, shared
from evalkit.pipeline.facts import versions
from evalkit.pipeline.judge_scales import two_scales
from evalkit.pipeline.kept import Finished
from evalkit.pipeline.prepare import policy_of
from evalkit.pipeline.score_choice import choose_model, choose_pair, distinct
from evalkit.pipeline.score_run import ScoreInputs, ScoreRun, decide_scores, write_score_run
from evalkit.pipeline.score_sources import ScoreFile, Source, run_folder, scores_of_run, stem
from evalkit.pipeline.stages import read_run
from evalkit.report.safe import told_apart
from evalkit.store import RunFolder, check_writable, forget_latest, new_run_id

NOBODY = Pair("", "")
AS_NAMED = Choice()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of scores is asked for.

    ``wanted`` names base and candidate, or two columns of scores; empty where nothing was said.
    ``purpose``, ``margin`` and ``min_gain`` hold for every suite of which the policy says nothing;
    ``None``: what the sources say, else a guard at a margin of 0.02.
    """

    reports: Path
    wanted: Pair = NOBODY
    choice: Choice = AS_NAMED
    purpose: Purpose | None = None
    margin: float | None = None
    min_gain: float = 0.0
    policy: Path | None = None


@dataclass(frozen=True, slots=True)
class _Gathered:
    """All rows of the sources, the codes of the two models compared, and what to know of it."""

    columns: ScoreColumns
    models: tuple[int, int]
    pair: Pair
    places: tuple[str, str]
    notes: tuple[str, ...]


def compare(first: Path, second: Path | None, asked: Comparison) -> Finished:
    """Compare the scores of ``first``, or of ``first`` and ``second``, and write a run of scores.

    Raises `FileFaults` with every fault of every file, and then nothing is decided.
    """
    started = datetime.now(UTC)
    if asked.policy:
        policy_of(asked.policy)  # its faults before a million rows
    check_writable(asked.reports)
    faults = Faults()
    sources, notes = _opened([first, *([second] if second else [])], asked, faults)
    forget_latest(asked.reports)  # now that no source can be it
    found = _gathered(sources, asked.wanted, faults)
    table = sorted_table(found.columns, *found.models, pair=found.pair)
    _refuse_strangers(table)
    suites = _suites(sources, table, asked)
    given = ScoreInputs(
        pair=found.pair,
        suites=suites,
        policy=_policy(asked.policy, sources, suites),
        min_gain=asked.min_gain,
        notes=(*notes, *found.notes),
    )
    _refuse_idle_gain(given)
    partial = "; ".join(f"{s.name}: {s.partial}" for s in sources if s.partial)
    decision = decide_scores(given, table, partial=bool(partial))
    manifest = Manifest(
        run_id=new_run_id(started),
        created=started.isoformat(timespec="seconds"),
        seconds=round((datetime.now(UTC) - started).total_seconds(), 1),
        versions=versions(),
        digests={name: digest for s in sources for name, digest in s.digests().items()},
        models=_models(table, found.places),
        partial=partial,
    )
    folder = RunFolder.create(asked.reports, manifest.run_id)
    finished = write_score_run(folder, ScoreRun(given, table, manifest, decision))
    return replace(finished, notes=given.notes)


def _opened(
    paths: Sequence[Path], asked: Comparison, faults: Faults
) -> tuple[list[Source], tuple[str, ...]]:
    """Return the sources, runs narrowed to the models in question, and what that leaves out."""
    wanted = asked.wanted
    if len(paths) == 1:
        _refuse_one_twice(wanted)
        wide = (wanted.base, wanted.candidate) if wanted.base and wanted.candidate else ()
        source = _source(paths[0], replace(asked.choice, wide=wide))
        if isinstance(source, AnswerScores):
            pair = choose_pair(wanted, source.models, pairs=source.pairs, where=source.name)
            source = source.narrowed(pair.base, pair.candidate, learner_of=pair.candidate)
        return [source], ()
    both = [_source(path, asked.choice) for path in paths]
    names = wanted.base, wanted.candidate
    for side, source in enumerate(both):
        if isinstance(source, AnswerScores):
            is_candidate, where = side == CANDIDATE, source.name
            name = choose_model(names[side], source.models, candidate=is_candidate, where=where)
            both[side] = source.narrowed(name, learner_of=name if is_candidate else "")
    base, candidate = both
    if isinstance(base, AnswerScores) and isinstance(candidate, AnswerScores):
        judges = two_scales(base.scales(), candidate.scales(), where=(base.name, candidate.name))
        base, candidate, notes = shared(base, candidate, faults)
        return [base, candidate], (*notes, *judges)
    return both, ()


def _refuse_one_twice(wanted: Pair) -> None:
    if wanted.base and wanted.base == wanted.candidate:
        raise SetupError(
            "two models, or two columns of scores, of the one source",
            got=f"'{wanted.base}' as --base and as --candidate",
            instead="another --candidate NAME, or a second file (--score names its column)",
        )


def _source(path: Path, choice: Choice) -> Source:
    folder = run_folder(path)
    if folder is None:
        return ScoreFile(path, choice, model=stem(path))
    return scores_of_run(folder) if folder.holds_scores else AnswerScores.of(*read_run(folder.path))


def _gathered(sources: Sequence[Source], wanted: Pair, faults: Faults) -> _Gathered:
    """Read all rows and settle which models are compared."""
    columns = ScoreColumns()
    notes = [note for source in sources for note in source.read(columns, faults)]
    faults.add(twin_rows(columns))
    faults.raise_any()
    by_source = [[name for at, name in columns.models if at == i] for i in range(len(sources))]
    first, last = sources[0], sources[-1]
    if len(sources) == 1:
        pair = choose_pair(wanted, by_source[0], pairs=first.pairs, where=first.name)
    else:
        names = (wanted.base, wanted.candidate)
        base, candidate = (
            choose_model(name, models, candidate=bool(side), where=source.name)
            for side, (name, models, source) in enumerate(
                zip(names, by_source, sources, strict=True)
            )
        )
        pair = Pair(base, candidate)
    codes = columns.models[0, pair.base], columns.models[len(sources) - 1, pair.candidate]
    return _Gathered(
        columns=columns,
        models=codes,
        pair=distinct((pair.base, pair.candidate), (first.name, last.name)),
        places=_places(first.name, last.name),
        notes=(*notes, *_others(columns, codes)),
    )


def _places(first: str, last: str) -> tuple[str, str]:
    """Return where the models come from: the names without folders, as long as they differ."""
    short = Path(first).name, Path(last).name
    return short if short[0] != short[1] or first == last else (first, last)


def _others(columns: ScoreColumns, compared: tuple[int, int]) -> Iterator[str]:
    """Yield which models have scores that are not compared."""
    for at, source in enumerate(columns.sources):
        names = [n for (of, n), code in columns.models.items() if of == at and code not in compared]
        if names:
            yield f"{source}: scores of other models were not compared: {shown_names(names)}."


def _refuse_strangers(table: ScoreTable) -> None:
    """Raise `SetupError` if the two models have no case in common."""
    rows = table.rows
    there = [rows.case[(rows.side == s) & (rows.state != ABSENT)] for s in (BASE, CANDIDATE)]
    base, candidate = there
    if np.isin(base, candidate).any():
        return
    first = told_apart([table.cases.ids[int(c[0])] if len(c) else "none" for c in there])
    raise SetupError(
        "cases that both models have scores of",
        got=f"none: the first of {table.pair.base} is {first[0]}, of {table.pair.candidate} "
        f"{first[1]}",
        instead="cases and suites named alike on both sides; --case COLUMN says what names them",
    )


def _policy(file: Path | None, sources: Sequence[Source], suites: tuple[Suite, ...]) -> Policy:
    if file:
        return policy_of(file, suites=suites, of="these scores")
    return next((source.policy for source in sources if source.policy), None) or Policy()


def _refuse_idle_gain(given: ScoreInputs) -> None:
    """Raise `SetupError` if a gain is asked for and no suite is left that it holds for."""
    rules = [rule_for(suite, given.policy) for suite in given.suites]
    gaining = [rule for rule in rules if rule.rule == "superior"]
    if not given.min_gain or any(not rule.min_gain for rule in gaining):
        return
    raise SetupError(
        "a suite that has to gain, for --min-gain",
        got="a min_gain of its own in the policy for each of these"
        if gaining
        else "guards only, which must not lose",
        instead="one of the two"
        if gaining
        else "--purpose target, or rule: superior in the policy",
    )


def _suites(sources: Sequence[Source], table: ScoreTable, asked: Comparison) -> tuple[Suite, ...]:
    """Return the suites in the order of the first source that knows them, the others by name."""
    known = {suite.name: suite for source in reversed(sources) for suite in source.suites}
    order = dict.fromkeys([suite.name for s in sources for suite in s.suites] + [*table.suites])
    return tuple(
        replace(
            known.get(name) or _plain_suite(name),
            purpose=asked.purpose or (known[name].purpose if name in known else "guard"),
            margin=known[name].margin if asked.margin is None and name in known else asked.margin,
            cases=(),
            graders=(),
            sampling=Sampling(samples=most_samples(table, name)),
        )
        for name in order
        if name in table.suites or len(sources) == 1
    )


def _plain_suite(name: str) -> Suite:
    return Suite(name, "guard", cases=(), graders=(), score="score", sampling=Sampling())


def _models(table: ScoreTable, places: tuple[str, str]) -> tuple[ModelFacts, ModelFacts]:
    rows = table.rows
    base, candidate = (
        ModelFacts(
            name=name,
            role=role,
            client="scores",
            model=place,
            identity="",
            answers=int(np.count_nonzero((rows.side == side) & (rows.state < FAILED))),
            errors=int(np.count_nonzero((rows.side == side) & (rows.state == FAILED))),
        )
        for side, (name, role, place) in enumerate(
            [(table.pair.base, "base", places[0]), (table.pair.candidate, "candidate", places[1])]
        )
    )
    return base, candidate
