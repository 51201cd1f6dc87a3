"""BLEU, chrF, GLEU, METEOR and ROUGE of `text_similarity` against the packages themselves."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.gleu_score import sentence_gleu
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu import sentence_bleu, sentence_chrf

from .grading import fault, grade

METRICS = ("bleu", "chrf", "gleu", "meteor", "rouge_1", "rouge_2", "rouge_5", "rouge_l")
ENGLISH = st.lists(st.sampled_from(["the", "a", "cat", "sat", "mat.", ",", "Don't"]), max_size=12)


def score(metric: str, text: str, expected: str) -> float:
    """Return the score of a text."""
    return grade("text_similarity", text, expected, metric=metric, threshold=0.5).score


# The example of nltk's own documentation of GLEU and METEOR, and of Papineni et al. (2002).
HYPOTHESIS = (
    "It is a guide to action which ensures that the military always obeys the commands of the party"
)
REFERENCE = (
    "It is a guide to action that ensures that the military will forever heed Party commands"
)


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    """Sentence scores with effective order, over 100."""
    bleu = sentence_bleu(HYPOTHESIS, [REFERENCE]).score
    assert score("bleu", HYPOTHESIS, REFERENCE) == pytest.approx(bleu / 100)
    chrf = sentence_chrf(HYPOTHESIS, [REFERENCE]).score
    assert score("chrf", HYPOTHESIS, REFERENCE) == pytest.approx(chrf / 100)
    assert score("bleu", "the cat", "the cat") == 1.0


def test_gleu_is_that_of_nltk() -> None:
    """Shared runs of one to four words over the larger number of runs."""
    expected = sentence_gleu([REFERENCE.split()], HYPOTHESIS.split())
    assert score("gleu", HYPOTHESIS, REFERENCE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected", "value"),
    [
        # One chunk of three words: 1 - 0.5 * (1/3)^3.
        ("the cat sat", "the cat sat", 1 - 0.5 / 27),
        # A stem matches as its word does, a synonym does not.
        ("cats sitting", "cat sits", 1 - 0.5 / 8),
        ("large", "big", 0.0),
        # Precision 2/2, recall 2/4: 10PR / (R + 9P) = 10/19, one chunk of two.
        ("the cat", "the cat sat down", (5 / 9.5) * (1 - 0.5 / 8)),
    ],
)
def test_meteor_matches_words_and_stems(text: str, expected: str, value: float) -> None:
    """Worked by hand from Banerjee and Lavie (2005) with nltk's weights (0.9, 3, 0.5)."""
    assert score("meteor", text, expected) == pytest.approx(value)


@given(ENGLISH, ENGLISH.filter(bool))
def test_rouge_is_that_of_rouge_score(words: list[str], others: list[str]) -> None:
    """F-measures without stemming agree on every English text."""
    text, expected = " ".join(words), " ".join(others)
    kinds = {"rouge1": "rouge_1", "rouge2": "rouge_2", "rouge5": "rouge_5", "rougeL": "rouge_l"}
    scores = RougeScorer(list(kinds), use_stemmer=False).score(expected, text)
    for theirs, ours in kinds.items():
        assert score(ours, text, expected) == pytest.approx(scores[theirs].fmeasure)


def test_rouge_knows_other_scripts() -> None:
    """Where rouge-score sees no word at all."""
    assert score("rouge_1", "\u6211\u7684\u9000\u6b3e", "\u6211\u7684\u5305\u88f9") == 0.5
    assert score(
        "rouge_l",
        "\u0433\u0434\u0435 \u043c\u043e\u0439 \u0447\u0435\u043a",
        "\u0433\u0434\u0435 \u0447\u0435\u043a",
    ) == pytest.approx(0.8)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=30)
@given(text=st.text(max_size=30), expected=st.text(min_size=1, max_size=30))
def test_every_metric_stays_in_its_range(metric: str, text: str, expected: str) -> None:
    """Any two texts have a score in [0, 1], a lone half of a pair included."""
    assert 0 <= score(metric, text + "\ud800", expected) <= 1


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", ["a" * 10**7, "word " * (2 * 10**6)], ids=["letters", "words"])
def test_long_answers_are_cut(metric: str, text: str) -> None:
    """The first 100 000 characters are looked at, so that ten megabytes take no longer."""
    long = score(metric, text, "the cat sat")
    assert long == score(metric, text[:100_000], "the cat sat")


@pytest.mark.parametrize("metric", ["bleu", "chrf", "gleu", "meteor"])
def test_a_missing_package_is_a_fault(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    for name in list(sys.modules):
        if name.split(".")[0] in {"nltk", "sacrebleu"}:
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "nltk", None)
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    told = fault("text_similarity", metric=metric, threshold=0.5)
    assert told.instead == "pip install 'pytest-evalkit[similarity]'"
