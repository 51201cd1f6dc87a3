"""Texts cut into words and sentences, the same way wherever a grader counts them.

Scripts written without spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) count
each character as a word.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Any

# A full stop after these, or after a single letter, ends no sentence.
_SHORT = re.compile(
    r"(?:\b(?:dr|mrs?|ms|prof|st|no|vs|cf|fig|approx|bzw|ca|usw)|\b[^\W\d_])\Z", re.IGNORECASE
)
# Each run of marks is tried once only, so that a million full stops take no longer than a text.
_END = re.compile(
    r"(?<![.!?\u2026\u061f\u0964])[.!?\u2026\u061f\u0964]++[\"'\u00bb\u201d\u2019)\]*_]*+(?=\s|\Z)"
    r"|[\u3002\uff01\uff1f]+|\n\s*\n"
)
# Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_ONE = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(r"[^\W_]\S*")


def tokens(text: str) -> list[str]:
    """Return the words of ``text`` in lower case: runs of letters and digits, without marks.

    On ASCII without underscores these are the tokens of the package rouge-score.
    """
    found: list[str] = _token().findall(text.lower())
    return found


def words(text: str) -> int:
    """Return how many words ``text`` has: what stands between spaces and holds a letter or digit.

    So "don't" and "well-known" are one word each, a dash between spaces is none.
    """
    return sum(1 for _ in _WORD.finditer(_ONE.sub(" \\g<0> ", text)))


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``, white space around them cut off.

    One ends with its mark (. ! ? and those of other scripts) before white space, or with an empty
    line. A small letter after a full stop, and short forms such as "Dr.", do not end it.
    """
    cuts = [0, *(hit.end() for hit in _END.finditer(text) if _ends(text, hit)), len(text)]
    parts = (text[a:b].strip() for a, b in itertools.pairwise(cuts))
    return [part for part in parts if any(map(str.isalnum, part))]


def _ends(text: str, hit: re.Match[str]) -> bool:
    if hit[0] != ".":
        return True
    following = text[hit.end() : hit.end() + 40].lstrip()[:1]
    before = text[max(hit.start() - 12, 0) : hit.start()]
    return not following.islower() and _SHORT.search(before) is None


@cache
def _token() -> Any:  # noqa: ANN401  (a pattern of the package regex, which knows marks from letters)
    import regex

    return regex.compile(rf"[{_UNSPACED}]|[\p{{L}}\p{{M}}\p{{N}}--[{_UNSPACED}]]+", regex.V1)
