"""Models at Azure: addresses of deployments, keys and tokens, what is missing told at the start."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from evalkit.clients.azure_client import AzureClient
from evalkit.errors import ProviderError, SetupError
from evalkit.model import Limits, ModelSpec, Reply, Request

from .loopback import Seen, listening

ANSWER = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}
QUESTION = Request({"messages": [{"role": "user", "content": "hi"}]})
KEY = {"AZURE_OPENAI_API_KEY": "a-1"}
OPTIONS = {"api_version": "2024-10-21"}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the developer's own environment says."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AZURE_OPENAI_")):
            monkeypatch.delenv(name)


def spec(options: Mapping[str, Any] = OPTIONS, **fields: Any) -> ModelSpec:
    """Return a model that is tried once."""
    return ModelSpec(
        "tuned", "candidate", "azure", "gpt-x", limits=Limits(1, 0, 5), options=options, **fields
    )


def seen_of(model: ModelSpec, environ: Mapping[str, str], *, answer: Any = ANSWER) -> Seen:
    """Return what a server that is the resource sees of a question."""

    async def run() -> Seen:
        async with listening(answer) as loopback:
            client = AzureClient(model, environ={"AZURE_OPENAI_ENDPOINT": loopback.url, **environ})
            await client.start()
            await client.ask(QUESTION)
            await client.close()
            return loopback.seen[0]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("options", "deployment"),
    [
        (OPTIONS, "gpt-x"),
        ({**OPTIONS, "deployment": "tuned 3/a"}, "tuned%203%2Fa"),
    ],
)
def test_a_deployment_has_an_address_of_its_own(
    options: Mapping[str, Any], deployment: str
) -> None:
    """The path names the deployment, or else the model; the query names the version."""
    seen = seen_of(spec(options), KEY)
    path = f"/openai/deployments/{deployment}/chat/completions"
    assert seen.target == f"{path}?api-version=2024-10-21"
    assert seen.headers["api-key"] == "a-1"
    assert "authorization" not in seen.headers


def test_responses_are_asked_of_the_resource() -> None:
    """They have one address for all deployments, and the body names which."""
    options = {**OPTIONS, "endpoint": "responses", "deployment": "d"}
    seen = seen_of(spec(options), KEY, answer={"status": "completed", "output": []})
    assert seen.target == "/openai/responses?api-version=2024-10-21"
    assert seen.body["model"] == "d"


@pytest.mark.parametrize(
    ("named", "environ", "header", "value"),
    [
        (None, KEY, "api-key", "a-1"),
        (None, {**KEY, "AZURE_OPENAI_AD_TOKEN": "t-1"}, "authorization", "Bearer t-1"),
        ("MINE", {**KEY, "AZURE_OPENAI_AD_TOKEN": "t-1", "MINE": "m-1"}, "api-key", "m-1"),
        (None, {**KEY, "OPENAI_API_KEY": "sk-1"}, "api-key", "a-1"),
    ],
)
def test_the_credential_is_that_of_its_variable(
    named: str | None, environ: Mapping[str, str], header: str, value: str
) -> None:
    """A named key goes before a token, and a token before the usual key; one of them is sent."""
    seen = seen_of(spec(api_key_env=named), environ)
    given = {k: v for k, v in seen.headers.items() if k in ("api-key", "authorization")}
    assert given == {header: value}


def test_the_environment_says_the_version() -> None:
    """Without an option the version is that of the package's variable."""
    seen = seen_of(spec({}), {**KEY, "OPENAI_API_VERSION": "v-9"})
    assert seen.target.endswith("?api-version=v-9")


@pytest.mark.parametrize(
    ("environ", "options", "needed", "instead"),
    [
        ({}, OPTIONS, "the address of the resource", "AZURE_OPENAI_ENDPOINT"),
        ({"AZURE_OPENAI_ENDPOINT": "http://h"}, OPTIONS, "the API key", "AZURE_OPENAI_API_KEY"),
        ({"AZURE_OPENAI_ENDPOINT": "http://h", **KEY}, {}, "the version", "OPENAI_API_VERSION"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_sent(
    environ: Mapping[str, str], options: Mapping[str, Any], needed: str, instead: str
) -> None:
    """The message names the model and what to export."""

    async def start() -> None:
        await AzureClient(spec(options), environ=environ).start()

    with pytest.raises(SetupError) as caught:
        asyncio.run(start())
    assert needed in caught.value.needed
    assert "'tuned'" in caught.value.needed
    assert f"export {instead}=" in caught.value.instead


@pytest.mark.parametrize(
    ("options", "identity"),
    [
        ({}, "azure https://mine.openai.azure.com gpt-x"),
        ({"deployment": "d"}, "azure https://mine.openai.azure.com d model gpt-x"),
        ({"endpoint": "responses"}, "azure https://mine.openai.azure.com gpt-x endpoint responses"),
        ({"api_version": "v"}, "azure https://mine.openai.azure.com gpt-x"),
    ],
)
def test_identity_is_resource_deployment_and_model(
    options: Mapping[str, Any], identity: str
) -> None:
    """It needs no key, and another version of the API leaves stored answers valid."""
    model = spec(options, base_url="https://mine.openai.azure.com/")
    assert AzureClient(model, environ={}).identity == identity


def test_a_key_is_not_sent_on_to_another_host() -> None:
    """A resource that redirects elsewhere is an error of that request; the other host sees none."""

    async def run() -> tuple[ProviderError, list[Seen]]:
        async with listening(ANSWER) as other, listening(ANSWER) as resource:
            resource.moved_to = other.url
            client = AzureClient(spec(base_url=resource.url), environ=KEY)
            await client.start()
            with pytest.raises(ProviderError) as caught:
                await client.ask(QUESTION)
            await client.close()
            return caught.value, other.seen

    error, seen = asyncio.run(run())
    assert "answered 307" in error.message
    assert [request.headers.get("api-key") for request in seen] == []


def test_a_filter_of_azure_is_told_as_such() -> None:
    """The resource refuses with a code of its own; the reply is a failure of that kind."""
    error = {"code": "content_filter", "message": "The response was filtered"}

    async def run() -> Reply:
        transport = httpx2.MockTransport(lambda _: httpx2.Response(400, json={"error": error}))
        model = spec(base_url="http://host")
        client = AzureClient(model, environ=KEY, transport=transport)
        await client.start()
        try:
            return await client.ask(QUESTION)
        finally:
            await client.close()

    with pytest.raises(ProviderError) as caught:
        asyncio.run(run())
    assert caught.value.kind == "content_filter"
