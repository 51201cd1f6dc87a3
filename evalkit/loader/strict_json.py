"""JSON as it is defined: no key twice, no NaN. Python's own reader lets both pass."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's pairs as a dict; raise `ValueError` for a key that stands there twice."""
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key '{twice}' twice")
    return row


def refuse(constant: str) -> NoReturn:
    """Raise `ValueError` for NaN and the infinities."""
    raise ValueError(f"{constant}, which is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=once_each, parse_constant=refuse)
