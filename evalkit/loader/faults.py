"""Faults gathered over many files, so that all of them are reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.errors import Fault, FileFaults

CAP = 5
"""How many faults of one kind are told for one file."""


@dataclass(slots=True)
class _Kind:
    """The faults of one kind in one file: the first ones, and how many more from which line on."""

    most: int
    kept: list[Fault] = field(default_factory=list)
    more: int = 0
    more_from: int = 0
    furthest: int = 0

    def add(self, fault: Fault) -> None:
        # Files are read from top to bottom: a line before the furthest is read a second time.
        if len(self.kept) < self.most:
            self.kept += [fault] if fault not in self.kept else []
        elif fault.line > self.furthest:
            self.more += 1
            self.more_from = self.more_from or fault.line
        self.furthest = max(fault.line, self.furthest)

    def told(self) -> list[Fault]:
        if not self.more:
            return self.kept
        got = f"from here on {self.more} more like the {len(self.kept)} above"
        first = self.kept[0]
        instead = "the same in all of them"
        return [*self.kept, Fault(first.path, self.more_from, first.needed, got, instead)]


class Faults:
    """Collects faults. Of one kind in one file the first ``most`` are kept, the others counted.

    A kind is what was needed: a file of a million malformed rows has one kind of fault. A file
    that is read twice has its faults once.
    """

    def __init__(self, most: int = CAP) -> None:
        self._most = most
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def add(self, faults: Iterable[Fault]) -> None:
        """Take more faults."""
        for fault in faults:
            self._kinds.setdefault((fault.path, fault.needed), _Kind(self._most)).add(fault)

    def __len__(self) -> int:
        return sum(len(kind.kept) + kind.more for kind in self._kinds.values())

    def about(self, path: str) -> bool:
        """Return whether there is a fault of the file shown as ``path``."""
        return any(of == path for of, _ in self._kinds)

    def raise_any(self) -> None:
        """Raise `FileFaults` with everything gathered, if there is anything."""
        if self._kinds:
            told = [fault for kind in self._kinds.values() for fault in kind.told()]
            # The fault that stands for the others of its kind is one of those it counts.
            raise FileFaults(told, untold=len(self) - len(told))


def shown(path: Path) -> str:
    """Return a path as the user would type it: relative to the current folder if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
