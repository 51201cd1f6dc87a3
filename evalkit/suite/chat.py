"""OpenAI's fine-tuning rows: the last trained assistant turn is the answer, the rest its prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def split_chat(messages: Any, *, answered: bool) -> tuple[tuple[Message, ...], str | None]:  # noqa: ANN401
    """Return the prompt and the text of the last assistant turn whose weight is not 0.

    With ``answered`` the row states its expected answer itself: then an assistant turn is not
    needed, and its text may be missing. Raises `RowError` for rows of another shape.
    """
    if not isinstance(messages, list) or not messages:
        raise RowError("a list 'messages' that is not empty", got=shown(messages), instead=_INSTEAD)
    for number, message in enumerate(messages):
        _check(number, message)
    turn = _last_trained(messages)
    if turn is None and not answered:
        got = "roles " + ", ".join(m["role"] for m in messages)
        raise RowError("an assistant turn of weight 1", got=got, instead=_INSTEAD)
    prompt = tuple(_sendable(m) for m in messages[:turn])
    if not prompt:
        raise RowError("a message before the assistant's", got="none", instead=_INSTEAD)
    expected = None if turn is None else text_of(messages[turn])
    if expected is None and not answered:
        raise RowError(
            "text in the last assistant turn",
            got=shown(messages[-1]),
            instead="a field 'expected' beside 'messages', or leave such rows out by 'where'",
        )
    return prompt, expected


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


def _check(number: int, message: Any) -> None:  # noqa: ANN401  (one item of a row)
    where = f"messages[{number}]"
    if not isinstance(message, Mapping):
        raise RowError(
            "messages with a role and a content", got=f"{where}: {shown(message)}", instead=_INSTEAD
        )
    for key in message:
        if key not in _KEYS:
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
    if message.get("weight", 1) not in (0, 1):
        raise RowError(
            "a weight of 0 or 1", got=f"{where}: {shown(message['weight'])}", instead='"weight": 1'
        )


def _check_content(where: str, message: Mapping[str, Any]) -> None:
    content = message.get("content")
    calls = message.get("tool_calls") or message.get("function_call")
    parts = isinstance(content, list) and all(
        isinstance(p, Mapping) and isinstance(p.get("text", ""), str) for p in content
    )
    if not (isinstance(content, str) or parts or (content is None and calls)):
        raise RowError(
            "a content that is a text or a list of content parts",
            got=f"{where}: {shown(content)}",
            instead='"content": "..."',
        )


def _last_trained(messages: Sequence[Message]) -> int | None:
    trained = [
        n for n, m in enumerate(messages) if m["role"] == "assistant" and m.get("weight", 1) != 0
    ]
    return trained[-1] if trained else None


def _sendable(message: Message) -> Message:
    """Return a message as endpoints take it: ``weight`` belongs to training only."""
    return {key: value for key, value in message.items() if key != "weight"}
