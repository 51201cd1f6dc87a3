"""A rate that the user asks for, as the endpoint counts it."""

from __future__ import annotations

import time
from bisect import bisect_right

import pytest

from evalkit.model import Limits
from tests.integration.asking import ask
from tests.integration.endpoint import Asked, Endpoint, Reaction, answer, refusing

RATE = 600
MINUTE_S = 60.0
COUNT = 680


def most_in_a_minute(times: list[float]) -> int:
    """Return how many fall into the fullest minute."""
    return max(bisect_right(times, t + MINUTE_S) - i for i, t in enumerate(times))


@pytest.mark.slow
@pytest.mark.parametrize("disturbed", [False, True])
def test_a_rate_is_kept_and_used(endpoint: Endpoint, *, disturbed: bool) -> None:
    """In no minute is it passed by 2 %, whatever happens; without pauses 95 % of it are used."""
    endpoint.delay_s = 0.05
    begun = time.monotonic()
    refuse = refusing(429, "slow down", retry_after="3")

    def stall_then_refuse(asked: Asked) -> Reaction | None:
        """Answer nothing between 10 and 15 seconds, and refuse between 25 and 25.3."""
        passed = time.monotonic() - begun
        if 10 <= passed < 15:
            return Reaction(answer(asked), wait_s=15 - passed)
        return refuse(asked) if 25 <= passed < 25.3 else None

    if disturbed:
        endpoint.react = stall_then_refuse
    found = ask(endpoint.url, limits=Limits(64, 4, 30, requests_per_minute=RATE), count=COUNT)
    assert set(found.kinds.values()) == {""}
    times = sorted(moment for moments in endpoint.asked.values() for moment in moments)
    assert most_in_a_minute(times) <= 1.02 * RATE
    mean = (len(times) - 1) / (times[-1] - times[0]) * MINUTE_S
    assert mean <= 1.02 * RATE
    assert mean >= (0.85 if disturbed else 0.95) * RATE
