"""Recorded answers in place of a model: a finished run's folder, or chats as JSON lines."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evalkit.errors import ProviderError, SetupError
from evalkit.model import ModelSpec, Reply, Request, Usage

Row = dict[str, Any]


class ReplayClient:
    """Answers a request with what was recorded for the same messages and sample.

    ``options.path`` is a run's folder, of which the model ``spec.model`` is replayed, or a file of
    chats (``{"messages": [...]}`` a line) whose last message is the answer; equal prompts are the
    samples of one case, in the order of the lines.
    """

    def __init__(self, spec: ModelSpec, *, environ: Mapping[str, str]) -> None:  # noqa: ARG002 - a factory's form
        self._model = spec.model
        self._path = Path(spec.options.get("path", ""))

    @property
    def identity(self) -> str:
        """The model's name and a digest of everything recorded."""
        digest = hashlib.sha256()
        for key in sorted(self._replies):
            digest.update(repr((key, self._replies[key])).encode("utf-8", "surrogatepass"))
        return f"replay {self._model} {digest.hexdigest()}"

    async def start(self) -> None:
        """Do nothing: the recording was read for the identity."""

    async def ask(self, request: Request) -> Reply:
        """Return the recorded answer."""
        key = _key(request.body["messages"], request.sample)
        if key not in self._replies:
            message = f"{self._path} holds no answer of {self._model} to these messages"
            raise ProviderError("offline", message)
        return self._replies[key]

    async def close(self) -> None:
        """Do nothing."""

    @cached_property
    def _replies(self) -> dict[str, Reply]:
        try:
            read = self._from_run if self._path.is_dir() else self._from_chats
            return dict(read())
        except (OSError, EOFError, zlib.error, ValueError, TypeError, LookupError) as error:
            raise SetupError(
                "options.path: a finished run's folder, or a file with a chat in each line",
                got=f"{self._path}: {type(error).__name__}: {error}",
                instead='lines like {"messages": [..., {"role": "assistant", "content": "..."}]}',
            ) from error

    def _from_run(self) -> Iterator[tuple[str, Reply]]:
        cases = {
            (case["suite"], case["id"]): case["messages"]
            for case in _rows(self._path / "cases.jsonl.gz")
        }
        for record in _rows(self._path / "records.jsonl.gz"):
            outcome = record["outcome"]
            if record["model"] == self._model and "text" in outcome:
                messages = cases[record["suite"], record["case"]]
                reply = Reply(**{**outcome, "usage": Usage(**outcome["usage"])})
                yield from _turns(messages, reply, record["sample"])

    def _from_chats(self) -> Iterator[tuple[str, Reply]]:
        samples: dict[str, int] = {}
        for row in _rows(self._path):
            *prompt, answer = row["messages"]
            first = _key(prompt, 0)
            sample = samples.get(first, 0)
            samples[first] = sample + 1
            yield _key(prompt, sample), Reply(answer["content"], model=self._model)


def _turns(
    prompt: list[Mapping[str, Any]], reply: Reply, sample: int
) -> Iterator[tuple[str, Reply]]:
    """Yield the answer to each turn; what all of them took stands at the last."""
    messages = [*prompt, *reply.turns]
    for at in range(len(prompt), len(messages), 2):
        yield _key(messages[:at], sample), Reply(messages[at]["content"], model=reply.model)
    extra = {name: value for name, value in reply.extra.items() if name != "turns"}
    yield _key(messages, sample), replace(reply, extra=extra)


def _key(messages: list[Mapping[str, Any]], sample: int) -> str:
    return json.dumps([messages, sample], sort_keys=True)


def _rows(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
