"""The child process that serves the embedded model: its start, its end, and its last words."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from evalkit.errors import ProviderError, SetupError

PROGRAM = ("-m", "evalkit.clients.local_server")

CONTEXT = 2048
"""Tokens of prompt and answer together."""

ENDED_S = 0.3
"""How long after a lost connection it may take until the system reports the child's end."""

LOGGED = re.compile(r"^\S+ E [^:]*: (.*)$", re.MULTILINE)
"""An error in the runtime's log: a time, the level, the place, and what happened."""

UNLOGGED = re.compile(r"^(?!\S+ [A-Z] )(.*\S.*)$", re.MULTILINE)
"""Anything else it wrote: what it says when it aborts is in no log's form."""


class ServerProcess:
    """One server; started once. It ends with this process, however this process ends."""

    def __init__(self, weights: Path, *, adapter: Path | None, alias: str) -> None:
        self._weights = weights
        self._adapter = adapter
        self._alias = alias
        self._process: Process | None = None
        # A file, as nobody would read a pipe while the server serves.
        self._log = TemporaryFile("a+b")  # noqa: SIM115 - closed by stop

    async def start(self) -> str:
        """Return the server's base URL once the model is loaded.

        Raises:
            SetupError: the runtime cannot load weights and adapter; says so in its own words.
        """
        settings = {
            "weights": str(self._weights),
            "adapter": str(self._adapter or ""),
            "alias": self._alias,
            "context": CONTEXT,
        }
        command = [sys.executable, *PROGRAM, json.dumps(settings)]
        # A session of its own: Ctrl-C is for the parent, which ends the child when it is done.
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._log,
            start_new_session=True,
            # A runtime that aborts would keep its connections open while a debugger looks at it.
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        )
        line = await self._process.stdout.readline() if self._process.stdout else b""
        said: dict[str, str] = json.loads(line) if line.startswith(b"{") else {}
        if "base_url" in said:
            return said["base_url"]
        code = await self._process.wait()
        raise self._refusal(said.get("error") or f"the server ended with status {code}")

    async def raise_if_ended(self) -> None:
        """Raise `ProviderError` if there is no server any more; a moment may pass to be sure."""
        if self._process is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDED_S):
                code = await self._process.wait()
                words = self._found(UNLOGGED) or "it left no word why"
                message = f"the local model's server ended with status {code}: {words}"
                raise ProviderError("server", message, stops_endpoint=True, transient=False)

    async def stop(self) -> None:
        """End the child at once; it has nothing to save. Safe to call twice."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.communicate()
        self._log.close()

    def _refusal(self, otherwise: str) -> SetupError:
        got, wanted = self._weights, "a whole model in GGUF form"
        if self._adapter is not None:
            got, wanted = self._adapter, "a LoRA adapter in GGUF form made for these very weights"
        return SetupError(
            "weights and an adapter that the runtime can load together",
            got=f"{got}: {self._found(LOGGED) or self._found(UNLOGGED) or otherwise}",
            instead=wanted,
        )

    def _found(self, pattern: re.Pattern[str]) -> str:
        """Return the first match: it names the cause, later ones what follows from it."""
        self._log.seek(0)
        found = pattern.search(self._log.read().decode(errors="replace"))
        return found[1] if found else ""
