"""What a decision is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.model import Project, Record, Suite


@dataclass(frozen=True, slots=True)
class RunData:
    """A run's records with the project and suites they belong to.

    ``suites`` hold every case of the project, also those without a record. ``partial``: cases were
    left out on purpose, so the run may be looked at but never promotes.
    """

    project: Project
    suites: tuple[Suite, ...]
    records: Sequence[Record]
    partial: bool = False
