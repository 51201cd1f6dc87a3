"""How fast a model is asked: places found out, rates kept, pauses obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from evalkit.errors import ProviderError
from evalkit.model import Allowance, Limits, Quota
from evalkit.runner.pace import START, Bucket, Pace, Window


def test_places_grow_to_the_ceiling_while_answers_are_fast() -> None:
    """With a steady latency every answer adds a place, up to what the user allows."""
    window = Window(40)
    assert window.places == START
    for _ in range(100):
        window.answered(0.1)
    assert window.places == 40


def test_places_stop_growing_when_answers_become_slow() -> None:
    """Answers ten times as slow as at first mean that more requests would only wait."""
    window = Window(1000)
    for _ in range(20):
        window.answered(0.1)
    fast = window.places
    for _ in range(100):
        window.answered(1.0)
    assert fast == START + 20
    assert window.places < fast + 20


def test_overload_halves_the_places_once_a_round() -> None:
    """Twenty refusals of requests that were sent together are one piece of news."""
    window = Window(64)
    for _ in range(100):
        window.answered(0.1)
    for _ in range(20):
        window.overloaded(now=5.0)
    assert window.places == 32
    window.overloaded(now=9.0)
    assert window.places == 16
    for moment in range(10, 40, 2):
        window.overloaded(now=float(moment))
    assert window.places == 1


@pytest.mark.parametrize("rate", [60, 600, 6000])
def test_a_bucket_keeps_its_rate_and_uses_it(rate: int) -> None:
    """Whoever waits as told sends at the rate, give or take the burst of one second."""
    bucket, now = Bucket(rate), 100.0
    sent = []
    while now < 160:
        wait = bucket.reserve(1, now=now)
        if wait == 0:
            sent.append(now)
        now += wait or 0.0
        if wait:
            sent.append(now)
    assert len([t for t in sent if t < 160]) == pytest.approx(rate * (1 + 1 / 60), rel=0.02)


def test_a_bucket_takes_back_what_was_not_used() -> None:
    """Tokens reserved and not used are there for the next request."""
    bucket = Bucket(60)
    assert bucket.reserve(10, now=0) == 0
    bucket.correct(-9)
    assert bucket.reserve(1, now=0) == pytest.approx(1.0)
    assert bucket.reserve(1, now=2) == pytest.approx(0.0)


def in_loop(*steps: Coroutine[Any, Any, object]) -> list[object]:
    """Run ``steps`` side by side in an event loop."""

    async def all_of_them() -> list[object]:
        return await asyncio.gather(*steps)

    return asyncio.run(all_of_them())


def test_no_more_than_the_places_get_through() -> None:
    """The rest waits until a place is given back, and then goes in order."""
    entered: list[int] = []
    pace = Pace(Limits(concurrency=2))

    async def one(number: int) -> None:
        await pace.enter(0)
        entered.append(number)
        assert pace.in_flight <= 2
        await asyncio.sleep(0.001)
        pace.leave()

    in_loop(*(one(i) for i in range(6)))
    assert entered == list(range(6))
    assert pace.in_flight == 0


def test_a_pause_holds_everybody_back() -> None:
    """After a refusal with a time nothing is sent until it is over."""

    async def refused_then_again() -> float:
        pace, loop = Pace(Limits(concurrency=4)), asyncio.get_running_loop()
        await pace.enter(0)
        pace.refused(ProviderError("rate_limited", "", retry_after_s=0.05))
        pace.leave()
        begun = loop.time()
        await pace.enter(0)
        return loop.time() - begun

    [waited] = in_loop(refused_then_again())
    assert isinstance(waited, float)
    assert 0.049 <= waited < 1


def test_a_used_up_quota_is_waited_for() -> None:
    """With nothing left, one request comes back after its share of the time to refill."""
    spent = Quota(requests=Allowance(left=0, limit=100, reset_s=10))
    assert spent.wait_s(requests=1, tokens=0) == pytest.approx(0.1)
    assert spent.wait_s(requests=1000, tokens=0) == 10
    enough = Quota(tokens=Allowance(left=500, limit=1000, reset_s=30))
    assert enough.wait_s(requests=2, tokens=100) == 0
    assert enough.wait_s(requests=1, tokens=800) == pytest.approx(30 * 300 / 500)
