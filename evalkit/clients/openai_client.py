"""OpenAI and everything that speaks its protocol.

The package decides address, key and headers, by its own variables. It tries once: the engine tries
again, as it has to slow down all requests when one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evalkit.clients.endpoints import CHAT, UNREADABLE, find_endpoint
from evalkit.clients.proxies import proxies_of, proxy_for
from evalkit.clients.refusals import quota, refusal
from evalkit.clients.wire import (
    CONNECT_S,
    Answer,
    Wire,
    is_web_address,
    no_answer_in_time,
    no_connection,
    sent_in_circles,
    timed_out,
)
from evalkit.errors import ProviderError, SetupError
from evalkit.model import ModelSpec, Quota, Reply, Request
from evalkit.model.project import without_credentials

if TYPE_CHECKING:
    import httpx2
    import openai

OPENAI = "https://api.openai.com/v1"
BASE_URL = "OPENAI_BASE_URL"
KEY = "OPENAI_API_KEY"
HTTP = ("http://", "https://")

MOST_WORDS = 300
"""Letters of a server's own words that go into a message."""

SHORTEST_SECRET = 8
"""Letters of the shortest key that is taken out of messages."""


class OpenAIClient:
    """One model at one endpoint.

    ``spec.options.endpoint`` is a name of `ENDPOINTS`, ``spec.options.headers`` go with every
    request. Without ``spec.base_url`` the address is that of ``OPENAI_BASE_URL``, or OpenAI's own.
    ``OPENAI_API_KEY`` is sent to these two only; for any other address ``spec.api_key_env`` names
    the key's variable, or there is none. ``transport`` takes the network's place. ``quota`` is what
    the endpoint said of its limits.
    """

    service = "openai"
    """Whose protocol it is: the first word of the identity."""

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
        self._kind: str = spec.options.get("endpoint", CHAT)
        self._endpoint = find_endpoint(self._kind, model=spec.name)
        self._base_url = self._find_base_url()
        if not is_web_address(self._base_url):
            raise SetupError(
                f"the address of an endpoint as base_url of the model '{spec.name}'",
                got=self._base_url.rpartition("@")[2].partition("?")[0],
                instead="http:// or https://, the host, and the path that ends before "
                f"{self._endpoint.path}",
            )
        self._key = ""
        self._wire: Wire | None = None
        self._reached = False
        self.quota: Quota | None = None

    @property
    def identity(self) -> str:
        """The endpoint's address without credentials, the model's name, and how it is asked."""
        revision = f" revision {self._spec.revision}" if self._spec.revision else ""
        endpoint = f" endpoint {self._kind}" if self._kind != CHAT else ""
        return f"{self.service} {self.address} {self._model}{revision}{endpoint}"

    @property
    def _model(self) -> str:
        """The name under which requests ask for the model."""
        return self._spec.model

    @property
    def address(self) -> str:
        """Where the endpoint is, without credentials."""
        return without_credentials(self._base_url)

    async def start(self) -> None:
        """Find the key and load the package; nothing is sent.

        Raises:
            SetupError: a key is needed and the environment has none.
        """
        import httpx2
        import openai  # noqa: F401  (takes a second, which no request's timeout should count)

        from evalkit.clients.direct import Direct

        self._key = self._find_key()
        limits = self._spec.limits
        proxies = proxies_of(self._environ)
        proxy = proxy_for(self._base_url, proxies)
        # Only the package's own way knows proxies that speak SOCKS.
        known = "all" not in proxies and (proxy is None or proxy.startswith(HTTP))
        if self._transport is None and known:
            # Reading all certificates takes 0.1 s, which a server on this machine does not need.
            plain = self._base_url.startswith("http:")
            context = None if plain else httpx2.create_ssl_context()
            self._wire = Direct(Composer(self._sdk), limits, context=context, proxy=proxy)
        else:
            self._wire = Official(self._sdk(self._http_client()), limits.timeout_s)

    async def ask(self, request: Request) -> Reply:
        """Return the answer to one chat completion, put to the endpoint in its own form."""
        if self._wire is None:
            raise RuntimeError("the client was not started")
        body = self.body(request)
        try:
            answer = await self._wire.post(self._endpoint.path, body)
        except ProviderError as error:
            raise self._addressed(error) from error
        self._reached = True
        self.quota = quota(answer.headers)
        address = self.address
        if answer.moved_to:
            address += f" (which sent us to {without_credentials(answer.moved_to)})"
        if answer.status >= 300:
            raise refusal(answer, address, shortened=self.shortened)
        try:
            return self._endpoint.decode(answer)
        except ProviderError as error:
            words = f"{address}: {self.shortened(error.message)}"
            raise ProviderError(error.kind, words) from error
        except UNREADABLE as error:
            words = self.shortened(answer.text)
            message = f"{address} sent no {self._endpoint.answer} but {words!r}"
            raise ProviderError("bad_response", message) from error

    def body(self, request: Request) -> Mapping[str, Any]:
        """Return a request as it is sent. Raise `ProviderError` for what cannot be asked here."""
        return self._endpoint.encode({"model": self._model, **request.body})

    @property
    def kind(self) -> str:
        """The kind of requests: a name of `ENDPOINTS`."""
        return self._kind

    @property
    def batch_url(self) -> str:
        """What the lines of a batch name as the place of their requests."""
        return f"/v1{self._endpoint.path}"

    def package(self) -> openai.AsyncOpenAI:
        """Return the package's own client, for what is not asked request by request."""
        return self._sdk(self._http_client())

    async def close(self) -> None:
        """Close all connections."""
        if self._wire is not None:
            await self._wire.close()

    def _find_base_url(self) -> str:
        return self._spec.base_url or self._environ.get(BASE_URL) or OPENAI

    def _find_key(self) -> str:
        named = self._spec.api_key_env
        trusted = self._base_url in (OPENAI, self._environ.get(BASE_URL))
        variable = named or (KEY if trusted else None)
        key = self._environ.get(variable, "") if variable else ""
        if not key and (named or self._base_url == OPENAI):
            raise self._no_key(variable or KEY)
        return key

    def _no_key(self, variable: str) -> SetupError:
        return SetupError(
            f"the API key of the model '{self._spec.name}' in the variable {variable}",
            got="an environment without it",
            instead=f"export {variable}=..., or api_key_env: with the name of another variable",
        )

    def _sdk(self, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        import openai

        return openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._base_url, **self._settings(http_client)
        )

    def _settings(self, http_client: httpx2.AsyncClient) -> dict[str, Any]:
        """Return what every class of the package is made with."""
        import httpx2

        limit_s = self._spec.limits.timeout_s
        return {
            "http_client": http_client,
            "timeout": httpx2.Timeout(limit_s, connect=min(CONNECT_S, limit_s), pool=None),
            "max_retries": 0,
            "default_headers": self._spec.options.get("headers"),
        }

    def _http_client(self) -> httpx2.AsyncClient:
        import httpx2
        import openai

        if self._transport is not None:
            return httpx2.AsyncClient(transport=self._transport)
        most = self._spec.limits.concurrency
        pool = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
        try:
            return openai.DefaultAsyncHttpxClient(limits=pool)
        except ImportError as error:
            raise SetupError(
                "a package for the SOCKS proxy that the environment names",
                got=str(error),
                instead="pip install socksio, or another proxy",
            ) from error

    def _addressed(self, error: ProviderError) -> ProviderError:
        """Return a wire's error with the address; one never reached will not be later."""
        lost = error.kind == "refused_connection"
        return ProviderError(
            error.kind,
            f"no answer from {self.address}: {self.shortened(error.message)}",
            stops_endpoint=error.stops_endpoint or (lost and not self._reached),
            transient=error.transient,
            endpoint_wide=error.endpoint_wide,
        )

    def shortened(self, words: str) -> str:
        """Return a server's words on one line; some repeat the key they were sent.

        One of a few letters is no secret (servers at home take any) and would stand in any word.
        """
        if len(self._key) >= SHORTEST_SECRET:
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
        moved_to = str(response.url) if response.history else ""
        latency_s = perf_counter() - begun
        return Answer(response.status_code, headers, response.content, latency_s, moved_to)

    async def close(self) -> None:
        """Close the package's client."""
        await self._sdk.close()

    def _unreached(self, error: Exception) -> ProviderError:
        import httpx2

        if timed_out(error):
            return no_answer_in_time(self._limit_s)
        if isinstance(error.__cause__, httpx2.TooManyRedirects):
            return sent_in_circles()
        return no_connection(error, made=not isinstance(error.__cause__, httpx2.ConnectError))


class Composer:
    """Tells where the package would send a request: it is let send it, and nothing leaves."""

    def __init__(self, make: Callable[[httpx2.AsyncClient], openai.AsyncOpenAI]) -> None:
        self._make = make

    async def __call__(self, path: str, body: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
        """Return the address and the headers."""
        import httpx2

        sent: list[httpx2.Request] = []

        def keep(request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            return httpx2.Response(200, json={})

        async with httpx2.AsyncClient(transport=httpx2.MockTransport(keep)) as client:
            await self._make(client).post(path, cast_to=httpx2.Response, body=body)
        return str(sent[0].url), dict(sent[0].headers)
