"""What the rows of each format ask, and the answer that they expect.

Every format of fine-tuning files becomes turns of chat: sources are OpenAI's guides to supervised,
preference and reinforcement fine-tuning, the README of openai/evals, and the data formats of
LLaMA-Factory (ShareGPT) and TRL (prompt and completion).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.model import Message
from evalkit.suite.chat import Turn, answer_of, answered_turns, prompt_of, read_messages
from evalkit.suite.draft import Format, RowError
from evalkit.suite.validate import did_you_mean, shown

Row = Mapping[str, Any]

_ASKING = ("tools", "parallel_tool_calls", "functions")
OWN: Mapping[Format, tuple[str, ...]] = {
    "openai-chat": ("messages", *_ASKING),
    "openai-dpo": ("input", "preferred_output", "non_preferred_output"),
    "openai-rft": ("messages", *_ASKING),
    "openai-evals": ("input", "ideal"),
    "sharegpt": ("conversations", "system", "tools"),
    "prompt-completion": ("prompt", "completion"),
}
"""The fields by which a format says what is asked and expected; its other fields are a case's."""

SEVERAL_TURNS: tuple[Format, ...] = ("openai-chat", "sharegpt")
"""The formats whose rows may have several answers."""

_SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "function_call": "assistant",
    "system": "system",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The turns of a row, the request's fields that it brings along, and variables of its own."""

    turns: tuple[Turn, ...]
    extra: Row = field(default_factory=dict)
    vars: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read: ``every`` turn or the last, and whether the row states ``expected``."""

    every: bool = False
    answered: bool = False


def read_shape(own: Row, kind: Format, how: Reading) -> Shape:
    """Return the shape of a row of ``kind`` from its own fields; raise `RowError` if it has none.

    Fields that are null are as good as missing.
    """
    given = {name: value for name, value in own.items() if value is not None}
    return _SHAPES[kind](given, how)


def _chat(own: Row, how: Reading) -> Shape:
    messages = read_messages(own.get("messages"))
    turns = answered_turns(messages, every=how.every, answered=how.answered)
    return Shape(turns, _asking(own))


def _sharegpt(own: Row, how: Reading) -> Shape:
    turns = own.get("conversations")
    if not isinstance(turns, list) or not turns:
        needed = "a list 'conversations' that is not empty"
        raise RowError(needed, got=shown(turns), instead=_TALK)
    system = own.get("system")
    if system is not None and not isinstance(system, str):
        raise RowError("a text as system", got=shown(system), instead='"system": "..."')
    first = [{"role": "system", "content": system}] if system else []
    messages = read_messages([*first, *_spoken(turns)], field="conversations")
    answers = answered_turns(messages, every=how.every, answered=how.answered)
    return Shape(answers, _asking({"tools": _listed(own.get("tools"))}))


def _prompt_completion(own: Row, how: Reading) -> Shape:
    prompt, completion = own.get("prompt"), own.get("completion")
    if completion is None and not how.answered:
        raise RowError("a completion beside the prompt", got="none", instead=_COMPLETED)
    if isinstance(completion, str):
        return Shape((Turn(_asked(prompt, "prompt"), completion.strip()),))
    expected = None if completion is None else _answer(completion, "completion")
    return Shape((Turn(_asked(prompt, "prompt"), expected),))


def _dpo(own: Row, _: Reading) -> Shape:
    asked = own.get("input")
    if not isinstance(asked, Mapping):
        needed = "an object 'input' with the messages"
        raise RowError(needed, got=shown(asked), instead=_PREFERRED)
    sides = {name: own.get(f"{name}_output") for name in ("preferred", "non_preferred")}
    answers = {name: _answer(side, f"{name}_output") for name, side in sides.items()}
    prompt = prompt_of(read_messages(asked.get("messages"), field="input.messages"))
    return Shape((Turn(prompt, answers["preferred"]),), _asking(asked), answers)


def _rft(own: Row, _: Reading) -> Shape:
    messages = read_messages(own.get("messages"))
    if messages[-1]["role"] == "assistant":
        raise RowError(
            "a conversation that ends where the model answers",
            got="a last message of the assistant",
            instead="a last message of the user, or format: openai-chat",
        )
    return Shape((Turn(prompt_of(messages)),), _asking(own))


def _evals(own: Row, _: Reading) -> Shape:
    ideal = own.get("ideal")
    texts = ideal if isinstance(ideal, list) else [ideal]
    if ideal is not None and not (texts and all(isinstance(text, str) for text in texts)):
        needed = "a text or a list of texts as ideal"
        raise RowError(needed, got=shown(ideal), instead=_IDEAL)
    return Shape((Turn(_asked(own.get("input"), "input"), ideal),))


def _asked(prompt: Any, name: str) -> tuple[Message, ...]:  # noqa: ANN401  (any field of a row)
    """Return a prompt that may be one text or messages."""
    if isinstance(prompt, str) and prompt:
        return ({"role": "user", "content": prompt},)
    if not isinstance(prompt, list):
        instead = _IDEAL if name == "input" else _COMPLETED
        raise RowError(f"a text or messages as {name}", got=shown(prompt), instead=instead)
    return prompt_of(read_messages(prompt, field=name))


def _answer(side: Any, name: str) -> Any:  # noqa: ANN401  (any field of a row)
    """Return what the last of an answer's messages says or calls."""
    messages = read_messages(side, field=name)
    found = answer_of(messages[-1]) if messages[-1]["role"] == "assistant" else None
    if found is None:
        needed = f"an assistant's answer at the end of {name}"
        instead = f'"{name}": [{{"role": "assistant", "content": "..."}}]'
        raise RowError(needed, got=shown(messages[-1]), instead=instead)
    return found


def _asking(own: Row) -> dict[str, Any]:
    """Return the fields of a row that belong into its request."""
    found = {name: own[name] for name in _ASKING if own.get(name) is not None}
    for name in ("tools", "functions"):
        tools = found.get(name, [])
        if not isinstance(tools, list) or not all(isinstance(tool, Mapping) for tool in tools):
            raise RowError(f"a list of functions as {name}", got=shown(tools), instead=_TOOLS)
        if not tools:
            found.pop(name, None)
    if not isinstance(found.get("parallel_tool_calls", True), bool):
        got, instead = shown(found["parallel_tool_calls"]), '"parallel_tool_calls": false'
        raise RowError("true or false as parallel_tool_calls", got=got, instead=instead)
    return found


def _spoken(turns: list[Any]) -> Iterator[Message]:
    """Yield ShareGPT's turns as messages; tool calls get the ids that endpoints ask for."""
    waiting: deque[str] = deque()
    made = 0
    for number, turn in enumerate(turns):
        where = f"conversations[{number}]"
        speaker, said = _speaker(turn, where)
        role = _SPEAKERS[speaker]
        message: dict[str, Any] = {"role": role, "content": said}
        if speaker == "function_call":
            calls = _calls(said, where, made)
            made += len(calls)
            waiting.extend(call["id"] for call in calls)
            message |= {"content": None, "tool_calls": calls}
        elif role == "tool":
            if not waiting:
                got = f"{where}: an answer of a tool without a call before it"
                raise RowError(
                    "a function_call before each answer of a tool", got=got, instead=_TALK
                )
            message["tool_call_id"] = waiting.popleft()
        if turn.get("weight") is not None:
            message["weight"] = turn["weight"]
        yield message


def _speaker(turn: Any, where: str) -> tuple[str, Any]:  # noqa: ANN401  (one item of a row)
    if not isinstance(turn, Mapping):
        raise RowError("turns with from and value", got=f"{where}: {shown(turn)}", instead=_TALK)
    speaker = turn.get("from", turn.get("role"))
    if not isinstance(speaker, str) or speaker not in _SPEAKERS:
        raise RowError(
            "a speaker among " + ", ".join(_SPEAKERS),
            got=f"{where}: {shown(speaker)}",
            instead=did_you_mean(str(speaker), _SPEAKERS, otherwise='"from": "human"'),
        )
    return speaker, turn.get("value", turn.get("content"))


def _calls(said: Any, where: str, made: int) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return what a ``function_call`` says: JSON of one call or of a list of them."""
    try:
        read = json.loads(said) if isinstance(said, str) else said
        calls = read if isinstance(read, list) else [read]
        return [
            {
                "id": f"call_{made + number}",
                "type": "function",
                "function": {"name": call["name"], "arguments": _text(call.get("arguments", {}))},
            }
            for number, call in enumerate(calls)
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        needed = "a function_call in JSON with name and arguments"
        instead = '"value": "{\\"name\\": \\"...\\", \\"arguments\\": {}}"'
        raise RowError(needed, got=f"{where}: {shown(said)}", instead=instead) from error


def _text(arguments: Any) -> str:  # noqa: ANN401  (any JSON value)
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _listed(tools: Any) -> Any:  # noqa: ANN401  (any field of a row)
    """Return ShareGPT's tools as a request has them: they may be text, and bare functions."""
    if isinstance(tools, str):
        try:
            tools = json.loads(tools or "[]")
        except (ValueError, RecursionError) as error:
            raise RowError("tools in JSON", got=shown(tools), instead=_TOOLS) from error
    if not isinstance(tools, list):
        return tools
    return [
        {"type": "function", "function": tool}
        if isinstance(tool, Mapping) and "type" not in tool
        else tool
        for tool in tools
    ]


_SHAPES: Mapping[Format, Callable[[Row, Reading], Shape]] = {
    "openai-chat": _chat,
    "openai-dpo": _dpo,
    "openai-rft": _rft,
    "openai-evals": _evals,
    "sharegpt": _sharegpt,
    "prompt-completion": _prompt_completion,
}
_TALK = '{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}'
_COMPLETED = '{"prompt": "...", "completion": "..."}'
_PREFERRED = (
    '{"input": {"messages": [...]}, "preferred_output": [{"role": "assistant", "content": "..."}], '
    '"non_preferred_output": [...]}'
)
_IDEAL = '{"input": [{"role": "user", "content": "..."}], "ideal": "..."}'
_TOOLS = '"tools": [{"type": "function", "function": {"name": "...", "parameters": {...}}}]'
EXAMPLES: Mapping[Format, str] = {
    "openai-chat": '{"messages": [{"role": "user", "content": "..."}, ...]}',
    "openai-dpo": _PREFERRED,
    "openai-rft": '{"messages": [{"role": "user", "content": "..."}], "reference": "..."}',
    "openai-evals": _IDEAL,
    "sharegpt": _TALK,
    "prompt-completion": _COMPLETED,
}
"""A row of each format, for messages."""
