"""The grader `text_similarity`: how near a reply comes to a text, by well-known metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from evalkit.graders.base import TextGrader, against_reference, clip, missing_package
from evalkit.graders.overlap import rouge_l, rouge_n
from evalkit.graders.text import as_texts
from evalkit.model import Grade, GraderSpec

Metric = Callable[[str, str], float]
"""From a reply and a reference to a score in [0, 1]."""

_LONGEST = 100_000
_LONGEST_WORDS = 2_000


def text_similarity(spec: GraderSpec) -> TextGrader:
    """Score the reply by its similarity to the expected text, or to the nearest of several.

    ``metric``, each in [0, 1]: fuzzy_match (normalised indel similarity, `fuzz.ratio`),
    levenshtein, jaro_winkler, token_set (rapidfuzz); bleu, chrf (sacrebleu's sentence scores over
    100); gleu, meteor (nltk); rouge_1 to rouge_5, rouge_l (F-measure). The reply passes from
    ``threshold`` on. Metrics of words look at the first 100 000 characters of both texts.
    """
    metric = _METRICS[spec.options["metric"]]()
    threshold = float(spec.options["threshold"])
    fold = str.casefold if spec.options.get("ignore_case") else str

    def compare(text: str, references: tuple[str, ...]) -> Grade:
        scores = {reference: metric(fold(text), fold(reference)) for reference in references}
        nearest = max(scores, key=scores.__getitem__)
        score = scores[nearest]
        reason = f"{score:.3f} to {nearest!r}, passes from {threshold:g}"
        return Grade(score, score >= threshold, clip(reason))

    return against_reference(spec.options, prepare=as_texts, compare=compare)


def _cut(metric: Metric) -> Metric:
    """Return ``metric`` of the first 100 000 characters, and never beyond [0, 1] by rounding."""
    return lambda a, b: min(max(float(metric(a[:_LONGEST], b[:_LONGEST])), 0.0), 1.0)


def _ratio() -> Metric:
    from rapidfuzz import fuzz

    return lambda a, b: fuzz.ratio(a, b) / 100


def _token_set() -> Metric:
    from rapidfuzz import fuzz

    return lambda a, b: fuzz.token_set_ratio(a, b) / 100


def _levenshtein() -> Metric:
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.normalized_similarity


def _jaro_winkler() -> Metric:
    from rapidfuzz.distance import JaroWinkler

    return JaroWinkler.normalized_similarity


def _bleu() -> Metric:
    """Return sentence BLEU-4 of sacrebleu: 13a tokens, exponential smoothing, effective order."""
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise missing_package("sacrebleu", extra="similarity", use="bleu") from error
    bleu = BLEU(effective_order=True)
    return _cut(lambda a, b: bleu.sentence_score(a, [b]).score / 100)


def _chrf() -> Metric:
    """Return chrF2 of sacrebleu: characters in groups of one to six."""
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise missing_package("sacrebleu", extra="similarity", use="chrf") from error
    chrf = CHRF()
    return _cut(lambda a, b: chrf.sentence_score(a, [b]).score / 100)


def _gleu() -> Metric:
    """Return Google's GLEU of nltk over the tokens that BLEU uses."""
    split = _tokenizer("gleu")
    try:
        from nltk.translate.gleu_score import sentence_gleu
    except ImportError as error:
        raise missing_package("nltk", extra="similarity", use="gleu") from error
    return _cut(lambda a, b: sentence_gleu([split(b)], split(a)))


def _meteor() -> Metric:
    """Return METEOR of nltk with exact and stem matches; words are those of BLEU, in lower case.

    Its third stage, synonyms, needs WordNet's files, which no package ships: left out for
    everybody, so that the score does not depend on what is installed. The first 2000 words count.
    """
    split, nothing = _tokenizer("meteor"), _NoSynonyms()
    try:
        from nltk.translate.meteor_score import single_meteor_score
    except ImportError as error:
        raise missing_package("nltk", extra="similarity", use="meteor") from error

    def meteor(a: str, b: str) -> float:
        answer, reference = (split(text)[:_LONGEST_WORDS] for text in (a, b))
        return float(single_meteor_score(reference, answer, wordnet=nothing))

    return _cut(meteor)


def _tokenizer(metric: str) -> Callable[[str], list[str]]:
    try:
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    except ImportError as error:
        raise missing_package("sacrebleu", extra="similarity", use=metric) from error
    make: Callable[[], Callable[[str], str]] = Tokenizer13a
    tokenize = make()
    return lambda text: tokenize(text).split()


class _NoSynonyms:
    """Stands where nltk asks WordNet for the meanings of a word: there are none."""

    def synsets(self, _word: str) -> list[object]:
        return []


_METRICS: Mapping[str, Callable[[], Metric]] = {
    "fuzzy_match": _ratio,
    "levenshtein": _levenshtein,
    "jaro_winkler": _jaro_winkler,
    "token_set": _token_set,
    "bleu": _bleu,
    "chrf": _chrf,
    "gleu": _gleu,
    "meteor": _meteor,
    **{f"rouge_{n}": partial(lambda n: _cut(partial(rouge_n, n=n)), n) for n in range(1, 6)},
    "rouge_l": lambda: _cut(rouge_l),
}
