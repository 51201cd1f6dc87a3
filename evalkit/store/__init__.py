"""Keeping: answers across runs, and the folder each run leaves behind."""

from __future__ import annotations

from evalkit.store.answers import Answers
from evalkit.store.folder import (
    RunFolder,
    check_writable,
    forget_latest,
    new_run_id,
    replacing_latest,
)

__all__ = [
    "Answers",
    "RunFolder",
    "check_writable",
    "forget_latest",
    "new_run_id",
    "replacing_latest",
]
