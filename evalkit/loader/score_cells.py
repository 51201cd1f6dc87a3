"""What one cell of a file of scores says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from evalkit.decide.score_table import ABSENT, FAILED, GRADED, UNGRADED

NOTHING = ""

STATES = {
    **dict.fromkeys(("", "ok", "success", "succeeded", "completed", "graded", "scored"), GRADED),
    **dict.fromkeys(("failed", "failure", "error", "timeout"), FAILED),
    "ungraded": UNGRADED,
    "absent": ABSENT,
}
"""The words of a column "status"."""

SPLITS = {
    "": None,
    **dict.fromkeys(("heldout", "held-out", "test"), False),
    **dict.fromkeys(("train", "training"), True),
}
"""The words of a column "split", and whether they mean training cases."""

FLAGS = {
    "": None,
    **dict.fromkeys(("true", "1", "yes"), True),
    **dict.fromkeys(("false", "0", "no"), False),
}
"""The words of a column "critical"."""

NO_ERROR = frozenset({"", "false", "0", "null", "none"})
"""The texts of a column "error" that mean that there was none."""

_REMEMBERED = 10_000
_LONGEST = 80
_HALF = re.compile("[\ud800-\udfff]")


def as_text(cell: Any) -> str | None:  # noqa: ANN401  (any JSON or Parquet value)
    """Return a cell as text, nothing as ""; ``None`` for what is no single value.

    Half of a surrogate pair, which JSON can write, is no character: no file could hold it.
    """
    if cell is None:
        return NOTHING
    if isinstance(cell, str):
        return cell if cell.isascii() or not _HALF.search(cell) else None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return None if isinstance(cell, dict | list | tuple | bytes) else str(cell)


def is_nan(cell: Any) -> bool:  # noqa: ANN401  (any JSON or Parquet value)
    """Return whether a cell says that there is no number, where an empty one would."""
    if isinstance(cell, str):
        return cell.strip().lower() in ("nan", "na", "n/a", "null", "none")
    return isinstance(cell, float) and math.isnan(cell)


def shown_id(name: str) -> str:
    """Return the id of a case for a message."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def shown_cell(cell: Any) -> str:  # noqa: ANN401  (any JSON or Parquet value)
    """Return a cell for a message."""
    if cell is None or cell == NOTHING:
        return "nothing"
    return shown_id(repr(cell))


@dataclass(slots=True)
class Scale:
    """Scores from ``low`` to ``high`` to 0..1; texts seen before are looked up."""

    low: float
    high: float
    _texts: dict[str, float | None] = field(default_factory=dict)

    def read(self, cell: Any) -> float | None:  # noqa: ANN401  (any JSON or Parquet value)
        """Return a score, ``None`` where there is none; raise `ValueError` for anything else."""
        if isinstance(cell, str):
            if cell not in self._texts:
                value = self._text(cell)
                if len(self._texts) >= _REMEMBERED:
                    return value
                self._texts[cell] = value
            return self._texts[cell]
        return None if cell is None else self._number(cell)

    def _text(self, cell: str) -> float | None:
        text = cell.strip().lower()
        if not text:
            return None
        if text in ("true", "false"):
            return self._number(text == "true")
        return self._number(float(text))

    def _number(self, value: Any) -> float:  # noqa: ANN401  (any JSON or Parquet value)
        if isinstance(value, bool):
            if (self.low, self.high) != (0.0, 1.0):
                raise ValueError("true or false on a scale of numbers")
            return float(value)
        if not isinstance(value, int | float | Decimal) or not self.low <= value <= self.high:
            raise ValueError("no number on the scale")
        return (float(value) - self.low) / (self.high - self.low)
