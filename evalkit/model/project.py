"""What `evalkit.yaml` says: models, comparisons, sampling, budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from evalkit.model.exchange import Usage

PER_MILLION = 1_000_000

CLIENTS = ("openai", "azure", "local", "scripted", "replay")
"""The clients that evalkit brings; packages may add others."""

Role = Literal["base", "candidate", "checkpoint", "judge"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn; the fields of an OpenAI chat request, plus ``samples`` per case."""

    temperature: float = 0.0
    max_tokens: int = 256
    samples: int = 1
    seed: int | None = 7
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an endpoint allows.

    ``concurrency`` is the most requests in flight; the engine finds out how many are good.
    ``timeout_s`` bounds one try, ``retries`` how many follow the first. ``None``: no limit known.
    """

    concurrency: int = 16
    retries: int = 4
    timeout_s: float = 120.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    @property
    def patience_s(self) -> float:
        """The time of all tries of one request, each with its whole timeout."""
        return self.timeout_s * (1 + self.retries)


@dataclass(frozen=True, slots=True)
class Price:
    """Money per million tokens, in the user's currency.

    ``batch`` is the share of it that an answer out of a batch costs.
    """

    input: float = 0.0
    output: float = 0.0
    cached_input: float = 0.0
    batch: float = 0.5

    def of(self, usage: Usage, *, batch: bool = False) -> float:
        """Return what so many tokens cost; ``cached_input`` is the price of cached ones."""
        fresh = usage.input - usage.cached
        cached = usage.cached * self.cached_input
        direct = (fresh * self.input + cached + usage.output * self.output) / PER_MILLION
        return direct * self.batch if batch else direct


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one run may spend on calls, over all its models; ``None``: no limit.

    ``money`` is in the currency of the prices, and tokens are input and output together.
    """

    requests: int | None = None
    tokens: int | None = None
    money: float | None = None

    def over(self, other: Budget) -> Budget:
        """Return these limits, and the other's where there is none."""
        return Budget(
            requests=other.requests if self.requests is None else self.requests,
            tokens=other.tokens if self.tokens is None else self.tokens,
            money=other.money if self.money is None else self.money,
        )


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model under evaluation and how to reach it.

    ``adapter``, ``trained_on`` and ``training_log`` are absolute paths. ``of`` names the candidate
    that a checkpoint belongs to; ``options`` holds what only the client of this kind reads.
    ``revision`` tells models apart that are served under one name, one after the other;
    ``answers_as`` are the names under which the endpoint may answer, where it is not ``model``.
    """

    name: str
    role: Role
    client: str
    model: str
    base_url: str | None = None
    api_key_env: str | None = None
    adapter: Path | None = None
    trained_on: tuple[Path, ...] = ()
    training_log: Path | None = None
    of: str | None = None
    step: int | None = None
    limits: Limits = Limits()
    price: Price | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    answers_as: tuple[str, ...] = ()

    def public(self) -> ModelSpec:
        """Return the model as it may be written down: no credentials, no headers."""
        options = {name: value for name, value in self.options.items() if name != "headers"}
        url = self.base_url and without_credentials(self.base_url)
        return replace(self, base_url=url, options=options)


def without_credentials(url: str) -> str:
    """Return an address without user, password and query, any of which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A comparison to make: names of two models."""

    base: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that grades, and how it is asked.

    ``repeats``: how often it is asked about each answer where a grader does not say. With
    ``structured`` the endpoint is to make sure of the form of a verdict. Only with ``itself`` may
    it be a model under test.
    """

    model: ModelSpec
    sampling: Sampling
    repeats: int = 1
    structured: bool = True
    itself: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """The whole of `evalkit.yaml`. ``root`` is the folder that holds it."""

    root: Path
    models: Mapping[str, ModelSpec]
    comparisons: tuple[Pair, ...]
    sampling: Sampling = Sampling()
    allow_code: bool = False
    budget: Budget = Budget()
    judges: Mapping[str, Judge] = field(default_factory=dict)

    def public(self) -> Project:
        """Return the project as it may be written down: no credentials, no headers."""
        judges = {n: replace(judge, model=judge.model.public()) for n, judge in self.judges.items()}
        models = {name: model.public() for name, model in self.models.items()}
        return replace(self, models=models, judges=judges)

    def checkpoints_of(self, candidate: str) -> tuple[ModelSpec, ...]:
        """Return the checkpoints of ``candidate``, by training step."""
        found = [m for m in self.models.values() if m.role == "checkpoint" and m.of == candidate]
        return tuple(sorted(found, key=lambda m: (m.step or 0, m.name)))
