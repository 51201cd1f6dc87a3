"""Graders of how likely an answer was: `logprob` and `perplexity`.

Both start from the mean m of the natural log-probabilities of n tokens. exp(m) is the geometric
mean of the tokens' probabilities, in [0, 1]; exp(-m), its inverse, is the perplexity (Jelinek,
Mercer, Bahl, Baker 1977, "Perplexity - a measure of the difficulty of speech recognition tasks").
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import TextGrader, UngradableError, against_reference, whole
from evalkit.graders.text import as_text
from evalkit.model import Case, Grade, GraderSpec, Reply

_ASK = "put sampling: {extra: {logprobs: true}} into the suite"
_ASK_MORE = "put sampling: {extra: {logprobs: true, top_logprobs: 20}} into the suite"
_LARGEST_EXPONENT = 700.0
_LEAST = -9999.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its log-probability, and those of the likeliest ones in its place.

    ``offset`` is where it begins in the text, ``None`` where the endpoint does not say.
    """

    text: str
    logprob: float
    others: Mapping[str, float]
    offset: int | None = None


def logprob(spec: GraderSpec) -> TextGrader:
    """Score by exp(m) of the answer's tokens, or with ``of: expected`` of the expected text's.

    The expected text is found where it stands last in the tokens, or as one of the
    ``top_logprobs`` of the answer's first token; elsewhere the endpoint does not tell how likely it
    was, and the answer is ungraded. Passes from ``threshold`` on.
    """
    threshold = float(spec.options["threshold"])

    def told(values: Sequence[float]) -> Grade:
        mean = mean_of(values)
        score = math.exp(mean)
        reason = f"{score:.3g} a token, passes from {threshold:g}"
        detail = {"mean_logprob": mean, "tokens": len(values)}
        return Grade(score, score >= threshold, reason, detail)

    if spec.options.get("of", "answer") == "answer":
        return TextGrader(prompt_of, lambda reply, prompt: told(logprobs_of(reply, prompt)), whole)

    def compare(reply: Reply, expected: str) -> Grade:
        return told(_of_expected(read_tokens(reply), expected))

    return against_reference(spec.options, prepare=as_text, compare=compare, read=whole)


def perplexity(spec: GraderSpec) -> TextGrader:
    """Score by one over the perplexity of the answer, which passes up to ``max``."""
    most = float(spec.options["max"])

    def compare(reply: Reply, prompt: str) -> Grade:
        values = logprobs_of(reply, prompt)
        mean = mean_of(values)
        found = math.exp(min(-mean, _LARGEST_EXPONENT))
        reason = f"perplexity {found:.4g}, passes up to {most:g}"
        detail = {"perplexity": found, "tokens": len(values)}
        return Grade(math.exp(mean), found <= most, reason, detail)

    return TextGrader(prompt_of, compare, whole)


def mean_of(values: Sequence[float]) -> float:
    """Return the mean log-probability of at least one token."""
    return math.fsum(values) / len(values)


def prompt_of(case: Case) -> str:
    """Return the prompt if it is one text, as `/completions` takes it; else an empty text."""
    content = case.messages[0].get("content") if len(case.messages) == 1 else ""
    return content if isinstance(content, str) else ""


def logprobs_of(reply: Reply, prompt: str) -> list[float]:
    """Return the log-probabilities of the answer's tokens, without those of an echoed prompt.

    Raises:
        UngradableError: the endpoint gave none.
    """
    tokens = read_tokens(reply)
    start = len(prompt) if reply.text.startswith(prompt) else 0
    values = [t.logprob for t in tokens if t.offset is None or t.offset >= start]
    if not values:
        raise UngradableError("the answer has no tokens beside the echoed prompt")
    return values


def read_tokens(reply: Reply) -> list[Token]:
    """Return the tokens that have a log-probability, at least one.

    Raises:
        UngradableError: the endpoint gave none.
    """
    found = reply.extra.get("logprobs")
    if not isinstance(found, Mapping):
        found = {}
    content, offsets = _listed(found.get("content")), _listed(found.get("text_offset"))
    pairs = itertools.zip_longest(content, itertools.islice(offsets, len(content)))
    tokens = [token for entry, offset in pairs if (token := _token(entry, offset))]
    if not tokens:
        raise UngradableError(f"the answer has no log-probabilities: {_ASK}")
    return tokens


def _of_expected(tokens: Sequence[Token], expected: str) -> list[float]:
    """Return the log-probabilities of the tokens that hold ``expected``."""
    whole_text = "".join(token.text for token in tokens)
    start = whole_text.rfind(expected) if expected else -1
    if start >= 0:
        ends = list(itertools.accumulate(len(token.text) for token in tokens))
        first = bisect.bisect_right(ends, start)
        last = bisect.bisect_left(ends, start + len(expected))
        return [token.logprob for token in tokens[first : last + 1]]
    others = tokens[0].others.items()
    near = [value for text, value in others if text.strip() == expected.strip()]
    if not near:
        raise UngradableError(f"no log-probability of the expected text: {_ASK_MORE}")
    return [max(near)]


def _token(entry: Any, offset: Any) -> Token | None:  # noqa: ANN401  (as the endpoint sent it)
    text, value = _pair(entry)
    if value is None:
        return None
    others = (_pair(other) for other in _listed(entry.get("top_logprobs")))
    ranked = {name: known for name, known in others if known is not None}
    return Token(text, value, ranked, offset if isinstance(offset, int) else None)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  (as the endpoint sent it)
    return value if isinstance(value, list) else []


def _pair(entry: Any) -> tuple[str, float | None]:  # noqa: ANN401  (as the endpoint sent it)
    """Return a token's text and its log-probability, ``None`` if there is none."""
    if not isinstance(entry, Mapping):
        return "", None
    value = entry.get("logprob")
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124  (nan, of either)
        return str(entry.get("token", "")), None
    # Rounding lets some servers say a little more than 0; below all, OpenAI says -9999. Clipped
    # before it is a float, for which an integer of JSON can be too large.
    return str(entry.get("token", "")), float(min(max(value, _LEAST), 0.0))
