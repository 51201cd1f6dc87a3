"""Recorded answers in place of a model."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.clients.replay import ReplayClient
from evalkit.errors import ProviderError, SetupError
from evalkit.model import Case, Failure, Grade, ModelSpec, Record, Reply, Request, Usage
from evalkit.store import RunFolder

PROMPT = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
REPLY = Reply("yes", "stop", "m-1", Usage(5, 1, 0), 0.5, 2, "fp", {"logprobs": [1]})


def client(path: Path, model: str = "tuned") -> ReplayClient:
    """Return a client over a recording."""
    spec = ModelSpec("m", "base", "replay", model, options={"path": str(path)})
    return ReplayClient(spec, environ={})


def ask(replay: ReplayClient, messages: list[dict[str, str]], sample: int = 0) -> Reply:
    """Start, ask once and close."""

    async def run() -> Reply:
        await replay.start()
        try:
            return await replay.ask(Request({"messages": messages, "seed": 1}, sample))
        finally:
            await replay.close()

    return asyncio.run(run())


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run with two models, two samples, and a failure."""
    run = RunFolder.create(tmp_path, "run")
    run.write_cases([Case("s", "c", tuple(PROMPT)), Case("s", "d", tuple(PROMPT[1:]))])
    run.write_records(
        [
            Record("s", "c", "base", 0, Reply("base")),
            Record("s", "c", "tuned", 0, REPLY, {"g": Grade(1.0, passed=True)}, 1.0),
            Record("s", "c", "tuned", 1, Reply("second")),
            Record("s", "d", "tuned", 0, Failure("timeout", "late")),
        ]
    )
    return run.path


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """Recorded chats, one prompt answered twice."""
    path = tmp_path / "chats.jsonl"
    answers = [(PROMPT, "1"), (PROMPT[1:], "other"), (PROMPT, "2")]
    rows = [[*prompt, {"role": "assistant", "content": text}] for prompt, text in answers]
    path.write_text("\n\n".join(json.dumps({"messages": row}) for row in rows))
    return path


def test_run_is_replayed_by_model_and_sample(run_folder: Path) -> None:
    """The same messages get what the model of that name answered in the run."""
    assert ask(client(run_folder), PROMPT) == REPLY
    assert ask(client(run_folder), PROMPT, sample=1).text == "second"
    assert ask(client(run_folder, "base"), PROMPT).text == "base"


def test_chats_are_replayed_in_their_order(chats: Path) -> None:
    """Equal prompts are the samples of one case; the messages count as a whole."""
    assert [ask(client(chats), PROMPT, sample=i).text for i in (0, 1)] == ["1", "2"]
    assert ask(client(chats), PROMPT[1:]).text == "other"


def test_chats_may_be_compressed(chats: Path) -> None:
    """A file that ends in .gz is unpacked."""
    packed = chats.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(chats.read_bytes()))
    assert ask(client(packed), PROMPT).text == "1"


@pytest.mark.parametrize("sample", [0, 1])
def test_what_was_not_recorded_is_offline(run_folder: Path, sample: int) -> None:
    """A failed call was no answer, and is none now."""
    with pytest.raises(ProviderError) as caught:
        ask(client(run_folder), PROMPT[1:], sample)
    assert caught.value.kind == "offline"


def test_identity_is_the_recordings_content(run_folder: Path, chats: Path) -> None:
    """Equal recordings are one model, wherever they lie; other answers are another."""
    moved = chats.rename(chats.with_name("moved.jsonl"))
    first = client(moved).identity
    assert client(moved).identity == first
    assert client(run_folder).identity != first
    moved.write_text(moved.read_text().replace("other", "changed"))
    assert client(moved).identity != first


def remove(path: Path) -> None:
    """Leave no file."""
    path.unlink()


def write(text: Any) -> Callable[[Path], object]:
    """Return a function that replaces a file's content."""
    return lambda path: path.write_text(text)


@pytest.mark.parametrize(
    "damage", [remove, write("{"), write('{"a": 1}'), write('{"messages": []}'), write("[1]")]
)
def test_recording_that_cannot_be_read_is_told(
    chats: Path, damage: Callable[[Path], object]
) -> None:
    """The message names the option, the file and the form of a line."""
    damage(chats)
    with pytest.raises(SetupError, match=r"options\.path") as caught:
        _ = client(chats).identity
    assert str(chats) in caught.value.got
