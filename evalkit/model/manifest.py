"""What a run was: written last, so that a folder without it is an unfinished run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model of the run as it was reached and what it cost. Tokens are 0 where not reported.

    ``answers`` counts the answers of the run, ``asked`` the calls made now (the rest were stored).
    """

    name: str
    role: str
    client: str
    model: str
    identity: str
    answers: int = 0
    asked: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    median_latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class TrainingPoint:
    """One line of a training log; ``None`` where the log does not say."""

    step: int
    loss: float | None = None
    eval_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Facts of a run that are not part of its decision: when, with what, at what cost.

    ``created`` is ISO 8601 in UTC. ``digests`` maps "suite:<name>", "policy", "training:<file>" to
    sha256. ``training`` holds the training log of each candidate that names one. ``partial`` says
    in words why the run does not cover the project, ``stopped`` what ended it before all was asked.
    """

    run_id: str
    created: str
    seconds: float
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    models: tuple[ModelFacts, ...]
    training: Mapping[str, tuple[TrainingPoint, ...]] = field(default_factory=dict)
    partial: str = ""
    stopped: str = ""
    version: int = 1
