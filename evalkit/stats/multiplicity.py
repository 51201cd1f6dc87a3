"""Corrections for many tests of one family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Adjusted p-values in the order given; ``None`` where there was no test.

    ``tested`` is the size of the family: tests made, never tests shown. ``excluded`` counts the
    rest.
    """

    values: tuple[float | None, ...]
    tested: int
    excluded: int
    method: str


def holm(p_values: Sequence[float | None]) -> Adjusted:
    """Return Holm's step-down adjustment, valid under any dependence.

    ``None`` and nan are no tests: they leave the family, and are counted.
    """
    raw = np.array([np.nan if p is None else p for p in p_values], dtype=np.float64)
    made = np.flatnonzero(~np.isnan(raw))
    order = made[np.argsort(raw[made], kind="stable")]
    steps = raw[order] * np.arange(len(order), 0, -1)
    adjusted = np.full_like(raw, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    values = tuple(None if np.isnan(p) else float(p) for p in adjusted)
    return Adjusted(values, len(made), len(raw) - len(made), "Holm")
