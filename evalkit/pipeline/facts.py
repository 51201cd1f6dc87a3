"""The facts of a run that are not part of its decision: when, with what, at what cost."""

from __future__ import annotations

import platform
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import metadata
from itertools import accumulate

from evalkit.loader.training_log import read_training_log
from evalkit.model import Manifest, ModelFacts, ModelSpec, Outcome, Record, Reply, TrainingPoint
from evalkit.model.batch import is_batched
from evalkit.pipeline.plan import Plan

PACKAGES = ("pytest-evalkit", "openai", "scipy", "numpy", "rapidfuzz", "xllamacpp")


def make_manifest(  # noqa: PLR0913  (what a manifest is made of)
    plan: Plan,
    tallies: Mapping[str, ModelTally],
    *,
    run_id: str,
    started: datetime,
    seconds: float,
    identities: Mapping[str, str],
    asked: Mapping[str, int],
    partial: str,
    stopped: str,
) -> Manifest:
    """Return the manifest of a run that began at ``started`` and took so many ``seconds``.

    ``tallies``, ``identities`` and ``asked`` (calls made by this run, not answered from the store)
    are by model.
    """
    return Manifest(
        run_id=run_id,
        created=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        versions=versions(),
        digests=plan.digests,
        models=tuple(
            tallies[model.name].facts(
                identity=identities[model.name], asked=asked.get(model.name, 0)
            )
            for model in plan.asked
        ),
        training=training_logs(plan),
        partial=partial,
        stopped=stopped,
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package that can change a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


class ModelTally:
    """What one model answered, took and cost, added up answer by answer."""

    def __init__(self, model: ModelSpec) -> None:
        self._model = model
        self._answers = 0
        self._errors = 0
        self._input = 0
        self._output = 0
        self._money = 0.0
        self._latencies: Counter[float] = Counter()

    def add(self, reply: Outcome) -> None:
        """Take in an outcome of the model; the answers of a conversation count one by one."""
        if not isinstance(reply, Reply):
            self._errors += 1
            return
        answers = 1 + sum(turn["role"] == "assistant" for turn in reply.turns)
        self._answers += answers
        self._input += reply.usage.input
        self._output += reply.usage.output
        if self._model.price is not None:
            self._money += self._model.price.of(reply.usage, batch=is_batched(reply))
        if reply.latency_s:
            self._latencies[round(reply.latency_s / answers, 3)] += answers

    def facts(self, *, identity: str, asked: int) -> ModelFacts:
        """Return the sums."""
        model = self._model
        return ModelFacts(
            name=model.name,
            role=model.role,
            client=model.client,
            model=f"{model.model} + {model.adapter.name}" if model.adapter else model.model,
            identity=identity,
            answers=self._answers,
            asked=asked,
            errors=self._errors,
            input_tokens=self._input,
            output_tokens=self._output,
            cost=None if model.price is None else round(self._money, 6),
            median_latency_s=self._median_latency_s(),
        )

    def _median_latency_s(self) -> float | None:
        """Return the median time of an answer; ``None`` where no time is known, as of a batch."""
        numbers = sorted(self._latencies.items())
        upto = list(accumulate(number for _, number in numbers))
        if not upto:
            return None
        middle = ((upto[-1] - 1) // 2, upto[-1] // 2)
        return round(sum(numbers[bisect_right(upto, at)][0] for at in middle) / 2, 3)


def tallied(plan: Plan, records: Iterable[Record]) -> dict[str, ModelTally]:
    """Return what ``records`` come to, by model of ``plan``."""
    tallies = {model.name: ModelTally(model) for model in plan.models}
    for record in records:
        tallies[record.model].add(record.outcome)
    return tallies


def training_logs(plan: Plan) -> dict[str, tuple[TrainingPoint, ...]]:
    """Return the training log of each model that names one."""
    return {m.name: read_training_log(m.training_log) for m in plan.models if m.training_log}
