"""A small chat endpoint on loopback that counts what it is asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Endpoint:
    """What the endpoint saw: for each (model, last message) the times at which it had answered."""

    url: str
    delay_s: float
    status: int = 200
    answered: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """Return how many requests were answered."""
        return sum(map(len, self.answered.values()))

    def answer(self, body: dict[str, Any]) -> str:
        """Return the sum that was asked for; the base gets only each third one right."""
        question = body["messages"][-1]["content"]
        left, right = (int(part) for part in question.split(" + "))
        return str(left + right) if body["model"] != "base" or left % 3 == 0 else "no idea"


@contextmanager
def serving(delay_s: float = 0.0) -> Iterator[Endpoint]:
    """Serve until the block ends."""
    endpoint = Endpoint("", delay_s)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(endpoint.delay_s)
            payload = json.dumps(_completion(body["model"], endpoint.answer(body))).encode()
            if endpoint.status != 200:
                payload = json.dumps({"error": {"message": "no such model", "code": None}}).encode()
            self.send_response(endpoint.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)
            with lock:
                key = (body["model"], body["messages"][-1]["content"])
                endpoint.answered.setdefault(key, []).append(time.monotonic())
                endpoint.headers.append(self.headers["Authorization"] or "")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


def _completion(model: str, text: str) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
