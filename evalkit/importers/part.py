"""A value of an imported file with its place, which says what was needed where it does not fit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.loader.datafile import read_rows
from evalkit.loader.faults import Faults, shown
from evalkit.loader.yamlfile import read_yaml
from evalkit.model import Source
from evalkit.suite.document import Document, Place, plain

_SMALL = 2_000_000
"""Bytes up to which a JSON file is read a second time to find the line of a fault."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value and where it stands. What asks for another kind raises `FileFaults`."""

    document: Document
    value: Any
    place: Place = ()

    def __getitem__(self, key: str) -> Part:
        """Return the member ``key``, which has to be there."""
        found = self.get(key)
        if found is None:
            raise self.fault(f"'{key}' in {self.where}", got="nothing", instead=f"{key}: ...")
        return found

    def get(self, key: str) -> Part | None:
        """Return the member ``key``; ``None`` if it is not there or null."""
        value = self.mapping().get(key)
        return None if value is None else Part(self.document, value, (*self.place, key))

    def at(self, value: Any) -> Part:  # noqa: ANN401  (what stands for it)
        """Return ``value`` in this place, for a member that is not there."""
        return Part(self.document, value, self.place)

    def text(self, key: str, default: str = "") -> str:
        """Return the member ``key`` as text, a number or boolean as it is written."""
        found = self.get(key)
        return default if found is None else found.scalar()

    def each(self, key: str) -> list[Part]:
        """Return the items of the member ``key``, none if it is not there."""
        found = self.get(key)
        return [] if found is None else found.items()

    def scalar(self) -> str:
        """Return the value as text; lists and mappings are faults."""
        if isinstance(self.value, dict | list):
            raise self.misfit("a text")
        return plain(self.value)

    def number(self) -> float:
        """Return the value as a finite number."""
        found = finite(self.value)
        if found is None or isinstance(self.value, str):
            raise self.misfit("a number")
        return found

    def count(self, key: str) -> int:
        """Return the member ``key`` as a whole number from 0 on; 0 if it is not there or null."""
        found = self.get(key)
        if found is None:
            return 0
        number = found.number()
        if number < 0 or number % 1:
            raise found.misfit("a whole number from 0 on")
        return int(number)

    def quantity(self, key: str) -> float:
        """Return the member ``key`` as a number; 0 if it is not there or null."""
        found = self.get(key)
        return 0.0 if found is None else found.number()

    def mapping(self) -> dict[str, Any]:
        """Return the value as a mapping."""
        if not isinstance(self.value, dict):
            raise self.misfit("an object")
        return self.value

    def items(self) -> list[Part]:
        """Return the items of a list."""
        if not isinstance(self.value, list):
            raise self.misfit("a list")
        return [Part(self.document, v, (*self.place, n)) for n, v in enumerate(self.value)]

    def members(self) -> Iterator[tuple[str, Part]]:
        """Yield the members of a mapping."""
        for key, value in self.mapping().items():
            yield str(key), Part(self.document, value, (*self.place, key))

    @property
    def where(self) -> str:
        """The place as a path from the root, ``$.tests[0].assert``."""
        steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.place)
        return "$" + "".join(steps)

    @property
    def source(self) -> Source:
        """The file and the line, as far as it is known."""
        return Source(self.document.path, self.document.line(*self.place))

    def fault(self, needed: str, *, got: str, instead: str) -> FileFaults:
        """Return what says that the file is not as needed here."""
        line = self.document.line(*self.place) or _line(self.document.path, self.place)
        return FileFaults([Fault(self.document.path, line, needed, got, instead)])

    def misfit(self, needed: str) -> FileFaults:
        """Return what says that the value is not of the kind needed."""
        got = "nothing" if self.value is None else json.dumps(self.value, default=str)[:60]
        return self.fault(f"{needed} at {self.where}", got=got, instead=needed)


def finite(value: Any) -> float | None:  # noqa: ANN401  (any value of a file)
    """Return a number, or a text that is one; ``None`` for anything else, nan and infinity too."""
    if not isinstance(value, bool | int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def mended(value: Any) -> Any:  # noqa: ANN401  (any value of a file)
    """Return a value with U+FFFD for each half of a surrogate pair in its texts.

    JSON can write such halves down, and tools that cut texts leave them; UTF-8 has none.
    """
    if isinstance(value, str):
        return value if value.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {mended(key): mended(item) for key, item in value.items()}
    return [mended(item) for item in value] if isinstance(value, list) else value


_HALF = re.compile("[\ud800-\udfff]")


def read_json(path: Path) -> Part:
    """Return the content of a JSON file; raise `FileFaults` if it is none."""
    return parse_json(_bytes(path), shown(path))


def parse_json(content: bytes, name: str) -> Part:
    """Return JSON text as a part of the file shown as ``name``."""
    try:
        tree = mended(json.loads(content.decode("utf-8-sig"), parse_constant=_no_number))
    except json.JSONDecodeError as error:
        raise _unreadable(
            name, error.lineno, "JSON", f"{error.msg}, column {error.colno}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, 0, "JSON in UTF-8", str(error)) from None
    return Part(Document(name, tree), tree)


def _no_number(_: str) -> None:
    """Read NaN and Infinity, which Python's writers leave where there was no score, as nothing."""


def read_tree(path: Path) -> tuple[Part, list[Fault]]:
    """Return a YAML file's content and the faults of single values, unknown tags above all.

    Raises `FileFaults` if nothing of it can be read.
    """
    _check(path)
    document, faults = read_yaml(path)
    if document is None:
        raise FileFaults(faults)
    return Part(document, mended(document.tree)), faults


def read_lines(path: Path) -> Iterator[Part]:
    """Yield the objects of a file of JSON lines; raise `FileFaults` with those that are none."""
    _check(path)
    faults = Faults()
    for row in read_rows(path, "jsonl", faults):
        yield Part(Document(shown(path), row.fields, {(): row.line}), mended(row.fields))
    faults.raise_any()


def _bytes(path: Path) -> bytes:
    _check(path)
    return path.read_bytes()


def _check(path: Path) -> None:
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise _unreadable(shown(path), 0, "a file that is there", got, instead="another path")


def _unreadable(
    name: str, line: int, needed: str, got: str, *, instead: str = "the file as the tool wrote it"
) -> FileFaults:
    return FileFaults([Fault(name, line, needed, got, instead)])


def _line(name: str, place: Place) -> int:
    """Return the line of a place in a small JSON file, which is YAML as well; 0 if unknown."""
    path = Path(name)
    if path.suffix != ".json" or not path.is_file() or path.stat().st_size > _SMALL:
        return 0
    document, _ = read_yaml(path)
    return document.line(*place) if document else 0
