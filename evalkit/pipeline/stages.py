"""What a run leaves on disk, and the later stages done again from there, offline.

A run folder holds its inputs beside its records, so that another grader costs no call, another
margin no grading, and another template no statistics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.decide import Decision, Policy, RunData, decide, from_dict
from evalkit.errors import RunError
from evalkit.graders import SuiteGrader
from evalkit.graders.suite_grader import NOT_JUDGED
from evalkit.model import Case, Graded, Manifest, Project, Record, Reply, Suite
from evalkit.model.codec import decode
from evalkit.pipeline.kept import INPUTS, Finished, Kept, view_of, write_decision
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prepare import policy_of
from evalkit.pipeline.rejudge import Key, judged_again, key_of
from evalkit.report import View, build_view
from evalkit.store import RunFolder


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run was given, its cases apart; ``watched`` as in `RunData`."""

    project: Project
    suites: tuple[Suite, ...]
    policy: Policy
    watched: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything a run folder holds."""

    project: Project
    suites: tuple[Suite, ...]
    policy: Policy
    records: Sequence[Record]
    manifest: Manifest
    decision: Decision
    watched: Mapping[str, int] = field(default_factory=dict)

    def inputs(self) -> Inputs:
        """Return what the run was given, without cases and secrets."""
        return Inputs(
            project=self.project.public(),
            suites=tuple(replace(suite, cases=()) for suite in self.suites),
            policy=self.policy,
            watched=self.watched,
        )

    def decided(self, policy: Policy) -> Stored:
        """Return the same records, decided by ``policy`` this once."""
        data = RunData(
            self.project,
            self.suites,
            self.records,
            partial=bool(self.manifest.partial),
            watched=self.watched,
            stopped=self.manifest.stopped,
        )
        return replace(self, decision=decide(data, policy))

    def view(self) -> View:
        """Return everything the report shows, in plain strings and numbers."""
        return build_view(
            self.decision, manifest=self.manifest, suites=self.suites, records=self.records
        )

    def grade_again(
        self, suites: Sequence[Suite], judged: Mapping[Key, Mapping[str, Graded]]
    ) -> list[Record]:
        """Return the stored answers graded by ``suites``; those of other suites as they were.

        ``judged`` holds what judges gave them.
        """
        graders = {s.name: SuiteGrader(s, allow_code=self.project.allow_code) for s in suites}
        cases = {(c.suite, c.id): c for s in suites for c in s.cases}
        return [
            self._grade_again(record, graders, cases, judged.get(key_of(record), NOT_JUDGED))
            for record in self.records
        ]

    def _grade_again(
        self,
        record: Record,
        graders: Mapping[str, SuiteGrader],
        cases: Mapping[tuple[str, str], Case],
        judged: Mapping[str, Graded],
    ) -> Record:
        case = cases.get((record.suite, record.case))
        if case is None or not isinstance(record.outcome, Reply):
            return record
        model = self.project.models.get(record.model)
        grades, score = graders[record.suite].grade(
            case, record.outcome, judged, price=model.price if model else None
        )
        return replace(record, grades=grades, score=score)


def write_run(folder: RunFolder, stored: Stored, *, as_latest: bool = True) -> Finished:
    """Write a whole run; the manifest comes last, so that a folder with one is a finished run."""
    folder.write_cases(case for suite in stored.suites for case in suite.cases)
    folder.write_records(stored.records)
    finished = write_decision(folder, stored)
    folder.finish(stored.manifest, as_latest=as_latest)
    return finished


def answered_run(path: Path) -> RunFolder:
    """Return the folder of a finished run with answers; raise `RunError` for anything else."""
    folder = RunFolder.open(path)
    if folder.holds_scores and folder.holds_answers:
        raise RunError(
            "a run whose answers are held in memory",
            got=f"{folder.path}, a run with --stream",
            instead="evalkit run --stream again: stored answers are graded anew and cost nothing",
        )
    if folder.holds_scores:
        raise RunError(
            "a run with its answers",
            got=f"{folder.path}, which holds scores only",
            instead="the folder of the run that the scores came from",
        )
    return folder


def read_run(path: Path) -> tuple[RunFolder, Stored]:
    """Return a finished run's folder and content; raise `RunError` for anything else."""
    folder = answered_run(path)
    inputs = decode(Inputs, folder.read_text(INPUTS))
    cases: dict[str, list[Case]] = {}
    for case in folder.read_cases():
        cases.setdefault(case.suite, []).append(case)
    return folder, Stored(
        project=inputs.project,
        suites=tuple(replace(s, cases=tuple(cases.get(s.name, ()))) for s in inputs.suites),
        policy=inputs.policy,
        records=list(folder.read_records()),
        manifest=folder.manifest(),
        decision=from_dict(json.loads(folder.read_text("decision.json"))),
        watched=inputs.watched,
    )


def regrade(path: Path, plan: Plan) -> Finished:
    """Grade a run's answers by the graders of ``plan``, decide again, and write all that changed.

    Cases are paired by suite and id; a suite that the plan does not hold keeps its grades. Judges
    are asked only for verdicts that are not stored. Raises `RunError` if a case is asked otherwise
    now: its answer is to another question.
    """
    folder, stored = read_run(path)
    now = {suite.name: suite for suite in plan.suites}
    suites = tuple(_regraded(suite, now.get(suite.name)) for suite in stored.suites)
    stored = replace(
        stored,
        suites=suites,
        project=replace(stored.project, judges={**stored.project.judges, **plan.project.judges}),
    )
    graded = tuple(suite for suite in suites if suite.name in now)
    judged = judged_again(
        replace(plan, project=stored.project, suites=graded),
        stored.records,
        reports=folder.path.parent,
        facts=stored.manifest,
    )
    stored = replace(stored, records=stored.grade_again(graded, judged))
    stored = stored.decided(stored.policy)
    folder.write_cases(case for suite in stored.suites for case in suite.cases)
    folder.write_records(stored.records)
    return write_decision(folder, stored)


def _regraded(old: Suite, new: Suite | None) -> Suite:
    """Return the suite as it was asked, with the graders and the expected answers of now."""
    if new is None:
        return old
    cases = {case.id: case for case in new.cases}
    kept = tuple(cases.get(case.id, case) for case in old.cases)
    pairs = zip(old.cases, kept, strict=True)
    other = [before.id for before, after in pairs if before.asks != after.asks]
    if other:
        raise RunError(
            f"cases that are asked as they were in the run, to grade suite {old.name} again",
            got=f"{len(other)} with another prompt, the first {other[0]}",
            instead="run the suite again: these answers are to other questions",
        )
    return replace(old, graders=new.graders, score=new.score, cases=kept)


def redecide(path: Path, policy_file: Path | None) -> Finished:
    """Decide a run again by its own policy or by ``policy_file``, and write the outcome."""
    folder, kept = _read_kept(path)
    return write_decision(folder, _decided(kept, policy_file))


def rerender(path: Path) -> Finished:
    """Write a run's report again from its stored decision."""
    return write_decision(*_read_kept(path))


def judge(path: Path, policy_file: Path | None) -> Finished:
    """Decide a run by its own policy or by ``policy_file`` and write nothing."""
    folder, kept = _read_kept(path)
    kept = _decided(kept, policy_file)
    return Finished(kept.decision, view_of(kept), folder.path)


def _read_kept(path: Path) -> tuple[RunFolder, Kept]:
    folder = RunFolder.open(path)
    if not folder.holds_scores:
        return read_run(path)
    # Tables of scores need scipy, which takes longer to load than most runs take to plan.
    from evalkit.pipeline.score_run import read_score_run

    return folder, read_score_run(folder)


def _decided(kept: Kept, policy_file: Path | None) -> Kept:
    policy = policy_of(policy_file, suites=kept.suites) if policy_file else kept.policy
    return kept.decided(policy)
