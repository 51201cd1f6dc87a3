"""Answers by rule."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from evalkit.clients.scripted import ScriptedClient
from evalkit.errors import ProviderError
from evalkit.model import ModelSpec, Reply, Request


def client(**options: Any) -> ScriptedClient:
    """Return a client with a script."""
    spec = ModelSpec("m", "base", "scripted", "parrot", options=options)
    return ScriptedClient(spec, environ={})


def ask(scripted: ScriptedClient, *messages: dict[str, Any]) -> Reply:
    """Start, ask once and close."""

    async def run() -> Reply:
        await scripted.start()
        try:
            return await scripted.ask(Request({"messages": list(messages)}))
        finally:
            await scripted.close()

    return asyncio.run(run())


def user(content: object) -> dict[str, Any]:
    """Return a user's message."""
    return {"role": "user", "content": content}


def test_last_user_message_is_looked_up() -> None:
    """Earlier turns and other roles do not matter."""
    scripted = client(answers={"b": "B", "a": "A"})
    reply = ask(scripted, user("a"), user("b"), {"role": "assistant", "content": "a"})
    assert reply == Reply("B", model="parrot")


def test_parts_of_a_message_are_joined() -> None:
    """A message in parts is its text, pictures left out."""
    parts = [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]
    assert ask(client(answers={"ab": "found"}), user(parts)).text == "found"


def test_default_answers_everything_else() -> None:
    """With a default there is always an answer, an empty one too."""
    assert ask(client(default=""), user("x")).text == ""
    assert ask(client(default="d"), {"role": "system", "content": "x"}).text == "d"


def test_no_answer_is_a_failed_request() -> None:
    """A question outside the script is named."""
    with pytest.raises(ProviderError, match="no answer to 'x'") as caught:
        ask(client(answers={"a": "A"}), user("x"))
    assert caught.value.kind == "bad_request"
    assert not caught.value.stops_endpoint


def test_identity_changes_with_the_script() -> None:
    """Another script is another model; the order in which it was written is not."""
    first, second = client(answers={"a": "1", "b": "2"}), client(answers={"b": "2", "a": "1"})
    assert first.identity == second.identity
    assert first.identity != client(answers={"a": "1"}).identity
    assert first.identity != client(answers={"a": "1", "b": "2"}, default="x").identity
