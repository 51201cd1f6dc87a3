"""A run's folder: what one run leaves behind, and the reading of it.

::

    reports/<run-id>/
      cases.jsonl.gz       a row per case
      records.jsonl.gz     a row per case, model and sample, its grades inside
      scores.csv.gz        a row per score: instead of the two where there are scores only, beside
                           them where cases and answers were too many to be held in memory
      decision.json  report.html  summary.md ...
      manifest.json        written last: a folder without it is an unfinished run
    reports/latest         points at the newest finished run

Every file appears whole or not at all. Equal values give equal bytes. Rows are written and read as
a stream.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol, Self, TypeVar

from evalkit.errors import RunError, SetupError
from evalkit.model import Case, Manifest, Record
from evalkit.model.codec import decode, encode

CASES = "cases.jsonl.gz"
RECORDS = "records.jsonl.gz"
SCORES = "scores.csv.gz"
MANIFEST = "manifest.json"
LATEST = "latest"

VERSION = 1
"""The format of `Manifest` and of all files beside it."""

T = TypeVar("T")


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time: UTC to the second, and four letters against collisions."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def check_writable(reports: Path) -> None:
    """Make the folder of all runs, and make sure it takes files, before any call is paid for.

    Raises:
        SetupError: it does not.
    """
    with writing(reports):
        reports.mkdir(parents=True, exist_ok=True)
        # A folder can be there and still refuse content: a full disk, a quota.
        probe = reports / f".probe-{secrets.token_hex(4)}"
        try:
            probe.write_bytes(b"\0" * 4096)
        finally:
            probe.unlink(missing_ok=True)


def forget_latest(reports: Path) -> None:
    """Take ``latest`` away: what comes after a run that failed must not read the one before."""
    with writing(reports):
        (reports / LATEST).unlink(missing_ok=True)


@contextmanager
def replacing_latest(reports: Path) -> Iterator[None]:
    """Take ``latest`` away if what is begun inside does not come to its end."""
    try:
        yield
    except BaseException:
        with suppress(SetupError):  # what went wrong first is what the user has to hear of
            forget_latest(reports)
        raise


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run. Writing raises `SetupError`, reading `RunError`."""

    path: Path

    @classmethod
    def create(cls, reports: Path, run_id: str) -> Self:
        """Make the folder of a new run; there must be none of this id."""
        with writing(reports):
            (reports / run_id).mkdir(parents=True)
        return cls(reports / run_id)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the finished run at ``path``, which may be a ``latest`` pointer.

        Raises:
            RunError: nothing there, an unfinished run, or one of another format version.
        """
        folder = _resolved(path)
        if not folder.is_dir():
            raise RunError(
                "the folder of a run",
                got=f"nothing at {path}",
                instead=_nearby(path) or "give a folder below the reports folder, or its 'latest'",
            )
        if not (folder / MANIFEST).is_file():
            raise RunError(
                "a finished run",
                got=f"no {MANIFEST} in {folder}: not a run, or one stopped before its end",
                instead=_nearby(folder)
                or "run again: the answers it had are stored and cost nothing",
            )
        run = cls(folder)
        run.manifest()
        return run

    def write_cases(self, cases: Iterable[Case]) -> None:
        """Write all cases of the run, in the order given."""
        self._write_rows(CASES, cases)

    def write_records(self, records: Iterable[Record]) -> None:
        """Write all records of the run, in the order given."""
        self._write_rows(RECORDS, records)

    def write_scores(self, rows: Iterable[Sequence[str]]) -> None:
        """Write all scores of the run as CSV, the names of the columns first."""
        with self._zipped(SCORES) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            csv.writer(text, lineterminator="\n").writerows(rows)

    @contextmanager
    def rows(self, columns: Sequence[str]) -> Iterator[RunRows]:
        """Give what takes cases, records and scores as they come; the files are there at the end.

        ``columns`` are the names of the columns of scores.
        """
        with (
            self._zipped(CASES) as cases,
            self._zipped(RECORDS) as records,
            self._zipped(SCORES) as scores,
            io.TextIOWrapper(scores, "utf-8", newline="") as text,
        ):
            rows = csv.writer(text, lineterminator="\n")
            rows.writerow(columns)
            yield RunRows(cases, records, rows)

    @property
    def scores(self) -> Path:
        """Where the scores of a run of scores are."""
        return self.path / SCORES

    @property
    def holds_scores(self) -> bool:
        """Whether this is a run that is decided from its scores, with answers or not."""
        return self.scores.is_file()

    @property
    def holds_answers(self) -> bool:
        """Whether the answers of the run are there."""
        return (self.path / RECORDS).is_file()

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run as UTF-8, line ends as they are."""
        with whole(self.path / name) as file:
            file.write(text.encode())

    def finish(self, manifest: Manifest, *, as_latest: bool = True) -> None:
        """Write the manifest, which makes the run a finished one, and point ``latest`` at it."""
        self.write_text(MANIFEST, encode(manifest, pretty=True) + "\n")
        if not as_latest:
            return
        with writing(self.path):
            _point(self.path.parent / LATEST, self.path.name)

    def manifest(self) -> Manifest:
        """Return the facts of the run."""
        with _reading(self.path / MANIFEST):
            text = (self.path / MANIFEST).read_bytes()
            version = json.loads(text)["version"]
            if version == VERSION:
                return decode(Manifest, text)
        raise RunError(
            f"a run of format {VERSION}",
            got=f"format {version} in {self.path}",
            instead="use the evalkit that wrote it, or run again",
        )

    def read_text(self, name: str) -> str:
        """Return a file of the run."""
        with _reading(self.path / name):
            return (self.path / name).read_bytes().decode()

    def read_cases(self) -> Iterator[Case]:
        """Yield the cases of the run, in the order written."""
        return self._read_rows(CASES, Case)

    def read_records(self) -> Iterator[Record]:
        """Yield the records of the run, in the order written."""
        return self._read_rows(RECORDS, Record)

    def _write_rows(self, name: str, rows: Iterable[object]) -> None:
        with self._zipped(name) as file:
            file.writelines(map(_line, rows))

    @contextmanager
    def _zipped(self, name: str) -> Iterator[gzip.GzipFile]:
        # A file name and a time in the gzip header would make equal runs differ. Level 6 takes a
        # third of the time of 9 and is hardly larger.
        with (
            whole(self.path / name) as raw,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file,
        ):
            yield file

    def _read_rows(self, name: str, kind: type[T]) -> Iterator[T]:
        path = self.path / name
        with _reading(path), gzip.open(path, "rb") as file:
            for line in file:
                yield decode(kind, line)


class RunRows:
    """The rows of a run while they come, in the order of the cases."""

    def __init__(self, cases: gzip.GzipFile, records: gzip.GzipFile, scores: ScoreWriter) -> None:
        self._cases = cases
        self._records = records
        self._scores = scores

    def add(
        self, case: Case, records: Iterable[Record], *, scores: Iterable[Sequence[str]]
    ) -> None:
        """Write a case with all its records, and their scores as cells."""
        self._cases.write(_line(case))
        self._records.writelines(map(_line, records))
        self._scores.writerows(scores)


class ScoreWriter(Protocol):
    """What writes rows of text, as `csv.writer` does."""

    def writerows(self, rows: Iterable[Sequence[str]], /) -> None:
        """Write them."""


def _line(row: object) -> bytes:
    return f"{encode(row)}\n".encode()


def _resolved(path: Path) -> Path:
    """Follow a pointer kept as a text file; the system follows a symbolic link by itself."""
    if path.name == LATEST and path.is_file():
        return path.parent / path.read_text(encoding="utf-8").strip()
    return path.resolve()


def _nearby(path: Path) -> str:
    """Return in words which finished run is the newest in or beside ``path``; empty if none is."""
    for reports in (path, path.parent):
        runs = sorted(file.parent for file in reports.glob(f"*/{MANIFEST}"))
        if found := [run for run in runs if run.name != LATEST]:
            return f"the newest finished run there: {found[-1]}"
    return ""


def _point(pointer: Path, name: str) -> None:
    new = pointer.with_name(f".{pointer.name}-{name}")
    try:
        new.symlink_to(name, target_is_directory=True)
    except (OSError, NotImplementedError):  # a file system or an account without symbolic links
        new.write_text(f"{name}\n", encoding="utf-8")
    new.replace(pointer)


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that takes the place of ``path`` once it is complete and on disk.

    Raises:
        SetupError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    with writing(path):
        try:
            with new.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says of ``path`` into a `SetupError`."""
    try:
        yield
    except OSError as error:
        raise SetupError(
            f"a folder for runs that can be written: {path}",
            got=str(error),
            instead="make room, allow writing, or choose another folder for reports",
        ) from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"a whole file {path}",
            got=f"{type(error).__name__}: {error}",
            instead="run again: stored answers cost nothing",
        ) from error
