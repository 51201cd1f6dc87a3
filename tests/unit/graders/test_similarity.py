"""`text_similarity` against rapidfuzz itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler, Levenshtein

from evalkit.model import Ungraded

from .grading import fault, grade, graded

METRICS: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": lambda a, b: fuzz.ratio(a, b) / 100,
    "levenshtein": Levenshtein.normalized_similarity,
    "jaro_winkler": JaroWinkler.normalized_similarity,
    "token_set": lambda a, b: fuzz.token_set_ratio(a, b) / 100,
}


@pytest.mark.parametrize("metric", METRICS)
@given(text=st.text(max_size=20), expected=st.text(min_size=1, max_size=20))
def test_each_metric_is_rapidfuzz_on_zero_to_one(metric: str, text: str, expected: str) -> None:
    """The score is the library's, and it passes from the threshold on."""
    result = grade("text_similarity", text, expected, metric=metric, threshold=0.5)
    assert result.score == METRICS[metric](text, expected)
    assert 0 <= result.score <= 1
    assert result.passed is (result.score >= 0.5)


# Levenshtein: one substitution in "kitten" -> "sitten" of 6 letters, 1 - 1/6.
@pytest.mark.parametrize(
    ("metric", "score"), [("levenshtein", 5 / 6), ("fuzzy_match", 10 / 12), ("token_set", 10 / 12)]
)
def test_known_values(metric: str, score: float) -> None:
    """Kitten and sitten differ in one letter."""
    result = grade("text_similarity", "kitten", "sitten", metric=metric, threshold=0.9)
    assert result.score == pytest.approx(score)
    assert not result.passed


def test_the_nearest_of_several_texts_counts() -> None:
    """Any accepted wording will do."""
    options = {"metric": "levenshtein", "threshold": 1.0}
    assert grade("text_similarity", "Rome", ["Paris", "Rome"], **options).passed
    assert not grade("text_similarity", "rome", ["Paris", "Rome"], **options).passed
    assert grade("text_similarity", "rome", ["Paris", "Rome"], ignore_case=True, **options).passed


def test_nothing_to_compare_with_is_ungraded() -> None:
    """A case without an expected text cannot be graded; a fixed value is checked at once."""
    result = graded("text_similarity", "x", None, metric="levenshtein", threshold=1)
    assert isinstance(result, Ungraded)
    told = fault("text_similarity", value="", metric="levenshtein", threshold=1)
    assert "not empty" in told.got
