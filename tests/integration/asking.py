"""Sums asked by the engine of an endpoint that misbehaves, over one wire or the other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import ProviderError, SetupError
from evalkit.model import Failure, Limits, ModelSpec, Outcome, Request
from evalkit.runner import Ask, Engine
from tests.unit.runner.fakes import MemoryStore

LIMITS = Limits(concurrency=4, retries=2, timeout_s=10)


@dataclass(frozen=True)
class Asked:
    """What came of it, by sum."""

    outcomes: Mapping[str, Outcome]
    fatal: ProviderError | SetupError | None
    seconds: float

    @property
    def kinds(self) -> dict[str, str]:
        """Return the kind of each failure, "" for an answer."""
        return {t: o.kind if isinstance(o, Failure) else "" for t, o in self.outcomes.items()}

    @property
    def words(self) -> set[str]:
        """Return the messages of all failures."""
        return {o.message for o in self.outcomes.values() if isinstance(o, Failure)}


def ask(url: str, *, limits: Limits = LIMITS, count: int = 8, **spec: Any) -> Asked:
    """Ask so many sums of one model and wait for all of them."""
    model = ModelSpec("tuned", "candidate", "openai", "m", base_url=url, limits=limits, **spec)
    client = OpenAIClient(model, environ=os.environ)
    engine = Engine({"tuned": client}, MemoryStore(), models={"tuned": model})
    sums = [f"{i} + {2 * i}" for i in range(count)]
    asks = {s: Ask("tuned", Request({"messages": [{"role": "user", "content": s}]})) for s in sums}
    begun = time.monotonic()
    try:
        engine.start(asks.values())
        outcomes = {text: engine.wait(one, 120) for text, one in asks.items()}
        return Asked(outcomes, engine.fatal(), time.monotonic() - begun)
    finally:
        engine.stop()
