"""The lines of a batch's files: requests written, files split at the API's limits, answers read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.clients.endpoints import UNREADABLE, Endpoint
from evalkit.clients.refusals import refusal
from evalkit.clients.wire import Answer
from evalkit.errors import ProviderError
from evalkit.model import Reply
from evalkit.model.batch import Gathered, Lost, batched

MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
"""What OpenAI takes as one file."""

GONE = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
MOST_WORDS = 200

Json = Mapping[str, Any]
EndpointOf = Callable[[str], Endpoint | None]
"""Tells by its key how a request was asked; ``None`` for a key under which nothing was."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file's worth of requests to one model."""

    keys: tuple[str, ...]
    content: bytes

    @property
    def digest(self) -> str:
        """The sha256 of the file."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an answer file: its number from 1, whose it is, and what it holds.

    ``key`` is empty where the line does not tell.
    """

    number: int
    key: str
    found: Reply | Lost


def request_line(key: str, url: str, body: Json) -> bytes:
    """Return a request as a line: ``key`` comes back with its answer."""
    row = {"custom_id": key, "method": "POST", "url": url, "body": body}
    return json.dumps(row).encode() + b"\n"


def split(
    lines: Iterable[tuple[str, bytes]],
    *,
    most_requests: int = MOST_REQUESTS,
    most_bytes: int = MOST_BYTES,
) -> Iterator[Part]:
    """Yield keyed lines as files within both limits, in order; a longer line has its own file."""
    keys: list[str] = []
    content = bytearray()
    for key, line in lines:
        if keys and (len(keys) >= most_requests or len(content) + len(line) > most_bytes):
            yield Part(tuple(keys), bytes(content))
            keys, content = [], bytearray()
        keys.append(key)
        content += line
    if keys:
        yield Part(tuple(keys), bytes(content))


def read_lines(lines: Iterable[bytes], endpoint_of: EndpointOf) -> Iterator[Line]:
    """Yield what each line holds; empty lines are none. Nothing that stands in them raises.

    Lines end with a line feed only: JSON may hold other ends of lines as they are.
    """
    for number, text in enumerate(lines, start=1):
        if text.strip():
            yield _line(number, text, endpoint_of)


def gather(
    lines: Iterable[Line], *, file: str, into: Gathered, keep: Callable[[str, Reply], None]
) -> set[str]:
    """Keep the answers, count the rest, and return the keys that were told of, answered or not."""
    told: set[str] = set()
    for line in lines:
        if isinstance(line.found, Reply):
            keep(line.key, line.found)
            into.answers += 1
        elif line.found.kind == "stored":
            into.again += 1
        elif line.found.kind in ("malformed", "unknown"):
            into.odd.append(f"{file}:{line.number}: {line.found.message}")
            continue
        else:
            into.lose(line.found)
        told.add(line.key)
    return told


def is_whole(last_line: bytes) -> bool:
    """Tell whether a file of lines came to its end, by the last of them."""
    if last_line.endswith(b"\n") or not last_line:
        return True
    try:
        json.loads(last_line)
    except (ValueError, RecursionError):
        return False
    return True


def _line(number: int, text: bytes, endpoint_of: EndpointOf) -> Line:
    try:
        row = json.loads(text)
        key = row["custom_id"]
        if not isinstance(key, str):
            raise TypeError
    except UNREADABLE:
        return Line(number, "", Lost("malformed", f"no line of a batch: {_words(text)}"))
    endpoint = endpoint_of(key)
    if endpoint is None:
        return Line(number, key, Lost("unknown", f"nothing was asked as {_words(key.encode())}"))
    try:
        return Line(number, key, _found(row, endpoint))
    except UNREADABLE:
        return Line(number, key, Lost("bad_response", f"no answer of a batch: {_words(text)}"))


def _found(row: Json, endpoint: Endpoint) -> Reply | Lost:
    error, response = row.get("error"), row.get("response") or {}
    if isinstance(error, dict) and error.get("code") in GONE:
        return Lost(GONE[error["code"]], str(error.get("message") or error["code"]))
    status, body = response.get("status_code"), response.get("body")
    # Some servers say what went wrong in the body, others beside it.
    content = json.dumps(error if error is not None else body).encode()
    answer = Answer(status or 0, {}, content, 0.0)
    if error is not None or status != 200:
        if not isinstance(status, int) or status < 400:
            return Lost("bad_response", f"status {status}: {_words(content)}")
        refused = refusal(answer, "the batch", shortened=lambda words: _words(words.encode()))
        return Lost(refused.kind, refused.message)
    try:
        reply = endpoint.decode(answer)
    except ProviderError as failure:
        return Lost(failure.kind, failure.message)
    return batched(reply)


def _words(text: bytes) -> str:
    """Return some text on one line, cut where it is long."""
    words = " ".join(text[: 4 * MOST_WORDS].decode(errors="replace").split())
    return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}..."
