"""What the tests of the statistics share: reference numbers, a seeded generator, a way to print."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def reference() -> dict[str, dict[str, Any]]:
    """Published and recomputed worked examples, by id."""
    entries = json.loads((DATA / "statistics_reference.json").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in entries}


@pytest.fixture(scope="session")
def bbh() -> dict[str, tuple[int, int, int, int]]:
    """Paired tables (both, gained, lost, neither) of 27 tasks: one model under two prompts.

    Counted from the outcomes in suzgunmirac/BIG-Bench-Hard @9ee07bd (MIT).
    """
    with (DATA / "bbh_codex_tables.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    cells = ("both", "gained", "lost", "neither")
    return {row["task"]: tuple(int(row[c]) for c in cells) for row in rows}  # type: ignore[misc]


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20261124)


@pytest.fixture
def say() -> Callable[[str], None]:
    """Write a line that `pytest -s` shows."""

    def write(line: str) -> None:
        sys.stdout.write(f"\n{line}")

    return write
