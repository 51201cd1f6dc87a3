"""The grader `numeric`: the last number of the reply against a number, within tolerances."""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException
from typing import Any

from evalkit.graders.base import TextGrader, UngradableError, against_reference, verdict, wrong
from evalkit.model import Grade, GraderSpec

# Enough digits for any identifier or amount; no traps, so that overflow is a value, not an error.
_EXACT = Context(prec=60, traps=[])
_OTHER = {".": ",", ",": "."}
_MINUS = "\u2212"
_SPACES = "\u00a0\u2009\u202f'_"


def numeric(spec: GraderSpec) -> TextGrader:
    """Take the last number of the reply and compare it with the expected one.

    Right if ``|answer - expected| <= max(abs, rel * |expected|)``, both tolerances 0 by default,
    in decimal arithmetic. No number in the reply is a wrong answer. ``decimal`` is the decimal
    sign; the other one, apostrophes and narrow spaces separate thousands.
    """
    sign = spec.options.get("decimal", ".")
    absolute = _decimal(spec.options.get("abs", 0))
    relative = _decimal(spec.options.get("rel", 0))

    def prepare(reference: Any) -> Decimal:  # noqa: ANN401  (as the user wrote it)
        number = None
        if isinstance(reference, int | float) and not isinstance(reference, bool):
            number = _decimal(reference)
        elif isinstance(reference, str):
            number = last_number(reference, decimal=sign)
        if number is None or not number.is_finite():
            raise UngradableError(f"expected must be a number, not {reference!r:.60}")
        return number

    def compare(text: str, expected: Decimal) -> Grade:
        answer = last_number(text, decimal=sign)
        if answer is None:
            return wrong("no number in the answer")
        slack = max(absolute, _EXACT.multiply(relative, _EXACT.abs(expected)))
        distance = _EXACT.abs(_EXACT.subtract(answer, expected))
        passed = answer == expected or bool(distance <= slack)
        return verdict(passed=passed, reason=f"{answer}, expected {expected}", answer=str(answer))

    return against_reference(spec.options, prepare=prepare, compare=compare)


def last_number(text: str, *, decimal: str = ".") -> Decimal | None:
    """Return the last number in ``text``, ``decimal`` being its decimal sign; ``None`` without one.

    A separator counts only between groups of three digits; a minus only where no letter, digit or
    closing bracket stands before it, so that 10-20 ends in 20.
    """
    found = _NUMBERS[decimal].findall(text)
    if not found:
        return None
    bare = re.sub(f"[{_SPACES}{_OTHER[decimal]}]", "", found[-1])
    try:
        return Decimal(bare.replace(_MINUS, "-").replace(decimal, "."))
    except DecimalException:
        return None


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _number_pattern(decimal: str) -> re.Pattern[str]:
    point, comma = re.escape(decimal), re.escape(_OTHER[decimal])
    return re.compile(
        rf"(?:(?<![\w)])[-+{_MINUS}])?"
        rf"(?:[0-9]{{1,3}}(?:[{_SPACES}{comma}][0-9]{{3}})+(?![0-9])|[0-9]+|(?={point}[0-9]))"
        rf"(?:{point}[0-9]+)?"
        rf"(?:[eE][-+]?[0-9]+)?"
    )


_NUMBERS = {decimal: _number_pattern(decimal) for decimal in _OTHER}
