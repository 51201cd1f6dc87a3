"""The OpenAI client over the real package, with a transport or a loopback server below it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import openai
import pytest

from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import ProviderError, SetupError
from evalkit.model import Limits, ModelSpec, Reply, Request, Usage

QUESTION = Request({"messages": [{"role": "user", "content": "hi"}], "temperature": 0}, sample=3)
ANSWER = {
    "model": "m-2026",
    "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 4},
    },
    "system_fingerprint": "fp",
}
AT_ONCE = {"retry-after-ms": "1"}

Handler = Callable[[httpx2.Request], httpx2.Response]


def spec(**fields: Any) -> ModelSpec:
    """Return a model at an endpoint that needs no key."""
    given = {"base_url": "http://host/v1", "limits": Limits(2, 0, 10), **fields}
    return ModelSpec("tuned", "candidate", "openai", "m", **given)


def run(
    handler: Handler,
    *,
    model: ModelSpec | None = None,
    environ: Mapping[str, str] = {},
    times: int = 1,
) -> list[Reply | ProviderError]:
    """Ask ``times`` times in a row over a transport that ``handler`` answers."""

    async def ask_all() -> list[Reply | ProviderError]:
        transport = httpx2.MockTransport(handler)
        client = OpenAIClient(model or spec(), environ=environ, transport=transport)
        await client.start()
        try:
            return [await outcome(client) for _ in range(times)]
        finally:
            await client.close()
            await client.close()

    return asyncio.run(ask_all())


async def outcome(client: OpenAIClient) -> Reply | ProviderError:
    """Return the answer or the error."""
    try:
        return await client.ask(QUESTION)
    except ProviderError as error:
        return error


def failure(handler: Handler, **given: Any) -> ProviderError:
    """Return the error that asking once ends with."""
    [error] = run(handler, **given)
    assert isinstance(error, ProviderError)
    return error


def answering(body: object, status: int = 200, headers: Mapping[str, str] = {}) -> Handler:
    """Return a handler that always sends the same JSON."""
    return lambda _: httpx2.Response(status, json=body, headers=headers)


def test_reply_carries_everything_the_endpoint_said() -> None:
    """Text, reason, names and counts come over."""
    [reply] = run(answering(ANSWER))
    assert isinstance(reply, Reply)
    assert reply.latency_s >= 0
    assert reply == Reply(
        "hello", "stop", "m-2026", Usage(7, 2, 4), reply.latency_s, 1, fingerprint="fp"
    )


def test_request_is_the_body_with_the_models_name() -> None:
    """The model's name, headers and key go out; the sample number stays."""
    sent: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json=ANSWER)

    model = spec(api_key_env="MY_KEY", options={"headers": {"X-Team": "a"}})
    run(handler, model=model, environ={"MY_KEY": "secret"})
    assert str(sent[0].url) == "http://host/v1/chat/completions"
    assert json.loads(sent[0].content) == {"model": "m", **QUESTION.body}
    assert sent[0].headers["authorization"] == "Bearer secret"
    assert sent[0].headers["x-team"] == "a"


def test_tool_calls_logprobs_and_refusals_are_kept() -> None:
    """What is no plain text stands in ``extra``; a refusal is what the model said."""
    message = {"content": None, "tool_calls": [{"id": "1"}], "refusal": "no"}
    choice = {"message": message, "logprobs": {"content": []}, "finish_reason": None}
    [reply] = run(answering({"choices": [choice]}))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.finish_reason, reply.model) == ("no", "stop", "")
    assert reply.extra == {
        "tool_calls": [{"id": "1"}],
        "logprobs": {"content": []},
        "refusal": "no",
    }


def test_text_in_parts_is_joined() -> None:
    """Some servers send a text in parts, beside parts of other kinds."""
    parts = [{"type": "text", "text": "hel"}, {"type": "audio"}, {"type": "text", "text": "lo"}]
    [reply] = run(answering({"choices": [{"message": {"content": parts}}]}))
    assert isinstance(reply, Reply)
    assert reply.text == "hello"


def test_filtered_answer_comes_over_as_such() -> None:
    """The filter's finish reason is left for the engine to judge."""
    choice = {"message": {"content": ""}, "finish_reason": "content_filter"}
    [reply] = run(answering({"choices": [choice], "usage": None}))
    assert isinstance(reply, Reply)
    assert reply.finish_reason == "content_filter"
    assert reply.usage == Usage()


@pytest.mark.parametrize(
    ("status", "error", "kind", "stops"),
    [
        (400, {"message": "no such parameter"}, "bad_request", False),
        (400, {"message": "x", "code": "context_length_exceeded"}, "context_length", False),
        (400, {"message": "This model's maximum context length is 5"}, "context_length", False),
        (400, {"message": "x", "type": "exceed_context_size_error"}, "context_length", False),
        (400, {"message": "x", "code": "content_filter"}, "content_filter", False),
        (401, {"message": "wrong key"}, "auth", True),
        (403, {"message": "not yours"}, "auth", True),
        (404, {"message": "no such model"}, "not_found", True),
        (408, {"message": "slow"}, "timeout", False),
        (422, {"message": "odd"}, "bad_request", False),
        (429, {"message": "slow down"}, "rate_limited", False),
        (429, {"message": "x", "code": "insufficient_quota"}, "rate_limited", True),
        (500, {"message": "oops"}, "server", False),
        (503, {"message": "busy"}, "server", False),
    ],
)
def test_status_decides_the_kind(
    status: int, error: Mapping[str, str], kind: str, *, stops: bool
) -> None:
    """Every status has one kind; only what no other request can survive stops the endpoint."""
    found = failure(answering({"error": error}, status))
    assert (found.kind, found.stops_endpoint) == (kind, stops)
    assert f"http://host/v1 answered {status}: {error['message']}" in found.message


def test_error_page_is_quoted_in_short() -> None:
    """A page of HTML gives one line of bounded length."""
    found = failure(lambda _: httpx2.Response(502, text="<html>\n" + "bad gateway " * 100))
    assert found.kind == "server"
    assert "\n" not in found.message
    assert len(found.message) < 400


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text="<html>hello</html>", headers={"content-type": "text/html"}),
        httpx2.Response(200, text='{"choices": [', headers={"content-type": "application/json"}),
        httpx2.Response(200, content=b"\xff\xfe\x00", headers={"content-type": "application/json"}),
        httpx2.Response(200, json={"choices": []}),
        httpx2.Response(200, json={"choices": [{"message": None}]}),
        httpx2.Response(200, json={"choices": [{"message": {"content": 7}}]}),
        httpx2.Response(200, json={"error": {"message": "upstream failed"}}),
        httpx2.Response(200, json=["hello"]),
        httpx2.Response(200, json=None),
    ],
    ids=["html", "cut", "bytes", "no choice", "no message", "number", "error", "list", "null"],
)
def test_what_is_no_completion_is_a_bad_response(response: httpx2.Response) -> None:
    """A 200 with anything else in it fails that request only."""
    found = failure(lambda _: response)
    assert (found.kind, found.stops_endpoint) == ("bad_response", False)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_one_try_is_one_request(status: int) -> None:
    """The client tries once and says that the error may pass: the engine tries again."""
    calls: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        return httpx2.Response(status, json={}, headers={"retry-after-ms": "1500"})

    found = failure(handler, model=spec(limits=Limits(1, 4, 10)))
    assert len(calls) == 1
    assert found.transient
    assert found.retry_after_s == 1.5


def test_bad_request_is_not_tried_again() -> None:
    """What cannot get better is asked once."""
    calls: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        return httpx2.Response(400, json={}, headers=AT_ONCE)

    found = failure(handler, model=spec(limits=Limits(1, 4, 10)))
    assert (found.kind, found.transient, len(calls)) == ("bad_request", False, 1)


def test_timeout_is_told_with_its_limit() -> None:
    """A request that takes too long is a timeout, not a dead endpoint."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("too slow", request=request)

    found = failure(handler)
    assert (found.kind, found.stops_endpoint) == ("timeout", False)
    assert "10 s" in found.message


@pytest.mark.parametrize("first", [200, 500])
def test_lost_connection_stops_only_what_never_answered(first: int) -> None:
    """Once an endpoint has said anything a lost connection fails one request only."""
    statuses = [first]

    def handler(request: httpx2.Request) -> httpx2.Response:
        if statuses:
            return httpx2.Response(statuses.pop(), json=ANSWER)
        raise httpx2.ConnectError("connection reset", request=request)

    _, later = run(handler, times=2)
    assert isinstance(later, ProviderError)
    assert (later.kind, later.stops_endpoint) == ("refused_connection", False)
    found = failure(handler)
    assert (found.kind, found.stops_endpoint) == ("refused_connection", True)
    assert "connection reset" in found.message


@pytest.mark.parametrize("status", [200, 401])
def test_key_shows_in_no_message(status: int) -> None:
    """A server that repeats the key it was sent does not get it into a record."""
    model = spec(api_key_env="MY_KEY")
    handler = answering({"error": {"message": "wrong key sk-secret"}}, status)
    found = failure(handler, model=model, environ={"MY_KEY": "sk-secret"})
    assert "sk-secret" not in str(found)
    assert "wrong key ***" in found.message


def test_a_key_of_a_letter_leaves_words_alone() -> None:
    """Servers at home take any key; one that stands in every word is no secret."""
    handler = answering({"error": {"message": "does not exist"}}, 404)
    found = failure(handler, model=spec(api_key_env="MY_KEY"), environ={"MY_KEY": "x"})
    assert "does not exist" in found.message


@pytest.mark.parametrize("status", [200, 500, None])
def test_credentials_of_the_address_show_in_no_message(status: int | None) -> None:
    """Whatever goes wrong, the address is named without user, password and query."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        if status is None:
            raise httpx2.ConnectError("connection reset", request=request)
        return httpx2.Response(status, json={})

    found = failure(handler, model=spec(base_url="http://me:pw@host/v1?token=abc"))
    assert "http://host/v1" in found.message
    assert not [secret for secret in ("me:", "pw", "abc") if secret in str(found)]


@pytest.mark.parametrize(
    ("base_url", "named", "environ", "key"),
    [
        (None, None, {"OPENAI_API_KEY": "a"}, "a"),
        ("https://api.openai.com/v1", None, {"OPENAI_API_KEY": "a"}, "a"),
        (None, None, {"OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "http://mine/v1"}, "a"),
        ("http://other/v1", None, {"OPENAI_API_KEY": "a"}, "none"),
        ("http://other/v1", "B", {"OPENAI_API_KEY": "a", "B": "b"}, "b"),
        (None, "B", {"OPENAI_API_KEY": "a", "B": "b"}, "b"),
        (None, None, {"OPENAI_BASE_URL": "http://mine/v1"}, "none"),
    ],
)
def test_key_goes_only_where_it_belongs(
    base_url: str | None, named: str | None, environ: Mapping[str, str], key: str
) -> None:
    """The default key is sent to the default endpoint, and to no other a project names."""
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(200, json=ANSWER)

    run(handler, model=spec(base_url=base_url, api_key_env=named), environ=environ)
    assert seen == [f"Bearer {key}"]


@pytest.mark.parametrize(
    ("fields", "variable"),
    [
        ({"base_url": None}, "OPENAI_API_KEY"),
        ({"api_key_env": "MY_KEY"}, "MY_KEY"),
    ],
)
def test_missing_key_names_its_variable(fields: Mapping[str, Any], variable: str) -> None:
    """Without the key nothing is asked, and the message says what to set."""
    with pytest.raises(SetupError, match=f"export {variable}=") as caught:
        run(answering(ANSWER), model=spec(**fields))
    assert "'tuned'" in caught.value.needed


def test_asking_before_the_start_is_an_error_of_the_caller() -> None:
    """A client that was not started cannot ask, and can be closed."""
    client = OpenAIClient(spec(), environ={})
    with pytest.raises(RuntimeError):
        asyncio.run(client.ask(QUESTION))
    asyncio.run(client.close())


@pytest.mark.parametrize(
    ("base_url", "environ", "identity"),
    [
        ("http://me:pw@host:8000/v1/", {}, "openai http://host:8000/v1 m"),
        ("http://host/v1?token=x", {}, "openai http://host/v1 m"),
        (None, {}, "openai https://api.openai.com/v1 m"),
        (None, {"OPENAI_BASE_URL": "http://mine/v1"}, "openai http://mine/v1 m"),
    ],
)
def test_identity_is_address_and_model(
    base_url: str | None, environ: Mapping[str, str], identity: str
) -> None:
    """Equal endpoints share answers, however their address is written; nothing secret is in it."""
    assert OpenAIClient(spec(base_url=base_url), environ=environ).identity == identity


def test_another_revision_is_another_model() -> None:
    """Answers of weights that were served under the same name before are not shared."""
    revisions = ("", "a", "b")
    identities = {OpenAIClient(spec(revision=r), environ={}).identity for r in revisions}
    assert len(identities) == 3


def without_the_extra(**_: object) -> None:
    """Refuse as the package does where aiohttp is missing."""
    raise RuntimeError("install the extra")


@pytest.fixture(params=["aiohttp", "httpx2"])
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to the network: with the faster package and without."""
    if request.param == "aiohttp":
        pytest.importorskip("aiohttp")
    else:
        monkeypatch.setattr(openai, "DefaultAioHttpClient", without_the_extra)
    return str(request.param)


@pytest.mark.usefixtures("network")
def test_refused_connection_stops_the_endpoint() -> None:
    """Where nothing listens no request can be answered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"

        async def ask() -> Reply | ProviderError:
            client = OpenAIClient(spec(base_url=url), environ={})
            await client.start()
            try:
                return await outcome(client)
            finally:
                await client.close()

        found = asyncio.run(ask())
    assert isinstance(found, ProviderError)
    assert (found.kind, found.stops_endpoint) == ("refused_connection", True)
    assert url in found.message


@pytest.mark.usefixtures("network")
def test_connection_that_breaks_is_no_timeout() -> None:
    """A server that hangs up in the midst of a request is a lost connection."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    async def ask() -> Reply | ProviderError:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = OpenAIClient(spec(base_url=f"http://127.0.0.1:{port}/v1"), environ={})
        await client.start()
        found = await outcome(client)
        await client.close()
        server.close()
        await server.wait_closed()
        return found

    found = asyncio.run(ask())
    assert isinstance(found, ProviderError)
    assert found.kind == "refused_connection"


@pytest.mark.usefixtures("network")
def test_real_connections_are_kept_and_closed() -> None:
    """Over a real socket requests share connections, at most as many as allowed."""
    connections: list[asyncio.Task[Any] | None] = []
    payload = json.dumps(ANSWER).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        length = 0
        while line := await reader.readline():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            if line == b"\r\n":
                await reader.readexactly(length)
                writer.write(f"{head}\r\n\r\n".encode() + payload)
        writer.close()
        await writer.wait_closed()

    async def ask_many() -> list[Reply | ProviderError]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = OpenAIClient(spec(base_url=f"http://127.0.0.1:{port}/v1"), environ={})
        await client.start()
        replies = await asyncio.gather(*(outcome(client) for _ in range(20)))
        await client.close()
        await asyncio.gather(*(task for task in connections if task is not None))
        server.close()
        await server.wait_closed()
        return replies

    replies = asyncio.run(ask_many())
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == ["hello"] * 20
    assert len(connections) == 2


def test_package_is_loaded_by_the_first_start_only() -> None:
    """Making clients imports neither openai nor any HTTP package."""
    code = """
import sys
from evalkit.clients import make_client
from evalkit.model import ModelSpec
make_client(ModelSpec("m", "base", "openai", "m"), environ={}).identity
print([name for name in ("openai", "httpx2", "aiohttp", "xllamacpp") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
