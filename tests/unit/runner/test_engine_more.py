"""Requests added while the engine runs, and forgotten once they were used: nothing piles up."""

from __future__ import annotations

import time

import pytest

from evalkit.errors import ProviderError
from evalkit.model import Budget, Limits, Reply
from evalkit.runner import Ask, Engine, Terms

from .fakes import FakeClient, MemoryStore, ask, kind_of, never, raising, running


def texts(engine: Engine, words: list[str]) -> list[str]:
    """Wait for the answers to ``words``."""
    outcomes = [engine.wait(ask(word), 10) for word in words]
    return [o.text if isinstance(o, Reply) else o.kind for o in outcomes]


def test_what_is_added_is_asked_in_order() -> None:
    """Chunk by chunk, also after a time with nothing to ask; the client is started once."""
    client = FakeClient()
    chunks = [[f"{i}.{j}" for j in range(9)] for i in range(4)]
    with running({"m": client}, limits=Limits(1, 0, 10)) as engine:
        engine.start([], first=[], more=True)
        engine.go_on()
        for chunk in chunks:
            engine.more(map(ask, chunk))
            assert texts(engine, chunk) == chunk
        assert engine.progress().total == engine.progress().done == 36
    assert client.log == ["start", *(word for chunk in chunks for word in chunk), "close"]


def test_what_is_added_waits_for_the_first() -> None:
    """Until the engine is told to go on."""
    client = FakeClient()
    with running({"m": client}) as engine:
        engine.start([], first=[ask("first")], more=True)
        engine.more([ask("first"), ask("next")])
        assert texts(engine, ["first"]) == ["first"]
        with pytest.raises(TimeoutError):
            engine.wait(ask("next"), 0.05)
        engine.go_on()
        assert texts(engine, ["next"]) == ["next"]
    assert client.log == ["start", "first", "next", "close"]


def test_forgotten_asks_leave_nothing_behind() -> None:
    """After a hundred chunks the engine holds what it held after one."""
    with running({"m": FakeClient()}) as engine:
        engine.start([], more=True)
        asks = list[Ask]()
        for i in range(100):
            asks = [ask(f"{i}.{j}") for j in range(20)]
            engine.more(asks)
            assert not any(kind_of(engine.wait(a, 10)) for a in asks)
            engine.forget(asks)
        board, lane = engine._board, engine._lanes["m"]
        deadline = time.monotonic() + 10
        while lane._open and time.monotonic() < deadline:
            time.sleep(0.01)
        left = (board._outcomes, board._again, board._waiting, lane._open)
        assert [len(found) for found in left] == [0, 0, 0, 0]
        assert engine.progress().done == 2000
        with pytest.raises(KeyError):
            engine.wait(asks[0], 0)


def test_an_outcome_that_is_shared_stays() -> None:
    """Until everyone that added it has forgotten it; then the store has it."""
    client = FakeClient()
    with running({"m": client}) as engine:
        engine.start([], more=True)
        for _ in range(3):
            engine.more([ask("q")])
        for _ in range(3):
            assert texts(engine, ["q"]) == ["q"]
            engine.forget([ask("q")])
        engine.more([ask("q")])
        assert texts(engine, ["q"]) == ["q"]
        assert engine.progress().stored == 1
    assert client.log == ["start", "q", "close"]


def test_a_client_without_anything_to_ask_is_not_started() -> None:
    """As long as all that is added has its answer in the store."""
    client, store = FakeClient(), MemoryStore()
    with running({"m": client}, store) as engine:
        engine.start([ask("q")])
        texts(engine, ["q"])
    client.log.clear()
    with running({"m": client}, store) as engine:
        engine.start([], more=True)
        engine.more([ask("q")])
        assert texts(engine, ["q"]) == ["q"]
    assert client.log == []


def test_offline_nothing_is_asked() -> None:
    """What is added and not stored fails at once."""
    client = FakeClient()
    with running({"m": client}, terms=Terms(offline=True)) as engine:
        engine.start([], more=True)
        engine.more([ask("q")])
        assert texts(engine, ["q"]) == ["offline"]
    assert client.log == []


def test_what_is_added_after_the_end_fails() -> None:
    """After the deadline, and after the stop, nobody waits for ever."""
    with running({"m": FakeClient(never)}, terms=Terms(deadline_s=0.1)) as engine:
        engine.start([], more=True)
        engine.more([ask("a")])
        assert texts(engine, ["a"]) == ["cancelled"]
        for i in range(20):
            engine.more([ask(f"{i}")])
            assert texts(engine, [f"{i}"]) == ["cancelled"]
        assert engine.stopped is not None
        engine.stop()
        engine.more([ask("b")])
        assert texts(engine, ["b"]) == ["cancelled"]


def test_what_is_added_to_a_dead_endpoint_fails_as_the_rest_did() -> None:
    """It is not asked again for every chunk."""
    error = ProviderError("auth", "no such key", stops_endpoint=True)
    client = FakeClient(raising(error))
    with running({"m": client}) as engine:
        engine.start([], more=True)
        engine.more([ask("a"), ask("b")])
        assert texts(engine, ["a", "b"]) == ["auth", "auth"]
        engine.more([ask("c")])
        assert texts(engine, ["c"]) == ["auth"]
        assert engine.fatal("m") is error
    assert "c" not in client.log


def test_a_budget_ends_what_is_added() -> None:
    """Also in the chunks that come after it is used up."""
    client = FakeClient()
    with running({"m": client}, terms=Terms(budget=Budget(requests=3))) as engine:
        engine.start([], more=True)
        for chunk in (["a", "b"], ["c", "d"], ["e"]):
            engine.more(map(ask, chunk))
            texts(engine, chunk)
        assert engine.progress().failed == 2
        assert engine.stopped is not None
    assert client.log == ["start", "a", "b", "c", "close"]


def test_what_is_ahead_goes_before_the_rest_and_is_not_bounded() -> None:
    """Once the engine goes on; what it bounds are the others."""
    client = FakeClient()
    with running({"m": client}, limits=Limits(1, 0, 10)) as engine:
        engine.start(map(ask, ["a", "b", "c", "d", "e"]), first=[ask("a")], more=True)
        assert texts(engine, ["a"]) == ["a"]
        engine.more([ask("a, then")], ahead=True)
        with pytest.raises(TimeoutError):
            engine.wait(ask("a, then"), 0.05)
        engine.go_on(bounded=True)
        assert texts(engine, ["a, then", "e"]) == ["a, then", "e"]
        engine.more([ask("f")])
        engine.more([ask("e, then")], ahead=True)
        assert texts(engine, ["e, then"]) == ["e, then"]
        with pytest.raises(TimeoutError):
            engine.wait(ask("f"), 0.05)
    assert client.log == ["start", "a", "a, then", "b", "c", "d", "e", "e, then", "close"]
