"""The kinds of requests that an OpenAI-compatible server takes, each as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.clients.chat import read_chat
from evalkit.clients.completions import completion_body, read_completion
from evalkit.clients.embeddings import embedding_body, read_embedding
from evalkit.clients.responses import read_response, response_body
from evalkit.clients.wire import Answer
from evalkit.errors import SetupError
from evalkit.model import Reply

Body = Mapping[str, Any]

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading raises where JSON is broken, nested without end, or of another form."""

CHAT = "chat"
"""What is asked where a model's options do not say otherwise."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a question goes, how it is written there, and how the answer is read.

    ``encode`` takes the body of a chat completion, as every suite writes it, and raises
    `ProviderError` for what cannot be asked here. ``decode`` raises `ProviderError` where the
    server reports a failure, and one of `UNREADABLE` for what is no such ``answer``.
    """

    path: str
    answer: str
    encode: Callable[[Body], Body]
    decode: Callable[[Answer], Reply]


ENDPOINTS: Mapping[str, Endpoint] = {
    CHAT: Endpoint("/chat/completions", "chat completion", lambda body: body, read_chat),
    "responses": Endpoint("/responses", "response", response_body, read_response),
    "completions": Endpoint("/completions", "completion", completion_body, read_completion),
    "embeddings": Endpoint("/embeddings", "embedding", embedding_body, read_embedding),
}


def find_endpoint(kind: str, *, model: str) -> Endpoint:
    """Return the kind of requests that a model's options name; raise `SetupError` for no such."""
    if kind in ENDPOINTS:
        return ENDPOINTS[kind]
    raise SetupError(
        f"a kind of requests for the model '{model}' that evalkit knows",
        got=f"endpoint: {kind}",
        instead="one of " + ", ".join(ENDPOINTS),
    )
