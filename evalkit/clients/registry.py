"""From a model's description to its client; other packages add kinds by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
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
    return factory_of(spec)(spec, environ=environ)


def factory_of(spec: ModelSpec) -> Factory:
    """Return what makes the client that ``spec`` asks for; raise `SetupError` if nothing does."""
    return BUILT_IN.get(spec.client) or _installed(spec)


def _installed(spec: ModelSpec) -> Factory:
    name, found = spec.client, entry_points(group=GROUP)
    if name in found.names:
        factory: Factory = found[name].load()
        return factory
    known = [*BUILT_IN, *sorted(found.names)]
    near = get_close_matches(name, known, n=1)
    raise SetupError(
        f"a client that evalkit knows, for the model {spec.name}",
        got=f"client: {name}",
        instead=f"client: {near[0]} (did you mean it?)"
        if near
        else f"one of {', '.join(known)}, or install the package that brings '{name}'",
    )
