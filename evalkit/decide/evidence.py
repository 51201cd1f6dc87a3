"""What a decision rests on: for each comparison, the paired scores of every suite.

Records become evidence here; a file of scores becomes evidence without records. What decides from
there on is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.decide.curve import learning_curve
from evalkit.decide.decision import CurvePoint, IdentityResult
from evalkit.decide.identity import identity_result
from evalkit.decide.pairs import Pairs
from evalkit.decide.run_data import RunData
from evalkit.decide.tabulate import NO_ANSWERS, Table, heldout, pair_up, tabulate, trained_on
from evalkit.model import Pair, Project, Suite


@dataclass(frozen=True, slots=True)
class SuiteEvidence:
    """One suite as two models answered it; ``suite`` is read for its rule, not for its cases.

    ``aa`` pairs the base's first answers with its second ones; ``None`` if it was asked once.
    """

    suite: Suite
    heldout: Pairs
    train: Pairs
    aa: Pairs | None = None


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
    table = tabulate(run.records)
    return tuple(_evidence(run, pair, table) for pair in run.project.comparisons)


def learner(project: Project, name: str) -> str:
    """Return the candidate whose training file the model ``name`` has seen."""
    spec = project.models.get(name)
    return spec.of if spec and spec.of else name


def _evidence(run: RunData, pair: Pair, table: Table) -> Evidence:
    return Evidence(
        pair=pair,
        suites=tuple(_suite(suite, run, pair, table) for suite in run.suites),
        identity=identity_result(run, pair),
        learning_curve=learning_curve(run, pair.candidate, table),
    )


def _suite(suite: Suite, run: RunData, pair: Pair, table: Table) -> SuiteEvidence:
    base, candidate = (
        table.get((suite.name, model, False), NO_ANSWERS) for model in (pair.base, pair.candidate)
    )
    again = table.get((suite.name, pair.base, True))
    cases = heldout(suite.cases)
    known = trained_on(suite.cases, learner(run.project, pair.candidate))
    return SuiteEvidence(
        suite,
        heldout=pair_up(cases, base, candidate),
        train=pair_up(known, base, candidate),
        aa=pair_up(cases, base, again) if again else None,
    )
