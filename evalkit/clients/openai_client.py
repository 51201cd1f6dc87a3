"""OpenAI and everything that speaks its chat completions: the one module that knows `openai`.

The package decides address, key and headers, by its own variables. It tries once: the engine tries
again, as it has to slow down all requests when one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evalkit.clients.chat import PATH, read_chat
from evalkit.clients.refusals import quota, refusal
from evalkit.clients.wire import (
    CONNECT_S,
    Answer,
    Wire,
    no_answer_in_time,
    no_connection,
    timed_out,
)
from evalkit.errors import ProviderError, SetupError
from evalkit.model import ModelSpec, Quota, Reply, Request
from evalkit.model.project import without_credentials

if TYPE_CHECKING:
    import httpx2
    import openai

    from evalkit.clients.direct import Target

OPENAI = "https://api.openai.com/v1"
BASE_URL = "OPENAI_BASE_URL"
KEY = "OPENAI_API_KEY"
PROXIES_OF_ANY_KIND = ("ALL_PROXY", "all_proxy")
"""Such a proxy may speak SOCKS, which only the package's own way understands."""

MOST_WORDS = 300
"""Letters of a server's own words that go into a message."""


class OpenAIClient:
    """One model at one endpoint.

    ``spec.options.headers`` go with every request. Without ``spec.base_url`` the endpoint is that
    of ``OPENAI_BASE_URL``, or OpenAI's own. ``OPENAI_API_KEY`` is sent to these two only; for any
    other endpoint ``spec.api_key_env`` names the key's variable, or there is none.
    ``transport`` takes the network's place. ``quota`` is what the endpoint said of its limits.
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
        self._wire: Wire | None = None
        self._reached = False
        self.quota: Quota | None = None

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

        from evalkit.clients.direct import Direct

        self._key = self._find_key()
        limits = self._spec.limits
        if self._transport is None and not any(map(self._environ.get, PROXIES_OF_ANY_KIND)):
            context = httpx2.create_ssl_context()
            self._wire = Direct(Composer(self._sdk), limits, context=context)
        else:
            self._wire = Official(self._sdk(self._http_client()), limits.timeout_s)

    async def ask(self, request: Request) -> Reply:
        """Return the answer to one chat completion."""
        if self._wire is None:
            raise RuntimeError("the client was not started")
        try:
            answer = await self._wire.post(PATH, {"model": self._spec.model, **request.body})
        except ProviderError as error:
            raise self._addressed(error) from error
        self._reached = True
        self.quota = quota(answer.headers)
        if answer.status >= 400:
            raise refusal(answer, self._address, shortened=self._shortened)
        try:
            return read_chat(answer)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            words = self._shortened(answer.text)
            message = f"{self._address} sent no chat completion but {words!r}"
            raise ProviderError("bad_response", message) from error

    async def close(self) -> None:
        """Close all connections."""
        if self._wire is not None:
            await self._wire.close()

    def _sdk(self, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        import openai

        return openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self._base_url,
            max_retries=0,
            default_headers=self._spec.options.get("headers"),
            http_client=http_client,
        )

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

    def _http_client(self) -> httpx2.AsyncClient:
        import httpx2
        import openai

        limits = self._spec.limits
        connect = min(CONNECT_S, limits.timeout_s)
        timeout = httpx2.Timeout(limits.timeout_s, connect=connect, pool=None)
        if self._transport is not None:
            return httpx2.AsyncClient(transport=self._transport, timeout=timeout)
        most = limits.concurrency
        pool = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
        return openai.DefaultAsyncHttpxClient(limits=pool, timeout=timeout)

    def _addressed(self, error: ProviderError) -> ProviderError:
        """Return a connection's error with the address; one never reached will not be later."""
        if error.kind != "refused_connection":
            return error
        return ProviderError(
            error.kind,
            f"no connection to {self._address}: {self._shortened(error.message)}",
            stops_endpoint=not self._reached,
            transient=error.transient,
        )

    def _shortened(self, words: str) -> str:
        """Return a server's words on one line; some repeat the key they were sent."""
        if self._key:
            words = words.replace(self._key, "***")
        words = " ".join(words.split())
        return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}..."


class Official:
    """A wire that is the package's own: slower, and able to do all that the package can."""

    def __init__(self, sdk: openai.AsyncOpenAI, limit_s: float) -> None:
        self._sdk = sdk
        self._limit_s = limit_s

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Post by the package, without its typed responses."""
        import httpx2
        import openai

        begun = perf_counter()
        try:
            response = await self._sdk.post(path, cast_to=httpx2.Response, body=body)
        except openai.APIStatusError as error:
            response = error.response
        except openai.APITimeoutError as error:
            raise no_answer_in_time(self._limit_s) from error
        except openai.APIConnectionError as error:
            raise self._unreached(error) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content, perf_counter() - begun)

    async def close(self) -> None:
        """Close the package's client."""
        await self._sdk.close()

    def _unreached(self, error: Exception) -> ProviderError:
        return no_answer_in_time(self._limit_s) if timed_out(error) else no_connection(error)


class Composer:
    """Tells where the package would send a request: it is let send it, and nothing leaves."""

    def __init__(self, make: Callable[[httpx2.AsyncClient], openai.AsyncOpenAI]) -> None:
        self._make = make

    async def __call__(self, path: str, body: Mapping[str, Any]) -> Target:
        """Return the address and the headers."""
        import httpx2

        sent: list[httpx2.Request] = []

        def keep(request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            return httpx2.Response(200, json={})

        async with httpx2.AsyncClient(transport=httpx2.MockTransport(keep)) as client:
            await self._make(client).post(path, cast_to=httpx2.Response, body=body)
        return str(sent[0].url), dict(sent[0].headers)
