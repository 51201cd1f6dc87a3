"""What a pack's cases are made of, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Answer = str | list[dict[str, Any]]
"""A text, or the tools that are called: each with name and arguments."""


@dataclass(frozen=True, slots=True)
class Made:
    """A case, with an answer that is right and one that is wrong; those two are never written.

    Cases of one ``template`` depend on each other.
    """

    template: str
    prompt: str
    expected: Any
    right: Answer
    wrong: Answer
    tags: dict[str, str] = field(default_factory=dict)


def named(cases: Iterable[Made]) -> dict[str, Made]:
    """Return the cases by their ids: the template and a number within it."""
    counts: dict[str, int] = {}
    found: dict[str, Made] = {}
    for case in cases:
        counts[case.template] = counts.get(case.template, 0) + 1
        found[f"{case.template}-{counts[case.template]:02}"] = case
    return found


def lines(cases: Iterable[Made]) -> str:
    """Return the pack's `cases.jsonl`."""
    rows = (
        {
            "id": name,
            "vars": {"prompt": case.prompt},
            "expected": case.expected,
            **({"tags": case.tags} if case.tags else {}),
            "cluster": case.template,
        }
        for name, case in named(cases).items()
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
