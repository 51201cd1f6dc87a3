"""The engine when all goes well: order, bounds, equal requests, stored answers."""

from __future__ import annotations

import asyncio

import pytest

from evalkit.errors import ProviderError
from evalkit.model import Limits, Outcome, Reply, Request, Usage
from evalkit.runner import Ask, Progress, Terms

from .fakes import FakeClient, MemoryStore, ask, echo, kind_of, never, raising, running


def test_every_ask_gets_its_own_answer_in_order() -> None:
    """Requests leave in the order of the cases, and every waiter gets its own answer."""
    client = FakeClient()
    asks = [ask(str(i)) for i in range(50)]
    with running({"m": client}) as engine:
        engine.start(asks)
        assert [engine.wait(a, 10) for a in reversed(asks)] == [
            Reply(str(i), usage=Usage(2, 1)) for i in reversed(range(50))
        ]
    assert client.log == ["start", *map(str, range(50)), "close"]


@pytest.mark.parametrize("concurrency", [1, 3, 100])
def test_concurrency_is_used_and_bounded(concurrency: int) -> None:
    """Exactly as many requests are in flight as allowed, or as there are."""
    client = FakeClient()
    barrier = min(concurrency, 8)
    full = asyncio.Event()

    async def wait_for_all(text: str) -> Reply:
        if client.in_flight == barrier:
            full.set()
        await full.wait()
        return await echo(text)

    client.answer = wait_for_all
    asks = [ask(str(i)) for i in range(8)]
    with running({"m": client}, limits=Limits(concurrency, 0, 10)) as engine:
        engine.start(asks)
        assert not any(kind_of(engine.wait(a, 10)) for a in asks)
    assert client.most == barrier


def test_models_are_asked_side_by_side() -> None:
    """One model that hangs does not hold up another."""
    clients = {
        "hangs": FakeClient(never, "a"),
        "works": FakeClient(echo, "b"),
    }
    asks = [ask(str(i), model) for i in range(20) for model in clients]
    with running(clients, limits=Limits(1, 0, 10)) as engine:
        engine.start(asks)
        answered = [engine.wait(a, 10) for a in asks if a.model == "works"]
        assert not any(map(kind_of, answered))
        assert engine.progress("hangs").done == 0
        assert engine.progress("works").done == 20


def test_equal_requests_are_asked_once() -> None:
    """One call answers all equal asks of one identity; another sample is another request."""
    clients = {"m": FakeClient(), "twin": FakeClient()}
    asks = [ask("q"), ask("q"), ask("q", "twin"), ask("q", sample=1)]
    with running(clients) as engine:
        engine.start(asks)
        assert not any(kind_of(engine.wait(a, 10)) for a in asks)
        assert engine.progress().asked == 2
    assert clients["m"] == FakeClient(log=["start", "q", "q", "close"], most=2)
    assert clients["twin"] == FakeClient(log=[])


def test_second_run_starts_no_client() -> None:
    """With all answers stored nothing is started, and progress says so."""
    store, asks = MemoryStore(), [ask("a"), ask("b")]
    with running({"m": FakeClient()}, store) as engine:
        engine.start(asks)
        first = [engine.wait(a, 10) for a in asks]
        assert engine.progress() == Progress(2, 2, 0, 2, 0, 0, 6)
    client = FakeClient()
    with running({"m": client}, store) as engine:
        engine.start(asks)
        assert [engine.wait(a) for a in asks] == first
        assert engine.progress() == Progress(2, 2, 2, 0, 0, 0, 0)
    assert client.log == []


def test_rerun_asks_again_and_replaces() -> None:
    """With ``rerun`` stored answers are ignored and overwritten."""
    question = ask("a")
    key = question.request.key("fake")
    store = MemoryStore()
    store.put(key, Reply("old"))
    with running({"m": FakeClient()}, store, terms=Terms(rerun=True)) as engine:
        engine.start([question])
        engine.wait(question, 10)
    assert store.replies[key].text == "a"


def test_unlucky_stored_answer_is_asked_again() -> None:
    """A cut off answer drawn at random is no answer for good; offline it is all there is."""
    question = Ask("m", Request({"text": "a", "temperature": 1}))
    cut = Reply("a...", finish_reason="length")
    store = MemoryStore()
    store.put(question.request.key("fake"), cut)
    with running({"m": FakeClient()}, store, terms=Terms(offline=True)) as engine:
        engine.start([question])
        assert engine.wait(question) == cut
    with running({"m": FakeClient()}, store) as engine:
        engine.start([question])
        assert engine.wait(question, 10) == Reply("a", usage=Usage(2, 1))


def test_offline_makes_no_call() -> None:
    """Offline a missing answer is a failure, at once and without a client."""
    client = FakeClient()
    with running({"m": client}, terms=Terms(offline=True)) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"))) == "offline"
        assert engine.progress().failed == 1
    assert client.log == []


def test_clients_start_at_the_same_time() -> None:
    """Servers of several models come up side by side."""
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    clients = {
        "a": FakeClient(identity="a", on_start=meet),
        "b": FakeClient(identity="b", on_start=meet),
    }
    asks = [ask("q", "a"), ask("q", "b")]
    with running(clients) as engine:
        engine.start(asks)
        assert not any(kind_of(engine.wait(a, 10)) for a in asks)


def test_listener_hears_stored_asked_and_failed() -> None:
    """Other processes learn of every outcome, wherever it came from."""
    heard: dict[str, Outcome] = {}
    store = MemoryStore()
    store.put(ask("old").request.key("fake"), Reply("old"))

    async def some_fail(text: str) -> Reply:
        return await (raising(ProviderError("server", "")) if text == "bad" else echo)(text)

    asks = [ask("old"), ask("new"), ask("bad")]
    with running({"m": FakeClient(some_fail)}, store, on_outcome=heard.__setitem__) as engine:
        engine.start(asks)
        outcomes = {a.request.key("fake"): engine.wait(a, 10) for a in asks}
    assert heard == outcomes
    assert sorted(map(kind_of, heard.values())) == ["", "", "server"]


def test_unknown_ask_is_refused() -> None:
    """Waiting for something nobody asked raises instead of hanging."""
    with running({"m": FakeClient()}) as engine:
        engine.start([ask("a")])
        with pytest.raises(KeyError):
            engine.wait(ask("b"))
