"""A run spends no more than it may, and nearly all of it."""

from __future__ import annotations

import pytest

from evalkit.model import Budget, Failure, Price, Reply, Request, Usage
from evalkit.runner import Terms
from evalkit.runner.budget import most, spent

from .fakes import FakeClient, MemoryStore, ask, running


def test_requests_are_counted_to_the_last_one() -> None:
    """With 7 requests allowed 7 are sent, and the others say why they were not."""
    client = FakeClient()
    asks = [ask(str(i)) for i in range(20)]
    with running({"m": client}, terms=Terms(budget=Budget(requests=7))) as engine:
        engine.start(asks)
        outcomes = [engine.wait(a, 10) for a in asks]
    answered = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    assert len(answered) == 7
    assert len(client.log) == 9  # start and close
    left = {outcome for outcome in outcomes if isinstance(outcome, Failure)}
    assert left == {Failure("cancelled", "not asked: the budget is used up (requests: 7)")}


def test_a_budget_holds_over_all_models() -> None:
    """Two models share one purse."""
    clients = {"a": FakeClient(identity="a"), "b": FakeClient(identity="b")}
    asks = [ask(str(i), model) for i in range(20) for model in clients]
    with running(clients, terms=Terms(budget=Budget(requests=10))) as engine:
        engine.start(asks)
        outcomes = [engine.wait(a, 10) for a in asks]
    assert sum(isinstance(outcome, Reply) for outcome in outcomes) == 10


def test_tokens_are_reserved_by_the_longest_answer_and_settled_by_the_real_one() -> None:
    """Answers that stay short leave room for more, and the limit still holds."""
    asks = [ask(str(i)) for i in range(200)]
    for a in asks:
        object.__setattr__(a.request, "body", {**a.request.body, "max_tokens": 20})
    store = MemoryStore()
    with running({"m": FakeClient()}, store, terms=Terms(budget=Budget(tokens=100))) as engine:
        engine.start(asks)
        for a in asks:
            engine.wait(a, 10)
    used = sum(r.usage.input + r.usage.output for r in store.replies.values())
    assert 100 - 20 - 3 <= used <= 100


def test_stored_answers_cost_nothing() -> None:
    """A run that goes on after its budget was used up starts with a new one."""
    asks = [ask(str(i)) for i in range(6)]
    store, terms = MemoryStore(), Terms(budget=Budget(requests=3))
    for answered in (3, 6):
        with running({"m": FakeClient()}, store, terms=terms) as engine:
            engine.start(asks)
            outcomes = [engine.wait(a, 10) for a in asks]
        assert sum(isinstance(outcome, Reply) for outcome in outcomes) == answered


def test_estimates_are_by_text_and_longest_answer() -> None:
    """300 letters are 100 tokens; money follows the price of each kind."""
    request = Request({"messages": "x" * 300, "max_tokens": 50})
    found = most(request, Price(input=1.0, output=10.0))
    assert found.requests == 1
    assert found.tokens == pytest.approx(150)
    assert found.money == pytest.approx((100 + 500) / 1e6)
    paid = spent(Usage(input=100, output=5, cached=40), Price(1.0, 10.0, 0.1))
    assert paid.money == pytest.approx((60 + 4 + 50) / 1e6)
