"""Which rows are held out: whole groups, by a hash of each, so that more rows change no side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.starter.near import Words, near_pairs

ALIKE = 0.85
"""The share of words from which on two questions stay on one side."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one row asks.

    ``words`` are those of its question, never none; ``group`` the value of the group field, where
    there is one; ``request`` a digest of everything that is sent, equal for equal requests only.
    """

    words: Words
    request: bytes = b""
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """``of`` is the group of each row: the index of its first row.

    ``repeats`` counts rows whose request an earlier one has; ``near`` rows whose question is that
    of no other row, yet near to one.
    """

    of: tuple[int, ...]
    repeats: int
    near: int

    @property
    def number(self) -> int:
        """How many groups there are."""
        return len(set(self.of))

    @property
    def largest(self) -> int:
        """How many rows the largest group has."""
        return max(Counter(self.of).values(), default=0)


@dataclass(frozen=True, slots=True)
class Split:
    """Indexes of rows in order. ``left_out`` repeat a request of a held-out row."""

    train: tuple[int, ...]
    heldout: tuple[int, ...]
    left_out: tuple[int, ...]


def group_rows(rows: Sequence[Question], *, alike: float = ALIKE) -> Groups:
    """Return the groups of rows: equal questions, near ones, and those of one group field.

    ``alike`` is the least share of words at which questions are near; 1 joins equal ones only.
    """
    first = list(range(len(rows)))
    asked: dict[Words, int] = {}
    named: dict[str, int] = {}
    for index, row in enumerate(rows):
        _join(first, asked.setdefault(row.words, index), index)
        if row.group is not None:
            _join(first, named.setdefault(row.group, index), index)
    different, near = list(asked.values()), set[int]()
    for one, other in near_pairs(list(asked), alike) if alike < 1 else ():
        _join(first, different[one], different[other])
        near |= {different[one], different[other]}
    repeats = len(rows) - len({row.request for row in rows})
    return Groups(tuple(_first(first, index) for index in range(len(rows))), repeats, len(near))


def split_rows(rows: Sequence[Question], groups: Groups, *, heldout: float, seed: int = 0) -> Split:
    """Return which rows are held out: a share of the groups below 1, else so many cases.

    Each group has a number from 0 to 1 by the hash of the seed and of its first row's group field
    or question. Of a share those below it are held out, so rows that are appended move no other,
    unless they join two groups. Of a number of cases, the groups with the smallest: rows that are
    appended may then push held-out ones to the training side, never the other way.
    """
    drawn = {first: _draw(rows[first], seed) for first in set(groups.of)}
    if heldout < 1:
        taken = {first for first, number in drawn.items() if number < heldout}
    else:
        taken = _smallest(rows, groups, drawn, int(heldout))
    train, kept, left_out = list[int](), list[int](), list[int]()
    seen: set[bytes] = set()
    for index, row in enumerate(rows):
        if groups.of[index] not in taken:
            train.append(index)
        else:
            (left_out if row.request in seen else kept).append(index)
            seen.add(row.request)
    return Split(tuple(train), tuple(kept), tuple(left_out))


def _smallest(
    rows: Sequence[Question], groups: Groups, drawn: dict[int, float], cases: int
) -> set[int]:
    requests: dict[int, set[bytes]] = {}
    for row, first in zip(rows, groups.of, strict=True):
        requests.setdefault(first, set()).add(row.request)
    taken, found = set[int](), 0
    for first in sorted(drawn, key=drawn.__getitem__):
        if found >= cases:
            break
        taken.add(first)
        found += len(requests[first])
    return taken


def _draw(row: Question, seed: int) -> float:
    key = " ".join(row.words) if row.group is None else row.group
    digest = hashlib.blake2b(f"{seed}/{key}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest()) / 2**64


def _join(first: list[int], one: int, other: int) -> None:
    """Join the groups of two rows; the group's first row stands for it."""
    low, high = sorted((_first(first, one), _first(first, other)))
    first[high] = low


def _first(first: list[int], index: int) -> int:
    while first[index] != index:
        first[index] = first[first[index]]
        index = first[index]
    return index
