"""Which texts are nearly the same, found without comparing each with each.

Two texts are near if the longest common subsequence of their words makes up a share of both
together, ``2 LCS / (len + len)``, of at least so much. They then have that many words in common, so
the rarest words of each hold one that both have [prefix filter: Bayardo, Ma & Srikant 2007]: only
such pairs are compared, and none is lost but by `MOST_SHARING`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

Words = tuple[str, ...]

MOST_WORDS = 300
"""Words of a text that are compared: half of them from its beginning, half from its end."""

MOST_SHARING = 100
"""How many texts that begin with one rare word are compared with another that has it."""

ROUNDING = 1e-9
"""How far below the limit a likeness may be, as it is no exact number."""

FRAME_SAMPLE, FRAME_SHARE, FRAME_LEAST = 2_000, 0.1, 20
_RUN = 3
_SLACK = 0.01  # rapidfuzz leaves out pairs that are just at its limit
_UNITS = 0x10F000


def near_pairs(texts: Sequence[Words], least: float) -> Iterator[tuple[int, int]]:
    """Yield pairs of indexes of different texts that are near; ``least`` is above 0, below 1.

    Words that belong to a frame (`unframed`) do not count. Of more than `MOST_SHARING` texts that
    begin with the same rare word only the latest are compared, or ten thousand texts of one kind
    would make fifty million pairs; such texts are near to others of their kind all the same.
    """
    from rapidfuzz.distance.Indel import normalized_similarity
    from rapidfuzz.process import extract

    coded, rarest = _coded(unframed([_ends(text) for text in texts]))
    sharing: dict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(texts)), key=lambda i: (len(coded[i]), i)):
        words = rarest[index]
        reach = _prefix(len(words), least / (2 - least))
        others = {o for word in words[:reach] for o in sharing[word][-MOST_SHARING:]}
        for _, likeness, other in extract(
            coded[index],
            {other: coded[other] for other in others},
            scorer=normalized_similarity,
            score_cutoff=least - _SLACK,
            limit=None,
        ):
            if likeness >= least - ROUNDING:
                yield other, index
        for word in words[: _prefix(len(words), least)]:
            sharing[word].append(index)


def unframed(texts: Sequence[Words]) -> list[Words]:
    """Return texts without the frame that many of them share, such as an instruction.

    A word belongs to the frame if it lies in a run of three that more than a tenth of the texts
    have, and more than twenty; a text that is nothing else stays as it is. Of very many texts a
    sample shows the runs.
    """
    step = max(len(texts) // FRAME_SAMPLE, 1)
    sample = texts[::step]
    counts = Counter(run for text in sample for run in set(_runs(text)))
    most = max(FRAME_SHARE * len(sample), FRAME_LEAST)
    frame = {run for run, number in counts.items() if number > most}
    return [_without(text, frame) for text in texts] if frame else list(texts)


def _runs(text: Words) -> Iterator[Words]:
    return (text[start : start + _RUN] for start in range(len(text) - _RUN + 1))


def _without(text: Words, frame: set[Words]) -> Words:
    covered = {
        start + place
        for start, run in enumerate(_runs(text))
        if run in frame
        for place in range(_RUN)
    }
    return tuple(word for place, word in enumerate(text) if place not in covered) or text


def _coded(texts: Sequence[Words]) -> tuple[list[str], list[list[int]]]:
    """Return each text with a character a word, and the numbers of its words, the rarest first."""
    counts = Counter(word for text in texts for word in set(text))
    rank = {word: place for place, (word, _) in enumerate(reversed(counts.most_common()))}
    numbers = [[rank[word] for word in text] for text in texts]
    # More words than there are characters share some: then a few pairs too many are near.
    return ["".join(chr(n % _UNITS) for n in each) for each in numbers], [
        sorted(each) for each in numbers
    ]


def _prefix(length: int, share: float) -> int:
    """Return how many of the rarest words hold one of every ``share`` of all of them."""
    return length - math.ceil(share * length - ROUNDING) + 1


def _ends(text: Words) -> Words:
    half = MOST_WORDS // 2
    return text if len(text) <= MOST_WORDS else (*text[:half], *text[-half:])
