"""Small made-up runs: scores by model in, suites and records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalkit.decide import Decision, Policy, RunData, SuiteRule, decide
from evalkit.decide.decision import ComparisonDecision, Gate, IdentityResult, SuiteResult
from evalkit.model import (
    Case,
    Failure,
    ModelSpec,
    Pair,
    Project,
    Purpose,
    Record,
    Reply,
    Role,
    Sampling,
    Split,
    Suite,
)

Answer = float | None | Failure
"""A score, ``None`` for an ungraded answer, or a failed call."""

FAILED = Failure("timeout", "no answer in 120 s", tries=5)


@dataclass(frozen=True)
class MadeUp:
    """One suite with its records. ``add`` gives another one with more cases."""

    name: str
    purpose: Purpose = "guard"
    margin: float | None = 0.1
    cases: tuple[Case, ...] = ()
    records: tuple[Record, ...] = ()

    def add(
        self,
        base: Sequence[Answer],
        tuned: Sequence[Answer],
        *,
        split: Split = "heldout",
        **fields: Any,
    ) -> MadeUp:
        """Add a case for each pair of answers; list values in ``fields`` go one to a case."""
        cases, records = [], []
        for i, answers in enumerate(zip(base, tuned, strict=True)):
            own = {k: v[i] if isinstance(v, list) else v for k, v in fields.items()}
            case = Case(self.name, f"{split}-{len(self.cases) + i:04d}", (), split=split, **own)
            if split == "train" and "trained" not in fields:
                case = replace(case, trained=frozenset({"tuned"}))
            cases.append(case)
            for model, answer in zip(("base", "tuned"), answers, strict=True):
                records.append(record(self.name, case.id, model, answer))
        return replace(self, cases=(*self.cases, *cases), records=(*self.records, *records))

    @property
    def suite(self) -> Suite:
        """The suite file's content."""
        return Suite(
            self.name, self.purpose, self.cases, (), "exact", Sampling(), margin=self.margin
        )


def record(suite: str, case: str, model: str, answer: Answer, *, sample: int = 0) -> Record:
    """Return the record of one answer; each model says something else than the others."""
    if isinstance(answer, Failure):
        return Record(suite, case, model, sample, answer)
    reply = Reply(f"{model} says {answer}", model=f"{model}-name")
    return Record(suite, case, model, sample, reply, score=answer)


def spec(name: str, role: Role, **fields: Any) -> ModelSpec:
    """Return a model of a scripted client."""
    return ModelSpec(name, role, "scripted", f"{name}-name", **fields)


@dataclass(frozen=True)
class MadeUpRun:
    """A project of one base and one candidate with some suites."""

    suites: tuple[MadeUp, ...]
    policy: Policy = field(default_factory=Policy)
    models: Mapping[str, ModelSpec] = field(
        default_factory=lambda: {
            "base": spec("base", "base"),
            "tuned": spec("tuned", "candidate"),
        }
    )
    pairs: tuple[Pair, ...] = (Pair("base", "tuned"),)
    more: tuple[Record, ...] = ()
    partial: bool = False

    @property
    def data(self) -> RunData:
        """The run as `decide` takes it."""
        return RunData(
            Project(Path(), self.models, self.pairs),
            tuple(s.suite for s in self.suites),
            [*(r for s in self.suites for r in s.records), *self.more],
            self.partial,
        )

    def decide(self) -> Decision:
        """Decide the run by its policy."""
        return decide(self.data, self.policy)


def table(both: int, fixed: int, broken: int, neither: int) -> tuple[list[Answer], list[Answer]]:
    """Return the answers of both models for a 2 x 2 table."""
    base = [1.0] * both + [0.0] * fixed + [1.0] * broken + [0.0] * neither
    tuned = [1.0] * both + [1.0] * fixed + [0.0] * broken + [0.0] * neither
    return list(base), list(tuned)


def run_of(*suites: MadeUp, policy: Policy | None = None, **fields: Any) -> MadeUpRun:
    """Return a run over ``suites``."""
    return MadeUpRun(suites, policy or Policy(), **fields)


def ruled(**fields: Any) -> Policy:
    """Return a policy with one rule, for the suite "triage"."""
    return Policy(suites={"triage": SuiteRule(**fields)})


def only(decision: Decision) -> ComparisonDecision:
    """Return the one comparison of a decision."""
    (comparison,) = decision.comparisons
    return comparison


def result_of(run: MadeUpRun) -> SuiteResult:
    """Return the result of the one suite of a run."""
    (result,) = only(run.decide()).suites
    return result


def gate_of(run: MadeUpRun, kind: str) -> Gate:
    """Return the one gate of a kind."""
    (gate,) = (g for g in only(run.decide()).gates if g.kind == kind)
    return gate


def identity_of(run: MadeUpRun) -> IdentityResult:
    """Return what was found on who answered; there must be something."""
    identity = only(run.decide()).identity
    assert identity is not None
    return identity
