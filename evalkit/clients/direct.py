"""The fast way to an endpoint: what the `openai` package would send, sent over aiohttp.

The package decides where a request goes and with what headers; it is asked once for each address.
Sending by itself costs it several times the processor time of the request
(docs/performance.md has the figures).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

import aiohttp

from evalkit.clients.wire import CONNECT_S, Answer, no_answer_in_time, no_connection
from evalkit.model import Limits

Target = tuple[str, Mapping[str, str]]
"""A whole address and the headers that go there."""

Compose = Callable[[str, Mapping[str, Any]], Awaitable[Target]]
"""Tells for a path and a body where the package would send it."""

OF_ONE_REQUEST = frozenset(
    ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"]
)
"""Headers that aiohttp makes by itself."""

IDLE_S = 10.0
"""How long an unused connection is kept: servers close theirs after 5 to 75 seconds."""


class Direct:
    """Posts over aiohttp. Made inside the event loop."""

    def __init__(self, compose: Compose, limits: Limits, *, context: ssl.SSLContext) -> None:
        self._compose = compose
        self._limit_s = limits.timeout_s
        self._targets: dict[tuple[str, object], Target] = {}
        connect = min(CONNECT_S, limits.timeout_s)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.concurrency, ssl=context, keepalive_timeout=IDLE_S
            ),
            timeout=aiohttp.ClientTimeout(total=limits.timeout_s, sock_connect=connect),
            trust_env=True,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send ``body`` and return what came back."""
        url, headers = await self._target(path, body)
        begun = perf_counter()
        try:
            async with self._session.post(url, data=json.dumps(body), headers=headers) as response:
                content = await response.read()
        except TimeoutError as error:
            raise no_answer_in_time(self._limit_s) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise no_connection(error) from error
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, found, content, perf_counter() - begun)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _target(self, path: str, body: Mapping[str, Any]) -> Target:
        # Azure has an address for each model.
        key = (path, body.get("model"))
        if key not in self._targets:
            url, headers = await self._compose(path, body)
            kept = {k: v for k, v in headers.items() if k.lower() not in OF_ONE_REQUEST}
            self._targets[key] = (url, kept)
        return self._targets[key]
