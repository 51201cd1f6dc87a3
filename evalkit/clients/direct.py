"""The fast way to an endpoint: what the `openai` package would send, sent over aiohttp.

The package decides where a request goes and with what headers; it is asked once for each address.
Sending by itself costs it several times the processor time of the request
(docs/performance.md has the figures).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import aiohttp
from yarl import URL

from evalkit.clients.wire import (
    CONNECT_S,
    Answer,
    no_answer_in_time,
    no_connection,
    sent_in_circles,
)
from evalkit.model import Limits

Compose = Callable[[str, Mapping[str, Any]], Awaitable[tuple[str, Mapping[str, str]]]]
"""Tells for a path and a body to what address the package would send it, and with what headers."""

OF_ONE_REQUEST = frozenset(
    ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"]
)
"""Headers that aiohttp makes by itself."""

AZURE_KEY = "api-key"

IDLE_S = 10.0
"""How long an unused connection is kept: servers close theirs after 5 to 75 seconds."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a kind of request goes: all that is the same for each of them.

    aiohttp lets go of no key but that of ``Authorization`` when it is redirected to another host.
    """

    url: URL
    headers: Mapping[str, str]
    may_be_redirected: bool


class Direct:
    """Posts over aiohttp. Made inside the event loop."""

    def __init__(
        self,
        compose: Compose,
        limits: Limits,
        *,
        context: ssl.SSLContext | None,
        proxy: str | None = None,
    ) -> None:
        self._compose = compose
        self._limit_s = limits.timeout_s
        self._targets: dict[tuple[str, object], Target] = {}
        self._composing = asyncio.Lock()
        connect = min(CONNECT_S, limits.timeout_s)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.concurrency, ssl=context or True, keepalive_timeout=IDLE_S
            ),
            timeout=aiohttp.ClientTimeout(total=limits.timeout_s, sock_connect=connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy,
        )

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send ``body`` and return what came back."""
        # Azure has an address for each model.
        key = (path, body.get("model"))
        to = self._targets.get(key) or await self._composed(key, body)
        data = json.dumps(body).encode()
        begun = perf_counter()
        try:
            async with self._session.post(
                to.url, data=data, headers=to.headers, allow_redirects=to.may_be_redirected
            ) as response:
                content = await response.read()
        except TimeoutError as error:
            raise no_answer_in_time(self._limit_s) from error
        except aiohttp.TooManyRedirects as error:
            raise sent_in_circles() from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            made = not isinstance(error, aiohttp.ClientConnectorError)
            raise no_connection(error, made=made) from error
        found = {name.lower(): value for name, value in response.headers.items()}
        moved_to = str(response.url) if response.history else ""
        return Answer(response.status, found, content, perf_counter() - begun, moved_to)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _composed(self, key: tuple[str, object], body: Mapping[str, Any]) -> Target:
        async with self._composing:
            if key not in self._targets:
                url, headers = await self._compose(key[0], body)
                kept = {k: v for k, v in headers.items() if k.lower() not in OF_ONE_REQUEST}
                may_be = not any(name.lower() == AZURE_KEY for name in kept)
                # A name and a password in the address are a header by now.
                self._targets[key] = Target(URL(url, encoded=True).with_user(None), kept, may_be)
            return self._targets[key]
