"""Files of other tools: their suites as suites, their results as a run that was not asked here."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evalkit.decide import Policy, RunData, decide
from evalkit.errors import SetupError
from evalkit.importers import (
    Definitions,
    Gathered,
    Log,
    Mean,
    Note,
    Request,
    Wanted,
    gather,
    read,
    sound,
    write_definitions,
)
from evalkit.loader import find_project
from evalkit.loader.datafile import file_digest
from evalkit.loader.faults import Faults, shown
from evalkit.loader.suites import suite_documents
from evalkit.model import Manifest, ModelFacts, ModelSpec, Pair, Project, Record, Reply
from evalkit.pipeline.facts import versions
from evalkit.pipeline.score_choice import distinct
from evalkit.pipeline.stages import Stored, write_run
from evalkit.store import RunFolder, check_writable, new_run_id

NOBODY = Pair("", "")
SUITES = Path("suites", "imported")
"""Where suites go if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an import is asked for.

    ``out`` is the folder of the run or of the suites. ``models`` name the models of the paths, in
    their order; ``pair`` says who is base and candidate of a run, empty as the paths have it.
    """

    format: str
    paths: tuple[Path, ...]
    reports: Path
    out: Path | None = None
    models: tuple[str, ...] = ()
    pair: Pair = NOBODY
    data: Path | None = None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: the folder, its suites by their numbers of cases, the means of a run.

    ``has_project`` is whether suites joined a project; else a project file was made for them.
    """

    folder: Path
    suites: Mapping[str, int]
    notes: tuple[Note, ...]
    means: tuple[Mean, ...] = ()
    comparisons: tuple[Pair, ...] = ()
    is_run: bool = False
    has_project: bool = False


def import_files(asked: Asked) -> Imported:
    """Import the paths; raise `FileFaults` or `SetupError` and write nothing if that fails."""
    if len(asked.models) > len(asked.paths):
        raise SetupError(
            "at most one --model for each path",
            got=f"{len(asked.models)} for {len(asked.paths)}",
            instead="one for each, in their order",
        )
    names = (*asked.models, *[""] * (len(asked.paths) - len(asked.models)))
    found = [
        read(asked.format, Request(path, model, asked.data))
        for path, model in zip(asked.paths, names, strict=True)
    ]
    logs = [part for part in found if isinstance(part, Log)]
    definitions = [part for part in found if isinstance(part, Definitions)]
    if logs and definitions:
        raise SetupError(
            "paths of one kind, suites or results",
            got=f"{len(definitions)} of suites and {len(logs)} of results",
            instead="one call for each kind",
        )
    return _keep_run(logs, asked) if logs else _keep_suites(definitions, asked)


def _keep_suites(definitions: Sequence[Definitions], asked: Asked) -> Imported:
    suites = tuple(suite for part in definitions for suite in part.suites)
    twice = [name for name, n in Counter(suite.name for suite in suites).items() if n > 1]
    if twice:
        raise SetupError(
            "suites of different names", got=f"'{twice[0]}' twice", instead="one path at a time"
        )
    merged = sound(
        Definitions(
            suites,
            notes=tuple(note for part in definitions for note in part.notes),
            models={name: model for part in definitions for name, model in part.models.items()},
        )
    )
    out = asked.out or SUITES
    project = _project(out)
    _refuse_twins(merged, project)
    names = ", ".join(shown(path) for path in asked.paths)
    title = f"Imported by `evalkit import {asked.format} {names}`."
    write_definitions(merged, out, title=title, has_project=project is not None)
    counts = {suite.name: len(suite.cases) for suite in merged.suites}
    return Imported(out, counts, merged.notes, has_project=project is not None)


def _project(out: Path) -> Path | None:
    """Return the file of the project that suites below ``out`` belong to; ``None`` if none."""
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    try:
        return find_project([there], root=Path.cwd())
    except SetupError:
        return None


def _refuse_twins(found: Definitions, project: Path | None) -> None:
    """Raise `SetupError` if the project has a suite of a name already."""
    if project is None:
        return
    names = {suite.name for suite in found.suites}
    for path, document in suite_documents(project.parent, aside=[project], faults=Faults()):
        tree = document.tree if document is not None else None
        name = tree.get("suite") if isinstance(tree, dict) else None
        if isinstance(name, str) and name in names:
            raise SetupError(
                "suites of names that the project has not",
                got=f"'{name}', which is also {shown(path)}",
                instead="another name in the imported file, or --out DIR outside the project",
            )


def _keep_run(logs: Sequence[Log], asked: Asked) -> Imported:
    started = datetime.now(UTC)
    found = gather(logs, asked.wanted)
    pairs = _pairs(found.models, asked.pair)
    _check_out(asked)
    run_id = asked.out.name if asked.out else new_run_id(started)
    stored = _stored(found, logs, pairs, run_id=run_id, started=started)
    folder = RunFolder.create(asked.out.parent if asked.out else asked.reports, run_id)
    try:
        write_run(folder, stored, as_latest=asked.out is None)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return Imported(
        folder=folder.path,
        suites={suite.name: len(suite.cases) for suite in found.suites},
        notes=found.notes,
        means=found.means,
        comparisons=pairs,
        is_run=True,
    )


def _check_out(asked: Asked) -> None:
    if asked.out is None:
        check_writable(asked.reports)
    elif asked.out.exists():
        raise SetupError(
            "a folder for the run that is not there yet",
            got=f"{asked.out}, which is",
            instead="another --out DIR",
        )


def _pairs(models: Sequence[str], wanted: Pair) -> tuple[Pair, ...]:
    """Return who is compared: the first model is the base, every other one a candidate."""
    for option, name in (("--base", wanted.base), ("--candidate", wanted.candidate)):
        if name and name not in models:
            raise SetupError(
                f"{option} with a model of the log",
                got=f"'{name}'",
                instead="one of: " + ", ".join(models),
            )
    others = [name for name in models if name != wanted.candidate]
    base = wanted.base or (others[0] if others else "")
    candidates = [wanted.candidate] if wanted.candidate else [n for n in models if n != base]
    return tuple(distinct((base, name), ("", "")) for name in candidates if base)


def _stored(
    found: Gathered,
    logs: Sequence[Log],
    pairs: tuple[Pair, ...],
    *,
    run_id: str,
    started: datetime,
) -> Stored:
    tool = logs[0].tool
    candidates = {pair.candidate for pair in pairs}
    models = {
        name: ModelSpec(
            name=name,
            role="candidate" if name in candidates else "base",
            client=tool,
            model=name,
        )
        for name in found.models
    }
    project = Project(root=Path(), models=models, comparisons=pairs)
    files = dict.fromkeys(path for log in logs for path in log.files)
    manifest = Manifest(
        run_id=run_id,
        created=started.isoformat(timespec="seconds"),
        seconds=0.0,
        versions=versions(),
        digests={f"{tool}:{path.name}": file_digest(path) for path in files},
        models=tuple(_facts(spec, found.records) for spec in models.values()),
    )
    decision = decide(RunData(project, found.suites, found.records), Policy())
    return Stored(project, found.suites, Policy(), found.records, manifest, decision)


def _facts(spec: ModelSpec, records: Sequence[Record]) -> ModelFacts:
    """Return what the log says of a model: each answer once, though several suites may hold it."""
    mine = {id(r.outcome): r.outcome for r in records if r.model == spec.name}
    replies = [outcome for outcome in mine.values() if isinstance(outcome, Reply)]
    return ModelFacts(
        name=spec.name,
        role=spec.role,
        client=spec.client,
        model=spec.model,
        identity="",
        answers=len(replies),
        errors=len(mine) - len(replies),
        input_tokens=sum(reply.usage.input for reply in replies),
        output_tokens=sum(reply.usage.output for reply in replies),
    )
