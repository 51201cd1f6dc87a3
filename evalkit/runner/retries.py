"""When a failed request is sent again: after a random wait that doubles with every try."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from evalkit.errors import ProviderError
from evalkit.model import Limits
from evalkit.runner.backlog import Job

FIRST_S = 0.5
LONGEST_S = 30.0


@dataclass(slots=True)
class Retries:
    """Tells how long to wait before the next try, with full jitter [Brooker 2015].

    A server that names a time is given it, and a little more, so that not all come back at once.
    The number of tries is bounded, and so is the time from the first one: that of all allowed tries
    together, each with its whole timeout.
    """

    limits: Limits
    random: Random = field(default_factory=Random)

    def wait_s(self, error: ProviderError, job: Job, *, now: float) -> float | None:
        """Return the seconds until the next try of ``job``; ``None`` if there is none."""
        if not error.transient or job.tries > self.limits.retries:
            return None
        if error.retry_after_s is not None:
            wait = error.retry_after_s + self.random.uniform(0, FIRST_S)
        else:
            wait = self.random.uniform(0, min(FIRST_S * 2 ** (job.tries - 1), LONGEST_S))
        return wait if now + wait - job.begun < self.limits.patience_s else None
