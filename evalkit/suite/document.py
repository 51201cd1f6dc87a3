"""A file's content as a plain tree, with the line of every key and list item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Source

Place = tuple[str | int, ...]
"""Where in a tree: keys and indexes from the root, which is ``()``."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file. ``path`` is written as the user would type it; ``lines`` counts from 1."""

    path: str
    tree: Any
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line(self, *place: str | int) -> int:
        """Return the line of ``place``, or of the nearest place around it that has one, or 0."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return 0

    def source(self, *place: str | int) -> Source:
        """Return where ``place`` was written."""
        return Source(self.path, self.line(*place))

    def fault(self, place: Place, needed: str, *, got: str, instead: str) -> Fault:
        """Return a fault at ``place``."""
        return Fault(self.path, self.line(*place), needed, got, instead)


def field_value(name: str, *, tags: Mapping[str, Any], variables: Mapping[str, Any]) -> str | None:
    """Return the value of ``tags.x`` or ``vars.x`` as text, if it is there and a scalar."""
    group, _, field = name.partition(".")
    value = (tags if group == "tags" else variables).get(field)
    return None if value is None or isinstance(value, Mapping | list) else plain(value)


def plain(value: Any) -> str:  # noqa: ANN401  (any value of a file)
    """Return a scalar as the text a user would write for it: ``true``, ``1.5``, ``en``."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
