"""Rows of Parquet files and of folders that Hugging Face `datasets` has saved, batch by batch.

``save_to_disk`` writes a ``state.json`` that names Arrow streams; a folder without one may hold
Parquet files, as the Hub does. A row's number, from 1, stands for its line.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, SetupError
from evalkit.loader.faults import Faults, shown
from evalkit.suite.images import data_url

_BATCH = 1024
_STATE, _SPLITS = "state.json", "dataset_dict.json"


def is_data(path: Path) -> bool:
    """Return whether ``path`` is a file, or a folder whose data files are there."""
    return path.is_file() or bool(data_parts(path))


def data_parts(path: Path) -> tuple[Path, ...]:
    """Return the data files of a file or folder in order; none if it is no data set."""
    if not path.is_dir():
        return (path,) if path.is_file() else ()
    state = path / _STATE
    if state.is_file():
        return _stated(path, state)
    return tuple(sorted(file for file in path.glob("*.parquet") if file.is_file()))


def splits_of(path: Path) -> tuple[str, ...]:
    """Return the names of the splits that a folder of several was saved with."""
    try:
        found = json.loads((path / _SPLITS).read_bytes())["splits"]
    except (OSError, ValueError, LookupError, TypeError):
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def arrow_rows(path: Path, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a Parquet file or of a folder; a damaged file goes to ``faults``."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise SetupError(
            f"pyarrow, to read {shown(path)}",
            got="it is not installed",
            instead="pip install 'pytest-evalkit[store]', or give the rows as JSON lines",
        ) from error
    count = 0
    for part in data_parts(path):
        try:
            with _batches(part) as batches:
                for batch in batches:
                    if twin := _twin(batch.schema.names):
                        needed, instead = "one column of each name", "another name for one of them"
                        got = f"two columns '{twin}'"
                        faults.add([Fault(shown(part), 0, needed, got, instead)])
                        break
                    for number, row in enumerate(batch.to_pylist(), count + 1):
                        yield number, {name: _plain(value) for name, value in row.items()}
                    count += batch.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            needed, instead = "a whole Parquet or Arrow file", "the file written again"
            faults.add([Fault(shown(part), 0, needed, str(error), instead)])


def _twin(names: Sequence[str]) -> str:
    return next((name for name in names if names.count(name) > 1), "")


@contextmanager
def _parquet(path: Path) -> Iterator[Iterator[Any]]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        yield file.iter_batches(batch_size=_BATCH)


@contextmanager
def _arrow(path: Path) -> Iterator[Iterator[Any]]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
        yield (part for batch in stream for part in _cut(batch))


def _batches(path: Path) -> AbstractContextManager[Iterator[Any]]:
    return _arrow(path) if path.suffix == ".arrow" else _parquet(path)


def _cut(batch: Any) -> Iterator[Any]:  # noqa: ANN401  (pyarrow has no types)
    for start in range(0, batch.num_rows, _BATCH):
        yield batch.slice(start, _BATCH)


def _stated(folder: Path, state: Path) -> tuple[Path, ...]:
    try:
        names = [entry["filename"] for entry in json.loads(state.read_bytes())["_data_files"]]
    except (ValueError, LookupError, TypeError):
        return ()
    files = tuple(folder / name for name in names if isinstance(name, str))
    inside = all(file.resolve().is_relative_to(folder.resolve()) for file in files)
    return files if inside and all(file.is_file() for file in files) else ()


def _plain(value: Any) -> Any:  # noqa: ANN401  (any value of a row)
    """Return a value as JSON has it; in an object, null is what Arrow has for a missing field.

    Bytes of an image become its data URL, others base64; dates and decimals their text.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return data_url(value) or base64.b64encode(value).decode("ascii")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
