"""The scores of a run with answers: its graded records, with what its cases say of themselves."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from evalkit.decide import Policy
from evalkit.decide.evidence import learner
from evalkit.decide.score_table import ABSENT, FAILED, GRADED, UNGRADED
from evalkit.errors import Fault
from evalkit.loader.datafile import file_digest
from evalkit.loader.faults import Faults, shown
from evalkit.loader.score_columns import About, ScoreColumns
from evalkit.loader.score_rows import Malformed
from evalkit.model import Case, Failure, Pair, Record, Suite
from evalkit.pipeline.judge_scales import Place, Scale, scales
from evalkit.pipeline.stages import Stored
from evalkit.store import RunFolder
from evalkit.store.folder import CASES, RECORDS

Key = tuple[str, str]
"""Suite and id of a case."""

_LISTED = 5


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """A run with answers as a source of scores.

    ``models`` are read; ``pairs`` are the comparisons left to choose from. Of the trained cases
    those count that ``learner`` was trained on; ``None``: all. Of these and the held-out ones
    ``only`` count; ``None``: all.
    """

    folder: RunFolder
    stored: Stored
    models: tuple[str, ...]
    pairs: tuple[Pair, ...]
    learner: str | None = None
    only: frozenset[Key] | None = None

    @classmethod
    def of(cls, folder: RunFolder, stored: Stored) -> AnswerScores:
        """Return all of a run."""
        answered = {record.model for record in stored.records}
        models = tuple(name for name in stored.project.models if name in answered)
        return cls(folder, stored, models, stored.project.comparisons)

    @property
    def name(self) -> str:
        """The folder, as the user would type it."""
        return shown(self.folder.path)

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites of the run."""
        return self.stored.suites

    @property
    def policy(self) -> Policy:
        """The policy of the run."""
        return self.stored.policy

    @property
    def partial(self) -> str:
        """Why the run is partial, if it is.

        A suite that stopped once it was settled is: statistics for a fixed number of cases promise
        too much where the answers chose the number.
        """
        stored, manifest = self.stored, self.stored.manifest
        heldout = Counter(c.suite for s in stored.suites for c in s.cases if c.split == "heldout")
        stopped = [name for name, asked in stored.watched.items() if asked < heldout[name]]
        early = f"stopped early: {', '.join(stopped)}" if stopped else ""
        return "; ".join(filter(None, [manifest.partial, manifest.stopped, early]))

    def narrowed(self, *models: str, learner_of: str) -> AnswerScores:
        """Return the run with the chosen models only.

        ``learner_of`` is the one whose training is in question; empty: that of another source.
        """
        known = learner(self.stored.project, learner_of) if learner_of else None
        pairs = (Pair(models[0], models[-1]),)
        return replace(self, models=models, pairs=pairs, learner=known)

    def cases(self) -> Iterator[tuple[int, Case]]:
        """Yield the cases that count, with their lines in the run's file of cases."""
        numbered = (case for suite in self.stored.suites for case in suite.cases)
        for line, case in enumerate(numbered, 1):
            known = self.learner is None or self.learner in case.trained
            if (known or case.split == "heldout") and (
                self.only is None or (case.suite, case.id) in self.only
            ):
                yield line, case

    def read(self, columns: ScoreColumns, faults: Faults) -> tuple[str, ...]:
        """Add the graded records, and a row for each case that a model has no record of."""
        source = columns.source(shown(self.folder.path / RECORDS))
        models = {name: columns.models[source, name] for name in self.models}
        numbers = self._numbers(columns, faults)
        waiting = {(key, name) for key in numbers for name in models}
        for line, record in enumerate(self.stored.records, 1):
            key = record.suite, record.case
            if record.model in models and key in numbers and not record.aa:
                state, score = scored(record)
                sample = columns.samples[str(record.sample or "")]
                columns.add((numbers[key], models[record.model], sample, state, line), score)
                waiting.discard((key, record.model))
        for key, name in waiting:
            columns.add((numbers[key], models[name], 0, ABSENT, 0), math.nan)
        return ()

    def scales(self) -> dict[Place, Scale]:
        """Return on what scales judges scored the models that are read."""
        stored = self.stored
        return scales(stored.suites, (r for r in stored.records if r.model in self.models))

    def digests(self) -> dict[str, str]:
        """Return the digests of the run's cases and records."""
        path = self.folder.path
        return {f"{path.name}/{name}": file_digest(path / name) for name in (CASES, RECORDS)}

    def _numbers(self, columns: ScoreColumns, faults: Faults) -> dict[Key, int]:
        numbers: dict[Key, int] = {}
        for line, case in self.cases():
            try:
                about = columns.cases.about(_about(case))
                numbers[case.suite, case.id] = columns.cases.add(case.suite, case.id, about)
            except Malformed as fault:
                path = shown(self.folder.path / CASES)
                faults.add([Fault(path, line, fault.needed, fault.got, fault.instead)])
        return numbers


def shared(
    first: AnswerScores, second: AnswerScores, faults: Faults
) -> tuple[AnswerScores, AnswerScores, tuple[str, ...]]:
    """Return two runs with the cases that both have, and what is left out, in words.

    Cases that the two runs ask differently go to ``faults``.
    """
    asked = {(case.suite, case.id): case for _, case in first.cases()}
    for line, case in second.cases():
        other = asked.get((case.suite, case.id))
        if other is not None and other.asks != case.asks:
            needed = f"cases that are asked as in {first.name}"
            got = f"another prompt for {case.suite}/{case.id}"
            path = shown(second.folder.path / CASES)
            faults.add([Fault(path, line, needed, got, "two runs of the same suites")])
    there = {(case.suite, case.id) for _, case in second.cases()}
    both = frozenset(asked.keys() & there)
    notes = (_left_out(run, both) for run in (first, second))
    return replace(first, only=both), replace(second, only=both), tuple(filter(None, notes))


def _left_out(run: AnswerScores, both: frozenset[Key]) -> str:
    """Return which held-out cases of a run the other one lacks; empty if none."""
    heldout = ((case.suite, case.id) for _, case in run.cases() if case.split == "heldout")
    names = ["/".join(key) for key in heldout if key not in both]
    if not names:
        return ""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = ", ".join(names[:_LISTED])
    return f"Left out, since only {run.name} has them: {len(names)} cases, {listed}{more}."


def scored(record: Record) -> tuple[int, float]:
    """Return the state of a record, as a table of scores has it, and its score or nan."""
    if isinstance(record.outcome, Failure):
        return FAILED, math.nan
    if record.score is None or not math.isfinite(record.score):
        return UNGRADED, math.nan
    return GRADED, record.score


def _about(case: Case) -> About:
    return About(
        cluster=case.cluster or "",
        asked=asked_digest(case.asks) if case.messages else "",
        critical=case.critical or None,
        train=case.split == "train",
        slices=tuple((field, str(value)) for field, value in case.slices.items() if value != ""),
    )


def asked_digest(asks: object) -> str:
    """Return what stands for a question where only equality counts."""
    text = json.dumps(asks, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
