"""A text and its continuation, as base models take it: requests and answers of `/completions`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalkit.clients.chat import read_usage
from evalkit.clients.wire import Answer
from evalkit.errors import ProviderError
from evalkit.model import Reply
from evalkit.suite.chat import only_text

Json = dict[str, Any]

ONE_ALTERNATIVE = 1
"""Of each token, where a suite asks for log probabilities only: 0 asks some servers for none."""


def completion_body(body: Mapping[str, Any]) -> Json:
    """Return a chat completion's body as one of a completion: the only message is the prompt.

    Raises:
        ProviderError: the messages are more than one text.
    """
    sent = dict(body)
    prompt = only_text(sent.pop("messages"))
    if prompt is None:
        message = "the endpoint 'completions' takes one text, not a conversation"
        raise ProviderError("bad_request", message)
    if "max_completion_tokens" in sent:
        sent["max_tokens"] = sent.pop("max_completion_tokens")
    # Here a number says how many alternatives, which chat says in a field of its own.
    if isinstance(sent.get("logprobs"), bool):
        alternatives = sent.pop("top_logprobs", ONE_ALTERNATIVE)
        if sent.pop("logprobs"):
            sent["logprobs"] = alternatives
    return {"prompt": prompt, **sent}


def read_completion(answer: Answer) -> Reply:
    """Return the first choice as a reply.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: this is no completion.
    """
    data = json.loads(answer.content)
    choice = data["choices"][0]
    text = choice["text"]
    if not isinstance(text, str):
        raise TypeError(f"text of type {type(text).__name__}")
    found = choice.get("logprobs")
    return Reply(
        text=text,
        finish_reason=str(choice.get("finish_reason") or "stop"),
        model=str(data.get("model") or ""),
        usage=read_usage(data.get("usage") or {}),
        latency_s=answer.latency_s,
        fingerprint=str(data.get("system_fingerprint") or ""),
        extra={"logprobs": _as_in_chat(found)} if found else {},
    )


def _as_in_chat(found: Json) -> Json:
    """Return log probabilities in the shape that chat completions have.

    ``text_offset``, where a token begins in the text, is kept: with ``echo`` it tells the prompt's
    tokens, of which the first has no log probability, from the answer's.
    """
    if "content" in found:  # llama.cpp's server answers in chat's shape at once
        return found
    tokens = found["tokens"]
    alternatives = found.get("top_logprobs") or [None] * len(tokens)
    rows = zip(tokens, found["token_logprobs"], alternatives, strict=True)
    content = [
        {**_token(token, value), "top_logprobs": _ranked(others or {})}
        for token, value, others in rows
    ]
    return {"content": content, "text_offset": found.get("text_offset")}


def _token(token: str, logprob: float | None) -> Json:
    return {"token": token, "logprob": logprob, "bytes": None}


def _ranked(alternatives: Mapping[str, float]) -> list[Json]:
    return [_token(*pair) for pair in sorted(alternatives.items(), key=lambda pair: -pair[1])]
