"""Graders of plain text: `string_check`, `contains`, `starts_with` and `ends_with`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from evalkit.graders.base import TextGrader, UngradableError, against_reference, verdict
from evalkit.model import Grade, GraderSpec

_CHECKS: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "eq": ("equal to", lambda text, reference: text == reference),
    "ne": ("other than", lambda text, reference: text != reference),
    "like": ("with", lambda text, reference: reference in text),
    "ilike": ("with, in any case,", lambda text, reference: _fold(reference) in _fold(text)),
}
_COUNTS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "any": any,
    "all": all,
    "none": lambda found: not any(found),
}


def string_check(spec: GraderSpec) -> TextGrader:
    """Compare the whole reply with a text, as OpenAI's grader of that name does.

    ``operation``: eq (equal), ne (not equal), like (contains), ilike (contains, case ignored).
    """
    wording, holds = _CHECKS[spec.options["operation"]]

    def compare(text: str, reference: str) -> Grade:
        passed = holds(text, reference)
        return verdict(passed=passed, reason="" if passed else f"not {wording} {reference!r}")

    return against_reference(spec.options, prepare=as_text, compare=compare)


def contains(spec: GraderSpec) -> TextGrader:
    """Look for the expected text or texts in the reply.

    ``match``: any (default), all or none of them. ``whole_word`` takes only hits that no letter,
    digit or underscore touches. ``ignore_case`` compares with case folded.
    """
    match = spec.options.get("match", "any")
    fold = _fold if spec.options.get("ignore_case") else str
    holds = _has_word if spec.options.get("whole_word") else _has

    def compare(text: str, needles: tuple[str, ...]) -> Grade:
        folded = fold(text)
        found = [needle for needle in needles if holds(folded, fold(needle))]
        passed = _COUNTS[match](needle in found for needle in needles)
        reason = "" if passed else f"{match} of {list(needles)}, found {found or 'none'}"
        return verdict(passed=passed, reason=reason, found=found)

    return against_reference(spec.options, prepare=as_texts, compare=compare)


def starts_with(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply starts with the expected text, or with one of several.

    White space around the reply does not count.
    """
    return _edge(spec, str.startswith, wording="starts with")


def ends_with(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply ends with the expected text, as `starts_with` does of its start."""
    return _edge(spec, str.endswith, wording="ends with")


def _edge(spec: GraderSpec, holds: Callable[[str, str], bool], *, wording: str) -> TextGrader:
    fold = _fold if spec.options.get("ignore_case") else str

    def compare(text: str, needles: tuple[str, ...]) -> Grade:
        bare = fold(text.strip())
        passed = any(holds(bare, fold(needle)) for needle in needles)
        return verdict(passed=passed, reason="" if passed else f"{wording} none of {list(needles)}")

    return against_reference(spec.options, prepare=as_texts, compare=compare)


def as_text(reference: Any) -> str:  # noqa: ANN401  (as the user wrote it)
    """Return a scalar as text (true, 1.5); raise `UngradableError` for lists and mappings."""
    if isinstance(reference, str):
        return reference
    if isinstance(reference, bool | int | float):
        return json.dumps(reference)
    raise UngradableError(f"expected must be a text, not {json.dumps(reference)[:60]}")


def as_texts(reference: Any) -> tuple[str, ...]:  # noqa: ANN401  (as the user wrote it)
    """Return a text or a list of texts as a tuple; raise `UngradableError` if there is none."""
    texts = tuple(map(as_text, reference if isinstance(reference, list) else [reference]))
    if not texts or "" in texts:
        raise UngradableError("expected must hold a text that is not empty")
    return texts


def _fold(text: str) -> str:
    return text.casefold()


def _has(text: str, needle: str) -> bool:
    return needle in text


def _has_word(text: str, needle: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text) is not None
