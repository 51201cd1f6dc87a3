"""One request sent once: what every way to reach an endpoint over HTTP has in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from evalkit.errors import ProviderError

CONNECT_S = 10.0
"""How long a connection may take to be made; the rest of the timeout is for the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. The names of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    latency_s: float

    @property
    def text(self) -> str:
        """The content as text, whatever it is."""
        return self.content.decode(errors="replace")


class Wire(Protocol):
    """A way to post to one endpoint. Tries once."""

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send ``body`` as JSON. Raise `ProviderError` where no answer came."""

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""


def no_connection(error: BaseException) -> ProviderError:
    """Return the error for a connection that was not made, or lost, with its root cause in words.

    A certificate that does not hold will not do so at the next try either.
    """
    causes = list(_causes(error))
    final = any("certificate" in type(cause).__name__.lower() for cause in causes)
    words = str(causes[-1]) or type(causes[-1]).__name__
    return ProviderError("refused_connection", words, transient=not final)


def no_answer_in_time(limit_s: float) -> ProviderError:
    """Return the error for a request that was given up."""
    return ProviderError("timeout", f"no answer within {limit_s:g} s")


def timed_out(error: BaseException) -> bool:
    """Tell a timeout from a lost connection: what led to an error says it."""
    return any(isinstance(cause, TimeoutError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what led to it, the root last."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or getattr(found, "os_error", None)
