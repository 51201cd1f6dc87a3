"""A chat completion's JSON to a reply, read without the package's typed responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalkit.clients.wire import Answer
from evalkit.model import Reply, Usage


def read_chat(answer: Answer) -> Reply:
    """Return the first choice as a reply.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: this is no chat completion.
    """
    data = json.loads(answer.content)
    choice = data["choices"][0]
    message = choice["message"]
    refusal = message.get("refusal")
    found = {
        "tool_calls": message.get("tool_calls"),
        "logprobs": choice.get("logprobs"),
        "refusal": refusal,
    }
    return Reply(
        text=_text(message.get("content")) or _text(refusal),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        model=str(data.get("model") or ""),
        usage=read_usage(data.get("usage") or {}),
        latency_s=answer.latency_s,
        fingerprint=str(data.get("system_fingerprint") or ""),
        extra={name: value for name, value in found.items() if value},
    )


def read_usage(counted: Mapping[str, Any]) -> Usage:
    """Return the tokens as chat completions and completions count them."""
    details = counted.get("prompt_tokens_details") or {}
    return Usage(
        input=int(counted.get("prompt_tokens") or 0),
        output=int(counted.get("completion_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
    )


def _text(content: object) -> str:
    """Return a message's text, its parts joined. Raises `TypeError` for anything else."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    raise TypeError(f"content of type {type(content).__name__}")
