"""Training logs: Hugging Face `trainer_state.json`, or CSV as OpenAI's fine-tuning metrics come."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.model import TrainingPoint

LOSS = ("loss", "train_loss")
EVAL_LOSS = ("eval_loss", "valid_loss", "full_valid_loss")
INSTEAD = "a trainer_state.json with a list log_history, or a CSV with columns step and train_loss"


def read_training_log(path: Path) -> tuple[TrainingPoint, ...]:
    """Return the points of a training log by step, one per step.

    Raises `FileFaults` when the file cannot be read as one of the two formats.
    """
    try:
        rows = _csv_rows(path) if path.suffix == ".csv" else _trainer_state_rows(path)
        return _points(rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise FileFaults([Fault(str(path), 0, "a training log", got, INSTEAD)]) from error


def _trainer_state_rows(path: Path) -> list[Mapping[str, Any]]:
    history: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["log_history"]
    return history


def _csv_rows(path: Path) -> list[Mapping[str, Any]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _points(rows: Iterable[Mapping[str, Any]]) -> tuple[TrainingPoint, ...]:
    merged: dict[int, dict[str, float]] = {}
    for row in rows:
        at_step = merged.setdefault(int(row["step"]), {})
        for field, names in (("loss", LOSS), ("eval_loss", EVAL_LOSS)):
            value = next((row[name] for name in names if row.get(name) not in (None, "")), None)
            if value is not None:
                at_step[field] = float(value)
    return tuple(TrainingPoint(step, **losses) for step, losses in sorted(merged.items()) if losses)
