"""From a model's description to its client; other packages add kinds by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from evalkit.clients.local import LocalClient
from evalkit.clients.openai_client import OpenAIClient
from evalkit.clients.replay import ReplayClient
from evalkit.clients.scripted import ScriptedClient
from evalkit.errors import SetupError
from evalkit.model import Client, ModelSpec

GROUP = "evalkit.clients"
"""Entry points of this group are callables ``(spec, *, environ) -> Client``."""

Factory = Callable[..., Client]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of client and the ``options`` it reads."""

    factory: Factory
    options: tuple[str, ...] = ()


BUILT_IN: Mapping[str, Kind] = {
    "openai": Kind(OpenAIClient, ("headers",)),
    "local": Kind(LocalClient),
    "scripted": Kind(ScriptedClient, ("answers", "default")),
    "replay": Kind(ReplayClient, ("path",)),
}


def make_client(spec: ModelSpec, *, environ: Mapping[str, str]) -> Client:
    """Return the client that ``spec`` asks for; no I/O is done yet.

    Raises:
        SetupError: there is no client of this kind, or it does not know an option.
    """
    kind = BUILT_IN.get(spec.client)
    if kind is None:
        return _installed(spec.client)(spec, environ=environ)
    unknown = sorted(set(spec.options) - set(kind.options))
    if unknown:
        raise SetupError(
            f"options that the client '{spec.client}' of the model '{spec.name}' reads",
            got=", ".join(unknown),
            instead=", ".join(kind.options) or "no options",
        )
    return kind.factory(spec, environ=environ)


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
