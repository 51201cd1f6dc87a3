"""What a run spends its time on, piece by piece. Timed, not tested."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from evalkit.clients.chat import read_chat
from evalkit.clients.wire import Answer
from evalkit.decide import Policy, RunData, decide
from evalkit.model import (
    Case,
    Limits,
    ModelSpec,
    Pair,
    Project,
    Record,
    Reply,
    Request,
    Sampling,
    Suite,
)
from evalkit.runner import Ask, Engine
from evalkit.stats.paired import compare
from evalkit.store import Answers

CASES = 2_000
BODY = {
    "messages": [{"role": "user", "content": "What is 1234 + 5678? Answer with the number only."}],
    "temperature": 0,
    "max_tokens": 16,
}
CHAT = (
    b'{"id":"x","object":"chat.completion","model":"base","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"6912"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":2,"total_tokens":22}}'
)


class Instant:
    """A client that answers at once."""

    identity = "instant"

    async def start(self) -> None:
        """Nothing to do."""

    async def ask(self, request: Request) -> Reply:
        """Answer after a turn of the loop, as any network does."""
        await asyncio.sleep(0)
        return Reply(str(request.sample), latency_s=0.001)

    async def close(self) -> None:
        """Nothing to do."""


class Nowhere:
    """A store that keeps nothing."""

    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:  # noqa: ARG002 - a protocol
        """Nothing is stored."""
        return {}

    def put(self, key: str, reply: Reply) -> None:
        """Forget it."""


def asks() -> list[Ask]:
    """Return requests that differ by their sample."""
    return [Ask("m", Request(BODY, number)) for number in range(CASES)]


def test_keys(benchmark: BenchmarkFixture) -> None:
    """The digest of each request."""
    requests = [ask.request for ask in asks()]
    benchmark(lambda: [request.key("openai http://host/v1 m") for request in requests])


def test_engine(benchmark: BenchmarkFixture) -> None:
    """Asking without a network: the engine's own share."""

    def run() -> None:
        spec = ModelSpec("m", "base", "x", "m", limits=Limits(concurrency=64))
        engine = Engine({"m": Instant()}, Nowhere(), models={"m": spec})
        every = asks()
        engine.start(every)
        for ask in every:
            engine.wait(ask)
        engine.stop()

    benchmark(run)


def test_reading_chat(benchmark: BenchmarkFixture) -> None:
    """From the bytes of a chat completion to a reply."""
    answer = Answer(200, {}, CHAT, 0.05)
    benchmark(lambda: [read_chat(answer) for _ in range(CASES)])


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    """A store in a new file."""
    with Answers(tmp_path / "answers.sqlite") as store:
        yield store


def test_storing(benchmark: BenchmarkFixture, answers: Answers) -> None:
    """Putting answers and reading them back."""
    replies = {f"{number:064x}": Reply("6912", model="base") for number in range(CASES)}

    def run() -> None:
        for key, reply in replies.items():
            answers.put(key, reply)
        assert len(answers.get_many(list(replies))) == CASES

    benchmark(run)


def test_deciding(benchmark: BenchmarkFixture) -> None:
    """From records to a decision: 2,000 right or wrong cases."""
    rng = np.random.default_rng(0)
    cases = tuple(
        Case("s", f"c{i:05d}", ({"role": "user", "content": str(i)},)) for i in range(CASES)
    )
    suite = Suite("s", "guard", cases, (), "g", Sampling())
    models = {n: ModelSpec(n, r, "x", n) for n, r in (("a", "base"), ("b", "candidate"))}
    project = Project(Path(), models, (Pair("a", "b"),))
    records = [
        Record("s", case.id, model, 0, Reply(model), {}, float(rng.random() < 0.7))
        for case in cases
        for model in models
    ]
    benchmark(lambda: decide(RunData(project, (suite,), records), Policy()))


@pytest.mark.parametrize("kind", ["right or wrong", "graded"])
def test_comparing_a_million_pairs(benchmark: BenchmarkFixture, kind: str) -> None:
    """One paired comparison: interval, p-values and all."""
    rng = np.random.default_rng(0)
    draw = rng.random if kind == "graded" else lambda n: (rng.random(n) < 0.7).astype(float)
    base, candidate = draw(1_000_000), draw(1_000_000)
    benchmark.pedantic(lambda: compare(base, candidate, rng=rng), rounds=3)
