"""One request sent once: what every way to reach an endpoint over HTTP has in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from evalkit.errors import ProviderError

CONNECT_S = 10.0
"""How long a connection may take to be made; the rest of the timeout is for the answer."""


def is_web_address(url: str) -> bool:
    """Tell whether ``url`` is one that a request can be sent to."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port or an address of IPv6
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. The names of ``headers`` are in lower case.

    ``moved_to`` is the address that answered in the end, if another one sent us there.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    latency_s: float
    moved_to: str = ""

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


def no_connection(error: BaseException, *, made: bool) -> ProviderError:
    """Return the error for a connection that was lost, or not even ``made``: its root in words.

    A certificate that does not hold will not do so at the next try either.
    """
    causes = list(_causes(error))
    final = any("certificate" in type(cause).__name__.lower() for cause in causes)
    said = getattr(causes[-1], "message", None)  # without the status that aiohttp makes up
    words = said if isinstance(said, str) else str(causes[-1])
    return ProviderError(
        "refused_connection",
        words or type(causes[-1]).__name__,
        transient=not final,
        endpoint_wide=not made,
    )


def sent_in_circles() -> ProviderError:
    """Return the error for an endpoint whose redirections do not end."""
    return ProviderError("bad_response", "redirected again and again", stops_endpoint=True)


def no_answer_in_time(limit_s: float) -> ProviderError:
    """Return the error for a request that was given up."""
    return ProviderError("timeout", f"timed out after {limit_s:g} s")


def timed_out(error: BaseException) -> bool:
    """Tell a timeout from a lost connection: what led to an error says it."""
    return any(isinstance(cause, TimeoutError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what led to it, the root last."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or getattr(found, "os_error", None)
