"""ROUGE: the words that two texts share, as F-measure with equal weight on precision and recall.

Source: Lin (2004), "ROUGE: a package for automatic evaluation of summaries". On English the numbers
are those of the package rouge-score without stemming; its tokens know no other script, those of
`evalkit.graders.words` do.
"""

from __future__ import annotations

from collections import Counter

from evalkit.graders.words import tokens


def rouge_n(answer: str, reference: str, *, n: int) -> float:
    """Return ROUGE-N, in [0, 1]: shared runs of ``n`` words; 0 where a text has no such run."""
    left, right = (_runs(tokens(text), n) for text in (answer, reference))
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


def rouge_l(answer: str, reference: str) -> float:
    """Return ROUGE-L, in [0, 1]: the longest common subsequence of words; 0 for empty texts.

    ``2 * lcs / (words of both)`` is the normalised indel similarity.
    """
    from rapidfuzz.distance import Indel

    left, right = tokens(answer), tokens(reference)
    return Indel.normalized_similarity(left, right) if left and right else 0.0


def _runs(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))
