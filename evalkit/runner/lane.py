"""One model's requests: a queue in the order of the cases, and as many workers as allowed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Set as AbstractSet

from evalkit.errors import EvalkitError, ProviderError, SetupError
from evalkit.model import AnswerStore, Client, Failure, Limits, Outcome, Request
from evalkit.runner.board import Board
from evalkit.runner.usable import as_outcome

CLOSE_S = 0.5
"""How long a client may take to give back what it holds, once nobody waits for it any more."""


class Lane:
    """All requests to one model that need a call. Runs once, in the engine's event loop.

    ``fatal`` is the error that ended the lane before its model had answered anything.
    """

    def __init__(self, client: Client, limits: Limits, store: AnswerStore, board: Board) -> None:
        self._client = client
        self._limits = limits
        self._store = store
        self._board = board
        self._queue: deque[tuple[str, Request]] = deque()
        self._keys: list[str] = []
        self._answered = False
        self.fatal: ProviderError | SetupError | None = None
        self.stored = 0
        self.asked = 0
        self.in_flight = 0
        self.settled = 0
        self.failed = 0
        self.tokens = 0

    @property
    def total(self) -> int:
        """Distinct requests of this model, the stored ones included."""
        return self.stored + len(self._keys)

    def add(self, key: str, request: Request) -> None:
        """Queue a request that has no stored answer."""
        self._queue.append((key, request))
        self._keys.append(key)

    def keep(self, key: str, outcome: Outcome) -> None:
        """Settle a request with its stored answer."""
        self.stored += 1
        self.failed += isinstance(outcome, Failure)
        self._board.settle(key, outcome)

    def drop(self, keys: AbstractSet[str], failure: Failure) -> None:
        """Take queued requests out, as if they had never been added. In the event loop only."""
        dropped = {key for key, _ in self._queue} & keys
        self._queue = deque(entry for entry in self._queue if entry[0] not in dropped)
        self._keys = [key for key in self._keys if key not in dropped]
        self._board.settle_all(dropped, failure)

    def fail_rest(self, failure: Failure) -> None:
        """Give ``failure`` to all that is still open. Changes no queue: any thread may call."""
        count = self._board.settle_all(self._keys, failure)
        self.settled += count
        self.failed += count

    async def run(self) -> None:
        """Start the client and ask everything. Raises nothing but cancellation."""
        if not self._queue:
            return
        try:
            await self._start()
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._limits.concurrency, len(self._queue))):
                    workers.create_task(self._work())
        except* (ProviderError, SetupError) as group:
            self._end(_first(group))

    async def close(self) -> None:
        """Close the client, if it was needed."""
        if not self._keys:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._client.close()
        except Exception:  # noqa: BLE001, S110 - every answer is in already
            pass

    async def _start(self) -> None:
        limit = self._limits.timeout_s
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
        while self._queue:
            key, request = self._queue.popleft()
            self.asked += 1
            self.in_flight += 1
            try:
                outcome = await self._ask(key, request)
            finally:
                self.in_flight -= 1
            if self._board.settle(key, outcome):
                self.settled += 1
                self.failed += isinstance(outcome, Failure)

    async def _ask(self, key: str, request: Request) -> Outcome:
        # A try may take the whole timeout, so a request with its retries may take as many.
        deadline = self._limits.timeout_s * (1 + self._limits.retries)
        try:
            async with asyncio.timeout(deadline):
                reply = await self._client.ask(request)
        except TimeoutError:
            return Failure("timeout", f"no answer within {deadline:g} s")
        except ProviderError as error:
            if error.stops_endpoint:
                raise
            return Failure(error.kind, error.message, tries=error.tries)
        except SetupError:
            raise
        except Exception as error:  # noqa: BLE001 - a client's bug is a failed request
            return Failure("bad_response", f"the client broke: {error!r}")
        self._answered = True
        self.tokens += reply.usage.input + reply.usage.output
        self._store.put(key, reply)
        return as_outcome(reply)

    def _end(self, error: ProviderError | SetupError) -> None:
        if isinstance(error, SetupError) or not self._answered:
            self.fatal = error
        kind = error.kind if isinstance(error, ProviderError) else "cancelled"
        message = error.message if isinstance(error, ProviderError) else str(error)
        self.fail_rest(Failure(kind, message))


def _first(group: BaseExceptionGroup[ProviderError | SetupError]) -> ProviderError | SetupError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
