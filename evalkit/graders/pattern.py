"""The grader `regex`: a search that is given up after a time limit.

The standard library's `re` cannot be stopped: one unlucky pattern and one long answer would hang a
run. The package `regex` reads the same syntax, backtracks less, and takes a timeout.
"""

from __future__ import annotations

from evalkit.graders.base import (
    OptionError,
    TextGrader,
    UngradableError,
    alone,
    clip,
    verdict,
    wrong,
)
from evalkit.model import Grade, GraderSpec

DEFAULT_TIMEOUT_S = 1.0


def regex_grader(spec: GraderSpec) -> TextGrader:
    """Search the reply for ``pattern``, or with ``whole`` match all of it.

    A search longer than ``timeout_s`` seconds is ungraded: the answer is not to blame.
    """
    import regex

    options = spec.options
    flags = regex.IGNORECASE if options.get("ignore_case") else 0
    limit = float(options.get("timeout_s", DEFAULT_TIMEOUT_S))
    try:
        pattern = regex.compile(options["pattern"], flags)
    except regex.error as error:
        got = f"{options['pattern']!r}: {error}"
        instead = "a pattern in Python's syntax, a literal . ( [ { \\ with \\ before it"
        raise OptionError("a regular expression", got=got, instead=instead) from error
    search = pattern.fullmatch if options.get("whole") else pattern.search

    def compare(text: str) -> Grade:
        try:
            hit = search(text, timeout=limit)
        except TimeoutError as error:
            raise UngradableError(f"the pattern took longer than {limit:g} s") from error
        if hit is None:
            return wrong(f"no match of {pattern.pattern}")
        return verdict(passed=True, matched=clip(hit[0]))

    return alone(compare)
