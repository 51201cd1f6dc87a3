"""Where scores come from: a file, the folder of a run with answers, or that of a run of scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evalkit.decide import Policy
from evalkit.errors import RunError
from evalkit.loader.datafile import file_digest
from evalkit.loader.faults import Faults, shown
from evalkit.loader.score_columns import ScoreColumns
from evalkit.loader.score_layout import Choice, shown_names
from evalkit.loader.scores import read_scores
from evalkit.model import Pair, Suite
from evalkit.pipeline.score_run import read_score_inputs
from evalkit.store import RunFolder
from evalkit.store.folder import LATEST, MANIFEST, RECORDS

_PACKED = (".gz", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


class Source(Protocol):
    """Something with scores of one model or several."""

    @property
    def name(self) -> str:
        """What it is shown as."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites with their purposes and margins, as far as it knows them."""

    @property
    def policy(self) -> Policy | None:
        """The policy that holds for it, if it names one."""

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The comparisons that it names itself."""

    @property
    def partial(self) -> str:
        """Why it holds only a part of its cases; empty if it does not."""

    def read(self, columns: ScoreColumns, faults: Faults) -> tuple[str, ...]:
        """Add its rows to ``columns``; return what the reader of the result has to know of it."""

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each of its files, by name."""


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """A file of scores; ``model`` is the model of rows that name none."""

    path: Path
    choice: Choice
    model: str
    suites: tuple[Suite, ...] = ()
    policy: Policy | None = None
    pairs: tuple[Pair, ...] = ()
    partial: str = ""

    @property
    def name(self) -> str:
        """The path, as the user would type it."""
        return shown(self.path)

    def read(self, columns: ScoreColumns, faults: Faults) -> tuple[str, ...]:
        """Read all rows."""
        found = read_scores(self.path, columns, self.choice, model=self.model, faults=faults)
        unread = f"{self.name}: columns that were not read: {shown_names(found.unread)}."
        return (unread,) if found.unread else ()

    def digests(self) -> dict[str, str]:
        """Return the digest of the file."""
        return {f"scores:{self.path.name}": file_digest(self.path)}


def stem(path: Path) -> str:
    """Return a file's name without what says its format."""
    name = path.name
    while name.lower().endswith(_PACKED):
        name = name.rpartition(".")[0]
    return name


def run_folder(path: Path) -> RunFolder | None:
    """Return the run that ``path`` is, or whose records it is; ``None`` for a file of scores."""
    if path.name == RECORDS and (path.parent / MANIFEST).is_file():
        return RunFolder.open(path.parent)
    if path.is_dir() or path.name == LATEST:
        return RunFolder.open(path)
    if path.is_file():
        return None
    there = path.exists() or str(path) == "-"  # a pipe or a device: files are read twice
    raise RunError(
        "a file of scores, or the folder of a run",
        got=f"{path}, which is no file on disk" if there else f"nothing at {path}",
        instead="the path of a .jsonl, .csv, .tsv or .parquet file, or of a folder below reports",
    )


def scores_of_run(folder: RunFolder) -> ScoreFile:
    """Return the scores that an earlier comparison left in its folder."""
    given, manifest = read_score_inputs(folder), folder.manifest()
    return ScoreFile(
        folder.scores,
        Choice(),
        model="",
        suites=given.suites,
        policy=given.policy,
        pairs=(given.pair,),
        partial="; ".join(filter(None, [manifest.partial, manifest.stopped])),
    )
