"""What a judge answered, to the verdict that it gave.

Judges are asked for a JSON object, and some endpoints make sure that they give one. Others wrap it
in prose or forget it; then what looks like a verdict at the end counts, since the reasoning before
it may quote the answer under test. What stands between marks of thinking is never looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

FIELD = "verdict"
_LONGEST = 20_000
"""Characters from the end of a judge's answer that are looked at."""

_LINE = re.compile(
    r"""(?im)^[ \t*_#>-]*(?:final[ \t]+)?verdict[*_]*[ \t]*(?::|=|is\b)[\s*_"'`]*(-?\w[^\n]*)$"""
)
_AROUND = " \t\r*_\"'`."
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPENING = re.compile(r"```\w*")
_THOUGHT = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Said:
    """The verdict as it was written, and the reasoning beside it."""

    verdict: str | float
    reasoning: str = ""


class Scale(Protocol):
    """The verdicts that a judge may give."""

    @property
    def form(self) -> Mapping[str, Any]:
        """The JSON Schema of a verdict."""

    @property
    def words(self) -> str:
        """What the judge is told of the verdicts."""

    def score(self, verdict: str | float) -> float | None:
        """Return the score in [0, 1] of a verdict; ``None`` if it is not one of the scale's."""


@dataclass(frozen=True, slots=True)
class Labels:
    """One of several labels, each with its score."""

    scores: Mapping[str, float]

    @property
    def form(self) -> Mapping[str, Any]:
        """One of the labels."""
        return {"type": "string", "enum": list(self.scores)}

    @property
    def words(self) -> str:
        """The labels."""
        return "one of " + ", ".join(f'"{label}"' for label in self.scores)

    def score(self, verdict: str | float) -> float | None:
        """Return the score of a label, in whatever case it is written."""
        folded = {label.casefold(): score for label, score in self.scores.items()}
        return folded.get(str(verdict).strip().casefold())


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number from ``low`` to ``high``, whole numbers only if ``whole``."""

    low: float
    high: float
    whole: bool = True

    @property
    def form(self) -> Mapping[str, Any]:
        """A number between the two."""
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": self.low, "maximum": self.high}

    @property
    def words(self) -> str:
        """The ends of the scale."""
        number = "a whole number" if self.whole else "a number"
        return f"{number} from {self.low:g} (worst) to {self.high:g} (best)"

    def score(self, verdict: str | float) -> float | None:
        """Return where a number lies between the ends; "4/5" counts as 4 on a scale to 5."""
        text = str(verdict).strip().removesuffix(f"/{self.high:g}").strip()
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            return None
        return (value - self.low) / (self.high - self.low)


def read_verdict(text: str, *, cut: bool = False) -> Said | None:
    """Return the verdict at the end of a judge's answer, ``None`` if there is none.

    Of an answer that was ``cut`` off only a whole object counts: its end is not there.
    """
    said = _thoughtless(text)
    # Asked first as it stands: the reasoning inside an object may quote a mark of thinking.
    whole = _from_whole_json(text) or _from_whole_json(said)
    if whole or cut:
        return whole
    end = said[-_LONGEST:]
    return _from_json(end) or _from_line(end) or _from_whole(end)


def _thoughtless(text: str) -> str:
    """Return what follows the thinking; some templates open it before the answer begins."""
    *thoughts, rest = _THOUGHT_END.split(text)
    return "" if _THOUGHT.match(text) and not thoughts else rest


def _from_whole_json(text: str) -> Said | None:
    """Read an answer that is one object, whatever its reasoning quotes."""
    text = text.strip()
    fence = _OPENING.match(text) if text.endswith("```") else None
    try:
        return _said(json.loads(text[fence.end() : -len("```")] if fence else text))
    except (ValueError, RecursionError):
        return None


def _said(tree: object) -> Said | None:
    if isinstance(tree, dict) and _is_plain(tree.get(FIELD)):
        return Said(tree[FIELD], str(tree.get("reasoning", "")))
    return None


def _from_json(text: str) -> Said | None:
    """Read the last object with a verdict, wherever it stands."""
    start = text.rfind("{")
    while start >= 0:
        try:
            tree, _ = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            tree = None
        if said := _said(tree):
            return said
        start = text.rfind("{", 0, start)
    return None


def _from_line(text: str) -> Said | None:
    """Read the line of a verdict that ends the answer; one before may be a quote."""
    lines = list(_LINE.finditer(text))
    if not lines or text[lines[-1].end() :].strip(_AROUND + "\n"):
        return None
    return Said(lines[-1][1].rstrip(_AROUND), text)


def _from_whole(text: str) -> Said | None:
    whole = text.strip().strip("\"'`*.")
    return Said(whole) if whole and "\n" not in whole and len(whole) <= len("x" * 60) else None


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
