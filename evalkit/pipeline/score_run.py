"""A run of scores alone, as `evalkit compare` leaves it, and the reading of its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.decide import Decision, Policy, SuiteRule, decide_evidence, from_dict
from evalkit.decide.decision import IdentityResult
from evalkit.decide.score_table import ScoreTable, score_evidence, score_rows
from evalkit.errors import RunError
from evalkit.loader.faults import Faults
from evalkit.loader.score_columns import ScoreColumns
from evalkit.loader.score_layout import Choice
from evalkit.loader.score_sort import sorted_table
from evalkit.loader.scores import read_scores
from evalkit.model import Manifest, Pair, Project, Suite
from evalkit.model.codec import decode
from evalkit.pipeline.kept import INPUTS, Finished, write_decision
from evalkit.report import View
from evalkit.report.score_view import build_score_view
from evalkit.store import RunFolder


@dataclass(frozen=True, slots=True)
class ScoreInputs:
    """What a run of scores was given, the scores apart.

    ``min_gain`` is asked where the policy asks for none. ``notes`` say what was not read, and what
    was left out, of the sources. ``project`` and ``identity`` are there where the run asked for the
    answers itself.
    """

    pair: Pair
    suites: tuple[Suite, ...]
    policy: Policy
    min_gain: float = 0.0
    notes: tuple[str, ...] = ()
    project: Project | None = None
    identity: IdentityResult | None = None


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """Everything the folder of a run of scores holds."""

    given: ScoreInputs
    table: ScoreTable
    manifest: Manifest
    decision: Decision

    @property
    def policy(self) -> Policy:
        """The policy that it was run with."""
        return self.given.policy

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites, without cases."""
        return self.given.suites

    def inputs(self) -> ScoreInputs:
        """Return what the run was given."""
        return self.given

    def decided(self, policy: Policy) -> ScoreRun:
        """Return the same scores, decided by ``policy`` this once."""
        given = replace(self.given, policy=policy)
        decision = decide_scores(
            given,
            self.table,
            partial=bool(self.manifest.partial),
            stopped=self.manifest.stopped,
        )
        return replace(self, decision=decision)

    def view(self) -> View:
        """Return everything the report shows, in plain strings and numbers."""
        return build_score_view(
            self.decision,
            manifest=self.manifest,
            suites=self.given.suites,
            table=self.table,
            notes=self.given.notes,
        )


def decide_scores(
    given: ScoreInputs, table: ScoreTable, *, partial: bool, stopped: str = ""
) -> Decision:
    """Return what the policy says about the scores of ``table``."""
    policy = with_gain(given.policy, given.suites, given.min_gain)
    evidence = replace(score_evidence(table, given.suites), identity=given.identity)
    return decide_evidence([evidence], policy, partial=partial, stopped=stopped)


def with_gain(policy: Policy, suites: Sequence[Suite], min_gain: float) -> Policy:
    """Return ``policy`` with ``min_gain`` asked of each suite of which it asks no gain."""
    if not min_gain:
        return policy
    said = {suite.name: policy.suites.get(suite.name, SuiteRule()) for suite in suites}
    asked = {name: replace(rule, min_gain=rule.min_gain or min_gain) for name, rule in said.items()}
    return replace(policy, suites={**policy.suites, **asked})


def write_score_run(folder: RunFolder, run: ScoreRun) -> Finished:
    """Write a whole run; the manifest comes last, so that a folder with one is a finished run."""
    folder.write_scores(score_rows(run.table))
    return finish_score_run(folder, run)


def finish_score_run(folder: RunFolder, run: ScoreRun) -> Finished:
    """Write all of a run but its scores, which are there already."""
    finished = write_decision(folder, run)
    folder.finish(run.manifest)
    return finished


def read_score_run(folder: RunFolder) -> ScoreRun:
    """Return the content of the finished run at ``folder``; raise `RunError` if it is damaged."""
    given = read_score_inputs(folder)
    return ScoreRun(
        given=given,
        table=read_table(folder.scores, given.pair),
        manifest=folder.manifest(),
        decision=from_dict(json.loads(folder.read_text("decision.json"))),
    )


def read_score_inputs(folder: RunFolder) -> ScoreInputs:
    """Return what a finished run of scores was given, the scores apart."""
    return decode(ScoreInputs, folder.read_text(INPUTS))


def read_table(path: Path, pair: Pair) -> ScoreTable:
    """Return the scores in a file that a run has written; raise `RunError` if they are not all."""
    columns, faults = ScoreColumns(), Faults()
    read_scores(path, columns, Choice(), model="", faults=faults)
    faults.raise_any()
    codes = {name: code for (_, name), code in columns.models.items()}
    if not {pair.base, pair.candidate} <= codes.keys():
        raise RunError(
            f"scores of {pair.base} and {pair.candidate} in {path}",
            got="scores of " + ", ".join(codes),
            instead="compare the sources again",
        )
    return sorted_table(columns, codes[pair.base], codes[pair.candidate], pair=pair)
