"""From a model's description to its client."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from evalkit.clients import make_client, registry
from evalkit.clients.azure_client import AzureClient
from evalkit.clients.local import LocalClient
from evalkit.clients.openai_client import OpenAIClient
from evalkit.clients.replay import ReplayClient
from evalkit.clients.scripted import ScriptedClient
from evalkit.errors import SetupError
from evalkit.model import CLIENTS, ModelSpec


def spec(kind: str, **options: Any) -> ModelSpec:
    """Return a model of one kind of client."""
    return ModelSpec("m", "base", kind, "m", options=options)


@pytest.mark.parametrize(
    ("kind", "client"),
    [
        ("openai", OpenAIClient),
        ("azure", AzureClient),
        ("local", LocalClient),
        ("scripted", ScriptedClient),
        ("replay", ReplayClient),
    ],
)
def test_every_kind_makes_its_client(kind: str, client: type) -> None:
    """The built-in kinds are there, and nothing is read when they are made."""
    environ = {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com"}
    assert isinstance(make_client(spec(kind), environ=environ), client)


def test_the_names_known_without_an_import_are_those_that_are_built_in() -> None:
    """`validate` looks there first, as loading the clients takes half a second."""
    assert tuple(registry.BUILT_IN) == CLIENTS


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package that brings a client."""
    entry = EntryPoint("other", f"{__name__}:make_other", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: EntryPoints([entry]))  # noqa: ARG005


def make_other(spec: ModelSpec, *, environ: Mapping[str, str]) -> ScriptedClient:
    """Make a client as another package would."""
    assert environ == {"A": "b"}
    return ScriptedClient(spec, environ=environ)


@pytest.mark.usefixtures("_installed")
def test_other_packages_bring_clients() -> None:
    """An entry point's callable gets the description, options and all, and the environment."""
    client = make_client(spec("other", default="x"), environ={"A": "b"})
    assert isinstance(client, ScriptedClient)


@pytest.mark.usefixtures("_installed")
def test_unknown_kind_lists_the_known() -> None:
    """The message names every kind there is, also those of other packages."""
    with pytest.raises(
        SetupError, match="one of openai, azure, local, scripted, replay, other"
    ) as caught:
        make_client(spec("mine"), environ={})
    assert caught.value.got == "client: mine"
    with pytest.raises(SetupError, match="did you mean it") as caught:
        make_client(spec("opnai"), environ={})
    assert caught.value.instead.startswith("client: openai")
