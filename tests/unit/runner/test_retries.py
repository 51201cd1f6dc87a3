"""Failed requests are sent again: which, how often, after how long, and what is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from evalkit.errors import ErrorKind, ProviderError
from evalkit.model import Failure, Limits, Reply, Request
from evalkit.runner.backlog import Backlog, Job
from evalkit.runner.retries import FIRST_S, LONGEST_S, Retries

from .fakes import FakeClient, ask, echo, kind_of, running

QUICK = Limits(concurrency=4, retries=3, timeout_s=10)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr("evalkit.runner.retries.FIRST_S", 0.0)


class Flaky:
    """Fails so many times for each question before it answers."""

    def __init__(self, error: ProviderError, times: int) -> None:
        self.error = error
        self.times = times
        self.calls: Counter[str] = Counter()

    async def __call__(self, text: str) -> Reply:
        """Count the call."""
        self.calls[text] += 1
        if self.calls[text] <= self.times:
            raise self.error
        return await echo(text)


@pytest.mark.parametrize("kind", ["rate_limited", "timeout", "refused_connection", "server"])
def test_what_may_pass_is_sent_again(kind: ErrorKind) -> None:
    """Every question is answered at its third try, and says so."""
    flaky = Flaky(ProviderError(kind, "busy"), 2)
    asks = [ask(str(i)) for i in range(20)]
    with running({"m": FakeClient(flaky)}, limits=QUICK) as engine:
        engine.start(asks)
        outcomes = [engine.wait(a, 10) for a in asks]
        assert engine.progress().failed == 0
    assert {getattr(outcome, "tries", 0) for outcome in outcomes} == {3}
    assert set(flaky.calls.values()) == {3}


def test_tries_have_an_end() -> None:
    """After the allowed tries the failure says how many there were."""
    flaky = Flaky(ProviderError("server", "down"), 99)
    with running({"m": FakeClient(flaky)}, limits=QUICK) as engine:
        engine.start([ask("a")])
        outcome = engine.wait(ask("a"), 10)
    assert outcome == Failure("server", "down (after 4 tries)", tries=4)
    assert flaky.calls == {"a": 4}


@pytest.mark.parametrize("kind", ["bad_request", "content_filter", "context_length"])
def test_what_cannot_pass_is_sent_once(kind: ErrorKind) -> None:
    """A fault of the request is the same at every try."""
    flaky = Flaky(ProviderError(kind, "no"), 1)
    with running({"m": FakeClient(flaky)}, limits=QUICK) as engine:
        engine.start([ask("a")])
        assert kind_of(engine.wait(ask("a"), 10)) == kind
    assert flaky.calls == {"a": 1}


def test_an_endpoint_that_is_not_up_yet_gets_its_tries() -> None:
    """Nothing listening stops the model, but only after the tries."""
    error = ProviderError("refused_connection", "nobody", stops_endpoint=True)
    coming_up, down = Flaky(error, 2), Flaky(error, 99)
    for flaky, expected in ((coming_up, ""), (down, "refused_connection")):
        with running({"m": FakeClient(flaky)}, limits=QUICK) as engine:
            engine.start([ask("a")])
            assert kind_of(engine.wait(ask("a"), 10)) == expected
            assert bool(engine.fatal()) == bool(expected)


def waits(error: ProviderError, *, tries: int, begun: float = 0.0) -> Iterator[float | None]:
    """Yield 200 random waits after so many tries, at the time 0."""
    retries = Retries(Limits(retries=9, timeout_s=100), Random(0))  # noqa: S311 - jitter
    job = Job("k", Request({}), tries, begun)
    return (retries.wait_s(error, job, now=0.0) for _ in range(200))


@pytest.mark.parametrize(("tries", "longest"), [(1, 1.0), (2, 2.0), (4, 8.0), (9, 30.0)])
def test_waits_are_random_and_double(
    tries: int, longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They fill the whole span from 0 to a bound that doubles, to 30 seconds."""
    monkeypatch.setattr("evalkit.runner.retries.FIRST_S", 1.0)
    found = [wait or 0.0 for wait in waits(ProviderError("server", ""), tries=tries)]
    assert max(found) <= longest <= max(FIRST_S, LONGEST_S)
    assert max(found) > 0.9 * longest
    assert min(found) < 0.1 * longest


def test_a_server_that_names_a_time_is_given_it() -> None:
    """Nobody comes back before, even where that is late."""
    error = ProviderError("rate_limited", "", retry_after_s=60)
    assert all((wait or 0) >= 60 for wait in waits(error, tries=1))


def test_nobody_waits_beyond_the_patience_of_all_tries() -> None:
    """A wait that would end after all tries with their timeouts is not begun."""
    error = ProviderError("rate_limited", "", retry_after_s=2000)
    assert set(waits(error, tries=1)) == {None}
    assert set(waits(ProviderError("server", ""), tries=2, begun=-1000.0)) == {None}


def test_a_job_that_waits_comes_back_before_new_ones() -> None:
    """The backlog ends when all jobs are finished, not when none is waiting."""

    async def scenario() -> list[str]:
        backlog, order = Backlog(), []
        for key in "abc":
            backlog.add(key, Request({}))
        first = await backlog.take()
        assert first is not None
        backlog.postpone(first, due=0.0)
        while (job := await backlog.take()) is not None:
            order.append(job.key)
            backlog.finish()
        return order

    assert asyncio.run(scenario()) == ["a", "b", "c"]


def test_workers_wait_for_a_job_that_is_put_off() -> None:
    """With an empty queue a worker stays, as another's job may still fail."""

    async def scenario() -> list[str | None]:
        backlog = Backlog()
        backlog.add("a", Request({}))
        job = await backlog.take()
        assert job is not None
        idle = asyncio.create_task(backlog.take())
        await asyncio.sleep(0)
        backlog.postpone(job, due=asyncio.get_running_loop().time() + 0.01)
        again = await idle
        backlog.finish()
        last = await backlog.take()
        return [again.key if again else None, last.key if last else None]

    assert asyncio.run(scenario()) == ["a", None]
