"""Answers by rule, without any model: for tests and for trying evalkit out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from evalkit.errors import ProviderError
from evalkit.model import ModelSpec, Reply, Request


class ScriptedClient:
    """Answers the last user message by ``options.answers``, or else with ``options.default``."""

    def __init__(self, spec: ModelSpec, *, environ: Mapping[str, str]) -> None:  # noqa: ARG002 - a factory's form
        self._model = spec.model
        self._answers: Mapping[str, str] = spec.options.get("answers", {})
        self._default: str | None = spec.options.get("default")

    @property
    def identity(self) -> str:
        """The name and a digest of the script."""
        script = json.dumps([self._answers, self._default], sort_keys=True)
        return f"scripted {self._model} {hashlib.sha256(script.encode()).hexdigest()}"

    async def start(self) -> None:
        """Do nothing."""

    async def ask(self, request: Request) -> Reply:
        """Return the scripted answer."""
        question = last_user_text(request.body["messages"])
        answer = self._answers.get(question, self._default)
        if answer is None:
            message = f"the script has no answer to {question[:80]!r} and no default"
            raise ProviderError("bad_request", message)
        return Reply(answer, model=self._model)

    async def close(self) -> None:
        """Do nothing."""


def last_user_text(messages: list[Mapping[str, Any]]) -> str:
    """Return the text of the last user message, its parts joined; empty if there is none."""
    content = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
