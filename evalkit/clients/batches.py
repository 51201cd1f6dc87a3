"""The Batch API of a model's endpoint: files up, batches made and looked at, files down.

By the `openai` package itself, not over the fast wire of single requests: there are few calls, the
files are large, and the package knows their forms. Addresses, keys and headers are the client's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from evalkit.clients.batch_lines import is_whole
from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import SetupError
from evalkit.model.batch import Batch, BatchState

if TYPE_CHECKING:
    import openai
    from openai.types import Batch as Answered

RETRIES = 4
NO_SUCH_PATH = (404, 405, 501)
LATEST = 100
"""Batches that are looked through for one whose making was not heard of."""


class BatchAPI:
    """The Batch API where ``client`` asks its model.

    Used in one ``async with``. Every method raises `SetupError` where the endpoint does not do it.
    """

    def __init__(self, client: OpenAIClient) -> None:
        self._client = client
        self._sdk: openai.AsyncOpenAI | None = None

    async def __aenter__(self) -> Self:
        """Find the key; nothing is sent. Raise `SetupError` if there is none."""
        await self._client.start()
        self._sdk = self._client.package().with_options(max_retries=RETRIES)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.close()
        await self._client.close()

    async def upload(self, content: bytes, *, name: str) -> str:
        """Send a file of requests and return the endpoint's name for it."""
        with self._told():
            file = await self._open.files.create(file=(name, content), purpose="batch")
        return file.id

    async def create(self, batch: Batch) -> str:
        """Make the batch of an uploaded file and return the endpoint's name for it.

        Tried once: a second try after an answer that was lost on its way would pay twice.
        """
        once = self._open.with_options(max_retries=0)
        with self._told():
            made = await once.batches.create(
                input_file_id=batch.input_file,
                endpoint=cast("Any", self._client.batch_url),  # Azure has others
                completion_window="24h",
                metadata={"made_by": "evalkit", "model": batch.model, "sha256": batch.digest},
            )
        return made.id

    async def find(self, input_file: str) -> str:
        """Return the batch that was made of an uploaded file, empty if there is none."""
        with self._told():
            page = await self._open.batches.list(limit=LATEST)
        return next((b.id for b in page.data if b.input_file_id == input_file), "")

    async def state(self, batch_id: str) -> BatchState:
        """Return how far a batch is."""
        with self._told(unknown=f"the batch {batch_id}"):
            return _state(await self._open.batches.retrieve(batch_id))

    async def cancel(self, batch_id: str) -> BatchState:
        """Have no more of a batch answered; what is answered already can be downloaded later."""
        with self._told(unknown=f"the batch {batch_id}"):
            return _state(await self._open.batches.cancel(batch_id))

    async def download(self, file_id: str, to: Path) -> None:
        """Write a file of answers to ``to``; what breaks off on its way is an error."""
        files = self._open.files.with_streaming_response
        last = b""
        with self._told(unknown=f"the file {file_id}"):
            async with files.content(file_id) as response:
                with to.open("wb") as file:
                    async for chunk in response.iter_bytes():
                        file.write(chunk)
                        last = (last + chunk).rpartition(b"\n")[2] or b"\n"
        if not is_whole(last):
            raise self._half(f"the last line of {file_id} is cut off")

    @property
    def _open(self) -> openai.AsyncOpenAI:
        if self._sdk is None:
            raise RuntimeError("the Batch API was not opened")
        return self._sdk

    @contextmanager
    def _told(self, *, unknown: str = "") -> Iterator[None]:
        """Turn the package's errors into what the user can do. ``unknown`` is what a 404 is of."""
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._refused(error, unknown) from error
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise self._half(self._client.shortened(str(error.__cause__ or error))) from error

    def _half(self, words: str) -> SetupError:
        return SetupError(
            f"a whole answer of the Batch API at {self._client.address}",
            got=words,
            instead="the same command again: what is sent stays sent, what is collected, collected",
        )

    def _refused(self, error: openai.APIStatusError, unknown: str) -> SetupError:
        address, status = self._client.address, error.status_code
        got = f"{status}: {self._client.shortened(error.message)}"
        if status in NO_SUCH_PATH and not unknown:
            return SetupError(
                f"a Batch API at {address}",
                got=got,
                instead="evalkit batch export SUITES --out DIR, for `vllm run-batch`; "
                "or evalkit run, which asks one by one",
            )
        if status in (401, 403):
            needed = f"a key that may use the Batch API at {address}"
            return SetupError(needed, got=got, instead="the key of an account that has it")
        if unknown and status in NO_SUCH_PATH:
            instead = "the account that made it; or remove its file in reports/batches and submit"
            return SetupError(f"{unknown} at {address}", got=got, instead=instead)
        needed = f"the Batch API at {address} to do as asked"
        return SetupError(needed, got=got, instead="mend what it says, then the same command again")


def _state(answered: Answered) -> BatchState:
    counts = answered.request_counts
    errors = answered.errors.data or [] if answered.errors else []
    return BatchState(
        id=answered.id,
        state=answered.status,
        total=counts.total if counts else 0,
        done=counts.completed if counts else 0,
        failed=counts.failed if counts else 0,
        output_file=answered.output_file_id or "",
        error_file=answered.error_file_id or "",
        errors=tuple(
            f"line {error.line}: {error.message}" if error.line else str(error.message)
            for error in errors
        ),
    )
