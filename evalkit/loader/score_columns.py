"""Scores gathered as growing columns of numbers: a million rows keep no object each.

A case is known by suite and id. What two rows say about it must agree, and what one of them leaves
open the other may say.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TypeVar

from evalkit.loader.score_cells import shown_id
from evalkit.loader.score_rows import Malformed

MOST_SLICES = 2_000
"""Slices beyond which a column is taken for a mistake: a name of the case, not of a group."""

K = TypeVar("K")


class Codes(dict[K, int]):
    """Numbers for values, from 0, in the order in which they are first asked for."""

    def __missing__(self, key: K) -> int:
        code = self[key] = len(self)
        return code


@dataclass(frozen=True, slots=True)
class About:
    """What a row says about its case; "" and ``None`` say nothing. ``slices``: (field, value)."""

    cluster: str = ""
    asked: str = ""
    critical: bool | None = None
    train: bool | None = None
    slices: tuple[tuple[str, str], ...] = ()


class Cases:
    """Every case, by a number, with the number of what is known about it."""

    def __init__(self) -> None:
        self.by_suite: dict[str, dict[str, int]] = {}
        self.ids: list[str] = []
        self.known = array("i")
        self.abouts: list[About] = []
        self._numbers: dict[About, int] = {}
        self._slices: set[tuple[str, str]] = set()

    def about(self, about: About) -> int:
        """Return the number of ``about``; raise `Malformed` for one slice too many."""
        number = self._numbers.get(about)
        if number is None:
            self._slices.update(about.slices)
            if len(self._slices) > MOST_SLICES:
                raise Malformed(
                    f"slices with at most {MOST_SLICES:,} different values in all",
                    f"one more in '{about.slices[-1][0]}'",
                    "slices by what cases have in common",
                )
            number = self._numbers[about] = len(self.abouts)
            self.abouts.append(about)
        return number

    def add(self, suite: str, name: str, about: int) -> int:
        """Return the number of a case; raise `Malformed` if it was said to be something else."""
        inside = self.by_suite.setdefault(suite, {})
        case = inside.setdefault(name, len(self.ids))
        if case == len(self.ids):
            self.ids.append(name)
            self.known.append(about)
        elif about != self.known[case]:
            both = _merged(name, self.abouts[self.known[case]], self.abouts[about])
            self.known[case] = self.about(both)
        return case


def _merged(name: str, before: About, now: About) -> About:
    known = dict(before.slices)
    for field, value in now.slices:
        if known.setdefault(field, value) != value:
            raise _contradiction(name, f"slice '{field}'", known[field], value)
    return About(
        cluster=_agreed(name, "cluster", before.cluster, now.cluster) or "",
        asked=_agreed(name, "question", before.asked, now.asked) or "",
        critical=_agreed(name, "'critical'", before.critical, now.critical),
        train=_agreed(name, "split", before.train, now.train),
        slices=tuple(known.items()),
    )


def _agreed(name: str, what: str, before: K | None, now: K | None) -> K | None:
    if before in ("", None) or now in ("", None) or before == now:
        return before if now in ("", None) else now
    said, says = (
        _SPLITS.get(value, value) if what == "split" else value for value in (before, now)
    )
    raise _contradiction(name, what, str(said), str(says))


_SPLITS: dict[object, str] = {True: "train", False: "heldout"}


def _contradiction(name: str, what: str, before: str, now: str) -> Malformed:
    return Malformed(
        f"one {what} for a case in all its rows",
        f"'{shown_id(now)}' for case '{shown_id(name)}', '{shown_id(before)}' in a row before",
        "the same in each row, or in one of them only",
    )


class ScoreColumns:
    """All rows of one comparison, from one source or two, with the cases they are about."""

    def __init__(self) -> None:
        self.cases = Cases()
        self.sources: list[str] = []
        self.models: Codes[tuple[int, str]] = Codes()
        self.samples: Codes[str] = Codes({"": 0})
        self.rows = array("i")
        """Case, model, sample, state and line of each row, one after the other."""
        self.scores = array("d")

    def add(self, codes: tuple[int, int, int, int, int], score: float) -> None:
        """Add a row: case, model, sample, state and line, and its score or nan."""
        self.rows.extend(codes)
        self.scores.append(score)

    def source(self, name: str) -> int:
        """Return the number of a new source, a file or a folder, to be shown as ``name``."""
        self.sources.append(name)
        return len(self.sources) - 1
