"""Text from models and files made safe to show: nothing invisible, nothing that reorders a line.

Escaping for HTML is the template's job; this is about characters that stay harmful once escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_HARMFUL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff"  # invisible
    "\u2028\u2029"  # line ends that only some readers honour
    "\u202a-\u202e\u2066-\u206f"  # reordering
    "\ud800-\udfff"  # half a character
    "\ufff9-\ufffb\U000e0000-\U000e0fff"  # annotations and tags: text that nobody sees
    "]"
)


def visible(text: str) -> str:
    """Return ``text`` with each control, reordering or invisible character as "⟦U+202E⟧".

    Line feeds and tabs stay; joiners stay, since emoji and several scripts need them.
    """
    return _HARMFUL.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 200) -> str:
    """Return ``text`` as one visible line of at most ``limit`` characters."""
    return shorten(" ".join(visible(text).split()), limit)


def told_apart(names: Sequence[str]) -> list[str]:
    """Return names, each on one line; those that differ and print alike with their code points."""
    alike = len({unicodedata.normalize("NFC", name) for name in names}) < len(set(names))
    return [one_line(ascii(name) if alike else name, 60) for name in names]


def shorten(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of ``text``, the last one an ellipsis if it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
