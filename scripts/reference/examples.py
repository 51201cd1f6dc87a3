"""The examples of the reference pages, as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.reference.tables import code, rows

EXAMPLES = Path(__file__).parents[2] / "tests" / "data" / "reference"
ASKED = 'prompt: "{{ ask }}"\n'
"""The prompt of every grader's example."""

_RESULT = ("text", "score", "passes", "ungraded")


def _read(name: str) -> dict[str, dict[str, Any]]:
    content = (EXAMPLES / name).read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(content)
    return found


GRADED: Mapping[str, dict[str, Any]] = _read("graders.yaml")
"""By type: `suite` (a part of a suite file), `answers`, and `files` beside the suite."""

FORMATS: Mapping[str, dict[str, Any]] = _read("formats.yaml")
"""By format: `suite`, the file's `path`, a `row` of it, and `case`, what the row becomes."""

for _example in FORMATS.values():
    _example["case_text"] = yaml.safe_dump(_example["case"], sort_keys=False, allow_unicode=True)


def block(content: str, language: str) -> str:
    """Return a fenced block of code."""
    return f"```{language}\n{content.strip(chr(10))}\n```"


def answers(name: str) -> str:
    """Return the table of what a grader's example gives each answer.

    Whatever an answer has beside its text is a column.
    """
    given = GRADED[name]["answers"]
    more = list(dict.fromkeys(key for answer in given for key in answer if key not in _RESULT))
    heads = ["answer", *(re.sub("_", " ", key) for key in more), "score", "passes"]
    return rows(heads, [[*_cells(answer, more), *_result(answer)] for answer in given])


def _cells(answer: Mapping[str, Any], more: list[str]) -> list[str]:
    lines = str(answer["text"]).split("\n")
    shown = "<br>".join(map(code, lines)) if answer["text"] else "(none)"
    return [shown, *(_plain(answer[key]) if key in answer else "" for key in more)]


def _plain(value: Any) -> str:  # noqa: ANN401  (any value of YAML)
    if isinstance(value, Mapping):
        return "<br>".join(f"{code(str(key))} {item}" for key, item in value.items())
    if isinstance(value, list):
        return "<br>".join(
            code(each if isinstance(each, str) else json.dumps(each)) for each in value
        )
    return code(value) if isinstance(value, str) else str(value)


def _result(answer: Mapping[str, Any]) -> tuple[str, str]:
    if "ungraded" in answer:
        return "ungraded", ""
    return f"{answer['score']:g}", "yes" if answer.get("passes", answer["score"] == 1) else "no"
