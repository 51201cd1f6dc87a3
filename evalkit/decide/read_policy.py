"""A policy file's content, already checked against `schemas/policy.json`, to a Policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.decide.policy import CheckpointRule, Policy, RunLimits, SuiteRule

_AS_THEY_ARE = ("alpha", "on_inconclusive")


def policy_from(tree: Mapping[str, Any], *, digest: str) -> Policy:
    """Return the policy that ``tree`` describes; what it leaves out keeps its default.

    ``digest`` is that of the file, for the decision to name.
    """
    fields = {name: tree[name] for name in _AS_THEY_ARE if name in tree}
    slices, overfitting = tree.get("slices", {}), tree.get("overfitting", {})
    exploratory = tree.get("exploratory", {})
    if "correction" in slices:
        fields["slice_correction"] = slices["correction"]
    if "family" in slices:
        fields["slice_family"] = slices["family"]
    if "max_gap" in overfitting:
        fields["max_gap"] = overfitting["max_gap"]
    if "correction" in exploratory:
        fields["exploratory_correction"] = exploratory["correction"]
    return Policy(
        run=RunLimits(**tree.get("run", {})),
        suites={name: SuiteRule(**rule) for name, rule in tree.get("suites", {}).items()},
        checkpoints=_checkpoints(tree.get("checkpoints", {})),
        digest=digest,
        **fields,
    )


def _checkpoints(tree: Mapping[str, Any]) -> CheckpointRule:
    return CheckpointRule(**{**tree, "suites": tuple(tree.get("suites", ()))})
