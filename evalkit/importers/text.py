"""Imported suites as the texts of files that a user could have written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.graders.registry import JUDGES
from evalkit.importers.found import Defined, Definitions, Note
from evalkit.loader.yamltext import yaml_text
from evalkit.report.safe import visible

CASES = "cases.jsonl"

_UNREADABLE = re.compile("[\ufffe\uffff]")
"""What YAML forbids also in a comment, and is neither a control nor a surrogate."""

MODELS: Mapping[str, Mapping[str, Any]] = {
    "base": {"role": "base", "client": "openai", "model": "name-of-the-base-model"},
    "candidate": {"role": "candidate", "client": "openai", "model": "name-of-the-fine-tuned-model"},
}
"""What a project file names where the imported file names no models: to be filled in."""


def suite_text(suite: Defined, title: str, notes: Sequence[Note]) -> str:
    """Return a suite's file: what was imported and what was not, then the suite."""
    tree = {
        "suite": suite.name,
        "purpose": "guard",
        **suite.tree,
        "datasets": [{"path": CASES, "format": "jsonl"}],
    }
    left_out = ["Not imported, or not as it was:", *(f"- {note}" for note in notes)]
    return _comment([title, *(left_out if notes else ["Everything was imported."])]) + yaml_text(
        tree
    )


def project_text(found: Definitions, title: str) -> str:
    """Return a project file for the suites, with models to fill in where none are known."""
    filled = found.models if _roles(found.models) else MODELS
    said = ["Name the two models to compare."] if filled is MODELS else []
    tree: dict[str, Any] = {"version": 1, "models": filled}
    if any(grader["type"] in JUDGES for suite in found.suites for grader in suite.tree["graders"]):
        tree["judges"] = {"default": {"client": "openai", "model": "name-of-the-judge"}}
        said.append("Name the model that judges.")
    return _comment([title, *said]) + yaml_text(tree)


def _roles(models: Mapping[str, Mapping[str, Any]]) -> bool:
    return {"base", "candidate"} <= {str(model.get("role")) for model in models.values()}


def _comment(lines: Iterable[str]) -> str:
    said = (_UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", visible(line)) for line in lines)
    return "".join(f"# {' '.join(line.split())}\n" for line in said) + "\n"


def cases_text(suite: Defined) -> str:
    """Return the cases as JSON lines."""
    return "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in suite.cases)
