"""A fixed set of labels with other words for them, and how one is read out of running text."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.graders.base import OptionError

_HALF = 50_000
_AROUND = " \t\r\n.,:;!?'\"`*_()[]{}<>"
_CUE = r"\banswer\b\W{0,5}(?:is\b)?\W{0,5}(?:(?:option|choice)\b\W{0,5})?"


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels and their spellings.

    ``by_folded`` maps each spelling, case folded, to its label; ``in_order`` holds the label of
    each group of the three patterns.
    """

    by_folded: Mapping[str, str]
    in_order: tuple[str, ...]
    mention: re.Pattern[str]
    cue: re.Pattern[str]
    leading: re.Pattern[str]

    @classmethod
    def of(cls, aliases: Mapping[str, Sequence[str]]) -> Labels:
        """Return the labels of a mapping from each to its other spellings.

        Raises `OptionError` for a word that stands for two labels or is empty.
        """
        spelled = _spelled(aliases)
        ordered = sorted(spelled, key=len, reverse=True)  # the longest that fits is meant
        words = "|".join(f"({_word(spelling)})" for spelling in ordered)
        mention = rf"(?<!\w)(?:{words})(?!\w)"
        return cls(
            by_folded={spelling.casefold(): label for spelling, label in spelled.items()},
            in_order=tuple(spelled[spelling] for spelling in ordered),
            mention=re.compile(mention),
            cue=re.compile(f"(?i:{_CUE}){mention}"),
            leading=re.compile(rf"\W{{0,20}}{mention}\W{{0,20}}?[).:\]]"),
        )

    def chosen(self, text: str) -> str | None:
        """Return the label that ``text`` gives, ``None`` if it gives none or several.

        In this order: the text is a label; the last "answer is X"; a leading "X)" or "X:"; the only
        label mentioned. A single letter in running text must be upper case, and ``A`` and ``I``
        must not look like English words. Of a long text the first and the last 50 000 characters
        are looked at.
        """
        text = _ends(text)
        whole = self.by_folded.get(text.strip(_AROUND).casefold())
        if whole is not None:
            return whole
        said = deque(self._found(self.cue, text), maxlen=1)
        if said:
            return said[0]
        leading = self.leading.match(text)
        if leading is not None:
            return self._label(leading)
        mentioned = self.named(text)
        return mentioned.pop() if len(mentioned) == 1 else None

    def named(self, text: str) -> set[str]:
        """Return every label that ``text`` mentions, in as much of it as `chosen` looks at."""
        return set(self._found(self.mention, _ends(text)))

    def _found(self, pattern: re.Pattern[str], text: str) -> Iterator[str]:
        return map(self._label, pattern.finditer(text))

    def _label(self, hit: re.Match[str]) -> str:
        return self.in_order[(hit.lastindex or 1) - 1]


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _HALF + 1 else f"{text[:_HALF]}\n{text[-_HALF:]}"


def _spelled(aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the label of each spelling; a word given twice for one label counts once."""
    owner: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for label, others in aliases.items():
        for spelling in (label, *others):
            taken = owner.setdefault(spelling.casefold(), label)
            if taken != label or not spelling.strip():
                raise OptionError(
                    "labels, and other words for them, that differ in more than case",
                    got=f"'{spelling}' for {taken} and for {label}" if spelling else "an empty one",
                    instead="each word for one label only",
                )
            spelled[spelling] = label
    return spelled


def _word(spelling: str) -> str:
    if len(spelling) > 1 or not spelling.isalpha():
        return f"(?i:{re.escape(spelling)})"
    # "A dog" is no choice; "A is right", "A or B" and "A" before no small letter are.
    upper = spelling.upper() if len(spelling.upper()) == 1 else spelling
    return f"{upper}(?! (?!(?:is|or|and)\\b)[a-z])" if upper in "AI" else upper
