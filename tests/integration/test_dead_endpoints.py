"""Endpoints that answer nobody, not any more or not here, over both wires."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.errors import ProviderError, SetupError
from tests.integration.asking import LIMITS, ask
from tests.integration.endpoint import Asked, Endpoint, Reaction, refusing, response, serving

pytestmark = pytest.mark.usefixtures("wire", "soon")

MANY = 40
"""Questions: enough to tell one call for each from a few in all."""


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "auth"), (403, "auth"), (404, "not_found"), (307, "bad_response")]
)
def test_what_no_request_can_survive_ends_the_model_at_once(
    endpoint: Endpoint, status: int, kind: str
) -> None:
    """A wrong key or an unknown model is asked for by the requests in flight and no others."""
    endpoint.react = refusing(status, "not you", location="/v1/chat/completions")
    found = ask(endpoint.url, count=MANY)
    assert set(found.kinds.values()) == {kind}
    assert isinstance(found.fatal, ProviderError)
    assert endpoint.url in found.fatal.message


def test_a_key_that_expires_keeps_the_answers_so_far(endpoint: Endpoint) -> None:
    """A 401 in the middle fails what is left with it; the run as a whole goes on."""
    expired = refusing(401, "expired")
    endpoint.react = lambda asked: expired(asked) if asked.text == "9 + 18" else None
    found = ask(endpoint.url, count=MANY, limits=replace(LIMITS, concurrency=1))
    assert list(found.kinds.values()) == [""] * 9 + ["auth"] * (MANY - 9)
    assert {f"{endpoint.url} answered 401: expired"} == found.words
    assert endpoint.calls == 10
    assert found.fatal is None


def test_where_nothing_listens_the_model_ends_after_its_tries() -> None:
    """The address is named; no question is asked more often than the rules allow."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        found = ask(url, count=MANY)
    assert set(found.kinds.values()) == {"refused_connection"}
    assert isinstance(found.fatal, ProviderError)
    assert all(f"no answer from {url}: " in words for words in found.words)
    assert found.seconds < 5


def test_a_name_that_is_none_is_told() -> None:
    """The message names the address and says that it was looked up in vain."""
    found = ask("http://nowhere.invalid/v1")
    assert set(found.kinds.values()) == {"refused_connection"}
    assert isinstance(found.fatal, ProviderError)
    assert "no answer from http://nowhere.invalid/v1: " in found.fatal.message
    assert "name" in found.fatal.message.lower()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and a certificate for 127.0.0.1 that nobody vouches for, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


@pytest.fixture
def behind_tls(certificate: Path) -> Iterator[Endpoint]:
    """Serve over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(tls=context) as endpoint:
        yield endpoint


def test_a_certificate_that_nobody_vouches_for_is_told_at_once(behind_tls: Endpoint) -> None:
    """No second try would change it, and nothing was sent."""
    # One at a time: asyncio leaks a socket whose handshake is cancelled before it has begun.
    found = ask(behind_tls.url, limits=replace(LIMITS, concurrency=1))
    assert set(found.kinds.values()) == {"refused_connection"}
    assert isinstance(found.fatal, ProviderError)
    assert "certificate" in found.fatal.message
    assert behind_tls.url in found.fatal.message
    assert behind_tls.calls == 0


def test_a_certificate_of_ones_own_can_be_trusted(
    behind_tls: Endpoint, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE names those who vouch, as for the `openai` package."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    assert set(ask(behind_tls.url).kinds.values()) == {""}


def test_a_name_and_a_password_in_the_address_are_sent(endpoint: Endpoint) -> None:
    """They go out as a header, as the package sends them."""
    found = ask(endpoint.url.replace("://", "://me:pw@"))
    assert set(found.kinds.values()) == {""}
    assert set(endpoint.keys) == {f"Basic {b64encode(b'me:pw').decode()}"}


@pytest.mark.parametrize(
    "url",
    ["localhost:8000/v1", "ftp://host/v1", "http://host:99999/v1", "http://[::1/v1", "http:///v1"],
)
def test_an_address_that_is_none_is_told_before_any_call(url: str) -> None:
    """The message says what one looks like, and keeps what stands before an @ to itself."""
    with pytest.raises(SetupError, match="http://") as caught:
        ask(url.replace("//", "//me:secret@"))
    assert url.partition("//")[2] in caught.value.got
    assert "secret" not in str(caught.value)


def moved(status: int, location: str, *, asked: Asked) -> Reaction | None:
    """Send whoever asks at the usual place to ``location``."""
    if asked.path != "/v1/chat/completions":
        return None
    return Reaction(response(status, {}, {"location": location}))


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirection_is_followed_as_the_package_does(endpoint: Endpoint, status: int) -> None:
    """The question is put again where the endpoint is now."""
    endpoint.react = lambda asked: moved(status, "/new/chat/completions", asked=asked)
    assert set(ask(endpoint.url).kinds.values()) == {""}
    assert {len(times) for times in endpoint.asked.values()} == {2}


def test_a_page_behind_a_redirection_says_where_it_is(endpoint: Endpoint) -> None:
    """A page to log in at is no answer, and the message names its address."""

    def to_login(asked: Asked) -> Reaction | None:
        login = Reaction(response(200, b"<h1>log in</h1>", {"content-type": "text/html"}))
        return moved(302, "/login?next=secret", asked=asked) or login

    endpoint.react = to_login
    found = ask(endpoint.url)
    assert set(found.kinds.values()) == {"bad_response"}
    login = endpoint.url.removesuffix("/v1") + "/login"
    sent = f"{endpoint.url} (which sent us to {login})"
    told = f"{sent} sent no chat completion but '<h1>log in</h1>'"
    assert found.words == {told}


def test_a_key_is_not_sent_along_to_another_host(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is redirected to goes without the key of who redirects."""
    monkeypatch.setenv("KEY", "secret")
    with serving() as other:
        endpoint.react = lambda _: Reaction(
            response(307, {}, {"location": f"{other.url}/chat/completions"})
        )
        found = ask(endpoint.url, api_key_env="KEY")
    assert set(found.kinds.values()) == {""}
    assert set(endpoint.keys) == {"Bearer secret"}
    assert set(other.keys) == {""}


def test_an_endpoint_that_is_away_for_a_while_costs_no_answer(endpoint: Endpoint) -> None:
    """While it is away hardly anything is sent; then all is answered that there is to ask."""
    endpoint.delay_s = 0.005
    refuse = refusing(503, "starting")
    over: list[float] = []

    def away(asked: Asked) -> Reaction | None:
        if endpoint.answers < 100:
            return None
        over[:] = over or [time.monotonic() + 0.5]
        return refuse(asked) if time.monotonic() < over[0] else None

    endpoint.react = away
    found = ask(endpoint.url, count=400, limits=replace(LIMITS, concurrency=16))
    assert set(found.kinds.values()) == {""}
    assert endpoint.calls < 400 + 60
