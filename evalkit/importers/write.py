"""Imported suites as files that a user could have written: a YAML file and its cases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from evalkit.errors import SetupError
from evalkit.importers.build import JUDGES
from evalkit.importers.found import Defined, Definitions, Note
from evalkit.loader.find import PROJECT_FILE
from evalkit.store.folder import writing

CASES = "cases.jsonl"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]*(?<! )")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_WIDTH = 100

MODELS: Mapping[str, Mapping[str, Any]] = {
    "base": {"role": "base", "client": "openai", "model": "name-of-the-base-model"},
    "candidate": {"role": "candidate", "client": "openai", "model": "name-of-the-fine-tuned-model"},
}
"""What a project file names where the imported file names no models: to be filled in."""


class _Dumper(yaml.SafeDumper):
    """Writes every text that a reader could take for something else in quotes."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style: str | None = '"'
    if "\n" in text and text == text.strip() and text.isprintable() is False and _clean(text):
        style = "|"
    elif _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _clean(text: str) -> bool:
    """Return whether a block of lines can hold the text as it is."""
    return all(line == line.rstrip() and line.isprintable() for line in text.split("\n"))


_Dumper.add_representer(str, _text)


def write_definitions(
    found: Definitions, out: Path, *, title: str, has_project: bool
) -> tuple[Path, ...]:
    """Write the suites below ``out``, and a project file unless there is one; return the files.

    ``title`` says what was imported. Nothing that is there already is written over.
    """
    texts: dict[Path, str] = {}
    for suite in found.suites:
        folder = out / suite.name
        texts[folder / f"{suite.name}.yaml"] = suite_text(suite, title, found.notes)
        texts[folder / CASES] = _lines(suite.cases)
    if not has_project:
        texts[out / PROJECT_FILE] = _project_text(found, title)
    there = [path for path in texts if path.exists()]
    if there:
        raise SetupError(
            "a folder without the files to be written",
            got=f"{there[0]}, which is there",
            instead="another --out DIR, or move what is there away",
        )
    for path, text in texts.items():
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return tuple(texts)


def suite_text(suite: Defined, title: str, notes: Sequence[Note]) -> str:
    """Return a suite's file: what was imported and what was not, then the suite."""
    tree = {
        "suite": suite.name,
        "purpose": "guard",
        **suite.tree,
        "datasets": [{"path": CASES, "format": "jsonl"}],
    }
    left_out = ["Not imported, or not as it was:", *(f"- {note}" for note in notes)]
    return _comment([title, *(left_out if notes else ["Everything was imported."])]) + _dump(tree)


def _project_text(found: Definitions, title: str) -> str:
    filled = found.models if _roles(found.models) else MODELS
    said = ["Name the two models to compare."] if filled is MODELS else []
    tree: dict[str, Any] = {"version": 1, "models": filled}
    if any(grader["type"] in JUDGES for suite in found.suites for grader in suite.tree["graders"]):
        tree["judges"] = {"default": {"client": "openai", "model": "name-of-the-judge"}}
        said.append("Name the model that judges.")
    return _comment([title, *said]) + _dump(tree)


def _roles(models: Mapping[str, Mapping[str, Any]]) -> bool:
    return {"base", "candidate"} <= {str(model.get("role")) for model in models.values()}


def _dump(tree: object) -> str:
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def _comment(lines: Iterable[str]) -> str:
    return "".join(f"# {' '.join(line.split())}\n" for line in lines) + "\n"


def _lines(cases: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
