"""The data sets of a suite: files, candidates' training files among them, to drafts of cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import Fault
from evalkit.loader.arrowfile import is_data, splits_of
from evalkit.loader.datafile import FileRow, read_rows, select
from evalkit.loader.faults import Faults, shown
from evalkit.model import Source
from evalkit.suite.draft import TRAINED_ON, Dataset, Draft
from evalkit.suite.rows import row_drafts
from evalkit.suite.validate import Schema

Training = Mapping[Path, frozenset[str]]
"""Training files by resolved path, each with the candidates that were trained on it."""


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row, its file as shown, and the candidates whose training file holds it."""

    file: str
    row: FileRow
    trained: frozenset[str]


def dataset_drafts(
    dataset: Dataset, files: Training, *, case_schema: Schema, faults: Faults
) -> Iterator[Draft]:
    """Yield the drafts of all chosen rows of ``files``; rows that make none go to ``faults``."""
    before, rows = len(faults), 0
    for rows, found in enumerate(_found_rows(dataset, files, faults), 1):  # noqa: B007  (counted)
        drafts, more = row_drafts(
            found.row.fields,
            dataset,
            source=Source(found.file, found.row.line),
            case_schema=case_schema,
            trained=found.trained,
        )
        faults.add(more)
        yield from drafts
    if files and not rows and len(faults) == before:
        got = "no row that 'filter' chooses" if dataset.filter else "no row"
        faults.add([_fault(dataset, "a file with rows", got, "a file or a 'filter' with rows")])


def dataset_files(
    dataset: Dataset, folder: Path, *, training: Training | None, faults: Faults
) -> Training:
    """Return the files that a data set names, relative to ``folder``.

    ``training`` is ``None`` where the project could not be read: then nothing is said about it.
    """
    if dataset.path == TRAINED_ON:
        if training == {}:
            instead = "trained_on: [train.jsonl] at the candidate in evalkit.yaml"
            faults.add([_fault(dataset, "a candidate with training files", "none", instead)])
        return {path: names for path, names in (training or {}).items() if is_data(path)}
    path = (folder / dataset.path).resolve()
    if not is_data(path) or (dataset.format == "huggingface" and not path.is_dir()):
        faults.add([_no_file(dataset, path)])
        return {}
    names = (training or {}).get(path, frozenset[str]())
    if training is not None and (dataset.split == "train") != bool(names):
        faults.add([_split_fault(dataset, shown(path), names)])
    return {path: names}


def _found_rows(dataset: Dataset, files: Training, faults: Faults) -> Iterator[FoundRow]:
    if dataset.split == "train" and len(files) > 1:
        yield from _shared_rows(dataset, files, faults)
        return
    for path, names in files.items():
        file = shown(path)
        for row in select(read_rows(path, dataset.format, faults), dataset):
            yield FoundRow(file, row, names)


def _shared_rows(dataset: Dataset, files: Training, faults: Faults) -> Iterator[FoundRow]:
    """Yield each row once, though several training files may hold it; each file is sampled alone.

    Whether a file holds a row does not depend on whether it was drawn there, hence the second look.
    """
    drawn: dict[bytes, tuple[str, FileRow]] = {}
    for path in files:
        file = shown(path)
        for row in select(read_rows(path, dataset.format, faults), dataset):
            drawn.setdefault(row.digest, (file, row))
    holders: dict[bytes, frozenset[str]] = {}
    for path, names in files.items():
        for row in read_rows(path, dataset.format, Faults()):
            if row.digest in drawn:
                holders[row.digest] = holders.get(row.digest, frozenset()) | names
    for digest, (file, row) in drawn.items():
        yield FoundRow(file, row, holders[digest])


def _no_file(dataset: Dataset, path: Path) -> Fault:
    if path.exists() and not (path.is_dir() or path.is_file()):
        got = f"{shown(path)}, which can be read once only"
        instead = "a file that a program has written (.jsonl or .jsonl.gz)"
        return _fault(dataset, "a data file on disk: it is read more than once", got, instead)
    if not path.is_dir():
        needed = "a folder that datasets has saved" if path.is_file() else "a data file"
        got = f"the file {shown(path)}" if path.is_file() else f"no file {shown(path)}"
        return _fault(dataset, needed, got, "another path, or another format")
    splits = splits_of(path)
    if splits:
        got = f"{shown(path)}, which has " + ", ".join(splits)
        return _fault(dataset, "the folder of one split", got, f"{dataset.path}/{splits[0]}")
    needed = "a folder that datasets has saved, or one with Parquet files"
    instead = "the folder given to save_to_disk, whole"
    return _fault(dataset, needed, f"{shown(path)}, which is none", instead)


def _split_fault(dataset: Dataset, path: str, names: frozenset[str]) -> Fault:
    if dataset.split == "train":
        got = f"split: train, but no candidate names {path} in trained_on"
        instead = f'path: "{TRAINED_ON}", or split: heldout'
        return _fault(dataset, "a training file for split: train", got, instead)
    got = f"{path}, which {', '.join(sorted(names))} was trained on"
    return _fault(dataset, "held-out rows that no candidate has seen", got, "split: train")


def _fault(dataset: Dataset, needed: str, got: str, instead: str) -> Fault:
    return Fault(dataset.source.path, dataset.source.line, needed, got, instead)
