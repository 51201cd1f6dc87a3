"""`length` and how words and sentences are counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.words import sentences, tokens, words

from .grading import fault, grade


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("one", 1),
        ("don't do well-known things", 4),
        ("a - b \u2014 c", 3),
        ("3.5 km, at 7:30", 4),
        ("\u6211\u7684\u9000\u6b3e\u3002", 4),
        ("\u0939\u093e\u0901 \u0939\u0948", 2),
        ("... !?", 0),
    ],
)
def test_words_stand_between_spaces(text: str, count: int) -> None:
    """Marks alone are no word; scripts without spaces count characters."""
    assert words(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("No end mark", 1),
        ("One. Two! Three?", 3),
        ("Really?! Yes...", 2),
        ("It costs 3.50 at Dr. Smith's, e.g. today.", 1),
        ("J. Doe came. He left.", 2),
        ('"Stop." He stopped.', 2),
        ("A title\n\nA text.", 2),
        ("\u6211\u7684\u3002\u9000\u6b3e\uff1f", 2),
        ("? ! .", 0),
    ],
)
def test_sentences_end_with_their_marks(text: str, count: int) -> None:
    """Decimals, initials and common short forms end no sentence."""
    assert len(sentences(text)) == count


def test_tokens_know_more_than_ascii() -> None:
    """Letters with their marks stay together, Han characters stand alone."""
    assert tokens("The Cat's na\u00efve \u6211\u7684") == [
        "the",
        "cat",
        "s",
        "na\u00efve",
        "\u6211",
        "\u7684",
    ]


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"max": 12}, True),
        ({"max": 11}, False),
        ({"min": 12, "max": 12}, True),
        ({"count": "words", "max": 3}, True),
        ({"count": "words", "min": 4}, False),
        ({"count": "sentences", "min": 2, "max": 2}, True),
        ({"count": "lines", "max": 1}, False),
        ({"count": "lines", "min": 2}, True),
    ],
)
def test_a_length_lies_within_its_limits(options: dict[str, Any], *, passes: bool) -> None:
    """Both limits count as within; white space around and empty lines do not count."""
    result = grade("length", "  One two.\n\nYo ", **options)
    assert (result.score, result.passed) == (float(passes), passes)
    assert passes or "at " in result.reason


@pytest.mark.parametrize("options", [{}, {"min": 0}, {"min": 3, "max": 2}])
def test_limits_that_say_nothing_are_a_fault(options: dict[str, Any]) -> None:
    """A length needs a limit that something can break."""
    assert "max" in fault("length", **options).instead


@given(st.text(), st.sampled_from(["characters", "words", "sentences", "lines"]))
def test_every_text_has_a_length(text: str, count: str) -> None:
    """A text is at least as long as it was counted, and at most."""
    counted = grade("length", text, count=count, max=10**6).detail[count]
    assert counted >= 0
    assert grade("length", text, count=count, min=max(counted, 0), max=counted).passed
