"""What is asked and what comes back, and the two Protocols the runner needs from outside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from evalkit.errors import ErrorKind

_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True)
class Request:
    """One question: the body of a chat completion without the model's name.

    ``sample`` numbers the draws of one case from 0; it is part of the stored answer's key and is
    not sent.
    """

    body: Mapping[str, Any]
    sample: int = 0

    def key(self, identity: str) -> str:
        """Return the digest under which the answer of the model ``identity`` is stored."""
        content = _SORTED.encode([identity, self.body, self.sample])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counted them; 0 where it did not say."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``model`` is who answered by its own account; ``tries`` counts requests sent.

    Of a conversation it is the last answer, with ``usage``, ``latency_s`` and ``tries`` of all.
    """

    text: str
    finish_reason: str = "stop"
    model: str = ""
    usage: Usage = Usage()
    latency_s: float = 0.0
    tries: int = 1
    fingerprint: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def turns(self) -> Sequence[Mapping[str, Any]]:
        """The messages between prompt and answer: earlier answers, each with what followed.

        Empty where only one answer was asked for.
        """
        found: Sequence[Mapping[str, Any]] = self.extra.get("turns", ())
        return found


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, and why. A row of the run, never a score."""

    kind: ErrorKind
    message: str
    tries: int = 0


Outcome = Reply | Failure


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of one limit a minute, and the seconds until all of it is back."""

    left: float
    limit: float
    reset_s: float

    def wait_s(self, needed: float) -> float:
        """Return the seconds until ``needed`` units are there, if it comes back evenly."""
        used = self.limit - self.left
        if needed <= self.left or used <= 0:
            return 0.0
        return self.reset_s * min((needed - self.left) / used, 1.0)


@dataclass(frozen=True, slots=True)
class Quota:
    """What an endpoint said of its own limits with its latest answer; ``None``: nothing."""

    requests: Allowance | None = None
    tokens: Allowance | None = None

    def wait_s(self, *, requests: float, tokens: float) -> float:
        """Return how long to send nothing, so that so many requests of so many tokens each fit."""
        waits = [0.0]
        if self.requests is not None and self.requests.left < 1:
            waits.append(self.requests.wait_s(requests))
        if self.tokens is not None and self.tokens.left < tokens:
            waits.append(self.tokens.wait_s(requests * tokens))
        return max(waits)


class Client(Protocol):
    """One model that can be asked. Made without any I/O; ``start`` does what can fail."""

    @property
    def identity(self) -> str:
        """What answers: equal identities promise equal stored answers."""

    async def start(self) -> None:
        """Get ready (start a process, read a key). Raise `SetupError` or `ProviderError`."""

    async def ask(self, request: Request) -> Reply:
        """Send the request once and return the answer, or raise `ProviderError`.

        Whoever asks tries again where that can help. A client that knows what its endpoint has left
        keeps it in an attribute ``quota``.
        """

    async def close(self) -> None:
        """Give back what ``start`` took. Safe to call twice, and without ``start``."""


class AnswerStore(Protocol):
    """Answers by key, kept for good as soon as they come."""

    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Return the stored answers among ``keys``."""

    def put(self, key: str, reply: Reply) -> None:
        """Keep an answer; returns at once, on disk within 200 ms."""
