"""The suites of a training file: one, or where only some answers call tools, two."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import SetupError
from evalkit.loader.faults import shown
from evalkit.model import Purpose
from evalkit.starter.answers import Grading, grading_of, is_call, tokens_for
from evalkit.starter.read import Row, Training
from evalkit.suite.draft import Format
from evalkit.suite.filters import EVERY_ROW, read_filter

MARGIN = 0.05
"""The margin of a suite that is written: on the score's scale from 0 to 1."""

_RULES: Mapping[Purpose, str] = {
    "target": "{rule: superior, min_gain: 0}    # gains more than min_gain: 0.03 is 3 points",
    "guard": f"{{rule: non_inferior, margin: {MARGIN}}}",
}
_CALLED: Mapping[Format, tuple[str, Any, Any]] = {
    "openai-chat": ("messages.-1.tool_calls", {"exists": True}, {"exists": False}),
    "openai-dpo": ("preferred_output.-1.tool_calls", {"exists": True}, {"exists": False}),
    "prompt-completion": ("completion.-1.tool_calls", {"exists": True}, {"exists": False}),
    "sharegpt": ("conversations.-1.from", "function_call", {"not": "function_call"}),
}
"""The field that tells rows whose answer calls tools, and what it is there and elsewhere."""


@dataclass(frozen=True, slots=True)
class Written:
    """A suite to be written.

    ``tokens`` limits an answer, ``filter`` chooses the suite's rows, empty for all of them.
    """

    name: str
    purpose: Purpose
    grading: Grading
    tokens: int
    filter: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """Its rule in the policy."""
        return _RULES[self.purpose]

    def holds(self, row: Row) -> bool:
        """Return whether a row is one of its cases."""
        return (read_filter(self.filter) if self.filter else EVERY_ROW).takes(row.fields)


def suites_of(training: Training, name: str) -> tuple[Written, ...]:
    """Return the suites for the rows of ``training``, the first one a target called ``name``."""
    calls = [is_call(row.answer) for row in training.rows]
    if all(calls) or not any(calls):
        return (_suite(name, "target", training.rows),)
    if training.format in _CALLED:
        path, where, elsewhere = _CALLED[training.format]
        parts = ({path: where}, {path: elsewhere})
        takes = read_filter(parts[0]).takes
        if [takes(row.fields) for row in training.rows] == calls:
            called = [row for row in training.rows if is_call(row.answer)]
            said = [row for row in training.rows if not is_call(row.answer)]
            first = _suite(name, "target", called, parts[0])
            return first, _suite(f"{name}-text", "guard", said, parts[1])
    raise SetupError(
        f"answers of {shown(training.path)} that all call tools, or none of them",
        got=f"{sum(calls)} of {len(calls)} call tools",
        instead="a file for each kind",
    )


def suite_name(given: str, stem: str, *, taken: Sequence[str]) -> str:
    """Return the name of the target: as given, else the file's where that says anything."""
    if given:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", given) or given in taken:
            needed = "a name of letters, digits, '.', '_' and '-' that no guard pack has"
            raise SetupError(needed, got=f"--name {given}", instead="such as --name tickets")
        return given
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_").lower()
    idle = name in ("", *taken) or re.match(r"(train|data|dataset|fine-?tun|sft)", name)
    return "task" if idle else name


def _suite(
    name: str, purpose: Purpose, rows: Sequence[Row], only: Mapping[str, Any] | None = None
) -> Written:
    answers = [row.answer for row in rows]
    return Written(name, purpose, grading_of(answers), tokens_for(answers), only or {})
