"""A server on loopback that keeps every request as it came, also those sent to it as a proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: its first line without the version, its headers by lower-case name, its JSON."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


@dataclass
class Loopback:
    """What came in, and what answers everything: JSON, or that the address is another now."""

    answer: Any
    url: str = ""
    moved_to: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections: list[asyncio.Task[Any] | None] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection; one for a tunnel is refused."""
        self.connections.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        self.seen.append(Seen(method, target, headers, json.loads(content or b"null")))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return False
        if self.moved_to:
            place = f"Location: {self.moved_to}{target}\r\nContent-Length: 0\r\n\r\n"
            writer.write(b"HTTP/1.1 307 Temporary Redirect\r\n" + place.encode())
            return True
        data = json.dumps(self.answer).encode()
        lines = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + lines.encode() + data)
        await writer.drain()
        return True


@asynccontextmanager
async def listening(answer: Any) -> AsyncIterator[Loopback]:
    """Serve in the running loop until the block ends."""
    loopback = Loopback(answer)
    server = await asyncio.start_server(loopback.serve, "127.0.0.1", 0)
    loopback.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield loopback
    finally:
        server.close()
        await asyncio.gather(*(task for task in loopback.connections if task is not None))
        await server.wait_closed()
