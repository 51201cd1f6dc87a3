"""The fast way sends what the package's own way sends; both heed the environment's proxies."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest

from evalkit.clients import make_client
from evalkit.clients.direct import OF_ONE_REQUEST
from evalkit.clients.openai_client import OpenAIClient
from evalkit.clients.proxies import proxies_of, proxy_for
from evalkit.errors import ProviderError, SetupError
from evalkit.model import Limits, ModelSpec, Reply, Request

from .loopback import Loopback, Seen, listening

CHAT = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}
RESPONSE: dict[str, Any] = {"status": "completed", "output": []}
COMPLETION = {"choices": [{"text": "hello"}]}
QUESTION = Request(
    {
        "messages": [{"role": "user", "content": 'Grüße, 日本 \U0001f600 \u2028 "x" \\ '}],
        "temperature": 0.1,
        "max_tokens": 256,
        "seed": 7,
    }
)
ELSEWHERE = "http://nowhere.invalid"
VARIABLES = ("OPENAI_", "AZURE_OPENAI_")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the developer's own environment says."""
    for name in list(os.environ):
        if name.startswith(VARIABLES) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def spec(client: str = "openai", **fields: Any) -> ModelSpec:
    """Return a model that is tried once."""
    given = {"limits": Limits(2, 0, 5), **fields}
    return ModelSpec("tuned", "candidate", client, "ft:m-1::x", **given)


async def outcome(model: ModelSpec) -> Reply | ProviderError:
    """Ask once and return the answer or the error."""
    client = make_client(model, environ=os.environ)
    await client.start()
    try:
        return await client.ask(QUESTION)
    except ProviderError as error:
        return error
    finally:
        await client.close()


async def both(
    model: ModelSpec, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> tuple[Seen, Seen]:
    """Return what the server saw of the fast way and of the package's own."""
    assert isinstance(await outcome(model), Reply)
    # A proxy for all calls for the package's own way, even where all hosts are exempt from it.
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    assert isinstance(await outcome(model), Reply)
    fast, own = loopback.seen
    return fast, own


def of_the_request(seen: Seen) -> dict[str, str]:
    """Return the headers that say anything but how this one connection works."""
    return {name: value for name, value in seen.headers.items() if name not in OF_ONE_REQUEST}


@pytest.mark.parametrize(
    ("client", "options", "environ", "answer"),
    [
        ("openai", {}, {}, CHAT),
        ("openai", {"headers": {"X-Team": "a", "User-Agent": "mine"}}, {}, CHAT),
        (
            "openai",
            {"headers": {"X-Team": "a"}},
            {
                "OPENAI_API_KEY": "sk-1",
                "OPENAI_ORG_ID": "org-1",
                "OPENAI_PROJECT_ID": "proj-1",
                "OPENAI_CUSTOM_HEADERS": "X-One: 1\nX-Team: env\nX-Two: 2: 3",
            },
            CHAT,
        ),
        ("openai", {"endpoint": "responses"}, {"OPENAI_API_KEY": "sk-1"}, RESPONSE),
        ("openai", {"endpoint": "completions"}, {"OPENAI_API_KEY": "sk-1"}, COMPLETION),
        ("azure", {"api_version": "2024-10-21"}, {"AZURE_OPENAI_API_KEY": "a-1"}, CHAT),
        (
            "azure",
            {"endpoint": "responses", "deployment": "d"},
            {"AZURE_OPENAI_AD_TOKEN": "t-1", "OPENAI_API_VERSION": "v"},
            RESPONSE,
        ),
    ],
)
def test_the_fast_way_sends_what_the_package_sends(
    *,
    client: str,
    options: dict[str, Any],
    environ: dict[str, str],
    answer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Address, headers and JSON are the same, whatever the environment adds to them."""

    async def run() -> None:
        async with listening(answer) as loopback:
            monkeypatch.setenv("OPENAI_BASE_URL", f"{loopback.url}/v1")
            monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", loopback.url)
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            fast, own = await both(spec(client, options=options), loopback, monkeypatch)
            assert (fast.method, fast.target, fast.body) == (own.method, own.target, own.body)
            assert of_the_request(fast) == of_the_request(own)
            assert fast.headers["host"] == own.headers["host"]
            assert fast.headers["content-type"] == "application/json"

    asyncio.run(run())


def test_variables_of_the_package_reach_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address, key, organisation, project and headers of the environment, and a model's headers."""
    expected = {
        "authorization": "Bearer sk-1",
        "openai-organization": "org-1",
        "openai-project": "proj-1",
        "x-one": "1",
        "x-team": "a",
    }

    async def run() -> Seen:
        async with listening(CHAT) as loopback:
            monkeypatch.setenv("OPENAI_BASE_URL", f"{loopback.url}/v1")
            monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
            monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
            monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
            monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-One: 1\nX-Team: env")
            await outcome(spec(options={"headers": {"X-Team": "a"}}))
            return loopback.seen[0]

    seen = asyncio.run(run())
    assert {name: seen.headers.get(name) for name in expected} == expected
    assert seen.target == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("variable", "scheme"), [("HTTP_PROXY", "http"), ("http_proxy", "http"), ("ALL_PROXY", "http")]
)
@pytest.mark.parametrize("login", ["", "me:pw@"])
def test_a_proxy_of_the_environment_is_used(
    variable: str, scheme: str, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over both ways: the whole address comes to the proxy, with its own password if it has one."""

    async def run() -> tuple[Reply | ProviderError, list[Seen]]:
        async with listening(CHAT) as proxy:
            monkeypatch.setenv(variable, proxy.url.replace("//", f"//{login}"))
            found = await outcome(spec(base_url=f"{scheme}://nowhere.invalid/v1"))
            return found, proxy.seen

    found, [seen] = asyncio.run(run())
    assert isinstance(found, Reply)
    assert seen.target == f"{ELSEWHERE}/v1/chat/completions"
    assert ("proxy-authorization" in seen.headers) == bool(login)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_an_encrypted_connection_goes_through_a_tunnel(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is asked for a tunnel and sees neither key nor question; its refusal is told."""

    async def run() -> tuple[Reply | ProviderError, list[Seen]]:
        async with listening(CHAT) as proxy:
            monkeypatch.setenv(variable, proxy.url)
            return await outcome(spec(base_url="https://nowhere.invalid/v1")), proxy.seen

    found, [seen] = asyncio.run(run())
    assert isinstance(found, ProviderError)
    assert found.kind == "refused_connection"
    assert "https://nowhere.invalid/v1" in found.message
    assert (seen.method, seen.target, seen.body) == ("CONNECT", "nowhere.invalid:443", None)
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("exempt", ["127.0.0.1", "localhost,127.0.0.1", "*"])
def test_an_exempt_host_is_reached_directly(
    variable: str, exempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over both ways: ``NO_PROXY`` goes before any proxy."""

    async def run() -> tuple[Reply | ProviderError, list[Seen]]:
        async with listening(CHAT) as server, listening(CHAT) as proxy:
            monkeypatch.setenv(variable, proxy.url)
            monkeypatch.setenv("NO_PROXY", exempt)
            found = await outcome(spec(base_url=f"{server.url}/v1"))
            return found, proxy.seen

    found, seen = asyncio.run(run())
    assert isinstance(found, Reply)
    assert seen == []


def test_the_environment_given_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client made without an environment, as the embedded model's is, goes by no proxy."""

    async def run() -> tuple[Reply, list[Seen]]:
        async with listening(CHAT) as server, listening(CHAT) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            client = OpenAIClient(spec(base_url=f"{server.url}/v1"), environ={})
            await client.start()
            found = await client.ask(QUESTION)
            await client.close()
            return found, proxy.seen

    found, seen = asyncio.run(run())
    assert (found.text, seen) == ("hello", [])


@pytest.mark.parametrize(
    ("environ", "own"),
    [
        ({}, False),
        ({"HTTP_PROXY": "http://p:1"}, False),
        ({"http_proxy": "p:1"}, False),
        ({"HTTP_PROXY": "socks5://p:1"}, True),
        ({"HTTPS_PROXY": "socks5://p:1"}, False),
        ({"ALL_PROXY": "socks5://p:1"}, True),
        ({"HTTP_PROXY": "socks5://p:1", "NO_PROXY": "host"}, False),
    ],
)
def test_what_only_the_package_can_do_is_left_to_it(environ: dict[str, str], own: bool) -> None:
    """A proxy of another protocol on the way to the endpoint calls for the package's own way."""
    wires: list[str] = []

    class Noting(OpenAIClient):
        def _http_client(self) -> Any:
            wires.append("own")
            raise NotImplementedError

    async def run() -> None:
        client = Noting(spec(base_url="http://host/v1"), environ=environ)
        try:
            await client.start()
            await client.close()
        except NotImplementedError:
            pass

    asyncio.run(run())
    assert bool(wires) == own


def test_a_proxy_without_its_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS needs one more package: the message says which, before anything is sent."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(SetupError, match="pip install socksio"):
        asyncio.run(outcome(spec(base_url="http://host/v1")))


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "http://a/v1", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://a/v1", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://a/v1", None),
        ({"HTTPS_PROXY": "p:1"}, "https://a/v1", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "http_proxy": "http://q:1"}, "http://a/v1", "http://q:1"),
        ({"HTTP_PROXY": "http://p:1", "http_proxy": ""}, "http://a/v1", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a"}, "http://a:80/v1", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a:81"}, "http://a:81/v1", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a:81"}, "http://a:80/v1", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".b.c"}, "http://a.b.c/v1", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "b.c"}, "http://ab.c/v1", "http://p:1"),
    ],
)
def test_the_proxy_for_an_address(environ: dict[str, str], url: str, proxy: str | None) -> None:
    """Lower case goes first, an empty value names none, exempt are hosts, ports and domains."""
    assert proxy_for(url, proxies_of(environ)) == proxy
