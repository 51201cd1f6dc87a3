"""From a model's description to its client; other packages add kinds by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from evalkit.clients.azure_client import AzureClient
from evalkit.clients.local import LocalClient
from evalkit.clients.openai_client import OpenAIClient
from evalkit.clients.replay import ReplayClient
from evalkit.clients.scripted import ScriptedClient
from evalkit.errors import SetupError
from evalkit.model import Client, ModelSpec

GROUP = "evalkit.clients"
"""Entry points of this group are callables ``(spec, *, environ) -> Client``."""

Factory = Callable[..., Client]

BUILT_IN: Mapping[str, Factory] = {
    "openai": OpenAIClient,
    "azure": AzureClient,
    "local": LocalClient,
    "scripted": ScriptedClient,
    "replay": ReplayClient,
}


def make_client(spec: ModelSpec, *, environ: Mapping[str, str]) -> Client:
    """Return the client that ``spec`` asks for; no I/O is done yet.

    Raises:
        SetupError: there is no client of this kind, or nothing says where its models are.
    """
    factory = BUILT_IN.get(spec.client) or _installed(spec.client)
    return factory(spec, environ=environ)


def _installed(name: str) -> Factory:
    found = entry_points(group=GROUP)
    if name in found.names:
        factory: Factory = found[name].load()
        return factory
    raise SetupError(
        "a client that evalkit knows",
        got=f"client: {name}",
        instead=f"one of {', '.join([*BUILT_IN, *sorted(found.names)])}, "
        f"or install the package that brings '{name}'",
    )
