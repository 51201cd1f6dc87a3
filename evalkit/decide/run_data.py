"""What a decision is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalkit.model import Project, Record, Suite


@dataclass(frozen=True, slots=True)
class RunData:
    """A run's records with the project and suites they belong to.

    ``suites`` hold every case of the project, also those without a record. ``partial``: cases were
    left out on purpose, so the run may be looked at but never promotes; nor does one that was ended
    before all was asked: ``stopped`` says in words by what. ``watched``: of each suite that was
    judged while it was asked, how many held-out cases of its order count; the others were asked
    whole.
    """

    project: Project
    suites: tuple[Suite, ...]
    records: Sequence[Record]
    partial: bool = False
    watched: Mapping[str, int] = field(default_factory=dict)
    stopped: str = ""
