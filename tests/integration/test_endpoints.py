"""Whole runs over each kind of request: what is asked, what is stored, what is read back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.model import Record, Reply
from evalkit.pipeline.stages import read_run

TOKEN = {"token": "2", "logprob": -0.5, "bytes": [50], "top_logprobs": []}
SUITE = """\
suite: sums
purpose: target
prompt: "{{ sum }}"
graders: [{name: total, type: numeric}]
cases:
"""
Asked = tuple[str, dict[str, Any]]


class Server(ThreadingHTTPServer):
    """Adds up what it is asked, by three kinds of requests; keeps paths and bodies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """The server's own address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Answer the sum; the base is wrong about most of them."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, body))
        asked = body.get("prompt") or (body.get("input") or body["messages"])[-1]["content"]
        left, right = (int(number) for number in asked.split(" + "))
        text = str(left + right) if body["model"] != "base" or left % 4 == 0 else "?"
        data = json.dumps(answer(self.path, text, body["model"])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answer(path: str, text: str, model: str) -> dict[str, Any]:
    """Return an answer of the kind that was asked for, with log probabilities."""
    if path.startswith("/v1/completions"):
        tokens = {"tokens": [text], "token_logprobs": [-0.5], "top_logprobs": [{text: -0.5}]}
        return {"model": model, "choices": [{"text": text, "logprobs": tokens}]}
    if path.startswith("/v1/responses"):
        part = {"type": "output_text", "text": text, "logprobs": [{**TOKEN, "token": text}]}
        return {"model": model, "output": [{"type": "message", "content": [part]}]}
    choice = {"message": {"content": text}, "logprobs": {"content": [{**TOKEN, "token": text}]}}
    return {"model": model, "choices": [choice]}


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve from a thread of its own."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def run(folder: Path, server: Server, *, base: str, tuned: str, sampling: str) -> list[Record]:
    """Run a project whose two models are reached so, and return what its folder holds."""
    suites = folder / "suites"
    suites.mkdir(exist_ok=True)
    url = f"base_url: '{server.url}/v1'"
    (suites / "evalkit.yaml").write_text(
        "version: 1\nmodels:\n"
        f"  base: {{role: base, model: base, client: openai, {url}, {base}}}\n"
        f"  tuned: {{role: candidate, model: tuned, client: openai, {url}, {tuned}}}\n"
        f"sampling: {sampling}\n"
    )
    cases = (f"  - {{vars: {{sum: {i} + 1}}, expected: {i + 1}}}\n" for i in range(40))
    (suites / "sums.yaml").write_text(SUITE + "".join(cases))
    assert main(["run", "suites"]) == 0
    return list(read_run(Path("reports/latest"))[1].records)


@pytest.mark.parametrize("base", ["chat", "responses", "completions"])
def test_log_probabilities_come_with_every_kind_of_request(
    tmp_path: Path, server: Server, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked for once, kept with the answer, and read back in one shape."""
    monkeypatch.chdir(tmp_path)
    given = {
        "base": f"options: {{endpoint: {base}}}",
        "tuned": "options: {endpoint: responses}",
        "sampling": "{extra: {logprobs: true, top_logprobs: 2}}",
    }
    records = run(tmp_path, server, **given)
    assert len(server.asked) == 80
    assert {path for path, body in server.asked if body["model"] == "base"} == {
        "/v1/chat/completions" if base == "chat" else f"/v1/{base}"
    }
    for record in records:
        assert isinstance(record.outcome, Reply)
        [token] = record.outcome.extra["logprobs"]["content"]
        assert (token["token"], token["logprob"]) == (record.outcome.text, -0.5)
    assert run(tmp_path, server, **given) == records
    assert len(server.asked) == 80


def test_another_kind_of_request_is_asked_anew(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer by chat does not stand for one by another endpoint, and stays for chat itself."""
    monkeypatch.chdir(tmp_path)
    given = {"tuned": "options: {}", "sampling": "{}"}
    run(tmp_path, server, base="options: {}", **given)
    run(tmp_path, server, base="options: {endpoint: completions}", **given)
    assert [path for path, _ in server.asked[80:]] == ["/v1/completions"] * 40
    run(tmp_path, server, base="options: {endpoint: chat}", **given)
    assert len(server.asked) == 120


def test_a_field_is_taken_out_by_null(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reasoning model takes no temperature, and another field for the length."""
    monkeypatch.chdir(tmp_path)
    extra = "{extra: {temperature: null, max_tokens: null, max_completion_tokens: 9}, seed: null}"
    run(tmp_path, server, base="options: {}", tuned="options: {}", sampling=extra)
    assert {tuple(sorted(body)) for _, body in server.asked} == {
        ("max_completion_tokens", "messages", "model")
    }
