"""Where in a reply its formula stands, and LaTeX brought to the plain notation that is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 500
"""Characters beyond which a text is no formula."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_CUE = re.compile(r"\banswer\b(?:\s+is\b|\s*:|\s+is\s*:)+\s*", re.IGNORECASE)
_INLINE = re.compile(r"\$\$?([^$]+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_TAIL = 20_000

_REPLACED = {
    "\u2212": "-", "\u2013": "-", "\u00d7": "*", "\u22c5": "*", "\u00b7": "*", "\u00f7": "/",
    "\u221a": " sqrt ", "\u03c0": " pi ", "\u221e": " inf ", "\u00b2": "^2 ", "\u00b3": "^3 ",
    "\u00b1": "\\pm ", "\u2213": "\\mp ", "\u222a": "\\cup ", "{,}": ",",
    "\\%": "%", "\\$": "", "$": "", "\\(": "", "\\)": "", "\\[": "", "\\]": "", "\u00a0": " ",
    "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\lvert": "|", "\\rvert": "|",
    "\\vert": "|", "^\\circ": "\u00b0", "^{\\circ}": "\u00b0", "\\degree": "\u00b0",
}  # fmt: skip
_NOTHING = re.compile(
    r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|limits|quad|qquad)(?![A-Za-z])|\\[,;:! ]|~"
)
_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_UNIT = re.compile(r"(?<=[\d)}\]%])\s+[A-Za-z]{4,}[A-Za-z ]*\Z")
_JOINS = frozenset({"or", "and"})


def candidates(reply: str) -> Iterator[str]:
    r"""Yield what may be the answer in ``reply``, the likeliest first.

    The last ``\boxed{...}`` alone if there is one. Else the rest of the line after the last "answer
    is" or "answer:", the last formula between dollars, the whole, and what follows the last "=".
    """
    boxes = list(_BOX.finditer(reply, max(len(reply) - _TAIL, 0)))
    if boxes:
        yield _balanced(reply[boxes[-1].end() :][: LONGEST + 1])
        return
    tail = reply[-_TAIL:]
    cues = list(_CUE.finditer(tail))
    if cues:
        line = tail[cues[-1].end() :].partition("\n")[0]
        inline = _INLINE.match(line)
        yield _inside(inline) if inline else line
    inlines = list(_INLINE.finditer(tail))
    if inlines:
        yield _inside(inlines[-1])
    yield reply
    if "=" in tail:
        yield tail.rpartition("=")[2]


def plain(formula: str) -> str:
    """Return ``formula`` without what only sets it: spacing, dollars, text commands, a unit."""
    text = formula.strip().strip("*").rstrip(".").strip()
    for written, meant in _REPLACED.items():
        text = text.replace(written, meant)
    text = _TEXT.sub(_text, _NOTHING.sub(" ", text))
    return _UNIT.sub("", text.strip())


def _text(hit: re.Match[str]) -> str:
    """Return the words of a text command; a unit after a number is none of the formula."""
    words = hit[1].strip()
    after_value = re.search(r"[\d)}\]%]\s*\Z", hit.string[: hit.start()]) is not None
    at_end = not hit.string[hit.end() :].strip(" .}$^23")
    return " " if after_value and at_end and words not in _JOINS else f" {words} "


def _inside(inline: re.Match[str]) -> str:
    return next(part for part in inline.groups() if part is not None)


def _balanced(text: str) -> str:
    """Return ``text`` up to the brace that closes the one before it; nothing if none does."""
    depth = 1
    for place, sign in enumerate(text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            return text[:place]
    return ""
