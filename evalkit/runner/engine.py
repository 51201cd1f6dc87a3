"""The engine: one event loop in a background thread that asks all models while others wait.

Each model has a lane of its own, so models are asked side by side and each in the order of the
cases. Stored answers come first: a client is started only when an answer of its model is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Literal

from evalkit.errors import ProviderError, SetupError
from evalkit.model import AnswerStore, Budget, Client, Failure, ModelSpec, Outcome, Request
from evalkit.runner.board import Board, Progress
from evalkit.runner.budget import Purse
from evalkit.runner.lane import Lane
from evalkit.runner.outlook import Outlook
from evalkit.runner.usable import may_stand

STOP_S = 1.0
"""How long `Engine.stop` waits for the thread; an answer later than that is not waited for."""

CANCELLED = Failure("cancelled", "the run was stopped before this was answered")
DROPPED = Failure("cancelled", "not asked: what it was for is settled")
UNLIMITED = Budget()
OFFLINE = Failure("offline", "no stored answer, and no call was allowed")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to one model, by its name in the project."""

    model: str
    request: Request


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run asks.

    ``offline`` makes no call: what is not stored fails. ``rerun`` ignores stored answers and
    replaces them. ``budget`` bounds what all models together may cost. After ``deadline_s`` seconds
    nothing is asked any more.
    """

    offline: bool = False
    rerun: bool = False
    budget: Budget = UNLIMITED
    deadline_s: float | None = None


ONLINE = Terms()


@dataclass(frozen=True, slots=True)
class Stopped:
    """What ended a run before everything was asked, and the limit that was reached, in words."""

    by: Literal["budget", "deadline"]
    limit: str


class Engine:
    """Asks each distinct request once. Not for reuse: one `start`, then waits, then `stop`.

    ``clients`` and ``models`` have the same names. ``on_outcome`` is called with every key and its
    outcome, from any thread.
    """

    def __init__(
        self,
        clients: Mapping[str, Client],
        store: AnswerStore,
        *,
        models: Mapping[str, ModelSpec],
        terms: Terms = ONLINE,
        on_outcome: Callable[[str, Outcome], None] | None = None,
    ) -> None:
        self._clients = clients
        self._store = store
        self._terms = terms
        self._board = Board(on_outcome)
        self._purse = None if terms.budget == UNLIMITED else Purse(terms.budget)
        self._late: Stopped | None = None
        self._over: Failure | None = OFFLINE if terms.offline else None
        self._lanes = {
            name: Lane(client, models[name], store, self._board, purse=self._purse)
            for name, client in clients.items()
        }
        self._identities: dict[str, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt = asyncio.Event()
        self._thread: Thread | None = None

    def load(self, asks: Iterable[Ask]) -> None:
        """Answer ``asks`` from the store and queue the rest, before `start`.

        Raises:
            SetupError: a model's identity cannot be told, or the store cannot be read.
        """
        for model, jobs in self._looked_up(asks).items():
            self._lanes[model].add(jobs)

    def start(
        self, asks: Iterable[Ask], *, first: Iterable[Ask] | None = None, more: bool = False
    ) -> None:
        """Answer ``asks`` from the store and begin to ask the rest, in order.

        Returns once the stored answers are there. With ``first`` nothing but these is asked until
        `go_on`. With ``more`` it goes on until `stop`, so that `more` may add requests. Raises as
        `load` does.
        """
        if first is not None:
            self.load(first)
            for lane in self._lanes.values():
                lane.hold()
        self.load(asks)
        if more:
            for lane in self._lanes.values():
                lane.expect_more()
        if self._terms.offline:
            self._fail_rest(OFFLINE)
        elif more or any(lane.expected for lane in self._lanes.values()):
            runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
            self._loop = runner.get_loop()
            self._thread = Thread(target=self._run, args=[runner], name="evalkit", daemon=True)
            self._thread.start()

    def more(self, asks: Iterable[Ask], *, ahead: bool = False) -> None:
        """Answer ``asks`` from the store and ask the rest after what is queued; as `load` raises.

        An ask that is open already is not asked twice. Before `start` it is as `load`. With
        ``ahead`` they go before what is queued, and beyond what `go_on` bounds: they follow from
        answers that are there.
        """
        for model, jobs in self._looked_up(asks).items():
            if self._loop is None:
                self._lanes[model].add(jobs, ahead=ahead)
            else:
                self._in_loop(partial(self._lanes[model].add, jobs, ahead=ahead))
        if self._over is not None:  # the loop has ended, or ends and may not see them any more
            self._fail_rest(self._over)

    def forget(self, asks: Iterable[Ask]) -> None:
        """Drop the outcomes of ``asks``, all of them waited for: what was added for them is gone.

        An outcome stays as long as another ask that was added shares it.
        """
        self._board.forget(self._key(ask) for ask in asks)

    def go_on(self, *, bounded: bool = False) -> None:
        """Ask all that `start` held back; ``bounded``, only a few rounds ahead of `used`."""
        self._in_loop(self._allow, bounded)

    def used(self, asks: Iterable[Ask]) -> None:
        """Note that the outcomes of ``asks`` were used: as many more may be asked."""
        for ask in asks:
            self._in_loop(self._lanes[ask.model].allow, 1)

    def wait(self, ask: Ask, timeout: float | None = None) -> Outcome:
        """Block the calling thread until ``ask`` has its outcome, and return it.

        Raises:
            KeyError: ``ask`` was not among those the engine was started with.
            TimeoutError: no outcome after ``timeout`` seconds; asking goes on.
        """
        return self._board.wait(self._key(ask), timeout)

    def drop(self, asks: Iterable[Ask], *, keep: Iterable[Ask]) -> None:
        """Ask no more what is still queued of ``asks``, unless it answers one of ``keep`` as well.

        What is in flight is left alone, and its answer is stored. Returns at once; the dropped
        requests get a failure as their outcome.
        """
        kept = {self._key(ask) for ask in keep}
        keys = {self._key(ask) for ask in asks} - kept
        self._in_loop(self._drop, keys)

    def outlook(self, model: str) -> Outlook:
        """Return what of one model had to be asked at the start, and what was stored."""
        return self._lanes[model].outlook

    def progress(self, model: str | None = None) -> Progress:
        """Return the counts of one model, or of all."""
        lanes = list(self._lanes.values()) if model is None else [self._lanes[model]]
        stored = sum(lane.stored for lane in lanes)
        priced = [lane.money for lane in lanes if lane.priced]
        return Progress(
            total=sum(lane.total for lane in lanes),
            done=stored + sum(lane.settled for lane in lanes),
            stored=stored,
            asked=sum(lane.asked for lane in lanes),
            in_flight=sum(lane.in_flight for lane in lanes),
            failed=sum(lane.failed for lane in lanes),
            tokens=sum(lane.tokens for lane in lanes),
            money=sum(priced) if priced else None,
        )

    @property
    def stopped(self) -> Stopped | None:
        """What ended the asking before its end; ``None`` if nothing did."""
        if self._purse is not None and self._purse.empty:
            return Stopped("budget", self._purse.empty)
        return self._late

    def fatal(self, model: str | None = None) -> ProviderError | SetupError | None:
        """Return why a model, or any, could not be asked at all; ``None`` as long as it may."""
        lanes = self._lanes.values() if model is None else [self._lanes[model]]
        errors = [self._board.broken, *(lane.fatal for lane in lanes)]
        return next((error for error in errors if error is not None), None)

    def stop(self) -> None:
        """End within a second: what is not answered becomes ``cancelled``. Safe to call twice."""
        if self._thread is not None:
            self._in_loop(self._halt.set)
            self._thread.join(STOP_S)
        self._fail_rest(CANCELLED)

    def _looked_up(self, asks: Iterable[Ask]) -> dict[str, list[tuple[str, Request]]]:
        """Settle what has a stored answer; return by model what has none and is to be asked."""
        open_asks = [(key, ask) for key, ask in self._keyed(asks) if self._board.expect(key)]
        stored = {} if self._terms.rerun else self._store.get_many([key for key, _ in open_asks])
        jobs: dict[str, list[tuple[str, Request]]] = {}
        for key, ask in open_asks:
            reply = stored.get(key)
            lane = self._lanes[ask.model]
            if reply is not None and (self._terms.offline or may_stand(ask.request, reply)):
                lane.keep(key, reply)
            else:
                lane.expect(key, ask.request)
                jobs.setdefault(ask.model, []).append((key, ask.request))
        return jobs

    def _keyed(self, asks: Iterable[Ask]) -> Iterable[tuple[str, Ask]]:
        for ask in asks:
            if ask.model not in self._identities:
                self._identities[ask.model] = self._clients[ask.model].identity
            yield self._key(ask), ask

    def _key(self, ask: Ask) -> str:
        return ask.request.key(self._identities[ask.model])

    def _in_loop(self, call: Callable[..., object], *args: object) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(call, *args)

    def _allow(self, bounded: bool) -> None:  # noqa: FBT001 - called by the loop
        for lane in self._lanes.values():
            lane.allow(lane.lead if bounded else math.inf)

    def _drop(self, keys: set[str]) -> None:
        for lane in self._lanes.values():
            lane.drop(keys, DROPPED)

    def _fail_rest(self, failure: Failure) -> None:
        for lane in self._lanes.values():
            lane.fail_rest(failure)

    def _run(self, runner: asyncio.Runner) -> None:
        try:
            with runner:
                runner.run(self._ask_all())
        finally:
            self._over = self._over or CANCELLED
            self._fail_rest(self._over)

    async def _ask_all(self) -> None:
        lanes = self._lanes.values()
        asking = asyncio.gather(*(lane.run() for lane in lanes))
        halt = asyncio.create_task(self._halt.wait())
        halt.add_done_callback(lambda _: asking.cancel())
        try:
            with contextlib.suppress(asyncio.CancelledError):
                async with asyncio.timeout(self._terms.deadline_s):
                    await asking
        except TimeoutError:
            self._late = Stopped("deadline", _span(self._terms.deadline_s or 0.0))
            late = f"not answered within the run's {self._late.limit}"
            self._over = Failure("cancelled", late)
            self._fail_rest(self._over)
        finally:
            await asyncio.gather(*(lane.close() for lane in lanes))
            halt.cancel()


def _span(seconds: float) -> str:
    """Return a time in the largest unit of which it is a whole number."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"
