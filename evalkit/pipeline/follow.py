"""Outcomes that another process asks for, read from the store the two share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from evalkit.clients import make_client
from evalkit.model import Outcome
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.runner import Ask, Stopped
from evalkit.store import Answers

LOOK_S = 0.05
"""How often to look: a store tells nobody when something is put into it."""


class Follower:
    """Waits for what the run ``run_id`` of another process gets answered. Asks nobody."""

    def __init__(self, plan: Plan, options: Options, *, run_id: str) -> None:
        self._run_id = run_id
        self._store = Answers(options.answers)
        self._identities = {m.name: make_client(m, environ=os.environ).identity for m in plan.asked}

    @property
    def stopped(self) -> Stopped | None:
        """``None``: whoever asks tells it, and decides."""
        return None

    def wait(self, ask: Ask, timeout: float | None = None) -> Outcome:
        """Return the outcome of one request; raise `TimeoutError` after ``timeout`` seconds."""
        key = ask.request.key(self._identities[ask.model])
        patience = None if timeout is None else time.monotonic() + timeout
        while True:
            outcome = self._store.outcomes(self._run_id, [key]).get(key)
            if outcome is not None:
                return outcome
            if patience is not None and time.monotonic() >= patience:
                raise TimeoutError
            time.sleep(LOOK_S)

    def drop(self, asks: Iterable[Ask], *, keep: Iterable[Ask]) -> None:
        """Do nothing: what is asked is the other process's to say."""

    def used(self, asks: Iterable[Ask]) -> None:
        """Do nothing, as above."""

    def close(self) -> None:
        """Close the store."""
        self._store.close()
