"""The requests of one model that still have to be sent: new ones in order, failed ones when due."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from evalkit.model import Request


@dataclass(slots=True)
class Job:
    """One request on its way; ``begun`` is when it was first sent, in the loop's time."""

    key: str
    request: Request
    tries: int = 0
    begun: float = 0.0


@dataclass(order=True, slots=True)
class _Later:
    due: float
    number: int
    job: Job = field(compare=False)


class Backlog:
    """A queue that ends when every job has been finished, not when none is waiting.

    A job that failed in passing comes back when its time has come, and goes before new ones: it has
    waited longest. Whoever waits for it holds no place among the requests in flight.
    """

    def __init__(self) -> None:
        self._next: deque[Job] = deque()
        self._new: deque[Job] = deque()
        self._later: list[_Later] = []
        self._put_off = 0
        self._open = 0
        self._more = False
        self._held = False
        self._free = math.inf
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Jobs that nobody has taken yet."""
        return len(self._next) + len(self._new) + len(self._later)

    def add(self, key: str, request: Request, *, ahead: bool = False) -> None:
        """Queue a new request, ``ahead`` of those that only `allow` lets go: it is no new start."""
        (self._next if ahead else self._new).append(Job(key, request))
        self._open += 1
        self._changed.set()

    def expect_more(self) -> None:
        """Take jobs while it is worked off, without an end; then `add` in the event loop only."""
        self._more = True

    def hands(self, most: int) -> int:
        """Return how many may work it off side by side, ``most`` at most."""
        return most if self._more else min(most, len(self))

    def hold(self) -> None:
        """Give out no new job beyond those that are queued now, until `allow`."""
        self._free = len(self._new)
        self._held = True

    def allow(self, jobs: float) -> None:
        """Give out so many new jobs more; infinity for all."""
        self._free += jobs
        self._held = False
        self._changed.set()

    def postpone(self, job: Job, *, due: float) -> None:
        """Put back a job that was taken, until ``due`` in the loop's time."""
        self._put_off += 1
        heapq.heappush(self._later, _Later(due, self._put_off, job))
        self._changed.set()

    def finish(self) -> None:
        """Note that a job that was taken has its outcome."""
        self._open -= 1
        if not self._open:
            self._changed.set()

    def drop(self, keys: AbstractSet[str]) -> set[str]:
        """Take out the jobs with these keys that nobody has taken; return their keys."""
        waiting = [*self._next, *self._new, *(entry.job for entry in self._later)]
        dropped = {job.key for job in waiting} & keys
        self._next = deque(job for job in self._next if job.key not in dropped)
        self._new = deque(job for job in self._new if job.key not in dropped)
        self._later = [entry for entry in self._later if entry.job.key not in dropped]
        heapq.heapify(self._later)
        self._open -= len(dropped)
        self._changed.set()
        return dropped

    async def some(self) -> bool:
        """Return whether there is a job, as soon as there is one or none will come."""
        while self._more and not self._open:
            await self._change(None)
        return self._open > 0

    async def take(self) -> Job | None:
        """Return the next job as soon as there is one; ``None`` once all are finished."""
        loop = asyncio.get_running_loop()
        while self._open or self._more:
            now = loop.time()
            if self._later and self._later[0].due <= now:
                return heapq.heappop(self._later).job
            if self._next and not self._held:
                return self._next.popleft()
            if self._new and self._free:
                self._free -= 1
                return self._new.popleft()
            await self._change(self._later[0].due - now if self._later else None)
        return None

    async def _change(self, patience: float | None) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(patience):
                await self._changed.wait()
        except TimeoutError:
            pass
