"""How fast one model is asked: as fast as the user allows and its endpoint bears.

Three things hold a request back: places in flight (`Window`), requests and tokens a minute
(`Bucket`), and what the endpoint itself asks for: a pause (``Retry-After``) or the end of its quota
(``x-ratelimit-*``). All times are the event loop's, which no change of the clock disturbs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from evalkit.errors import ErrorKind
from evalkit.model import Limits, Quota

START = 8
"""Places at first. They double with every round of answers until the latency rises."""

SLOWER = 2.0
"""Answers this many times as slow as the fastest ones mean that they wait for each other."""

MEMORY = 0.05
"""Weight of the newest latency in the running mean."""

BURST_S = 1.0
"""Seconds' worth of requests or tokens that may be sent at once after a pause."""

OVERLOAD: frozenset[ErrorKind] = frozenset(["rate_limited", "timeout", "server"])


class Window:
    """Places in flight: more while answers come as fast as ever, half as many on overload.

    Additive growth by one for each answer, as in TCP's slow start [Jacobson 1988], ends where the
    mean latency is `SLOWER` times the lowest mean so far; then places grow by one a round.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.places = float(min(START, ceiling))
        self._mean = 0.0
        self._lowest = 0.0
        self._halved_at = float("-inf")

    def answered(self, latency_s: float) -> None:
        """Take in an answer."""
        if self.places >= self.ceiling:
            return
        self._mean += (latency_s - self._mean) * (MEMORY if self._mean else 1.0)
        self._lowest = min(self._lowest, self._mean) if self._lowest else self._mean
        held = self._mean <= SLOWER * self._lowest
        self.places = min(self.places + (1.0 if held else 1.0 / self.places), self.ceiling)

    def overloaded(self, *, now: float) -> None:
        """Take in a refusal: those of requests sent before the last halving are no news."""
        if now - self._halved_at >= max(self._mean, BURST_S):
            self._halved_at = now
            self.places = max(self.places / 2, 1.0)


class Bucket:
    """So many units a minute, spread evenly; up to a second's worth at once after a pause.

    The virtual scheduling form of a leaky bucket (GCRA, ITU-T I.371): one number, no timer.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_s = per_minute / 60
        self._next = float("-inf")

    def reserve(self, units: float, *, now: float) -> float:
        """Take ``units`` and return how many seconds to wait before they may be used."""
        start = max(self._next, now - BURST_S)
        self._next = start + units / self._per_s
        return max(start - now, 0.0)

    def correct(self, units: float) -> None:
        """Take ``units`` more than were reserved, or give them back."""
        self._next += units / self._per_s


@dataclass(slots=True)
class _Guess:
    """Tokens that a request will cost: the most it can, until some answers have told the mean."""

    mean: float = 0.0
    seen: int = 0

    def of(self, most: float) -> float:
        return min(self.mean, most) if self.seen >= START else most

    def learn(self, tokens: int) -> None:
        self.seen += 1
        self.mean += (tokens - self.mean) * max(1 / self.seen, MEMORY)


class Pace:
    """Lets one model's requests through: `enter` before each is sent, `leave` after."""

    def __init__(self, limits: Limits) -> None:
        per_minute = (limits.requests_per_minute, limits.tokens_per_minute)
        self._requests, self._tokens = (Bucket(n) if n else None for n in per_minute)
        self.window = Window(limits.concurrency)
        self.in_flight = 0
        self._guess = _Guess()
        self._pause_until = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, most_tokens: float) -> float:
        """Wait for the rate and for a place.

        ``most_tokens`` is the most that the request may cost. Returns how many were reserved of
        the tokens a minute, for `answered`.
        """
        reserved = await self._rate(most_tokens)
        loop = asyncio.get_running_loop()
        if self.in_flight < int(self.window.places):
            self.in_flight += 1
        else:
            place = loop.create_future()
            self._waiting.append(place)
            await place
        while (wait := self._pause_until - loop.time()) > 0:
            await asyncio.sleep(wait)
        return reserved

    def leave(self) -> None:
        """Hand the place on to whoever has waited longest, and new places too."""
        self.in_flight -= 1
        while self._waiting and self.in_flight < int(self.window.places):
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    def answered(self, latency_s: float, tokens: int, *, reserved: float) -> None:
        """Learn from an answer that cost ``tokens``; 0 where the endpoint did not say."""
        self.window.answered(latency_s)
        if self._tokens is not None and tokens:
            self._tokens.correct(tokens - reserved)
            self._guess.learn(tokens)

    def refused(self, kind: ErrorKind, *, pause_s: float | None) -> None:
        """Learn from an error: fewer places, and silence where the endpoint asked for it."""
        now = asyncio.get_running_loop().time()
        if kind in OVERLOAD:
            self.window.overloaded(now=now)
        if pause_s is not None:
            self._pause_until = max(self._pause_until, now + pause_s)

    def obey(self, quota: Quota) -> None:
        """Pause where the endpoint says that nothing is left, until it has made up for it."""
        wait = quota.wait_s(requests=max(self.in_flight, 1), tokens=self._guess.mean)
        if wait > 0:
            now = asyncio.get_running_loop().time()
            self._pause_until = max(self._pause_until, now + wait)

    async def _rate(self, most_tokens: float) -> float:
        if self._requests is None and self._tokens is None:
            return 0.0
        tokens = self._guess.of(most_tokens)
        now = asyncio.get_running_loop().time()
        both = ((self._requests, 1.0), (self._tokens, tokens))
        wait = max(bucket.reserve(units, now=now) for bucket, units in both if bucket is not None)
        if wait > 0:
            await asyncio.sleep(wait)
        return tokens
