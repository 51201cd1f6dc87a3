"""An endpoint away for a while costs time and no answers; away for long, it is given up."""

from __future__ import annotations

import asyncio
import time

import pytest

from evalkit.errors import ErrorKind, ProviderError
from evalkit.model import Limits, Reply
from evalkit.runner.outage import IN_A_ROW, Outage
from evalkit.runner.retries import FIRST_S, LONGEST_S

from .fakes import Answer, FakeClient, ask, kind_of, running

BUSY = ProviderError("rate_limited", "slow down")
GONE = ProviderError("refused_connection", "nobody", endpoint_wide=True)


def test_refusals_in_a_row_make_all_wait_longer_and_longer() -> None:
    """The first few may be chance; then the wait doubles, until an answer ends it."""
    outage = Outage(Limits())
    waits = [outage.failed(BUSY, now=0.0) for _ in range(IN_A_ROW + 9)]
    assert waits[: IN_A_ROW - 1] == [None] * (IN_A_ROW - 1)
    assert waits[IN_A_ROW - 1 : IN_A_ROW + 2] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert waits[-1] == LONGEST_S
    outage.answered()
    assert outage.failed(BUSY, now=0.0) is None


@pytest.mark.parametrize(
    "error",
    [
        ProviderError("server", "this prompt crashes it"),
        ProviderError("timeout", "this prompt takes long"),
        ProviderError("refused_connection", "was lost"),
        ProviderError("refused_connection", "never there", endpoint_wide=True, stops_endpoint=True),
        ProviderError("bad_request", "no such field"),
    ],
)
def test_what_may_be_one_requests_own_fault_holds_nobody_back(error: ProviderError) -> None:
    """Nor does an endpoint that was never there: the user should be told."""
    outage = Outage(Limits())
    assert {outage.failed(error, now=0.0) for _ in range(99)} == {None}


def test_a_time_that_the_server_names_is_waited_for() -> None:
    """At the first refusal, for exactly as long."""
    named = ProviderError("server", "restarting", retry_after_s=7)
    assert Outage(Limits()).failed(named, now=0.0) == 7


@pytest.mark.parametrize(
    ("kind", "answered", "patience"),
    [
        ("rate_limited", True, 500),
        ("timeout", True, 500),
        ("rate_limited", False, 100),  # it may still be loading its model
        ("timeout", False, 500),
    ],
)
def test_nothing_but_failures_comes_to_an_end(
    kind: ErrorKind, answered: bool, patience: float
) -> None:
    """After the time of all tries; an endpoint that never answered has one timeout to get ready."""
    outage, error = Outage(Limits(retries=4, timeout_s=100)), ProviderError(kind, "no")
    if answered:
        outage.answered()
    outage.failed(error, now=1000.0)
    assert outage.hopeless(error, now=1000.0 + patience) == ""
    assert "nothing but failures" in outage.hopeless(error, now=1001.0 + patience)
    outage.answered()
    assert outage.hopeless(error, now=9999.0) == ""


def test_an_endpoint_that_refuses_single_requests_is_there() -> None:
    """One failure in passing and then an hour of filtered prompts is no outage of an hour."""
    outage = Outage(Limits(retries=4, timeout_s=100))
    outage.answered()
    outage.failed(BUSY, now=0.0)
    filtered = ProviderError("content_filter", "")
    outage.failed(filtered, now=3600.0)
    assert outage.hopeless(filtered, now=3600.0) == ""


def test_a_pause_longer_than_anybody_waits_ends_the_asking() -> None:
    """An hour of silence is no part of a run."""
    hour = ProviderError("rate_limited", "", retry_after_s=3600)
    assert "3600 s" in Outage(Limits(retries=4, timeout_s=100)).hopeless(hour, now=0.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let waits begin at a tenth of their length."""
    monkeypatch.setattr("evalkit.runner.retries.FIRST_S", 0.05)


def away(error: ProviderError, *, after: int, for_s: float) -> Answer:
    """Return an answer function that fails for a while after so many answers."""
    answered, back = 0, 0.0

    async def answer(text: str) -> Reply:
        nonlocal answered, back
        await asyncio.sleep(0.002)
        if answered >= after:
            back = back or time.monotonic() + for_s
            if time.monotonic() < back:
                raise error
        answered += 1
        return Reply(text)

    return answer


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [BUSY, GONE], ids=["busy", "gone"])
def test_an_endpoint_that_comes_back_answers_everything(error: ProviderError) -> None:
    """Half a second without answers is a hundred times what the tries of one request last."""
    client = FakeClient(away(error, after=50, for_s=0.5))
    asks = [ask(str(i)) for i in range(500)]
    with running({"m": client}, limits=Limits(16, 4, 10)) as engine:
        engine.start(asks)
        assert {kind_of(engine.wait(a, 20)) for a in asks} == {""}
    assert len(client.log) < 500 + 100


@pytest.mark.usefixtures("quick")
def test_a_limit_that_is_told_by_refusals_only_is_kept_to() -> None:
    """Without Retry-After and without limits of the user's, hardly a request runs out of tries."""
    free_at = time.monotonic()

    async def limited(text: str) -> Reply:
        nonlocal free_at
        await asyncio.sleep(0.001)
        begin = max(free_at, time.monotonic() - 0.05)
        if begin > time.monotonic():
            raise BUSY
        free_at = begin + 0.005
        await asyncio.sleep(0.01)
        return Reply(text)

    asks = [ask(str(i)) for i in range(300)]
    client = FakeClient(limited)
    with running({"m": client}, limits=Limits(64, 4, 10)) as engine:
        engine.start(asks)
        failed = sum(kind_of(engine.wait(a, 30)) != "" for a in asks)
    assert failed <= 6
    assert len(client.log) < 2 * 300


@pytest.mark.parametrize("answers", [20, 0])
@pytest.mark.parametrize(
    "error", [BUSY, ProviderError("timeout", "no answer")], ids=["busy", "silent"]
)
@pytest.mark.usefixtures("quick")
def test_an_endpoint_that_stays_away_is_given_up(error: ProviderError, answers: int) -> None:
    """All that is left fails at once, for the reason the last one did; it can be asked later."""
    client = FakeClient(away(error, after=answers, for_s=60))
    asks = [ask(str(i)) for i in range(5000)]
    began = time.monotonic()
    with running({"m": client}, limits=Limits(4, 2, 0.1)) as engine:
        engine.start(asks)
        assert kind_of(engine.wait(asks[-1], 20)) == error.kind
        assert bool(engine.fatal()) == (answers == 0)
    assert time.monotonic() - began < 5
