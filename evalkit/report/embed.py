"""All cases packed for the page's script: an index, and the texts in blocks read on demand.

Compressed JSON in base64: no answer can end its script element, and 10,000 cases stay small.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.report.caselist import STATUSES, Answer, CaseEntry

BLOCK = 250
"""Cases whose texts are unpacked together when one of them is opened."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What the page carries: the index and the blocks, each as base64 of deflated JSON."""

    index: str
    blocks: tuple[str, ...]


def pack(
    cases: Sequence[CaseEntry], pairs: Sequence[tuple[str, str]], *, answers: bool, aside: bool
) -> Packed:
    """Return ``cases`` packed; ``pairs`` names base and candidate of each comparison.

    ``answers``: whether there are texts of answers; ``aside``: whether the table has a column for
    what a case asks, or is about.
    """
    index = {
        "block": BLOCK,
        "pairs": pairs,
        "answers": answers,
        "aside": aside,
        "statuses": {
            key: [words.label, words.glyph, words.tone] for key, words in STATUSES.items()
        },
        "rows": [_row(case) for case in cases],
    }
    blocks = (
        _deflate([_texts(case) for case in cases[start : start + BLOCK]])
        for start in range(0, len(cases), BLOCK)
    )
    return Packed(_deflate(index), tuple(blocks))


def _row(case: CaseEntry) -> list[Any]:
    return [
        case.pair,
        case.suite,
        case.id,
        case.status,
        case.split,
        int(case.critical),
        case.base_score,
        case.candidate_score,
        case.question,
    ]


def _texts(case: CaseEntry) -> list[Any]:
    return [
        case.prompt,
        case.expected,
        [_answer(a) for a in case.base],
        [_answer(a) for a in case.candidate],
    ]


def _answer(answer: Answer) -> list[Any]:
    return [answer.whole, answer.score, answer.right, answer.notes]


def _deflate(value: Any) -> str:  # noqa: ANN401  (any JSON)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
