"""The Batch API over a mock transport: where calls go, and what is made of refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from evalkit.clients.azure_client import AzureClient
from evalkit.clients.batches import BatchAPI
from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import SetupError
from evalkit.model import ModelSpec
from evalkit.model.batch import Batch

T = TypeVar("T")
React = Callable[[httpx2.Request], httpx2.Response]
FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 1,
    "created_at": 0,
    "filename": "f",
    "purpose": "batch",
    "status": "processed",
}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "created_at": 0,
    "status": "in_progress",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
    "input_file_id": "file-1",
    "request_counts": {"total": 9, "completed": 4, "failed": 1},
}
SENT = Batch("d" * 64, "base", "identity", "chat", "2026-11-24T10:00:00+00:00", ("k",))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not try again."""
    monkeypatch.setattr("evalkit.clients.batches.RETRIES", 0)


def call(react: React, do: Callable[[BatchAPI], Awaitable[T]], *, client: str = "openai") -> T:
    """Do one thing with the API of a client whose network is ``react``."""
    made = {"openai": OpenAIClient, "azure": AzureClient}[client]
    options = {"api_version": "2026-01-01", "deployment": "mine"} if client == "azure" else {}
    spec = ModelSpec("base", "base", client, "m", base_url="http://host/v1", options=options)
    spec_keys = {"AZURE_OPENAI_API_KEY": "sk-azure", "OPENAI_API_KEY": "sk-openai"}
    transport = httpx2.MockTransport(react)

    async def once() -> T:
        async with BatchAPI(made(spec, environ=spec_keys, transport=transport)) as api:
            return await do(api)

    return asyncio.run(once())


def test_azure_is_asked_at_its_own_address_with_its_own_key() -> None:
    """Files and batches belong to the resource, not to a deployment; the path is Azure's."""
    seen: list[httpx2.Request] = []

    def react(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=FILE if request.url.path.endswith("files") else BATCH)

    async def both(api: BatchAPI) -> tuple[str, str]:
        return await api.upload(b"{}\n", name="f.jsonl"), await api.create(SENT)

    assert call(react, both, client="azure") == ("file-1", "batch_1")
    assert [r.url.path for r in seen] == ["/v1/openai/files", "/v1/openai/batches"]
    assert {r.url.params["api-version"] for r in seen} == {"2026-01-01"}
    assert {r.headers["api-key"] for r in seen} == {"sk-azure"}
    assert json.loads(seen[1].content)["endpoint"] == "/chat/completions"


def test_a_key_meant_for_openai_goes_nowhere_else() -> None:
    """The rules of single requests hold for files as well."""
    seen: list[str] = []

    def react(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(200, json=BATCH)

    state = call(react, lambda api: api.state("batch_1"))
    assert (state.state, state.total, state.done, state.failed) == ("in_progress", 9, 4, 1)
    assert seen == ["Bearer none"]


@pytest.mark.parametrize(
    ("content", "whole"), [(b'{"a": 1}\n{"b"', False), (b'{"a": 1}\n{"b": 2}', True)]
)
def test_a_file_that_ends_within_a_line_is_half(
    content: bytes, *, whole: bool, tmp_path: Path
) -> None:
    """Even where the connection said that this was all of it."""

    def react(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=content)

    def download(api: BatchAPI) -> Awaitable[None]:
        return api.download("file-2", tmp_path / "f")

    if whole:
        call(react, download)
        assert (tmp_path / "f").read_bytes() == content
    else:
        with pytest.raises(SetupError, match="file-2 is cut off"):
            call(react, download)


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "a key that may use the Batch API"), (404, "evalkit batch export"), (400, "mend what")],
)
def test_refusals_say_what_to_do(status: int, words: str) -> None:
    """A wrong key, no Batch API, and a request that the endpoint does not like."""

    def react(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json={"error": {"message": "no"}})

    with pytest.raises(SetupError, match=words):
        call(react, lambda api: api.upload(b"{}\n", name="f.jsonl"))


def test_an_endpoint_that_is_not_there_is_told() -> None:
    """The address and the cause, and that nothing is lost."""

    def react(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused", request=request)

    with pytest.raises(SetupError, match=r"(?s)http://host/v1.*connection refused.*stays sent"):
        call(react, lambda api: api.state("batch_1"))
