"""How fast one model is asked: as fast as the user allows and its endpoint bears.

Three things hold a request back: places in flight (`Window`), requests and tokens a minute
(`Bucket`), and pauses: the endpoint asks for one (``Retry-After``), says that its quota is used up
(``x-ratelimit-*``), or answers nobody (`Outage`). All times are the event loop's, which no change
of the clock disturbs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from evalkit.errors import ErrorKind, ProviderError
from evalkit.model import Limits, Quota
from evalkit.runner.outage import Outage

START = 8
"""Places at first. They double with every round of answers until the latency rises."""

SLOWER = 2.0
"""Answers this many times as slow as the fastest ones mean that they wait for each other."""

MEMORY = 0.05
"""Weight of the newest latency in the running mean."""

MINUTE_S = 60.0

BURST_S = 1.0
"""Seconds' worth of requests or tokens that may be sent at once after a pause."""

OVERLOAD: frozenset[ErrorKind] = frozenset(["rate_limited", "timeout", "server"])


class Window:
    """Places in flight: more while answers come as fast as ever, half as many on overload.

    Additive growth by one for each answer, as in TCP's slow start [Jacobson 1988], ends where the
    mean latency is `SLOWER` times the lowest mean so far, or at half the places of the last
    overload; then places grow by one a round.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.places = float(min(START, ceiling))
        self._mean = 0.0
        self._lowest = 0.0
        self._halved_at = float("-inf")
        self._overloaded_at = float("inf")

    def answered(self, latency_s: float) -> None:
        """Take in an answer."""
        if self.places >= self.ceiling:
            return
        self._mean += (latency_s - self._mean) * (MEMORY if self._mean else 1.0)
        self._lowest = min(self._lowest, self._mean) if self._lowest else self._mean
        quick = self._mean <= SLOWER * self._lowest and self.places < self._overloaded_at / 2
        self.places = min(self.places + (1.0 if quick else 1.0 / self.places), self.ceiling)

    def overloaded(self, *, now: float) -> None:
        """Take in a refusal: those of requests sent before the last halving are no news."""
        if now - self._halved_at >= max(self._mean, BURST_S):
            self._halved_at = now
            self._overloaded_at = self.places
            self.places = max(self.places / 2, 1.0)

    def restart(self) -> None:
        """Begin anew with a single place, as after a pause that changed nothing."""
        self.places = 1.0
        self._overloaded_at = float("inf")


class Bucket:
    """So many units a minute, spread evenly; up to a second's worth at once after a pause.

    The virtual scheduling form of a leaky bucket (GCRA, ITU-T I.371): one number, no timer.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_s = per_minute / 60
        self._next: float | None = None

    def reserve(self, units: float, *, now: float) -> float:
        """Take ``units`` and return how many seconds to wait before they may be used."""
        start = now if self._next is None else max(self._next, now - BURST_S)
        self._next = start + units / self._per_s
        return max(start - now, 0.0)

    def correct(self, units: float) -> None:
        """Take ``units`` more than were reserved, or give them back."""
        if self._next is not None:
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
        self.outage = Outage(limits)
        self.in_flight = 0
        self._taken = 0
        self._guess = _Guess()
        self._pause_until = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, most_tokens: float) -> float:
        """Wait for a place, for the end of a pause, and for the rate, in this order.

        ``most_tokens`` is the most that the request may cost. Returns how many were reserved of
        the tokens a minute, for `answered`.
        """
        loop = asyncio.get_running_loop()
        if self._taken < int(self.window.places):
            self._taken += 1
        else:
            place = loop.create_future()
            self._waiting.append(place)
            await place
        while True:
            if (wait := self._pause_until - loop.time()) > 0:
                await asyncio.sleep(wait)
            reserved, wait = self._reserve(most_tokens, now=loop.time())
            if wait > 0:
                await asyncio.sleep(wait)
            # What the rate allowed during a pause is forfeited: all at once would be too much.
            if loop.time() >= self._pause_until:
                self.in_flight += 1
                return reserved

    def leave(self) -> None:
        """Hand the place on to whoever has waited longest, and new places too."""
        self.in_flight -= 1
        self._taken -= 1
        while self._waiting and self._taken < int(self.window.places):
            place = self._waiting.popleft()
            if not place.done():
                self._taken += 1
                place.set_result(None)

    def answered(self, latency_s: float, tokens: int, *, reserved: float) -> None:
        """Learn from an answer that cost ``tokens``; 0 where the endpoint did not say."""
        self.window.answered(latency_s)
        self.outage.answered()
        if self._tokens is not None and tokens:
            self._tokens.correct(tokens - reserved)
            self._guess.learn(tokens)

    def refused(self, error: ProviderError) -> None:
        """Learn from a failure: fewer places, and silence where the endpoint asked for it."""
        now = asyncio.get_running_loop().time()
        if error.kind in OVERLOAD:
            self.window.overloaded(now=now)
        if error.retry_after_s is None and now < self._pause_until:
            return  # it was sent before the pause began
        pause = self.outage.failed(error, now=now)
        if self.outage.pauses > 1:
            self.window.restart()
        if pause is not None:
            self._pause(pause, now=now)

    def obey(self, quota: Quota) -> None:
        """Pause where the endpoint says that nothing is left, until it has made up for it."""
        wait = quota.wait_s(requests=max(self.in_flight, 1), tokens=self._guess.mean)
        if wait > 0:
            # A limit for longer than a minute is found out by being refused.
            self._pause(min(wait, MINUTE_S), now=asyncio.get_running_loop().time())

    def _pause(self, seconds: float, *, now: float) -> None:
        self._pause_until = max(self._pause_until, now + seconds)

    def _reserve(self, most_tokens: float, *, now: float) -> tuple[float, float]:
        """Take one request and its tokens; return these, and how long to wait for them."""
        tokens = self._guess.of(most_tokens)
        both = ((self._requests, 1.0), (self._tokens, tokens))
        waits = [bucket.reserve(units, now=now) for bucket, units in both if bucket is not None]
        return tokens, max(waits, default=0.0)
