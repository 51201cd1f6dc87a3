"""A small chat endpoint on loopback that counts what it is asked, and fails as a test wants."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Question = tuple[str, str]
"""Model and last message."""

DRIP = 20
"""Bytes in a drop of an answer that comes in drops."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the endpoint sees it; ``number`` counts equal ones from 1."""

    model: str
    text: str
    number: int
    path: str = "/v1/chat/completions"
    method: str = "POST"
    messages: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is sent for one request: bytes, when, and what becomes of the connection then."""

    data: bytes
    wait_s: float = 0.0
    drip_s: float = 0.0
    end: Literal["keep", "close", "reset"] = "keep"


@dataclass
class Endpoint:
    """What the endpoint saw: times by the monotonic clock, for each question.

    ``react`` may answer in the endpoint's place; ``None`` from it stands for the right answer, for
    which the base knows each third sum and the candidate all. ``answered`` holds the right answers
    only, ``asked`` every request, ``keys`` what stood in their Authorization headers.
    """

    url: str = ""
    delay_s: float = 0.0
    react: Callable[[Asked], Reaction | None] = lambda _: None
    asked: dict[Question, list[float]] = field(default_factory=dict)
    answered: dict[Question, list[float]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """Return how many requests came."""
        return sum(map(len, list(self.asked.values())))

    @property
    def answers(self) -> int:
        """Return how many right answers went out."""
        return sum(map(len, list(self.answered.values())))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:])}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        question = (body.get("model", ""), _text(body))
        self.asked.setdefault(question, []).append(time.monotonic())
        self.keys.append(headers.get("authorization", ""))
        number, messages = len(self.asked[question]), body.get("messages", ())
        asked = Asked(*question, number, path, method, messages)
        reaction = self.react(asked)
        if reaction is not None:
            return await _send(writer, reaction)
        await _send(writer, Reaction(answer(asked), wait_s=self.delay_s))
        self.answered.setdefault(question, []).append(time.monotonic())
        return True


def _text(body: Mapping[str, Any]) -> str:
    """Return the last message, or what an embedding is wanted of."""
    if not body:
        return ""
    return str(body["input"] if "input" in body else body["messages"][-1]["content"])


async def _send(writer: asyncio.StreamWriter, reaction: Reaction) -> bool:
    await asyncio.sleep(reaction.wait_s)
    if reaction.drip_s:
        for start in range(0, len(reaction.data), DRIP):
            writer.write(reaction.data[start : start + DRIP])
            await writer.drain()
            await asyncio.sleep(reaction.drip_s)
    else:
        writer.write(reaction.data)
        await writer.drain()
    if reaction.end == "reset":
        writer.transport.abort()
    return reaction.end == "keep"


def answer(asked: Asked, **choice: Any) -> bytes:
    """Return the right answer to a sum, as far as the model knows it; ``choice`` alters it."""
    text = ""
    if asked.text:
        left, right = (int(part) for part in asked.text.split(" + "))
        text = str(left + right) if asked.model != "base" or left % 3 == 0 else "no idea"
    return response(200, completion(asked.model, text, **choice))


def completion(model: str, text: str | None, **choice: Any) -> dict[str, Any]:
    """Return a chat completion with one choice, ``choice`` in place of its usual fields."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }


def response(status: int, body: object, headers: Mapping[str, str] = {}) -> bytes:
    """Return a whole HTTP response; ``body`` is sent as JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def refusing(status: int, message: str, **headers: str) -> Callable[[Asked], Reaction]:
    """Return a reaction to everything: an error as OpenAI words it; ``_`` in names means ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = response(status, {"error": {"message": message, "code": None}}, named)
    return lambda _: Reaction(data)


@contextmanager
def serving(*, tls: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """Serve from a thread of its own until the block ends."""
    endpoint, loop, up = Endpoint(), asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, ssl=tls)
        scheme = "https" if tls else "http"
        endpoint.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        up.set()
        await over.wait()
        server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # in which their sockets are closed

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    up.wait()
    try:
        yield endpoint
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
