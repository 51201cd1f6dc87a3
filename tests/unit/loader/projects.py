"""Small projects on disk, loaded or refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import Fault, FileFaults
from evalkit.loader import Loaded, load
from evalkit.model import Case, Suite

PROJECT = """\
version: 1
models:
  base: {role: base, client: scripted, model: a}
  tuned: {role: candidate, client: scripted, model: b}
"""
SUITE = """\
suite: sums
purpose: target
prompt: "{{ sum }}"
graders: [{name: total, type: numeric}]
cases:
  - {id: one, vars: {sum: 1 + 1}, expected: 2}
"""
TRAINED = """\
version: 1
models:
  base: {role: base, client: scripted, model: a}
  tuned: {role: candidate, client: scripted, model: b, trained_on: [a.jsonl]}
  over: {role: candidate, client: scripted, model: c, trained_on: [b.jsonl]}
"""


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below ``root``; without a project file of their own they get `PROJECT`."""
    for name, text in {"evalkit.yaml": PROJECT, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def loaded(root: Path, files: Mapping[str, str | bytes], **environ: str) -> Loaded:
    """Return the loaded project of these files."""
    return load(write(root, files) / "evalkit.yaml", policy_file=None, environ=environ)


def suite(root: Path, text: str = SUITE, **files: str) -> Suite:
    """Return the only suite of a project; ``rows_jsonl`` is the text of its ``rows.jsonl``."""
    beside = {"sums/" + name.replace("_", "."): content for name, content in files.items()}
    [only] = loaded(root, {"sums/sums.yaml": text, **beside}).suites
    return only


def faults(root: Path, files: Mapping[str, str | bytes], **environ: str) -> list[Fault]:
    """Return the faults of a project that must have some, with paths relative to ``root``."""
    with pytest.raises(FileFaults) as error:
        loaded(root, files, **environ)
    return list(error.value.faults)


def fault(root: Path, files: Mapping[str, str | bytes], **environ: str) -> Fault:
    """Return the only fault of a project."""
    found = faults(root, files, **environ)
    assert len(found) == 1, found
    return found[0]


def where(root: Path, found: Fault) -> str:
    """Return ``file:line`` of a fault."""
    return f"{Path(found.path).relative_to(root).as_posix()}:{found.line}"


def lines(rows: Iterable[Any]) -> str:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def chat(question: str, answer: str, **more: Any) -> dict[str, Any]:
    """Return a fine-tuning row."""
    user, assistant = (
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    )
    return {"messages": [user, assistant], **more}


def ids(cases: Iterable[Case]) -> list[str]:
    """Return the ids of cases in order."""
    return [case.id for case in cases]
