"""A project without suites pays nothing for the plugin, and the command line starts quickly."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "openai",
    "scipy",
    "numpy",
    "jinja2",
    "rapidfuzz",
    "jsonschema",
    "yaml",
    "sqlite3",
    "asyncio",
)


@pytest.mark.parametrize("module", ["evalkit.plugin", "evalkit.cli"])
def test_heavy_packages_are_not_loaded_at_start(module: str) -> None:
    """Importing a shell leaves every heavy package out of the process."""
    # What pytest itself brings does not count.
    first = "import sys, pytest; before = set(sys.modules)"
    script = f"{first}; import {module}; print(sorted(({set(HEAVY)} & set(sys.modules)) - before))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
