"""One model's requests: a queue in the order of the cases, and as many workers as allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace

from evalkit.errors import EvalkitError, ProviderError, SetupError
from evalkit.model import AnswerStore, Client, Failure, ModelSpec, Outcome, Reply, Request
from evalkit.runner.backlog import Backlog, Job
from evalkit.runner.board import Board
from evalkit.runner.budget import Cost, Purse, most, spent
from evalkit.runner.outlook import Outlook
from evalkit.runner.pace import Pace
from evalkit.runner.retries import Retries
from evalkit.runner.usable import as_outcome

LEAD = 4
"""Rounds of requests that may be asked before their answers are used, where a run may end early."""

CLOSE_S = 0.5
"""How long a client may take to give back what it holds, once nobody waits for it any more."""


class Lane:
    """All requests to one model that need a call. Runs once, in the engine's event loop.

    ``fatal`` is the error that ended the lane before its model had answered anything.
    """

    def __init__(
        self,
        client: Client,
        spec: ModelSpec,
        store: AnswerStore,
        board: Board,
        *,
        purse: Purse | None = None,
    ) -> None:
        self._client = client
        self._spec = spec
        self._store = store
        self._board = board
        self._purse = purse
        self._pace = Pace(spec.limits)
        self._retries = Retries(spec.limits)
        self._counted = purse is not None or spec.limits.tokens_per_minute is not None
        self._backlog = Backlog()
        self.outlook = Outlook()
        self._open: dict[str, None] = {}
        self._answered = False
        self._ended: Failure | None = None
        self.fatal: ProviderError | SetupError | None = None
        self.stored = 0
        self.expected = 0
        self.asked = 0
        self.settled = 0
        self.failed = 0
        self.tokens = 0
        self.money = 0.0

    @property
    def total(self) -> int:
        """Distinct requests of this model, the stored ones included."""
        return self.stored + self.expected

    @property
    def priced(self) -> bool:
        """Whether it is known what an answer of this model costs."""
        return self._spec.price is not None

    @property
    def in_flight(self) -> int:
        """Requests that were sent and have no answer yet."""
        return self._pace.in_flight

    def expect(self, key: str, request: Request) -> None:
        """Take note of a request that has no stored answer: `add` follows."""
        self._open[key] = None
        self.expected += 1
        self.outlook.ask(request)

    def add(self, jobs: Iterable[tuple[str, Request]], *, ahead: bool = False) -> None:
        """Queue expected requests, as `Backlog.add`. In the event loop only, once the lane runs."""
        for key, request in jobs:
            self._backlog.add(key, request, ahead=ahead)
        if self._ended is not None:
            self.fail_rest(self._ended)

    def expect_more(self) -> None:
        """Run until cancelled: more requests may be added at any time."""
        self._backlog.expect_more()

    def hold(self) -> None:
        """Ask nothing beyond what is queued now, until `allow`."""
        self._backlog.hold()

    def allow(self, requests: float) -> None:
        """Ask so many requests more; infinity for all. In the event loop only."""
        self._backlog.allow(requests)

    @property
    def lead(self) -> int:
        """How many requests may be ahead of those whose answers were used, if that is bounded."""
        return LEAD * self._spec.limits.concurrency

    def keep(self, key: str, reply: Reply) -> None:
        """Settle a request with its stored answer."""
        outcome = as_outcome(reply)
        self.outlook.learn(reply)
        self.stored += 1
        self.failed += isinstance(outcome, Failure)
        self._board.settle(key, outcome)

    def drop(self, keys: AbstractSet[str], failure: Failure) -> None:
        """Take queued requests out, as if they had never been added. In the event loop only."""
        dropped = self._backlog.drop(keys)
        for key in dropped:
            self._open.pop(key, None)
        self.expected -= len(dropped)
        self._board.settle_all(dropped, failure)

    def fail_rest(self, failure: Failure) -> None:
        """Give ``failure``, or what ended the lane before, to all that is still open.

        Changes no queue: any thread may call.
        """
        keys = list(self._open)
        count = self._board.settle_all(keys, self._ended or failure)
        for key in keys:
            self._open.pop(key, None)
        self.settled += count
        self.failed += count

    async def run(self) -> None:
        """Start the client and ask everything. Raises nothing but cancellation."""
        if not await self._backlog.some():
            return
        try:
            await self._start()
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._backlog.hands(self._spec.limits.concurrency)):
                    workers.create_task(self._work())
        except* (ProviderError, SetupError) as group:
            self._end(_first(group))

    async def close(self) -> None:
        """Close the client, if it was needed."""
        if not self.expected:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._client.close()
        except Exception:  # noqa: BLE001, S110 - every answer is in already
            pass

    async def _start(self) -> None:
        limit = self._spec.limits.timeout_s
        try:
            async with asyncio.timeout(limit):
                await self._client.start()
        except TimeoutError:
            message = f"{self._client.identity} was not ready after {limit:g} s"
            raise ProviderError("timeout", message, stops_endpoint=True) from None
        except EvalkitError:
            raise
        except Exception as error:  # a client may come from anywhere; its bug ends its lane only
            message = f"the client of {self._client.identity} broke at its start: {error!r}"
            raise ProviderError("bad_response", message, stops_endpoint=True) from error

    async def _work(self) -> None:
        while (job := await self._backlog.take()) is not None:
            outcome = await self._attempt(job)
            if outcome is None:
                continue
            self._backlog.finish()
            if self._board.settle(job.key, outcome):
                self.settled += 1
                self.failed += isinstance(outcome, Failure)
            self._open.pop(job.key, None)

    async def _attempt(self, job: Job) -> Outcome | None:
        """Send a request once; ``None`` if it was put off for another try."""
        cost = most(job.request, self._spec.price) if self._counted else Cost()
        if self._purse is not None and not await self._purse.reserve(cost):
            return Failure("cancelled", f"not asked: the budget is used up ({self._purse.empty})")
        paid = Cost(requests=1)
        try:
            reserved = await self._pace.enter(cost.tokens)
            try:
                reply = await self._ask(job)
            finally:
                self._pace.leave()
            paid = spent(reply.usage, self._spec.price)
        except ProviderError as error:
            return self._put_off(job, error)
        finally:
            if self._purse is not None:
                self._purse.settle(cost, paid)
        self._learn(reply, reserved)
        self._store.put(job.key, reply)
        return as_outcome(reply)

    async def _ask(self, job: Job) -> Reply:
        loop = asyncio.get_running_loop()
        job.tries += 1
        job.begun = job.begun or loop.time()
        self.asked += job.tries == 1
        limit = self._spec.limits.timeout_s
        try:
            async with asyncio.timeout(limit):
                reply = await self._client.ask(job.request)
        except TimeoutError:
            message = f"no answer from {self._client.identity} within {limit:g} s"
            raise ProviderError("timeout", message) from None
        except EvalkitError:
            raise
        except Exception as error:  # a client's bug is a failed request
            raise ProviderError("bad_response", f"the client broke: {error!r}") from error
        return reply if job.tries == 1 else replace(reply, tries=job.tries)

    def _put_off(self, job: Job, error: ProviderError) -> Outcome | None:
        self._pace.refused(error)
        now = asyncio.get_running_loop().time()
        if why := self._pace.outage.hopeless(error, now=now):
            raise ProviderError(error.kind, f"{error.message} ({why})") from error
        wait = self._retries.wait_s(error, job, now=now)
        if wait is not None:
            self._backlog.postpone(job, due=now + wait)
            return None
        if error.stops_endpoint:
            raise error
        after = f" (after {job.tries} tries)" if job.tries > 1 else ""
        return Failure(error.kind, f"{error.message}{after}", tries=job.tries)

    def _learn(self, reply: Reply, reserved: float) -> None:
        tokens = reply.usage.input + reply.usage.output
        self._answered = True
        self.tokens += tokens
        self.money += self._spec.price.of(reply.usage) if self._spec.price else 0.0
        self._pace.answered(reply.latency_s, tokens, reserved=reserved)
        quota = getattr(self._client, "quota", None)
        if quota is not None:
            self._pace.obey(quota)

    def _end(self, error: ProviderError | SetupError) -> None:
        if isinstance(error, SetupError) or not self._answered:
            self.fatal = error
        kind = error.kind if isinstance(error, ProviderError) else "cancelled"
        message = error.message if isinstance(error, ProviderError) else str(error)
        self._ended = Failure(kind, message)
        self.fail_rest(self._ended)


def _first(group: BaseExceptionGroup[ProviderError | SetupError]) -> ProviderError | SetupError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
