"""An endpoint on loopback with a Batch API, whose batches go on when a test says so."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.integration.endpoint import completion

Json = dict[str, Any]
PATH = "/v1/chat/completions"


@dataclass
class BatchEndpoint:
    """What the endpoint holds and saw.

    ``fate`` decides what becomes of a request that is worked on: its text in, empty for an answer,
    ``expired`` or a status such as ``400`` out. ``broken`` lets every download end half way.
    ``deaf`` drops the connection once a batch is made, before its maker hears of it. Without
    ``has_api`` it answers single requests only.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    fate: Callable[[str], str] = lambda _: ""
    broken: bool = False
    deaf: bool = False
    has_api: bool = True
    calls: int = 0
    keys: set[str] = field(default_factory=set)

    @property
    def requests(self) -> list[Json]:
        """Return every request of every batch."""
        sent = [self.files[batch["input_file_id"]] for batch in self.batches.values()]
        return [json.loads(line) for content in sent for line in content.splitlines()]

    def upload(self, content: bytes) -> Json:
        """Keep a file."""
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 0,
            "filename": "f.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def make(self, asked: Json) -> Json:
        """Make a batch, or refuse its file as OpenAI would."""
        name = f"batch_{len(self.batches)}"
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        fits = (
            len({line["body"]["model"] for line in lines}) == 1
            and len({line["custom_id"] for line in lines}) == len(lines)
            and {(line["method"], line["url"]) for line in lines} == {("POST", asked["endpoint"])}
        )
        batch = {
            "id": name,
            "object": "batch",
            "created_at": 0,
            "status": "validating" if fits else "failed",
            "errors": None if fits else {"data": [{"line": 1, "message": "does not fit"}]},
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
            **asked,
        }
        self.batches[name] = batch
        return batch

    def cancel(self, name: str) -> Json:
        """Begin to end a batch: what it has by then comes once it is worked on."""
        self.batches[name]["status"] = "cancelling"
        return self.batches[name]

    def work(self, *, status: str = "completed") -> None:
        """Bring every open batch to its end."""
        for batch in self.batches.values():
            if batch["status"] not in ("validating", "in_progress", "cancelling"):
                continue
            requests = [json.loads(row) for row in self.files[batch["input_file_id"]].splitlines()]
            # The order of answers is free.
            rows = [self._answered(request) for request in reversed(requests)]
            for kind, good in (("output_file_id", True), ("error_file_id", False)):
                lines = [json.dumps(row).encode() for row in rows if (not row["failed"]) is good]
                if lines:
                    batch[kind] = self.upload(b"\n".join(lines))["id"]
            failed = sum(row["failed"] for row in rows)
            batch["status"] = status
            batch["request_counts"] |= {"completed": len(rows) - failed, "failed": failed}

    def _answered(self, request: Json) -> Json:
        body = request["body"]
        fate = self.fate(body["messages"][-1]["content"])
        response: Json | None = {"status_code": 200, "request_id": "r", "body": answer(body)}
        error = None
        if fate == "expired":
            response, error = None, {"code": "batch_expired", "message": "not done in time"}
        elif fate:
            said = {"error": {"message": "no", "code": None}}
            response = {"status_code": int(fate), "request_id": "r", "body": said}
        return {
            "id": "b",
            "custom_id": request["custom_id"],
            "response": response,
            "error": error,
            "failed": bool(fate),
        }


def answer(body: Json) -> Json:
    """Return the right answer to a sum, as far as the model knows it."""
    left, right = (int(part) for part in body["messages"][-1]["content"].split(" + "))
    known = body["model"] != "base" or left % 3 == 0
    return completion(body["model"], str(left + right) if known else "no idea")


class Handler(BaseHTTPRequestHandler):
    """Answers by what its server's endpoint holds."""

    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Take a single request, a file, or the making of a batch."""
        endpoint = self.server.endpoint
        data = self.rfile.read(int(self.headers["content-length"] or 0))
        endpoint.keys.add(self.headers["authorization"])
        if self.path == PATH:
            endpoint.calls += 1
            self._send(answer(json.loads(data)))
        elif not endpoint.has_api:
            self._send({"error": {"message": "no such path"}}, status=404)
        elif self.path.endswith("/cancel"):
            self._send(endpoint.cancel(self.path.split("/")[-2]))
        elif self.path == "/v1/files":
            self._send(endpoint.upload(_file(self.headers, data)))
        else:
            made = endpoint.make(json.loads(data))
            if not endpoint.deaf:
                self._send(made)

    def do_GET(self) -> None:
        """Give a file's content, all batches, or one of them."""
        endpoint = self.server.endpoint
        parts = self.path.partition("?")[0].split("/")
        if parts[-1] == "content":
            self._content(endpoint.files[parts[-2]])
        elif parts[-1] == "batches":
            self._send({"object": "list", "data": [*endpoint.batches.values()]})
        elif parts[-1] in endpoint.batches:
            self._send(endpoint.batches[parts[-1]])
        else:
            self._send({"error": {"message": "No batch found"}}, status=404)

    def _content(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.server.endpoint.broken else data)

    def _send(self, tree: Json, *, status: int = 200) -> None:
        data = json.dumps(tree).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    """A server on loopback, on a free port."""

    def __init__(self, endpoint: BatchEndpoint) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.endpoint = endpoint


def _file(headers: Message, data: bytes) -> bytes:
    """Return the file of a form."""
    head = f"content-type: {headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + data).get_payload()
    assert isinstance(parts, list)
    found = {p.get_param("name", header="content-disposition"): p for p in parts}  # type: ignore[union-attr]
    assert found["purpose"].get_payload() == "batch"  # type: ignore[union-attr]
    content = found["file"].get_payload(decode=True)  # type: ignore[union-attr]
    assert isinstance(content, bytes)
    return content


@contextmanager
def serving_batches() -> Iterator[BatchEndpoint]:
    """Serve from threads of its own until the block ends."""
    endpoint = BatchEndpoint()
    server = Server(endpoint)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
