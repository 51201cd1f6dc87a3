"""The JSON Schemas that ship with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

Schema = dict[str, Any]


@cache
def read_schema(name: str) -> Schema:
    """Return the schema called ``name``: "suite", "project", "policy", ..."""
    schema = _read(f"{name}.json")
    return _with_graders(schema) if name == "suite" else schema


@cache
def grader_schemas() -> Mapping[str, Schema]:
    """Return the schema of every grader's options by the grader's type."""
    folder = resources.files("evalkit") / "schemas" / "graders"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".json"))
    return {name.removesuffix(".json"): _read(f"graders/{name}") for name in names}


def _with_graders(suite: Schema) -> Schema:
    """Return the schema of suites with what it says of graders put in: a file for each type."""
    graders = grader_schemas()
    suite["$defs"].update(graders)
    grader = suite["$defs"]["grader"]
    grader["properties"]["type"]["enum"] = list(graders)
    grader["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/{name}"},
        }
        for name in graders
    ]
    return suite


def _read(path: str) -> Schema:
    file = resources.files("evalkit").joinpath("schemas", *path.split("/"))
    schema: Schema = json.loads(file.read_text(encoding="utf-8"))
    return schema
