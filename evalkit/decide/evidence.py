"""What a decision rests on: for each comparison, the paired scores of every suite.

Records become evidence here; a file of scores becomes evidence without records. What decides from
there on is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalkit.decide.asking import asked_only
from evalkit.decide.checkpoint_scores import CheckpointScores, checkpoint_scores, contenders
from evalkit.decide.curve import learning_curve
from evalkit.decide.decision import CurvePoint, IdentityResult
from evalkit.decide.identity import identity_result
from evalkit.decide.judged import AnswersByModel, JudgedSuite, answers_by_model, judged_suite
from evalkit.decide.metric_answers import (
    GradedCases,
    RecordsByModel,
    graded_cases,
    records_by_model,
)
from evalkit.decide.pairs import Pairs
from evalkit.decide.run_data import RunData
from evalkit.decide.swaps import Swaps, swaps_of
from evalkit.decide.tabulate import NO_ANSWERS, Table, heldout, pair_up, tabulate, trained_on
from evalkit.decide.watched import Watched, watched
from evalkit.model import Pair, Project, Suite


@dataclass(frozen=True, slots=True)
class SuiteEvidence:
    """One suite as two models answered it; ``suite`` is read for its rule, not for its cases.

    ``aa`` pairs the base's first answers with its second ones; ``None`` if it was asked once.
    ``watched`` is there where the suite was judged while it was asked; ``heldout`` then holds the
    cases that count. ``checkpoints`` is there where the candidate has checkpoints with scores,
    ``judged`` where there are answers that judges graded. ``metrics`` hold what graders of labels
    and confidences read off the answers, where metrics are asked of them; ``swaps`` the scores by
    template and term, where the suite names terms that should not matter.
    """

    suite: Suite
    heldout: Pairs
    train: Pairs
    aa: Pairs | None = None
    watched: Watched | None = None
    checkpoints: CheckpointScores | None = None
    judged: JudgedSuite | None = None
    metrics: tuple[GradedCases, ...] = ()
    swaps: Swaps | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that speaks for or against one candidate.

    ``identity`` is ``None`` where there are scores only, so that no answer can prove who gave it.
    """

    pair: Pair
    suites: tuple[SuiteEvidence, ...]
    identity: IdentityResult | None = None
    learning_curve: tuple[CurvePoint, ...] = ()


def gather(run: RunData) -> tuple[Evidence, ...]:
    """Return the evidence for each comparison of a run."""
    table, answers = tabulate(run.records), answers_by_model(run)
    found = tuple(_evidence(run, pair, table, answers) for pair in run.project.comparisons)
    records = records_by_model(run)
    return tuple(_with_secondary(evidence, run, records) for evidence in found)


def _with_secondary(evidence: Evidence, run: RunData, records: RecordsByModel) -> Evidence:
    """Return the evidence with what the figures are made from that decide nothing."""
    counted = (asked_only(part.suite, run.watched) for part in evidence.suites)
    suites = (
        replace(
            part,
            metrics=graded_cases(suite, evidence.pair, records),
            swaps=swaps_of(suite, part.heldout),
        )
        for part, suite in zip(evidence.suites, counted, strict=True)
    )
    return replace(evidence, suites=tuple(suites))


def learner(project: Project, name: str) -> str:
    """Return the candidate whose training file the model ``name`` has seen."""
    spec = project.models.get(name)
    return spec.of if spec and spec.of else name


def _evidence(run: RunData, pair: Pair, table: Table, answers: AnswersByModel) -> Evidence:
    counted = replace(run, suites=tuple(asked_only(suite, run.watched) for suite in run.suites))
    models = contenders(run, pair.candidate, table)
    scores = (checkpoint_scores(s, models, base=pair.base, table=table) for s in counted.suites)
    found = (_suite(suite, run, pair, table) for suite in run.suites)
    judged = (judged_suite(s, run, pair, answers=answers) for s in counted.suites)
    return Evidence(
        pair=pair,
        suites=tuple(
            replace(part, checkpoints=s, judged=j)
            for part, s, j in zip(found, scores, judged, strict=True)
        ),
        identity=identity_result(counted, pair),
        learning_curve=learning_curve(counted, pair.candidate, table),
    )


def _suite(suite: Suite, run: RunData, pair: Pair, table: Table) -> SuiteEvidence:
    base, candidate = (
        table.get((suite.name, model, False), NO_ANSWERS) for model in (pair.base, pair.candidate)
    )
    again = table.get((suite.name, pair.base, True))
    cases = heldout(asked_only(suite, run.watched).cases)
    known = trained_on(suite.cases, learner(run.project, pair.candidate))
    return SuiteEvidence(
        suite,
        heldout=pair_up(cases, base, candidate),
        train=pair_up(known, base, candidate),
        aa=pair_up(cases, base, again) if again else None,
        watched=(
            watched(suite, len(cases), base=base, candidate=candidate, trained=len(known))
            if suite.name in run.watched
            else None
        ),
    )
