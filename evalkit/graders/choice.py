"""The graders `choice`, `label` and `multi_label`: which of a fixed set of labels a reply names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.graders.base import TextGrader, UngradableError, against_reference, clip, verdict
from evalkit.graders.labels import Labels
from evalkit.graders.text import as_text
from evalkit.model import Grade, GraderSpec


def choice(spec: GraderSpec) -> TextGrader:
    """Read the choice that the reply makes and compare it with the expected one.

    A reply without one clear choice is off the menu: ``off_menu`` says whether that is wrong
    (default) or ungraded. The detail holds ``predicted`` (a label or ``None``) and ``expected``.
    """
    return _single(spec, Labels.of(dict.fromkeys(map(as_text, spec.options["choices"]), ())))


def label(spec: GraderSpec) -> TextGrader:
    """Read the label that the reply gives and compare it with the expected one, as `choice` does.

    ``labels`` lists them, or maps each to the other words that stand for it. The expected label may
    be written as one of those words. The detail is that of `choice`.
    """
    return _single(spec, Labels.of(_aliases(spec.options["labels"])))


def multi_label(spec: GraderSpec) -> TextGrader:
    """Compare all labels that the reply names with the expected ones; the score is their F1.

    F1 is ``2 * common / (named + expected)``, 1 if both are empty. The reply passes from
    ``threshold`` (default 1: all of them, and no other). The detail holds ``predicted`` and
    ``expected``, both sorted lists of labels.
    """
    labels = Labels.of(_aliases(spec.options["labels"]))
    threshold = float(spec.options.get("threshold", 1))

    def prepare(reference: Any) -> frozenset[str]:  # noqa: ANN401  (as the user wrote it)
        several = reference if isinstance(reference, list) else [reference]
        return frozenset(_known(labels, one) for one in several)

    def compare(text: str, expected: frozenset[str]) -> Grade:
        named = labels.named(text)
        total = len(named) + len(expected)
        score = 2 * len(named & expected) / total if total else 1.0
        detail = {"predicted": sorted(named), "expected": sorted(expected)}
        reason = f"named {detail['predicted']}, expected {detail['expected']}"
        return Grade(score, score >= threshold, clip(reason), detail)

    return against_reference(spec.options, prepare=prepare, compare=compare)


def _single(spec: GraderSpec, labels: Labels) -> TextGrader:
    def prepare(reference: Any) -> str:  # noqa: ANN401  (as the user wrote it)
        return _known(labels, reference)

    def compare(text: str, expected: str) -> Grade:
        predicted = labels.chosen(text)
        if predicted is None and spec.options.get("off_menu") == "ungraded":
            raise UngradableError("no clear choice in the answer")
        reason = f"chose {predicted}" if predicted else "no clear choice"
        return verdict(
            passed=predicted == expected,
            reason=f"{reason}, expected {expected}",
            predicted=predicted,
            expected=expected,
        )

    return against_reference(spec.options, prepare=prepare, compare=compare)


def _aliases(labels: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401  (as the user wrote it)
    if not isinstance(labels, Mapping):
        return {as_text(name): () for name in labels}
    return {as_text(name): tuple(map(as_text, others or ())) for name, others in labels.items()}


def _known(labels: Labels, reference: Any) -> str:  # noqa: ANN401  (as the user wrote it)
    name = labels.by_folded.get(as_text(reference).strip().casefold())
    if name is None:
        raise UngradableError(f"expected must be one of the choices, not {reference!r:.60}")
    return name
