"""From files on disk to a project and its suites: `find_project`, then `load`."""

from __future__ import annotations

from evalkit.loader.find import find_project
from evalkit.loader.load import Loaded, load, load_policy, load_project
from evalkit.loader.schemas import read_schema

__all__ = ["Loaded", "find_project", "load", "load_policy", "load_project", "read_schema"]
