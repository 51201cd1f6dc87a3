"""Earlier runs below a folder of runs: what they were, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from evalkit.model import Manifest, ModelFacts
from evalkit.model.codec import decode
from evalkit.store.folder import MANIFEST

RECENT = 20
"""Runs among which the facts of a model are looked for."""


def finished_runs(reports: Path) -> Iterator[Path]:
    """Yield the folders of finished runs, newest first: run ids sort by time."""
    for manifest in sorted(reports.glob(f"*/{MANIFEST}"), reverse=True):
        if not manifest.parent.is_symlink():
            yield manifest.parent


def latest_facts(reports: Path, identity: str) -> ModelFacts | None:
    """Return what the newest of the recent runs tells of the model ``identity``, if any does.

    A run that cannot be read tells nothing.
    """
    for folder in islice(finished_runs(reports), RECENT):
        try:
            manifest = decode(Manifest, (folder / MANIFEST).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for facts in manifest.models:
            if facts.identity == identity and facts.answers:
                return facts
    return None
