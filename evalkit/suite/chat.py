"""Chat messages of fine-tuning rows: which assistant turns are answers, what precedes each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.model import Message
from evalkit.suite.draft import RowError
from evalkit.suite.validate import did_you_mean, shown

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_KEYS = (
    "role",
    "content",
    "name",
    "weight",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
    "audio",
)
_INSTEAD = (
    '{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}'
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and the answer that is expected after it, ``None`` if none is known."""

    chat: tuple[Message, ...]
    expected: Any = None


def read_messages(messages: Any, *, field: str = "messages") -> tuple[Message, ...]:  # noqa: ANN401
    """Return checked messages without null fields; raise `RowError` for what are none."""
    if not isinstance(messages, list) or not messages:
        needed = f"a list '{field}' that is not empty"
        raise RowError(needed, got=shown(messages), instead=_INSTEAD)
    for number, message in enumerate(messages):
        _check(f"{field}[{number}]", message)
    return tuple(
        {key: value for key, value in message.items() if value is not None or key == "content"}
        for message in messages
    )


def prompt_of(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return messages as endpoints take them: ``weight`` belongs to training only."""
    return tuple({k: v for k, v in message.items() if k != "weight"} for message in messages)


def answered_turns(messages: Sequence[Message], *, every: bool, answered: bool) -> tuple[Turn, ...]:
    """Return the last assistant turn whose weight is not 0, or with ``every`` each of them.

    With ``answered`` the row states its expected answer itself: then an assistant turn is not
    needed, and may be empty. Raises `RowError` for rows of another shape.
    """
    trained = [
        n for n, m in enumerate(messages) if m["role"] == "assistant" and m.get("weight", 1) != 0
    ]
    if not trained and not answered:
        got = "roles " + ", ".join(m["role"] for m in messages)
        raise RowError("an assistant turn of weight 1", got=got, instead=_INSTEAD)
    if trained[-1:] == [0]:
        raise RowError("a message before the assistant's", got="none", instead=_INSTEAD)
    ends = [n for n in trained if n] if every else trained[-1:]
    if not ends:
        return (Turn(prompt_of(messages)),)
    return tuple(_turn(messages, end, answered=answered) for end in ends)


def _turn(messages: Sequence[Message], end: int, *, answered: bool) -> Turn:
    expected = answer_of(messages[end])
    if expected is None and not answered:
        raise RowError(
            "a text or tool calls in an assistant turn that is the answer",
            got=shown(messages[end]),
            instead="a field 'expected' beside 'messages', or leave such rows out by 'filter'",
        )
    return Turn(prompt_of(messages[:end]), expected)


def answer_of(message: Message) -> Any:  # noqa: ANN401  (a text, or an object with tool calls)
    """Return an answer as graders take it: its text, or ``{"tool_calls": [...]}`` with any text.

    ``None`` if it says and calls nothing.
    """
    text = text_of(message) or message.get("refusal")
    calls = message.get("tool_calls")
    if not calls and message.get("function_call"):
        calls = [{"type": "function", "function": message["function_call"]}]
    if not calls:
        return text or None
    return {"tool_calls": calls, **({"content": text} if text else {})}


def text_of(message: Message) -> str | None:
    """Return the text of a message, its text parts joined; ``None`` if it has none."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content) or None
    return content


def only_text(messages: Sequence[Message]) -> str | None:
    """Return the text of a prompt that is one user message of text; ``None`` for any other."""
    if len(messages) != 1 or messages[0].get("role") != "user":
        return None
    content = messages[0].get("content")
    parts = content if isinstance(content, list) else []
    return text_of(messages[0]) if all(part.get("type") == "text" for part in parts) else None


def last_user_text(messages: Sequence[Message]) -> str:
    """Return the text of the last user message, empty if there is none."""
    users = [text_of(m) or "" for m in messages if m["role"] == "user"]
    return users[-1] if users else ""


def _check(where: str, message: Any) -> None:  # noqa: ANN401  (one item of a row)
    if not isinstance(message, Mapping):
        raise RowError(
            "messages with a role and a content", got=f"{where}: {shown(message)}", instead=_INSTEAD
        )
    for key, value in message.items():
        if key not in _KEYS and value is not None:
            instead = did_you_mean(key, _KEYS, otherwise="remove it")
            raise RowError(
                "only the fields " + ", ".join(_KEYS), got=f"{where}: '{key}'", instead=instead
            )
    role = message.get("role")
    if role not in _ROLES:
        instead = did_you_mean(str(role), _ROLES, otherwise='"role": "user"')
        raise RowError(
            "a role among " + ", ".join(_ROLES), got=f"{where}: {shown(role)}", instead=instead
        )
    _check_content(where, message)
    _check_calls(where, message)
    weight = message.get("weight")
    if weight is not None and weight not in (0, 1):
        raise RowError("a weight of 0 or 1", got=f"{where}: {shown(weight)}", instead='"weight": 1')


def _check_content(where: str, message: Mapping[str, Any]) -> None:
    content = message.get("content")
    without = any(message.get(name) for name in ("tool_calls", "function_call", "refusal", "audio"))
    parts = isinstance(content, list) and all(
        isinstance(p, Mapping) and isinstance(p.get("text", ""), str) for p in content
    )
    if not (isinstance(content, str) or parts or (content is None and without)):
        raise RowError(
            "a content that is a text or a list of content parts",
            got=f"{where}: {shown(content)}",
            instead='"content": "..."',
        )


def _check_calls(where: str, message: Mapping[str, Any]) -> None:
    calls, single = message.get("tool_calls") or [], message.get("function_call") or {}
    listed = isinstance(calls, list) and all(isinstance(call, Mapping) for call in calls)
    if not listed or not isinstance(single, Mapping):
        raise RowError(
            "tool calls with a function's name and its arguments",
            got=f"{where}: {shown(calls or single)}",
            instead='"tool_calls": [{"id": "call_1", "type": "function", '
            '"function": {"name": "...", "arguments": "{}"}}]',
        )
    if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise RowError(
            "the call that a tool's message answers",
            got=f"{where}: no tool_call_id",
            instead='"tool_call_id": "call_1", the id of a tool call before it',
        )
