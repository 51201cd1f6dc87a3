"""The engine when something fails: deadlines, dead endpoints, stopping, a full disk."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from evalkit.errors import ProviderError, SetupError
from evalkit.model import Limits, Outcome, Reply

from .fakes import (
    FakeClient,
    FullStore,
    MemoryStore,
    ask,
    echo,
    kind_of,
    never,
    raising,
    running,
)


def test_filtered_answer_is_stored_and_fails() -> None:
    """The filter's reply is kept, so that it is not paid for twice, and is no answer."""

    async def filtered(_: str) -> Reply:
        return Reply("", finish_reason="content_filter")

    store, first, second = MemoryStore(), FakeClient(filtered), FakeClient(filtered)
    for client in (first, second):
        with running({"m": client}, store) as engine:
            engine.start([ask("a")])
            assert kind_of(engine.wait(ask("a"), 10)) == "content_filter"
            assert engine.progress().failed == 1
    assert (first.log, second.log) == (["start", "a", "close"], [])


def test_hung_request_costs_one_deadline() -> None:
    """A request that never comes back is a timeout; the next one is asked."""

    async def first_hangs(text: str) -> Reply:
        return await (never if text == "0" else echo)(text)

    asks = [ask("0"), ask("1")]
    with running({"m": FakeClient(first_hangs)}, limits=Limits(1, 0, 0.02)) as engine:
        engine.start(asks)
        assert kind_of(engine.wait(asks[0], 10)) == "timeout"
        assert kind_of(engine.wait(asks[1], 10)) == ""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderError("rate_limited", "too many"), "rate_limited"),
        (ZeroDivisionError("a bug"), "bad_response"),
    ],
)
def test_failed_request_is_a_row(error: Exception, kind: str) -> None:
    """An error of one request fails that request; the run goes on and is not fatal."""

    async def one_fails(text: str) -> Reply:
        return await (raising(error) if text == "0" else echo)(text)

    asks = [ask("0"), ask("1")]
    with running({"m": FakeClient(one_fails)}) as engine:
        engine.start(asks)
        assert [kind_of(engine.wait(a, 10)) for a in asks] == [kind, ""]
        assert engine.fatal() is None


def test_dead_endpoint_ends_its_model_at_once() -> None:
    """The first wrong key fails every request of that model, and of no other."""
    error = ProviderError("auth", "wrong key", stops_endpoint=True)
    dead = FakeClient(raising(error), "dead")
    asks = [ask(str(i), model) for i in range(200) for model in ("dead", "alive")]
    clients = {"dead": dead, "alive": FakeClient()}
    with running(clients) as engine:
        engine.start(asks)
        kinds = {(a.model, kind_of(engine.wait(a, 10))) for a in asks}
        assert kinds == {("dead", "auth"), ("alive", "")}
        assert engine.fatal() is error
    assert len(dead.log) == 6  # start, one request a worker, close
    assert dead.log[-1] == "close"


def test_endpoint_that_dies_later_is_not_fatal() -> None:
    """After a first answer the rest are failed rows: the run goes on to its end."""

    async def dies(text: str) -> Reply:
        if text == "0":
            return await echo(text)
        raise ProviderError("refused_connection", "gone", stops_endpoint=True)

    asks = [ask(str(i)) for i in range(5)]
    with running({"m": FakeClient(dies)}, limits=Limits(1, 0, 10)) as engine:
        engine.start(asks)
        assert [kind_of(engine.wait(a, 10)) for a in asks] == ["", *["refused_connection"] * 4]
        assert engine.fatal() is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SetupError("a key", got="none", instead="set it"), "cancelled"),
        (ProviderError("refused_connection", "nobody there"), "refused_connection"),
        (ZeroDivisionError("a bug"), "bad_response"),
    ],
)
def test_client_that_cannot_start_is_fatal(error: Exception, kind: str) -> None:
    """Everything of that model fails with the reason, which `fatal` gives."""

    async def fail() -> None:
        raise error

    with running({"m": FakeClient(on_start=fail)}) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"), 10)) == kind
        fatal = engine.fatal()
        assert fatal is error or (fatal is not None and fatal.__cause__ is error)


def test_start_has_a_deadline() -> None:
    """A client that never gets ready is a dead endpoint."""

    async def hang() -> None:
        await asyncio.Event().wait()

    client = FakeClient(on_start=hang)
    with running({"m": client}, limits=Limits(1, 0, 0.02)) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"), 10)) == "timeout"
        assert isinstance(engine.fatal(), ProviderError)
    assert client.log == ["start", "close"]


def test_stop_cancels_what_is_open_and_keeps_answers() -> None:
    """Within a second: answers stay, everything else is cancelled, no task or thread is left."""

    async def hangs_later(text: str) -> Reply:
        return await (echo if text == "0" else never)(text)

    client, store = FakeClient(hangs_later), MemoryStore()
    asks = [ask(str(i)) for i in range(20)]
    with running({"m": client}, store) as engine:
        engine.start(asks)
        engine.wait(asks[0], 10)
        began = time.monotonic()
        engine.stop()
        assert time.monotonic() - began < 1
        assert [kind_of(engine.wait(a)) for a in asks] == ["", *["cancelled"] * 19]
        assert engine.progress().failed == 19
        engine.stop()
    assert len(store.replies) == 1
    assert client.in_flight == 0
    assert client.log[-1] == "close"
    assert "evalkit" not in [thread.name for thread in threading.enumerate()]


def test_stop_wakes_whoever_waits() -> None:
    """A thread blocked in ``wait`` gets its cancelled outcome."""
    got: list[Outcome] = []
    with running({"m": FakeClient(never)}) as engine:
        engine.start([ask("a")])
        thread = threading.Thread(target=lambda: got.append(engine.wait(ask("a"), 10)))
        thread.start()
        engine.stop()
        thread.join(10)
    assert [kind_of(outcome) for outcome in got] == ["cancelled"]


def test_stop_does_not_wait_for_a_client_that_hangs_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that never closes is left behind."""
    monkeypatch.setattr("evalkit.runner.lane.CLOSE_S", 0.01)

    class Sticky(FakeClient):
        async def close(self) -> None:
            await super().close()
            await never("")

    client = Sticky()
    with running({"m": client}) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"), 10)) == ""
    assert client.log[-1] == "close"


def test_engine_that_cannot_be_stopped_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that blocks the loop itself cannot keep the caller."""
    monkeypatch.setattr("evalkit.runner.engine.STOP_S", 0.01)
    entered, release = threading.Event(), threading.Event()

    async def block(text: str) -> Reply:
        entered.set()
        release.wait(10)
        return Reply(text)

    with running({"m": FakeClient(block)}) as engine:
        engine.start([ask("a")])
        entered.wait(10)
        engine.stop()
        assert kind_of(engine.wait(ask("a"))) == "cancelled"
        release.set()
        monkeypatch.setattr("evalkit.runner.engine.STOP_S", 10)


def test_client_that_needs_something_midway_is_fatal() -> None:
    """A `SetupError` out of a request ends the model: only the user can mend it."""
    error = SetupError("a key", got="an expired one", instead="renew it")
    with running({"m": FakeClient(raising(error))}) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"), 10)) == "cancelled"
        assert engine.fatal() is error


def test_store_that_fails_is_fatal() -> None:
    """An answer that cannot be kept ends the run: nothing more is paid for."""
    client = FakeClient()
    asks = [ask(str(i)) for i in range(20)]
    with running({"m": client}, FullStore(), limits=Limits(1, 0, 10)) as engine:
        engine.start(asks)
        assert {kind_of(engine.wait(a, 10)) for a in asks} == {"cancelled"}
        assert isinstance(engine.fatal(), SetupError)
    assert client.log == ["start", "0", "close"]


def test_listener_that_fails_is_fatal() -> None:
    """When outcomes cannot be published the session must learn of it."""
    error = SetupError("room", got="none", instead="make room")

    def full(_: str, __: Outcome) -> None:
        raise error

    with running({"m": FakeClient()}, on_outcome=full) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"), 10)) == ""
    assert engine.fatal() is error
