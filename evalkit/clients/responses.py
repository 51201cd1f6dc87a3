"""OpenAI's responses: a chat completion's body written as theirs, and their answers read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.clients.wire import Answer
from evalkit.errors import ErrorKind, ProviderError
from evalkit.model import Reply, Usage

Json = dict[str, Any]
Message = Mapping[str, Any]

INSTRUCTING = ("system", "developer")
CALLS = {"function": "function_call", "custom": "custom_tool_call"}
LENGTHS = ("max_tokens", "max_completion_tokens")
LOGPROBS = "message.output_text.logprobs"
NESTED = {
    "response_format": ("text", "format"),
    "verbosity": ("text", "verbosity"),
    "reasoning_effort": ("reasoning", "effort"),
}
"""Fields of a chat completion that stand inside another field here."""

FAILED: Mapping[str, ErrorKind] = {
    "server_error": "server",
    "rate_limit_exceeded": "rate_limited",
    "vector_store_timeout": "server",
}
"""Kinds by the code of an answer that failed though its status was 200."""


def response_body(body: Mapping[str, Any]) -> Json:
    """Return a chat completion's body as one of a response.

    ``seed`` has no place here. Answers are not kept by the server, as chat's are not. What is not
    named here goes as it is.
    """
    sent = dict(body)
    sent.pop("seed", None)
    prompt = _prompt(sent.pop("messages"))
    for name in LENGTHS:
        if name in sent:
            sent["max_output_tokens"] = sent.pop(name)
    for name, (outer, inner) in NESTED.items():
        if name in sent:
            sent[outer] = {**sent.get(outer, {}), inner: _flat(sent.pop(name))}
    if sent.pop("logprobs", False):
        sent["include"] = [*sent.get("include", ()), LOGPROBS]
    if "tools" in sent:
        sent["tools"] = [_tool(tool) for tool in sent["tools"]]
    if "tool_choice" in sent:
        sent["tool_choice"] = _flat(sent["tool_choice"])
    return {"store": False, **prompt, **sent}


def read_response(answer: Answer) -> Reply:
    """Return the text and the tool calls of a response as a reply, in the shape chat has them.

    Raises:
        ProviderError: the server says that it failed.
        ValueError, LookupError, TypeError, AttributeError: this is no finished response.
    """
    data = json.loads(answer.content)
    if data.get("status") == "failed":
        raise _failure(data.get("error") or {})
    if data.get("status") not in (None, "completed", "incomplete"):
        raise ValueError(f"status {data['status']}")
    items = data["output"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    text = _joined(parts, "output_text", "text")
    refusal = _joined(parts, "refusal", "refusal")
    calls = [call for item in items if (call := _call(item))]
    tokens = [token for part in parts for token in part.get("logprobs") or ()]
    found = {
        "tool_calls": calls,
        "logprobs": {"content": tokens} if tokens else None,
        "refusal": refusal,
    }
    return Reply(
        text=text or refusal,
        finish_reason=_finish_reason(data, called=bool(calls)),
        model=str(data.get("model") or ""),
        usage=_usage(data.get("usage") or {}),
        latency_s=answer.latency_s,
        extra={name: value for name, value in found.items() if value},
    )


def _prompt(messages: Sequence[Message]) -> Json:
    """Return the input and, if the first message is the system's, the instructions."""
    first, *others = messages
    given = first.get("content") if first.get("role") in INSTRUCTING else None
    if not isinstance(given, str) or not others:
        return {"input": _items(messages)}
    return {"instructions": given, "input": _items(others)}


def _items(messages: Sequence[Message]) -> list[Json]:
    """Return messages as items: what a tool answered and each tool call are items of their own."""
    items: list[Json] = []
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):
            content = _said(content) if role == "assistant" else [_part(part) for part in content]
        if role == "tool":
            call = message.get("tool_call_id")
            items.append({"type": "function_call_output", "call_id": call, "output": content})
        elif content:
            items.append({"role": role, "content": content})
        items += [_called(call) for call in message.get("tool_calls") or ()]
    return items


def _said(parts: Sequence[Json]) -> str:
    """Return what an earlier turn of the model said: parts of it would need ids here."""
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def _part(part: Json) -> Json:
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            image = part["image_url"]
            detail = image.get("detail", "auto")
            return {"type": "input_image", "image_url": image["url"], "detail": detail}
        case "file":
            return {"type": "input_file", **part["file"]}
        case _:
            return part


def _called(call: Json) -> Json:
    """Return a tool call of an earlier turn."""
    kind = call.get("type", "function")
    return {"type": CALLS[kind], "call_id": call.get("id"), **call[kind]}


def _tool(tool: Json) -> Json:
    """Return a tool; a function is held to its schema only if it says so, as in chat."""
    implied = {"strict": False, "parameters": None} if tool.get("type") == "function" else {}
    return {**implied, **_flat(tool)}


def _flat(value: Any) -> Any:  # noqa: ANN401  (a field of a request)
    """Return a value without the level that chat puts below its type's name, wherever it does."""
    if isinstance(value, list):
        return [_flat(item) for item in value]
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or not isinstance(value.get(kind), dict):
        return value
    rest = {name: item for name, item in value.items() if name != kind}
    inner = {name: _flat(item) for name, item in value[kind].items() if name in ("format", "tools")}
    return {**rest, **value[kind], **inner}


def _failure(error: Mapping[str, Any]) -> ProviderError:
    code = str(error.get("code"))
    kind = FAILED.get(code, "content_filter" if "policy" in code else "bad_request")
    return ProviderError(kind, f"{code}: {error.get('message')}")


def _joined(parts: Sequence[Json], kind: str, field: str) -> str:
    return "".join(part[field] for part in parts if part["type"] == kind)


def _call(item: Json) -> Json | None:
    """Return a tool call in the shape that chat has; ``None`` for an item of another type."""
    match item["type"]:
        case "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            return {"id": item.get("call_id"), "type": "function", "function": function}
        case "custom_tool_call":
            custom = {"name": item["name"], "input": item["input"]}
            return {"id": item.get("call_id"), "type": "custom", "custom": custom}
        case _:
            return None


def _finish_reason(data: Mapping[str, Any], *, called: bool) -> str:
    if data.get("status") == "incomplete":
        reason = (data.get("incomplete_details") or {}).get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if called else "stop"


def _usage(counted: Mapping[str, Any]) -> Usage:
    details = counted.get("input_tokens_details") or {}
    return Usage(
        input=int(counted.get("input_tokens") or 0),
        output=int(counted.get("output_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
    )
