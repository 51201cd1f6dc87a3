"""What every kind of run folder has in common: it can be decided and shown again, offline."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

from evalkit.decide import Decision, Policy, to_dict
from evalkit.model import Suite
from evalkit.model.codec import to_tree
from evalkit.report import View, render_html, render_junit, render_markdown
from evalkit.store import RunFolder

INPUTS = "inputs.json"


class Kept(Protocol):
    """The content of a finished run: of answers, or of scores alone."""

    @property
    def policy(self) -> Policy:
        """The policy that it was run with, which another never takes the place of."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """Its suites, of which rules are read."""

    @property
    def decision(self) -> Decision:
        """What was decided."""

    def inputs(self) -> object:
        """Return the dataclass that `inputs.json` holds: what it was given, without secrets."""

    def decided(self, policy: Policy) -> Self:
        """Return the same, decided by ``policy`` this once."""

    def view(self) -> View:
        """Return everything the report shows, in plain strings and numbers."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run came to, how it reads, and where it is; ``notes`` tell what was left out."""

    decision: Decision
    view: View
    folder: Path
    notes: tuple[str, ...] = ()


def write_decision(folder: RunFolder, kept: Kept) -> Finished:
    """Write the decision, what the run was given, and everything that is made from them."""
    folder.write_text(INPUTS, pretty(to_tree(kept.inputs())))
    view = view_of(kept)
    folder.write_text("decision.json", pretty(to_dict(kept.decision)))
    folder.write_text("report.html", render_html(view))
    folder.write_text("summary.md", render_markdown(view))
    folder.write_text("junit.xml", render_junit(kept.decision))
    return Finished(kept.decision, view, folder.path)


def view_of(kept: Kept) -> View:
    """Return what the report shows; it says so where another policy than the run's own decided."""
    view = kept.view()
    if kept.decision.policy_digest == kept.policy.digest:
        return view
    return replace(view, warnings=(_OTHER_POLICY, *view.warnings))


_OTHER_POLICY = "Decided by another policy than the one that the run was made with."


def pretty(tree: object) -> str:
    """Return ``tree`` as JSON that is the same for the same content."""
    return json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
