"""A text as a vector: requests and answers of `/embeddings`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalkit.clients.chat import read_usage
from evalkit.clients.wire import Answer
from evalkit.errors import ProviderError
from evalkit.model import Reply

Json = dict[str, Any]

OF_ANSWERS = frozenset(
    {"messages", "temperature", "max_tokens", "max_completion_tokens", "response_format", "seed"}
)
"""Fields of a chat completion that have no place here: nothing is written or drawn."""


def embedding_body(body: Mapping[str, Any]) -> Json:
    """Return a chat completion's body as one of an embedding: of the last message's text.

    Raises:
        ProviderError: the last message has parts, not one text.
    """
    text = body["messages"][-1].get("content")
    if not isinstance(text, str):
        message = "the endpoint 'embeddings' takes one text, not parts of a message"
        raise ProviderError("bad_request", message)
    return {**{name: body[name] for name in body if name not in OF_ANSWERS}, "input": text}


def read_embedding(answer: Answer) -> Reply:
    """Return the first embedding as a reply without text: ``extra["embedding"]``, a list of floats.

    Raises:
        ValueError, LookupError, TypeError, AttributeError, ArithmeticError: this is no embedding.
    """
    data = json.loads(answer.content)
    vector = data["data"][0]["embedding"]
    if not isinstance(vector, list):
        raise TypeError(f"embedding of type {type(vector).__name__}")
    return Reply(
        text="",
        model=str(data.get("model") or ""),
        usage=read_usage(data.get("usage") or {}),
        latency_s=answer.latency_s,
        extra={"embedding": [float(value) for value in vector]},
    )
