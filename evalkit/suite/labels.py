"""What people said of models' answers: the field `human` of a case, or columns of a data file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit.model import Label

_WORDS = {"true": 1.0, "false": 0.0}
_ANSWER = ".answer"
_NUMBER = re.compile(r"-?\d*\.?\d+")


def read_labels(given: Mapping[str, Any]) -> dict[str, Label]:
    """Return the labels in a field `human` that fits its schema, by model."""
    return {str(model): _label(value) for model, value in given.items()}


def gathered(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field `human` from columns called MODEL and MODEL.answer.

    An empty cell is no label; numbers and truth values come as text from a CSV file.
    """
    found = {name: value for name, value in columns.items() if value not in ("", None)}
    answers = {name: value for name, value in found.items() if name.endswith(_ANSWER)}
    return {
        name: {"score": _typed(score), "answer": answers[name + _ANSWER]}
        if name + _ANSWER in answers
        else _typed(score)
        for name, score in found.items()
        if name not in answers
    }


def _label(value: Any) -> Label:  # noqa: ANN401  (any label that fits the schema)
    if isinstance(value, Mapping):
        return Label(float(value["score"]), value.get("answer"))
    return Label(float(value))


def _typed(value: Any) -> Any:  # noqa: ANN401  (any cell)
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    if _NUMBER.fullmatch(word):
        return float(word)
    return _WORDS.get(word, value)
