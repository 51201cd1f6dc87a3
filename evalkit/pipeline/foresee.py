"""What a run could show and what it will take, before any call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from evalkit.clients import make_client
from evalkit.decide import SuiteResult, from_dict
from evalkit.decide.forecast import Forecast, forecast
from evalkit.decide.rules import rule_for
from evalkit.graders import SuiteGrader
from evalkit.model import AnswerStore, Outcome, Reply
from evalkit.pipeline.earlier import finished_runs, latest_facts
from evalkit.pipeline.judging import Judging
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan, asks
from evalkit.pipeline.turns import Conversations
from evalkit.runner import Engine, Estimate, estimate
from evalkit.store import Answers


@dataclass(frozen=True, slots=True)
class Foresight:
    """What a run of a plan could show, suite by suite, and what it will take."""

    suites: tuple[Forecast, ...]
    estimate: Estimate


def foresee(plan: Plan, options: Options, *, environ: Mapping[str, str]) -> Foresight:
    """Return what a run of ``plan`` could show, and what it will take.

    Earlier runs say how much flips: of each suite the newest finished run with one of that name,
    those that asked it whole before others. A run that cannot be read says nothing.
    """
    earlier: dict[str, SuiteResult] = {}
    for result in sorted(_earlier(options.reports), key=_in_part):
        earlier.setdefault(result.suite, result)
    suites = tuple(
        forecast(
            suite,
            rule_for(suite, plan.policy),
            earlier=earlier.get(suite.name),
            alpha=plan.policy.alpha,
        )
        for suite in plan.suites
    )
    return Foresight(suites, _estimate(plan, options, environ))


def _estimate(plan: Plan, options: Options, environ: Mapping[str, str]) -> Estimate:
    clients = {model.name: make_client(model, environ=environ) for model in plan.asked}
    code = plan.project.allow_code
    judging = Judging(plan, {s.name: SuiteGrader(s, allow_code=code) for s in plan.suites})
    first = [(c, ask) for s in plan.suites for c in s.cases for ask in asks(plan, s, c)]
    conversations = Conversations(judging, {n: client.identity for n, client in clients.items()})

    def follow(key: str, outcome: Outcome) -> None:
        for more in conversations.after(key, outcome):
            engine.more(more)

    with _answers(options.answers) as store:
        models = {model.name: model for model in plan.asked}
        heard = follow if plan.asks_more else None
        engine = Engine(clients, store, models=models, on_outcome=heard)
        conversations.expect(first)
        engine.load(ask for _, ask in first)
    known = {name: engine.outlook(name) for name in clients}
    return estimate(
        plan.with_judges,
        conversations.outlooks(known),
        earlier=lambda name: latest_facts(options.reports, clients[name].identity),
    )


def _answers(path: Path) -> AbstractContextManager[AnswerStore]:
    """Return the stored answers; where there is no file, none is made."""
    return Answers(path) if path.exists() else nullcontext(_NoAnswers())


class _NoAnswers:
    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:  # noqa: ARG002  (a store's form)
        return {}

    def put(self, key: str, reply: Reply) -> None:
        raise NotImplementedError


def _in_part(result: SuiteResult) -> bool:
    return result.stopping is not None and result.stopping.early


def _earlier(reports: Path) -> Iterator[SuiteResult]:
    """Yield the results of finished runs, newest first."""
    for folder in finished_runs(reports):
        try:
            tree = json.loads((folder / "decision.json").read_bytes())
            decision = from_dict(tree)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for comparison in decision.comparisons:
            yield from comparison.suites
