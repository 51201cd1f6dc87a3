"""What a run may spend: reserved before a request is sent, settled when its answer is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.model import Budget, Price, Request, Usage
from evalkit.suite.images import image_url

CHARACTERS_A_TOKEN = 3
"""Of a prompt, for the reservation: English has about four, most other languages fewer."""

IMAGE = 3 * 2_000
"""Characters that an image counts for: endpoints count some hundred to two thousand tokens each."""

MARKS = 24
"""Characters that a message's role and the marks around it stand for."""

MOST_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request costs."""

    requests: int = 0
    tokens: float = 0.0
    money: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests, self.tokens + other.tokens, self.money + other.money
        )

    def __neg__(self) -> Cost:
        return Cost(-self.requests, -self.tokens, -self.money)


def longest(request: Request) -> Usage:
    """Return the most tokens that one try of ``request`` will cost, by the length of its text."""
    body = request.body
    messages = body.get("messages")
    if isinstance(messages, list):
        prompt = sum(map(_length, messages))
    else:
        prompt = len(str(messages or body.get("input") or body.get("prompt") or ""))
    if "tools" in body:
        prompt += len(str(body["tools"]))
    answer = next((int(body[name]) for name in MOST_TOKENS if body.get(name)), 0)
    return Usage(-(-prompt // CHARACTERS_A_TOKEN), answer)


def most(request: Request, price: Price | None) -> Cost:
    """Return what one try of ``request`` will cost at most, by the length of its text."""
    return spent(longest(request), price)


def _length(message: Mapping[str, Any]) -> int:
    """Return the characters of a message, its role and marks included."""
    content = message.get("content")
    if isinstance(content, str) and len(message) == len(("role", "content")):
        return MARKS + len(content)
    if isinstance(content, list):
        images = sum(image_url(part) is not None for part in content if isinstance(part, Mapping))
        if images:
            rest = [p for p in content if not isinstance(p, Mapping) or image_url(p) is None]
            return images * IMAGE + len(str({**message, "content": rest}))
    return len(str(message))


def spent(usage: Usage, price: Price | None) -> Cost:
    """Return what an answer did cost."""
    return Cost(1, usage.input + usage.output, price.of(usage) if price else 0.0)


def beyond(budget: Budget, cost: Cost) -> str:
    """Return the limit that ``cost`` goes beyond, in words; empty if it is within all of them."""
    for name in ("requests", "tokens", "money"):
        limit = getattr(budget, name)
        if limit is not None and getattr(cost, name) > limit * (1 + 1e-12):
            return f"{name}: {limit:g}"
    return ""


class Purse:
    """The budget of one run, shared by all its models. In the event loop only.

    A request that no longer fits waits as long as others are out, whose answers may cost less than
    was reserved for them. When none is, the budget is used up for good.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._taken = Cost()
        self._out = 0
        self._settled = asyncio.Event()
        self.empty = ""

    async def reserve(self, cost: Cost) -> bool:
        """Set ``cost`` aside; false if the budget is used up: ``empty`` then says which limit."""
        while not self.empty:
            passed = beyond(self._budget, self._taken + cost)
            if not passed:
                self._taken += cost
                self._out += 1
                return True
            if not self._out:
                self.empty = passed
                self._settled.set()
                return False
            self._settled.clear()
            await self._settled.wait()
        return False

    def settle(self, reserved: Cost, paid: Cost) -> None:
        """Replace what was reserved by what was paid."""
        self._taken += paid + -reserved
        self._out -= 1
        self._settled.set()
