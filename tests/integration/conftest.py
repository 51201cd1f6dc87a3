"""Projects to run: the example that answers by rule, and one behind a counting endpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Loaded here once, or each in-process run would load (and half unload) them anew.
import evalkit.decide.comparison
import evalkit.pipeline.follow
import evalkit.plugin.session  # noqa: F401
from tests.integration.endpoint import Endpoint, serving
from tests.integration.sums import write_sums

EXAMPLE = Path(__file__).parents[1] / "example"


@pytest.fixture
def example(pytester: pytest.Pytester) -> Path:
    """Copy the example project to the current folder."""
    shutil.copytree(EXAMPLE / "suites", pytester.path / "suites")
    return pytester.path


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Serve a counting endpoint."""
    with serving() as running:
        yield running


@pytest.fixture(params=["direct", "official"])
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to the network: the fast one, and the package's own.

    A proxy for everything asks for the second. It is not used, as all hosts are exempt from it.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if request.param == "official":
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "*")
    return str(request.param)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second try follow the first at once."""
    monkeypatch.setattr("evalkit.runner.retries.FIRST_S", 0.01)


@pytest.fixture
def sums(pytester: pytest.Pytester) -> Callable[[Endpoint, int], Path]:
    """Return a function that writes a project of ``n`` sums behind an endpoint."""

    def write(endpoint: Endpoint, n: int) -> Path:
        return write_sums(pytester.path, endpoint.url, n)

    return write
