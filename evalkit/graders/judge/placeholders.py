"""Messages of a suite's own for a judge: names in double braces, as OpenAI's graders have them.

Values are put in as marked material and never looked at again, so that an answer which contains
braces stays what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.graders.base import OptionError
from evalkit.graders.judge.marks import conversation, marked
from evalkit.model import Case, Message, Reply

_NAME = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")
_KNOWN = "item.NAME of a variable, item.expected, item.input, item.conversation, sample.output_text"


def check_messages(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return a suite's messages; raise `OptionError` for a name that stands for nothing."""
    names = [name for m in messages for name in _NAME.findall(str(m["content"]))]
    for name in names:
        group, _, rest = name.partition(".")
        if not (group == "item" and rest) and name != "sample.output_text":
            raise OptionError(
                f"names in braces that stand for something: {_KNOWN}",
                got=f"{{{{ {name} }}}}",
                instead="{{ sample.output_text }}",
            )
    if "sample.output_text" not in names:
        raise OptionError(
            "messages that show the judge the answer",
            got="none with {{ sample.output_text }}",
            instead='input: [{role: user, content: "... {{ sample.output_text }}"}]',
        )
    return tuple(messages)


def filled(messages: Sequence[Message], case: Case, reply: Reply) -> tuple[Message, ...]:
    """Return the messages with every name replaced by what it stands for."""
    before = [*case.messages, *reply.turns]
    item = {"input": _last_user(before), **case.vars, "expected": case.expected}

    def value(hit: re.Match[str]) -> str:
        group, _, name = hit[1].partition(".")
        if group == "sample":
            return marked("answer", written(reply))
        if name == "conversation" and name not in case.vars:
            return marked(name, conversation(before))
        found = _pick(item, name)
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return tuple(
        {"role": m["role"], "content": _NAME.sub(value, str(m["content"]))} for m in messages
    )


def written(reply: Reply) -> str:
    """Return an answer as a judge reads it: its text, and the tools that it called."""
    calls = reply.extra.get("tool_calls")
    return f"{reply.text}\n{json.dumps(calls, ensure_ascii=False)}" if calls else reply.text


def whole(reply: Reply) -> str:
    """Return an answer with all that was said after the prompt: two answers may differ in that."""
    if not reply.turns:
        return written(reply)
    return conversation([*reply.turns, {"role": "assistant", "content": written(reply)}])


def _pick(item: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  (any JSON value)
    value: Any = item
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _last_user(messages: Sequence[Message]) -> Any:  # noqa: ANN401  (a text, or content parts)
    users = (m.get("content") for m in reversed(messages) if m.get("role") == "user")
    return next(users, "")
