"""Asking: many requests to several models at once, each answer kept as soon as it comes."""

from __future__ import annotations

from evalkit.runner.board import Progress
from evalkit.runner.engine import Ask, Engine, Stopped, Terms
from evalkit.runner.estimate import Amount, Basis, Estimate, ModelEstimate, estimate
from evalkit.runner.outlook import Outlook
from evalkit.runner.usable import as_outcome

__all__ = [
    "Amount",
    "Ask",
    "Basis",
    "Engine",
    "Estimate",
    "ModelEstimate",
    "Outlook",
    "Progress",
    "Stopped",
    "Terms",
    "as_outcome",
    "estimate",
]
