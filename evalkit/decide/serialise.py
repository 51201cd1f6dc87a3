"""A decision as plain JSON values and back.

Floats are rounded to 12 significant digits, so that bytes do not depend on how a processor adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.decide.decision import Decision
from evalkit.model.codec import from_tree, to_tree


def to_dict(decision: Decision) -> dict[str, Any]:
    """Return ``decision`` as `schemas/decision.json` describes it."""
    tree: dict[str, Any] = _rounded(to_tree(decision))
    return tree


def from_dict(tree: Mapping[str, Any]) -> Decision:
    """Return the decision that `to_dict` was given, up to its rounding."""
    return from_tree(Decision, tree)


def _rounded(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    if isinstance(value, float):
        return float(f"{value:.12g}") + 0.0
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
