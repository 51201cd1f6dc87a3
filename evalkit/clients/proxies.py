"""The proxy that the environment names for an address, as curl and the `openai` package read it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

SUFFIX = "_proxy"


def proxies_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return proxies by what is reached through them: "http", "https", "all"; "no" is the exempt.

    Names in lower case go before those in upper case, also with an empty value, which names none.
    """
    found: dict[str, str] = {}
    for name, value in sorted(environ.items()):  # "HTTP_PROXY" sorts before "http_proxy"
        if name.lower().endswith(SUFFIX):
            found[name.lower().removesuffix(SUFFIX)] = value
    return {scheme: value for scheme, value in found.items() if value}


def proxy_for(url: str, proxies: Mapping[str, str]) -> str | None:
    """Return the address of the proxy that leads to ``url``; ``None`` to go there directly."""
    parts = urlsplit(url)
    named = proxies.get(parts.scheme)
    host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    if named is None or proxy_bypass(host, proxies):
        return None
    return named if "://" in named else f"http://{named}"
