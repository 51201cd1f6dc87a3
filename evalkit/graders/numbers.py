"""The grader `numeric`: the last number of the reply against a number, within tolerances."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from decimal import Context, Decimal, DecimalException
from functools import lru_cache
from typing import Any

from evalkit.graders.base import TextGrader, UngradableError, against_reference, verdict, wrong
from evalkit.model import Grade, GraderSpec

# Enough digits for any identifier or amount; no traps, so that overflow is a value, not an error.
_EXACT = Context(prec=60, traps=[])
_OTHER = {".": ",", ",": "."}
_MINUS = "\u2212"
_LOOKED_AT = 20_000
_SPACES = "\u00a0\u2009\u202f'_"


def numeric(spec: GraderSpec) -> TextGrader:
    """Take the last number of the reply and compare it with the expected one.

    Right if ``|answer - expected| <= max(abs, rel * |expected|)``, both tolerances 0 by default,
    in decimal arithmetic. No number in the reply is a wrong answer. ``decimal`` is the decimal
    sign; the other one, apostrophes and narrow spaces separate thousands. With ``unit``, a text or
    several spellings of one, only numbers that it stands beside count; nothing is converted.
    """
    sign = spec.options.get("decimal", ".")
    unit = spec.options.get("unit", ())
    units = (unit,) if isinstance(unit, str) else tuple(unit)
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
        answer = last_number(text, decimal=sign, units=units)
        if answer is None:
            return wrong("no number in the answer" + (f" with {units[0]}" if units else ""))
        slack = max(absolute, _EXACT.multiply(relative, _EXACT.abs(expected)))
        distance = _EXACT.abs(_EXACT.subtract(answer, expected))
        passed = answer == expected or bool(distance <= slack)
        return verdict(passed=passed, reason=f"{answer}, expected {expected}", answer=str(answer))

    return against_reference(spec.options, prepare=prepare, compare=compare)


def last_number(text: str, *, decimal: str = ".", units: Sequence[str] = ()) -> Decimal | None:
    """Return the last number in ``text``, ``decimal`` being its decimal sign; ``None`` without one.

    A separator counts only between groups of three digits; a minus only where no letter, digit or
    closing bracket stands before it, so that 10-20 ends in 20. With ``units`` one of them must
    stand after the number (5 km, 50%) or before it (USD 5, -$5), at most a space away. The last
    20 000 characters are looked at.
    """
    tail = text[-_LOOKED_AT:]
    found = deque(_pattern(decimal, tuple(units)).finditer(tail), maxlen=1)
    if not found:
        return None
    bare = "".join(part for part in found[0].groups() if part)
    bare = re.sub(f"[{_SPACES}{_OTHER[decimal]}]", "", bare)
    try:
        return Decimal(bare.replace(_MINUS, "-").replace(decimal, "."))
    except DecimalException:
        return None


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


@lru_cache(maxsize=64)
def _pattern(decimal: str, units: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern whose groups, joined, are one number."""
    point, comma = re.escape(decimal), re.escape(_OTHER[decimal])
    sign = rf"(?:(?<![\w)])[-+{_MINUS}])?"
    digits = (
        rf"(?:[0-9]{{1,3}}(?:[{_SPACES}{comma}][0-9]{{3}})++(?![0-9])|[0-9]++|(?={point}[0-9]))"
        rf"(?:{point}[0-9]+)?"
        rf"(?:[eE][-+]?[0-9]+)?"
    )
    if not units:
        return re.compile(f"({sign}{digits})")
    unit = "|".join(map(_word, sorted(units, key=len, reverse=True)))
    gap = "[ \u00a0\u2009\u202f]?"
    number = rf"{sign}(?<![0-9]){digits}"  # never the rest of one, or a long row takes for ever
    return re.compile(rf"({sign})(?:{unit}){gap}({number})|({number}){gap}(?:{unit})")


def _word(unit: str) -> str:
    """Return a pattern of ``unit`` that no letter or digit touches where it is a word itself."""
    before = r"(?<![^\W\d_])" if unit[0].isalpha() else ""
    after = r"(?!\w)" if unit[-1].isalnum() else ""
    return before + re.escape(unit) + after
