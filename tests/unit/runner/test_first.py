"""The first requests go out alone, and what ended a run early is known."""

from __future__ import annotations

import time

import pytest

from evalkit.model import Budget, Limits, ModelSpec, Price, Reply
from evalkit.runner import Engine, Stopped, Terms

from .fakes import FakeClient, MemoryStore, ask, kind_of, never, running


def test_the_rest_waits_for_the_first() -> None:
    """Nothing else is asked until the engine is told to go on; then all is, each once."""
    client = FakeClient()
    asks = [ask(str(i)) for i in range(50)]
    with running({"m": client}) as engine:
        engine.start(asks, first=[asks[7], asks[3]])
        for a in (asks[7], asks[3]):
            assert isinstance(engine.wait(a, 10), Reply)
        with pytest.raises(TimeoutError):
            engine.wait(asks[0], 0.05)
        assert client.log == ["start", "7", "3"]
        engine.go_on()
        assert all(isinstance(engine.wait(a, 10), Reply) for a in asks)
    rest = [str(i) for i in range(50) if i not in (3, 7)]
    assert client.log[3:-1] == rest


def test_stored_first_answers_leave_nothing_to_hold() -> None:
    """With the first ones stored the engine holds all others, and stopping it ends them."""
    client, store = FakeClient(), MemoryStore()
    asks = [ask(str(i)) for i in range(5)]
    with running({"m": client}, store) as engine:
        engine.start(asks[:2])
        for a in asks[:2]:
            engine.wait(a, 10)
    client.log.clear()
    with running({"m": client}, store) as engine:
        engine.start(asks, first=asks[:2])
        assert all(isinstance(engine.wait(a, 10), Reply) for a in asks[:2])
        assert (engine.outlook("m").requests, engine.outlook("m").answers) == (3, 2)
        engine.stop()
        assert [kind_of(engine.wait(a, 10)) for a in asks[2:]] == ["cancelled"] * 3
    assert set(client.log) <= {"start", "close"}


def test_what_is_loaded_is_not_asked() -> None:
    """An engine that is not started tells what there would be to ask."""
    client = FakeClient()
    with running({"m": client}) as engine:
        engine.load(ask(str(i)) for i in (1, 2, 2))
        assert engine.outlook("m").requests == 2
    assert client.log == []


def test_a_used_up_budget_is_named() -> None:
    """The limit in words; nothing where the budget was enough."""
    asks = [ask(str(i)) for i in range(6)]
    for limit, stopped in ((3, Stopped("budget", "requests: 3")), (6, None)):
        with running({"m": FakeClient()}, terms=Terms(budget=Budget(requests=limit))) as engine:
            engine.start(asks)
            for a in asks:
                engine.wait(a, 10)
            assert engine.stopped == stopped


def test_a_deadline_is_named() -> None:
    """What hangs is given up then, and the limit stands in every row."""
    with running({"m": FakeClient(never)}, terms=Terms(deadline_s=0.1)) as engine:
        began = time.monotonic()
        engine.start([ask("a"), ask("b")])
        outcome = engine.wait(ask("b"), 10)
        assert time.monotonic() - began < 5
        assert kind_of(outcome) == "cancelled"
        assert "0.1 s" in str(outcome)
        assert engine.stopped == Stopped("deadline", "0.1 s")


@pytest.mark.parametrize(("price", "money"), [(Price(1e6, 2e6), 4 * 4.0), (None, None)])
def test_the_cost_so_far_is_told(price: Price | None, money: float | None) -> None:
    """Answers of now at the model's price; unknown without one."""
    spec = ModelSpec("m", "base", "fake", "m", price=price, limits=Limits(concurrency=4))
    asks = [ask(str(i)) for i in range(4)]
    engine = Engine({"m": FakeClient()}, MemoryStore(), models={"m": spec})
    try:
        engine.start(asks)
        for a in asks:
            engine.wait(a, 10)
        assert engine.progress().money == money
    finally:
        engine.stop()
