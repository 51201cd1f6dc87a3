"""Batches that are not collected yet: a small JSON file each, so that any process finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from evalkit.errors import RunError
from evalkit.model.batch import Batch
from evalkit.model.codec import decode, encode
from evalkit.store.folder import whole, writing

FOLDER = "batches"


class Batches:
    """The files in ``batches`` below a folder of runs. They hold digests and names, no secret."""

    def __init__(self, reports: Path) -> None:
        self._folder = reports / FOLDER

    def __iter__(self) -> Iterator[Batch]:
        """Yield all of them, oldest first. Raise `RunError` for a file that cannot be read."""
        found = [self._read(path) for path in self._folder.glob("*.json")]
        yield from sorted(found, key=lambda batch: (batch.created, batch.digest))

    def open_keys(self) -> frozenset[str]:
        """Return the keys of the answers that sent batches are to bring."""
        return frozenset(key for batch in self if not batch.exported for key in batch.keys)

    def keep(self, batch: Batch) -> None:
        """Write what is known of a batch, whole or not at all."""
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        with whole(self._path(batch)) as file:
            file.write(encode(batch).encode())

    def forget(self, batch: Batch) -> None:
        """Take a batch out, once its answers are stored or none will come."""
        with writing(self._folder):
            self._path(batch).unlink(missing_ok=True)

    def scratch(self, batch: Batch, kind: str) -> Path:
        """Return where a file of a batch is put on its way."""
        return self._folder / f".{batch.digest[:16]}-{kind}"

    def _path(self, batch: Batch) -> Path:
        # Named by us, not by the endpoint: a name from outside could lead anywhere.
        sort = "exported" if batch.exported else "sent"
        return self._folder / f"{sort}-{batch.digest[:16]}.json"

    def _read(self, path: Path) -> Batch:
        try:
            text = path.read_bytes()
            return decode(Batch, text)
        except (OSError, ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
            raise RunError(
                f"a file of a batch that can be read: {path}",
                got=f"{type(error).__name__}: {error}",
                instead="remove it: what it was for is asked again at the next submit",
            ) from error
