"""Numbers as the report writes them: points with one decimal and a true minus sign.

Differences and scores come on the 0..1 scale and are written as points, 100 times as large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite

MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"
"""What stands where there is no number."""

_HYPHEN_MINUS = re.compile(r"(?<![\w.-])-(?=\d)")
_PERCENT = re.compile(r"(?<=\d) %")
_SAME = 1e-9


def decimals(value: float | None, digits: int = 1) -> str:
    """Return ``value`` with ``digits`` decimals, never a negative zero."""
    if value is None or not isfinite(value):
        return ABSENT
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS if float(text) else "")


def points(share: float | None, digits: int = 1) -> str:
    """Return a share of 1 as points: 0.9996 is "100.0"."""
    return decimals(None if share is None else 100 * share, digits)


def signed(share: float | None, digits: int = 1) -> str:
    """Return a difference as points with its sign; a difference that rounds to nothing has none."""
    text = points(share, digits)
    bare = text.startswith(MINUS) or text == ABSENT or not any(c in "123456789" for c in text)
    return text if bare else f"+{text}"


def percent(share: float | None) -> str:
    """Return a share as a percentage: 0.0123 is "1.2 %"."""
    return ABSENT if share is None else f"{points(share)} %"


def trimmed(share: float) -> str:
    """Return a limit as points without needless zeros: 0.02 is "2", 0.005 is "0.5"."""
    text = points(share, 2)
    return text.rstrip("0").rstrip(".")


def digits_for(values: Iterable[float], bounds: Iterable[float]) -> int:
    """Return the decimals at which no value reads like a bound that it does not equal: 1 or 2."""
    limits = list(bounds)
    clash = any(
        points(value) == points(bound) and not _same(value, bound)
        for value in values
        for bound in limits
    )
    return 2 if clash else 1


def _same(value: float, bound: float) -> bool:
    return abs(value - bound) < _SAME


def span(low: float, high: float, bounds: Iterable[float] = ()) -> str:
    """Return an interval of differences with signs: "+2.4 to +6.0"."""
    digits = digits_for((low, high), bounds)
    return f"{signed(low, digits)} to {signed(high, digits)}"


def span_plain(low: float, high: float, bounds: Iterable[float] = ()) -> str:
    """Return an interval without plus signs: "2.4 to 6.0"."""
    digits = digits_for((low, high), bounds)
    return f"{points(low, digits)} to {points(high, digits)}"


def count(number: int) -> str:
    """Return a whole number with thousands apart: "12,480"."""
    return f"{number:,}"


def many(number: int, one: str, more: str = "") -> str:
    """Return a number with its noun: "1 case", "2 cases"."""
    return f"{count(number)} {one if number == 1 else more or one + 's'}"


def money(amount: float | None) -> str:
    """Return an amount in the user's own currency, which is not known here."""
    if amount is None:
        return "not known"
    return decimals(amount, 2 if amount >= 0.01 or amount == 0 else 4)


def duration(seconds: float) -> str:
    """Return a time span in the two units that matter: "48 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{decimals(seconds, 1)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def roughly(seconds: float) -> str:
    """Return a time span that is only about right in one unit: "40 s", "3 min", "2.5 h"."""
    if seconds < 59.5:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 59.5 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:,.0f} h" if hours >= 9.5 else f"{hours:.1f}".removesuffix(".0") + " h"


def tokens(number: float) -> str:
    """Return a number of tokens with two digits that matter: "840", "84,000", "0.8 M", "12 M"."""
    if number >= 99_500:
        millions = number / 1e6
        return f"{millions:,.0f} M" if millions >= 9.95 else f"{millions:.1f} M"
    digits = max(len(str(round(number))) - 2, 0)
    return count(round(round(number), -digits))


def probability(p: float | None) -> str:
    """Return a p-value as the method section prints it: three decimals, or "< 0.001"."""
    if p is None or not isfinite(p):
        return ABSENT
    return "< 0.001" if p < 0.001 else decimals(p, 3)


def short_digest(digest: str) -> str:
    """Return the first twelve characters of a digest, enough to compare by eye."""
    return digest.removeprefix("sha256:")[:12]


def typeset(sentence: str) -> str:
    """Return a sentence with true minus signs, and no line end between a number and its %."""
    return _PERCENT.sub("\N{NO-BREAK SPACE}%", _HYPHEN_MINUS.sub(MINUS, sentence))
