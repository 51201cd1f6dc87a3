"""The grader `regex`: a search that is given up after a time limit.

The standard library's `re` cannot be stopped: one unlucky pattern and one long answer would hang a
run. The package `regex` reads the same syntax, backtracks less, and takes a timeout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalkit.graders.base import (
    OptionError,
    TextGrader,
    UngradableError,
    against_reference,
    clip,
    verdict,
    wrong,
)
from evalkit.graders.text import as_text
from evalkit.model import Grade, GraderSpec

DEFAULT_TIMEOUT_S = 1.0
Pattern = Any
"""A compiled pattern of the package `regex`, which is loaded where it is used."""


def regex_grader(spec: GraderSpec) -> TextGrader:
    """Search the reply for ``pattern``, or with ``whole`` match all of it.

    Without ``pattern`` it is the case's expected text, or its part at ``path``. A search longer
    than ``timeout_s`` seconds is ungraded: the answer is not to blame.
    """
    limit = float(spec.options.get("timeout_s", DEFAULT_TIMEOUT_S))
    whole = bool(spec.options.get("whole"))
    compiled = _compiler(ignore_case=bool(spec.options.get("ignore_case")))

    def compare(text: str, pattern: Pattern) -> Grade:
        search = pattern.fullmatch if whole else pattern.search
        try:
            hit = search(text, timeout=limit)
        except TimeoutError as error:
            raise UngradableError(f"the pattern took longer than {limit:g} s") from error
        if hit is None:
            return wrong(f"no match of {pattern.pattern}")
        return verdict(passed=True, matched=clip(hit[0]))

    if "pattern" not in spec.options:
        return against_reference(spec.options, prepare=compiled, compare=compare)
    try:
        fixed = compiled(spec.options["pattern"])
    except UngradableError as error:
        instead = "a pattern in Python's syntax, a literal . ( [ { \\ with \\ before it"
        raise OptionError("a regular expression", got=str(error), instead=instead) from error
    return TextGrader(lambda _case: fixed, compare)


def _compiler(*, ignore_case: bool) -> Callable[[Any], Pattern]:
    import regex

    flags = regex.IGNORECASE if ignore_case else 0

    def compiled(raw: Any) -> Pattern:  # noqa: ANN401  (as the user wrote it)
        try:
            return regex.compile(as_text(raw), flags)
        except regex.error as error:
            raise UngradableError(f"{raw!r}: {error}") from error

    return compiled
