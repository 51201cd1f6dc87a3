"""Clients and stores made for the engine's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from evalkit.errors import SetupError
from evalkit.model import Client, Failure, Limits, ModelSpec, Outcome, Reply, Request, Usage
from evalkit.runner import Ask, Engine, Terms

Answer = Callable[[str], Awaitable[Reply]]


async def echo(text: str) -> Reply:
    """Answer with the question, after a turn of the event loop."""
    await asyncio.sleep(0)
    return Reply(text, usage=Usage(input=2, output=1))


async def never(_: str) -> Reply:
    """Hang as a dead connection does."""
    await asyncio.Event().wait()
    raise AssertionError


def raising(error: Exception) -> Answer:
    """Return an answer function that always fails."""

    async def fail(_: str) -> Reply:
        await asyncio.sleep(0)
        raise error

    return fail


@dataclass
class FakeClient:
    """A client that notes what is done to it."""

    answer: Answer = echo
    identity: str = "fake"
    on_start: Callable[[], Awaitable[None]] | None = None
    log: list[str] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    async def start(self) -> None:
        """Note it, and do what the test wants to happen."""
        self.log.append("start")
        if self.on_start is not None:
            await self.on_start()

    async def ask(self, request: Request) -> Reply:
        """Answer by the test's function, counting those in flight."""
        text = request.body["text"]
        self.log.append(text)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            return await self.answer(text)
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        """Note it."""
        self.log.append("close")


class MemoryStore:
    """A store in a dict."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}

    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Return what is there."""
        return {key: self.replies[key] for key in keys if key in self.replies}

    def put(self, key: str, reply: Reply) -> None:
        """Keep it."""
        self.replies[key] = reply


class FullStore(MemoryStore):
    """A store that can keep nothing more."""

    def put(self, key: str, reply: Reply) -> None:
        """Fail."""
        raise SetupError("room for answers", got=f"none for {key} {reply}", instead="make room")


def ask(text: str, model: str = "m", *, sample: int = 0) -> Ask:
    """Return a deterministic question."""
    return Ask(model, Request({"text": text, "temperature": 0}, sample))


ONLINE = Terms()
LIMITS = Limits(concurrency=4, retries=0, timeout_s=10)


@contextmanager
def running(
    clients: Mapping[str, Client],
    store: MemoryStore | None = None,
    *,
    limits: Limits = LIMITS,
    terms: Terms = ONLINE,
    on_outcome: Callable[[str, Outcome], None] | None = None,
) -> Iterator[Engine]:
    """An engine that is stopped at the end, whatever happens."""
    engine = Engine(
        clients,
        store or MemoryStore(),
        models={name: ModelSpec(name, "base", "fake", name, limits=limits) for name in clients},
        terms=terms,
        on_outcome=on_outcome,
    )
    try:
        yield engine
    finally:
        engine.stop()


def kind_of(outcome: Outcome) -> str:
    """Return the kind of a failure, "" for an answer."""
    return outcome.kind if isinstance(outcome, Failure) else ""
