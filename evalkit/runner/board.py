"""The bridge between threads: outcomes are put up by the engine's thread, others wait for theirs.

A waiting thread sleeps until its own outcome is there; outcomes of others do not wake it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

from evalkit.errors import SetupError
from evalkit.model import Failure, Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of requests, equal ones counted once.

    ``tokens`` and ``money`` are those of the answers of now; ``None``: no model has a price.

    ``done`` includes ``stored`` (answers kept from an earlier run) and ``failed``; ``asked`` counts
    the requests handed to a client so far, ``in_flight`` those it has not finished.
    """

    total: int
    done: int
    stored: int
    asked: int
    in_flight: int
    failed: int
    tokens: int
    money: float | None = None


FORGOTTEN = Failure("cancelled", "nobody waits for it")


class Board:
    """Outcomes by key, each settled once. Keys are announced first; then any thread may call.

    ``on_outcome`` hears of every outcome; ``broken`` is the error after which it hears no more.
    """

    def __init__(self, on_outcome: Callable[[str, Outcome], None] | None = None) -> None:
        self._on_outcome = on_outcome
        self._lock = Lock()
        self._outcomes: dict[str, Outcome | None] = {}
        self._again: Counter[str] = Counter()
        self._settling: set[str] = set()
        self._waiting: dict[str, Future[Outcome]] = {}
        self.broken: SetupError | None = None

    def expect(self, key: str) -> bool:
        """Announce that ``key`` will be settled; false if it was announced before."""
        if key in self._outcomes:
            self._again[key] += 1
            return False
        self._outcomes[key] = None
        return True

    def forget(self, keys: Iterable[str]) -> None:
        """Drop settled outcomes, each as soon as it is forgotten as often as it was announced."""
        with self._lock:
            for key in keys:
                again = self._again.pop(key, 0)
                if again > 1:
                    self._again[key] = again - 1
                elif not again:
                    del self._outcomes[key]

    def settle(self, key: str, outcome: Outcome) -> bool:
        """Put up an outcome and wake whoever waits for it; false if the key has or had one.

        ``on_outcome`` hears of it first: what it announces is there before anybody goes on.
        """
        with self._lock:
            if self._outcomes.get(key, FORGOTTEN) is not None or key in self._settling:
                return False
            self._settling.add(key)
        self._publish(key, outcome)
        with self._lock:
            self._outcomes[key] = outcome
            self._settling.discard(key)
            waiter = self._waiting.pop(key, None)
        if waiter is not None:
            waiter.set_result(outcome)
        return True

    def settle_all(self, keys: Iterable[str], failure: Failure) -> int:
        """Give ``failure`` to every key that has no outcome yet; return how many had none."""
        return sum(self.settle(key, failure) for key in keys)

    def wait(self, key: str, timeout: float | None = None) -> Outcome:
        """Return the outcome of ``key`` as soon as it is there.

        Raises:
            KeyError: nobody announced the key, so nothing would ever come.
            TimeoutError: there is none after ``timeout`` seconds.
        """
        with self._lock:
            outcome = self._outcomes[key]
            if outcome is not None:
                return outcome
            waiter = self._waiting.setdefault(key, Future())
        return waiter.result(timeout)

    def _publish(self, key: str, outcome: Outcome) -> None:
        if self._on_outcome is None or self.broken is not None:
            return
        try:
            self._on_outcome(key, outcome)
        except SetupError as error:
            self.broken = error
