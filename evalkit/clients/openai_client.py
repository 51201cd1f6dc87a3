"""OpenAI and everything that speaks its chat completions: the one module that knows `openai`.

The package does the retries with their waiting times, and the timeouts. Its typed responses are
left out: reading the JSON here costs a third less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evalkit.errors import ErrorKind, ProviderError, SetupError
from evalkit.model import ModelSpec, Reply, Request, Usage
from evalkit.model.project import without_credentials

if TYPE_CHECKING:
    import httpx2
    import openai

OPENAI = "https://api.openai.com/v1"
BASE_URL = "OPENAI_BASE_URL"
KEY = "OPENAI_API_KEY"
CONNECT_S = 10.0
SENT = "evalkit_sent"
"""Under this name a request notes when it was sent: the last try alone is the latency."""

MOST_WORDS = 300
"""Letters of a server's own words that go into a message."""

BY_STATUS: Mapping[int, ErrorKind] = {
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    429: "rate_limited",
}
# A 4xx of no kind above is told apart by its words, which differ from server to server.
BY_WORDS: Mapping[ErrorKind, re.Pattern[str]] = {
    "context_length": re.compile(r"context[_ ](length|size|window)|maximum context", re.IGNORECASE),
    "content_filter": re.compile(r"content[_ ](filter|policy|management)", re.IGNORECASE),
}
HOPELESS = frozenset[ErrorKind](["auth", "not_found"])
NO_MONEY = re.compile(r"insufficient[_ ]quota", re.IGNORECASE)


class OpenAIClient:
    """One model at one endpoint.

    ``spec.options.headers`` go with every request. Without ``spec.base_url`` the endpoint is that
    of ``OPENAI_BASE_URL``, or OpenAI's own. ``OPENAI_API_KEY`` is sent to these two only; for any
    other endpoint ``spec.api_key_env`` names the key's variable, or there is none.
    ``transport`` takes the network's place.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        environ: Mapping[str, str],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._spec = spec
        self._environ = environ
        self._transport = transport
        self._base_url = spec.base_url or environ.get(BASE_URL) or OPENAI
        self._key = ""
        self._sdk: openai.AsyncOpenAI | None = None
        self._reached = False

    @property
    def identity(self) -> str:
        """The endpoint's address without credentials, and the model's name."""
        revision = f" revision {self._spec.revision}" if self._spec.revision else ""
        return f"openai {self._address} {self._spec.model}{revision}"

    @property
    def _address(self) -> str:
        return without_credentials(self._base_url)

    async def start(self) -> None:
        """Find the key and load the package; nothing is sent.

        Raises:
            SetupError: a key is needed and the environment has none.
        """
        import httpx2
        import openai

        self._key = self._find_key()
        limits = self._spec.limits
        timeout = httpx2.Timeout(
            limits.timeout_s, connect=min(CONNECT_S, limits.timeout_s), pool=None
        )
        self._sdk = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self._base_url,
            timeout=timeout,
            max_retries=limits.retries,
            default_headers=self._spec.options.get("headers"),
            http_client=self._http_client(timeout),
        )

    async def ask(self, request: Request) -> Reply:
        """Return the answer to one chat completion."""
        import httpx2
        import openai

        if self._sdk is None:
            raise RuntimeError("the client was not started")
        body = {"model": self._spec.model, **request.body}
        try:
            response = await self._sdk.post("/chat/completions", cast_to=httpx2.Response, body=body)
        except openai.APIError as error:
            raise self._explained(error) from error
        self._reached = True
        return self._reply(response)

    async def close(self) -> None:
        """Close all connections."""
        if self._sdk is not None:
            await self._sdk.close()

    def _find_key(self) -> str:
        named = self._spec.api_key_env
        trusted = self._base_url in (OPENAI, self._environ.get(BASE_URL))
        variable = named or (KEY if trusted else None)
        key = self._environ.get(variable, "") if variable else ""
        if not key and (named or self._base_url == OPENAI):
            raise SetupError(
                f"the API key of the model '{self._spec.name}' in the variable {variable}",
                got="an environment without it",
                instead=f"export {variable}=..., or api_key_env: with the name of another variable",
            )
        return key

    def _http_client(self, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
        import httpx2
        import openai

        hooks = {"request": [_note_time]}
        if self._transport is not None:
            return httpx2.AsyncClient(transport=self._transport, timeout=timeout, event_hooks=hooks)
        most = self._spec.limits.concurrency
        limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
        try:
            # Over aiohttp a request costs about half; it comes with the extra openai[aiohttp].
            return openai.DefaultAioHttpClient(limits=limits, timeout=timeout, event_hooks=hooks)
        except RuntimeError:
            return openai.DefaultAsyncHttpxClient(limits=limits, timeout=timeout, event_hooks=hooks)

    def _reply(self, response: httpx2.Response) -> Reply:
        try:
            data = json.loads(response.content)
            choice = data["choices"][0]
            message = choice["message"]
            tool_calls, refusal = message.get("tool_calls"), message.get("refusal")
            text = _text(message.get("content")) or _text(refusal)
            found = {
                "tool_calls": tool_calls,
                "logprobs": choice.get("logprobs"),
                "refusal": refusal,
            }
            return Reply(
                text=text,
                finish_reason=str(choice.get("finish_reason") or "stop"),
                model=str(data.get("model") or ""),
                usage=_usage(data.get("usage") or {}),
                latency_s=perf_counter() - response.request.extensions[SENT],
                tries=_tries(response.request),
                fingerprint=str(data.get("system_fingerprint") or ""),
                extra={name: value for name, value in found.items() if value},
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            words = self._shortened(response.text)
            message = f"{self._address} sent no chat completion but {words!r}"
            raise ProviderError("bad_response", message) from error

    def _explained(self, error: openai.APIError) -> ProviderError:
        import openai

        tries = _tries(error.request)
        after = f" (after {tries} tries)" if tries > 1 else ""
        if isinstance(error, openai.APIStatusError):
            self._reached = True
            words = self._shortened(_words(error))
            kind = _kind(error.status_code, f"{error.code} {error.type} {words}")
            hopeless = kind in HOPELESS or bool(NO_MONEY.search(f"{error.code} {words}"))
            message = f"{self._address} answered {error.status_code}: {words}{after}"
            return ProviderError(kind, message, stops_endpoint=hopeless, tries=tries)
        causes = _causes(error)
        if _timed_out(causes):
            limit = self._spec.limits.timeout_s
            return ProviderError("timeout", f"no answer within {limit:g} s{after}", tries=tries)
        message = f"no connection to {self._address}: {self._shortened(str(causes[-1]))}{after}"
        down = not self._reached
        return ProviderError("refused_connection", message, stops_endpoint=down, tries=tries)

    def _shortened(self, words: str) -> str:
        """Return a server's words on one line; some repeat the key they were sent."""
        if self._key:
            words = words.replace(self._key, "***")
        words = " ".join(words.split())
        return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}..."


def _usage(counted: Mapping[str, Any]) -> Usage:
    details = counted.get("prompt_tokens_details") or {}
    return Usage(
        input=int(counted.get("prompt_tokens") or 0),
        output=int(counted.get("completion_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
    )


def _text(content: object) -> str:
    """Return a message's text, its parts joined. Raises `TypeError` for anything else."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    raise TypeError(f"content of type {type(content).__name__}")


def _tries(request: httpx2.Request) -> int:
    """Return which try ``request`` was; the package numbers its retries in a header."""
    return 1 + int(request.headers.get("x-stainless-retry-count", 0))


async def _note_time(request: httpx2.Request) -> None:
    request.extensions[SENT] = perf_counter()


def _causes(error: BaseException) -> list[BaseException]:
    """Return ``error`` and what led to it, the root last."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    return causes


def _timed_out(causes: list[BaseException]) -> bool:
    """Tell a timeout from a lost connection, which comes as a timeout too when over aiohttp."""
    import httpx2

    timed_out = any(isinstance(cause, TimeoutError) for cause in causes)
    return timed_out or isinstance(causes[-1], httpx2.TimeoutException)


def _words(error: openai.APIStatusError) -> str:
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    return said if isinstance(said, str) else error.message


def _kind(status: int, words: str) -> ErrorKind:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return "server"
    return next((k for k, pattern in BY_WORDS.items() if pattern.search(words)), "bad_request")
