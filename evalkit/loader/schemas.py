"""The JSON Schemas that ship with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Return the schema called ``name``: "suite", "project", "policy", ..."""
    file = resources.files("evalkit") / "schemas" / f"{name}.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
