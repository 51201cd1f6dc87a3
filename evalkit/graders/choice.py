"""The grader `choice`: which of a fixed set of letters or labels a reply chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from evalkit.graders.base import (
    OptionError,
    TextGrader,
    UngradableError,
    against_reference,
    verdict,
)
from evalkit.graders.text import as_text
from evalkit.model import Grade, GraderSpec

_AROUND = " \t\r\n.,:;!?'\"`*_()[]{}<>"
_CUE = r"\banswer\b\W{0,5}(?:is\b)?\W{0,5}(?:(?:option|choice)\b\W{0,5})?"


def choice(spec: GraderSpec) -> TextGrader:
    """Read the choice that the reply makes and compare it with the expected one.

    A reply without one clear choice is off the menu: ``off_menu`` says whether that is wrong
    (default) or ungraded.
    """
    choices = tuple(map(as_text, spec.options["choices"]))
    by_folded = {label.casefold(): label for label in choices}
    if len(by_folded) < len(choices):
        raise OptionError(
            "choices that differ in more than case",
            got=", ".join(choices),
            instead="one label for each choice",
        )

    def prepare(reference: Any) -> str:  # noqa: ANN401  (as the user wrote it)
        label = by_folded.get(as_text(reference).strip().casefold())
        if label is None:
            raise UngradableError(f"expected must be one of the choices, not {reference!r:.60}")
        return label

    def compare(text: str, expected: str) -> Grade:
        chosen = read_choice(text, choices)
        if chosen is None and spec.options.get("off_menu") == "ungraded":
            raise UngradableError("no clear choice in the answer")
        reason = f"chose {chosen}" if chosen else "no clear choice"
        reason = f"{reason}, expected {expected}"
        return verdict(passed=chosen == expected, reason=reason, chosen=chosen)

    return against_reference(spec.options, prepare=prepare, compare=compare)


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    """Return the choice that ``text`` makes, ``None`` if it makes none or several.

    In this order: the text is a choice; the last "answer is X"; a leading "X)" or "X:"; the only
    choice mentioned. A single letter in running text must be upper case, and ``A`` and ``I`` must
    not look like English words.
    """
    by_folded = {label.casefold(): label for label in choices}
    whole = by_folded.get(text.strip(_AROUND).casefold())
    if whole is not None:
        return whole
    mention = _mention(choices)
    cues = re.findall(f"(?i:{_CUE}){mention}", text)
    if cues:
        return by_folded[cues[-1].casefold()]
    leading = re.match(rf"\W*{mention}\W*?[).:\]]", text)
    if leading:
        return by_folded[leading[1].casefold()]
    mentioned = {by_folded[label.casefold()] for label in re.findall(mention, text)}
    return mentioned.pop() if len(mentioned) == 1 else None


def _mention(choices: Sequence[str]) -> str:
    """Return a pattern whose only group is one of ``choices``, the longest that fits."""
    ordered = sorted(choices, key=len, reverse=True)
    return rf"(?<!\w)({'|'.join(map(_one, ordered))})(?!\w)"


def _one(label: str) -> str:
    if len(label) > 1 or not label.isalpha():
        return f"(?i:{re.escape(label)})"
    # "A dog" is no choice; "A is right", "A or B" and "A" before no small letter are.
    return f"{label}(?! (?!(?:is|or|and)\\b)[a-z])" if label in "AI" else label
