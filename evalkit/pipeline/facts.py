"""The facts of a run that are not part of its decision: when, with what, at what cost."""

from __future__ import annotations

import math
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata

from evalkit.loader.training_log import read_training_log
from evalkit.model import Manifest, ModelFacts, ModelSpec, Record, Reply, TrainingPoint
from evalkit.model.batch import is_batched
from evalkit.pipeline.plan import Plan

PACKAGES = ("pytest-evalkit", "openai", "scipy", "numpy", "rapidfuzz", "xllamacpp")


def make_manifest(  # noqa: PLR0913  (what a manifest is made of)
    plan: Plan,
    records: Sequence[Record],
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

    ``identities`` and ``asked`` (calls made by this run, not answered from the store) are by model.
    """
    return Manifest(
        run_id=run_id,
        created=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        versions=versions(),
        digests=plan.digests,
        models=tuple(
            model_facts(
                model, records, identity=identities[model.name], asked=asked.get(model.name, 0)
            )
            for model in plan.models
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


def model_facts(
    model: ModelSpec, records: Sequence[Record], *, identity: str, asked: int
) -> ModelFacts:
    """Add up what one model answered, took and cost."""
    mine = [record for record in records if record.model == model.name]
    replies = [record.outcome for record in mine if isinstance(record.outcome, Reply)]
    return ModelFacts(
        name=model.name,
        role=model.role,
        client=model.client,
        model=f"{model.model} + {model.adapter.name}" if model.adapter else model.model,
        identity=identity,
        answers=len(replies),
        asked=asked,
        errors=len(mine) - len(replies),
        input_tokens=sum(reply.usage.input for reply in replies),
        output_tokens=sum(reply.usage.output for reply in replies),
        cost=cost(model, replies),
        median_latency_s=median_latency_s(replies),
    )


def cost(model: ModelSpec, replies: Sequence[Reply]) -> float | None:
    """Return what the answers cost at the model's price; ``None`` without a price."""
    price = model.price
    if price is None:
        return None
    return round(math.fsum(price.of(r.usage, batch=is_batched(r)) for r in replies), 6)


def median_latency_s(replies: Sequence[Reply]) -> float | None:
    """Return the median time of an answer; ``None`` where no time is known, as of a batch."""
    known = [reply.latency_s for reply in replies if reply.latency_s]
    return round(statistics.median(known), 3) if known else None


def training_logs(plan: Plan) -> dict[str, tuple[TrainingPoint, ...]]:
    """Return the training log of each model that names one."""
    return {m.name: read_training_log(m.training_log) for m in plan.models if m.training_log}
