"""The grader `length`: whether a reply is as long as it should be."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.graders.base import OptionError, TextGrader, alone, verdict
from evalkit.graders.words import sentences, words
from evalkit.model import Grade, GraderSpec

_LOOKED_AT = 1_000_000
_COUNTS: dict[str, Callable[[str], int]] = {
    "characters": lambda text: len(text.strip()),
    "words": words,
    "sentences": lambda text: len(sentences(text)),
    "lines": lambda text: sum(1 for line in text.splitlines() if line.strip()),
}


def length(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply has at least ``min`` and at most ``max`` of what ``count`` names.

    ``count``: characters (default; code points, without white space around the reply), words,
    sentences, or lines that are not empty, those three in the first million characters. Words and
    sentences are those of `evalkit.graders.words`.
    """
    unit = spec.options.get("count", "characters")
    least, most = spec.options.get("min", 0), spec.options.get("max")
    if not least and most is None:
        raise OptionError("a smallest or a largest length", got="neither", instead="max: 100")
    if most is not None and least > most:
        raise OptionError("min up to max", got=f"{least} and {most}", instead=f"max: {least}")
    limits = (f"at least {least}" if least else "", "" if most is None else f"at most {most}")

    def compare(text: str) -> Grade:
        counted = _COUNTS[unit](text if unit == "characters" else text[:_LOOKED_AT])
        passed = least <= counted and (most is None or counted <= most)
        wanted = " and ".join(filter(None, limits))
        reason = "" if passed else f"{counted} {unit}, {wanted}"
        return verdict(passed=passed, reason=reason, **{unit: counted})

    return alone(compare)
