"""The grader `text_similarity`: how near a reply comes to a text, by rapidfuzz."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.graders.base import TextGrader, against_reference, clip
from evalkit.graders.text import as_texts
from evalkit.model import Grade, GraderSpec

Metric = Callable[[str, str], float]


def text_similarity(spec: GraderSpec) -> TextGrader:
    """Score the reply by its similarity to the expected text, or to the nearest of several.

    ``metric``: fuzzy_match (normalised indel similarity, `fuzz.ratio`), levenshtein, jaro_winkler,
    token_set. All lie in [0, 1]; the reply passes from ``threshold`` on.
    """
    metric = _metrics()[spec.options["metric"]]
    threshold = float(spec.options["threshold"])
    fold = str.casefold if spec.options.get("ignore_case") else str

    def compare(text: str, references: tuple[str, ...]) -> Grade:
        scores = {reference: metric(fold(text), fold(reference)) for reference in references}
        nearest = max(scores, key=scores.__getitem__)
        score = scores[nearest]
        reason = f"{score:.3f} to {nearest!r}, passes from {threshold:g}"
        return Grade(score, score >= threshold, clip(reason))

    return against_reference(spec.options, prepare=as_texts, compare=compare)


def _metrics() -> dict[str, Metric]:
    from rapidfuzz import fuzz
    from rapidfuzz.distance import JaroWinkler, Levenshtein

    return {
        "fuzzy_match": lambda a, b: fuzz.ratio(a, b) / 100,
        "levenshtein": Levenshtein.normalized_similarity,
        "jaro_winkler": JaroWinkler.normalized_similarity,
        "token_set": lambda a, b: fuzz.token_set_ratio(a, b) / 100,
    }
