"""Asking: many requests to several models at once, each answer kept as soon as it comes."""

from __future__ import annotations

from evalkit.runner.board import Progress
from evalkit.runner.engine import Ask, Engine, Terms
from evalkit.runner.usable import as_outcome

__all__ = ["Ask", "Engine", "Progress", "Terms", "as_outcome"]
