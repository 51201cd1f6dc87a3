"""pytest settings of this repository's own tests."""

from __future__ import annotations

pytest_plugins = ["pytester"]
