"""The lines of a batch's files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evalkit.clients.azure_client import AzureClient
from evalkit.clients.batch_lines import gather, is_whole, read_lines, request_line, split
from evalkit.clients.endpoints import ENDPOINTS, Endpoint
from evalkit.clients.openai_client import OpenAIClient
from evalkit.model import ModelSpec, Reply, Usage
from evalkit.model.batch import Gathered, Lost, is_batched

CHAT = {
    "model": "m-2026",
    "choices": [{"message": {"content": "hello\u2028there"}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2},
}
RESPONSE = {
    "model": "m-2026",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}],
}
COMPLETION = {"model": "m-2026", "choices": [{"text": "hello"}]}


def row(status: int | None = 200, body: Any = None, error: Any = None, key: str = "k") -> bytes:
    """Return a line of an answer file; without a status it has no response."""
    response = None if status is None else {"status_code": status, "request_id": "r", "body": body}
    tree = {"id": "b", "custom_id": key, "response": response, "error": error}
    return json.dumps(tree, ensure_ascii=False).encode() + b"\n"


def found(line: bytes, kind: str = "chat") -> Reply | Lost:
    """Return what one line holds, its key known."""
    (read,) = read_lines([line], {"k": ENDPOINTS[kind]}.get)
    assert read.number == 1
    return read.found


def test_a_request_is_written_as_the_api_has_it() -> None:
    """One JSON object a line."""
    line = request_line("k", "/v1/responses", {"model": "m", "input": "a\nb"})
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "custom_id": "k",
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "m", "input": "a\nb"},
    }


def test_files_keep_both_limits_and_the_order() -> None:
    """A file ends before the line that would pass a limit; a longer line stands alone."""
    lines = [(str(n), b"x" * size) for n, size in enumerate([4, 4, 4, 30, 4, 1])]
    parts = list(split(iter(lines), most_requests=2, most_bytes=10))
    assert [part.keys for part in parts] == [("0", "1"), ("2",), ("3",), ("4", "5")]
    assert [len(part.content) for part in parts] == [8, 4, 30, 5]
    assert list(split([])) == []


def test_an_answer_is_read_as_a_direct_one_without_its_time() -> None:
    """Text, model, usage and finish reason are there; the time is unknown."""
    reply = found(row(body=CHAT))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.finish_reason) == ("hello\u2028there", "length")
    assert (reply.model, reply.usage, reply.latency_s) == ("m-2026", Usage(7, 2), 0.0)
    assert is_batched(reply)
    assert not is_batched(Reply("direct"))


@pytest.mark.parametrize(("kind", "body"), [("responses", RESPONSE), ("completions", COMPLETION)])
def test_every_kind_of_answer_is_read(kind: str, body: object) -> None:
    """Each as its endpoint writes it."""
    reply = found(row(body=body), kind)
    assert isinstance(reply, Reply)
    assert reply.text == "hello"


FAILURES = {
    "expired": (row(None, error={"code": "batch_expired", "message": "late"}), "late"),
    "cancelled": (row(None, error={"code": "batch_cancelled", "message": "off"}), "off"),
    "server": (row(500, {"error": {"message": "broke"}}), "broke"),
    "rate_limited": (row(429, {"error": {"message": "slow"}}), "slow"),
    "context_length": (row(400, {"error": {"message": "maximum context length"}}), "maximum"),
    "content_filter": (row(400, None, {"error": {"message": "content filter"}}), "filter"),
    "bad_request": (row(400, None, "in words only"), "in words only"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_failures_have_a_kind_and_the_servers_words(kind: str) -> None:
    """Whether the error stands in the body, beside it, or as a text."""
    line, words = FAILURES[kind]
    lost = found(line)
    assert isinstance(lost, Lost)
    assert lost.kind == kind
    assert words in lost.message


@pytest.mark.parametrize(
    "line",
    [
        row(0),
        row(None),
        row(200),
        row(200, {"choices": []}),
        row(200, "text"),
        row(None, error={"code": ["odd"], "message": 3}),
        b'{"custom_id": "k", "response": 5}\n',
        b'{"custom_id": "k", "response": {"status_code": "x"}}\n',
    ],
)
def test_what_only_looks_like_an_answer_is_none(line: bytes) -> None:
    """Status 0 or none, no body, a body of another form: never an answer, never an exception."""
    lost = found(line)
    assert isinstance(lost, Lost)
    assert lost.kind == "bad_response"


def test_odd_lines_are_told_by_number_and_stop_nothing() -> None:
    """Broken JSON, no id, an id of nobody, bytes that are no text; empty lines count as lines."""
    lines = [b"{oops\n", b"\n", b"[1]\n", b'{"custom_id": 4}\n', row(body=CHAT, key="who")]
    lines += [b"\xff\xfe\n", b"[" * 100_000, row(body=CHAT)]
    into, kept = Gathered("s"), dict[str, Reply]()
    endpoints: dict[str, Endpoint] = {"k": ENDPOINTS["chat"]}
    read = read_lines(lines, endpoints.get)
    told = gather(read, file="f", into=into, keep=kept.__setitem__)
    assert told == {"k"} == set(kept)
    assert into.answers == 1
    assert [odd.split(":")[1] for odd in into.odd] == ["1", "3", "4", "5", "6", "7"]
    assert "nothing was asked as who" in into.odd[3]


@pytest.mark.parametrize(
    ("last", "whole"),
    [
        (b"", True),
        (b'{"a": 1}\n', True),
        (b'{"a": 1}', True),
        (b'{"a": ', False),
        (b"[" * 99, False),
    ],
)
def test_a_cut_off_file_is_told_by_its_last_line(last: bytes, *, whole: bool) -> None:
    """Some servers leave the last line feed out, which is no fault."""
    assert is_whole(last) is whole


def test_lines_name_the_place_as_the_service_wants_it() -> None:
    """OpenAI's paths have a version whatever the address; Azure's have one for responses only."""

    def url(client: str, kind: str) -> str:
        made = {"openai": OpenAIClient, "azure": AzureClient}[client]
        options = {"endpoint": kind}
        spec = ModelSpec("m", "base", client, "m", base_url="http://h/x", options=options)
        return made(spec, environ={}).batch_url

    assert url("openai", "chat") == "/v1/chat/completions"
    assert url("openai", "completions") == "/v1/completions"
    assert url("azure", "chat") == "/chat/completions"
    assert url("azure", "responses") == "/v1/responses"
