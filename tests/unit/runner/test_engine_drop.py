"""Requests that are no longer needed: what waits is taken back, what is under way is left alone."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from evalkit.model import Limits, Reply
from evalkit.runner import Terms
from evalkit.runner.engine import DROPPED
from evalkit.runner.lane import LEAD

from .fakes import FakeClient, MemoryStore, ask, echo, kind_of, running

ONE = Limits(concurrency=1, retries=0, timeout_s=10)


class Held:
    """Answers whose first one waits until the test lets it go."""

    def __init__(self) -> None:
        self.let_go = Event()

    async def __call__(self, text: str) -> Reply:
        """Answer with the question."""
        while text == "0" and not self.let_go.is_set():  # noqa: ASYNC110  (another thread's event)
            await asyncio.sleep(0)
        return await echo(text)


@pytest.fixture
def held() -> Held:
    """Return answers of which the first is held."""
    return Held()


def test_what_waits_is_not_asked_any_more(held: Held) -> None:
    """Dropped requests get a failure at once, are not counted, and never reach the client."""
    client, asks = FakeClient(held), [ask(str(i)) for i in range(8)]
    with running({"m": client}, limits=ONE) as engine:
        engine.start(asks)
        engine.drop(asks[4:], keep=asks[:4])
        assert [engine.wait(a, 10) for a in asks[4:]] == [DROPPED] * 4
        assert engine.progress().total == 4
        held.let_go.set()
        assert not any(kind_of(engine.wait(a, 10)) for a in asks[:4])
        progress = engine.progress()
    assert (progress.done, progress.asked, progress.failed) == (4, 4, 0)
    assert client.log == ["start", "0", "1", "2", "3", "close"]


def test_a_request_that_is_needed_elsewhere_stays(held: Held) -> None:
    """An equal request of another case is the same call, and is made."""
    client = FakeClient(held)
    with running({"m": client}, limits=ONE) as engine:
        engine.start([ask("0"), ask("shared"), ask("last")])
        engine.drop([ask("shared"), ask("last")], keep=[ask("shared")])
        assert engine.wait(ask("last"), 10) == DROPPED
        held.let_go.set()
        assert engine.wait(ask("shared"), 10) == echoed("shared")
    assert "last" not in client.log


def test_what_is_under_way_is_answered_and_kept(held: Held) -> None:
    """A call that was made is paid for: its answer is stored, though nobody needs it."""
    client, store = FakeClient(held), MemoryStore()
    with running({"m": client}, store, limits=ONE) as engine:
        engine.start([ask("0"), ask("1")])
        while not engine.progress().in_flight:
            pass
        engine.drop([ask("0"), ask("1")], keep=[])
        assert engine.wait(ask("1"), 10) == DROPPED
        held.let_go.set()
        assert kind_of(engine.wait(ask("0"), 10)) == ""
    assert [reply.text for reply in store.replies.values()] == ["0"]


@pytest.mark.parametrize("offline", [True, False])
def test_nothing_is_left_to_drop(offline: bool) -> None:
    """Offline, or with all answers stored, there is no queue, and no harm in asking for less."""
    store = MemoryStore()
    with running({"m": FakeClient()}, store) as engine:
        engine.start([ask("0")])
        assert kind_of(engine.wait(ask("0"), 10)) == ""
    with running({"m": FakeClient()}, store, terms=Terms(offline=offline)) as engine:
        engine.start([ask("0")])
        engine.drop([ask("0")], keep=[])
        assert engine.wait(ask("0"), 10) == echoed("0")


def echoed(text: str) -> Reply:
    """Return what `echo` says to ``text``, without an event loop."""
    return asyncio.run(echo(text))


def test_bounded_asking_stays_a_few_rounds_ahead() -> None:
    """What nobody has used yet holds back the rest; each used answer lets one more be asked."""
    client = FakeClient()
    asks = [ask(str(i)) for i in range(40)]
    with running({"m": client}, limits=ONE) as engine:
        engine.start(asks, first=asks[:2])
        engine.wait(asks[1], 10)
        engine.go_on(bounded=True)
        engine.wait(asks[1 + LEAD], 10)
        with pytest.raises(TimeoutError):
            engine.wait(asks[2 + LEAD], 0.05)
        engine.used(asks[:3])
        engine.wait(asks[4 + LEAD], 10)
        assert engine.progress().asked == 5 + LEAD
        engine.used(asks)
        assert kind_of(engine.wait(asks[-1], 10)) == ""
