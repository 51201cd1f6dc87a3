"""Numbers as the report writes them."""

from __future__ import annotations

from math import inf, nan

import pytest

from evalkit.report import numerals


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.042, "4.2"),
        (0.9996, "100.0"),
        (0.99949, "99.9"),
        (-0.042, "−4.2"),
        (-0.0004, "0.0"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (1.0, "100.0"),
        (None, "–"),
        (nan, "–"),
        (inf, "–"),
    ],
)
def test_points(share: float | None, text: str) -> None:
    """A share is written as points with one decimal, a true minus and no negative zero."""
    assert numerals.points(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.042, "+4.2"), (-0.042, "−4.2"), (0.0, "0.0"), (0.0004, "0.0"), (None, "–"), (1, "+100.0")],
)
def test_signed(share: float | None, text: str) -> None:
    """A difference carries its sign, unless it rounds to nothing."""
    assert numerals.signed(share) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.02, "2"), (0.005, "0.5"), (0.0125, "1.25"), (0.0, "0"), (0.1, "10")]
)
def test_trimmed(share: float, text: str) -> None:
    """A limit is written without needless zeros."""
    assert numerals.trimmed(share) == text


@pytest.mark.parametrize(
    ("ends", "bounds", "plain", "with_signs"),
    [
        ((0.024, 0.06), (), "2.4 to 6.0", "+2.4 to +6.0"),
        ((-0.024, 0.06), (), "−2.4 to 6.0", "−2.4 to +6.0"),
        ((-0.0196, 0.03), (-0.02,), "−1.96 to 3.00", "−1.96 to +3.00"),
        ((-0.02, 0.03), (-0.02,), "−2.0 to 3.0", "−2.0 to +3.0"),
        ((0.0004, 0.05), (0.0,), "0.04 to 5.00", "+0.04 to +5.00"),
    ],
)
def test_span(
    ends: tuple[float, float], bounds: tuple[float, ...], plain: str, with_signs: str
) -> None:
    """An interval gets a second decimal where it would read like a bound that it does not touch."""
    assert numerals.span_plain(*ends, bounds=bounds) == plain
    assert numerals.span(*ends, bounds=bounds) == with_signs


def test_counts_and_nouns() -> None:
    """Thousands are set apart and nouns follow their number."""
    assert numerals.count(12480) == "12,480"
    assert numerals.many(1, "case") == "1 case"
    assert numerals.many(2, "case") == "2 cases"
    assert numerals.many(0, "case") == "0 cases"


@pytest.mark.parametrize(
    ("amount", "text"), [(None, "not known"), (0.0, "0.00"), (1.239, "1.24"), (0.0042, "0.0042")]
)
def test_money(amount: float | None, text: str) -> None:
    """Small sums keep four decimals; an unknown one says so."""
    assert numerals.money(amount) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (48.2, "48 s"),
        (200, "3 min 20 s"),
        (7501, "2 h 5 min"),
        (59.7, "1 min 0 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """A time span has the two units that matter."""
    assert numerals.duration(seconds) == text


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (nan, "–"), (0.0004, "< 0.001"), (0.0213, "0.021"), (1, "1.000")]
)
def test_probability(p: float | None, text: str) -> None:
    """A p-value has three decimals and is never 0."""
    assert numerals.probability(p) == text


@pytest.mark.parametrize(
    ("plain", "set_"),
    [
        ("moved by -4.2 points", "moved by −4.2 points"),
        ("interval -4.8 to -1", "interval −4.8 to −1"),
        ("held-out heldout-001, 2026-11-24", "held-out heldout-001, 2026-11-24"),
        ("95 % interval", "95\N{NO-BREAK SPACE}% interval"),
    ],
)
def test_typeset(plain: str, set_: str) -> None:
    """Minus signs are true ones, hyphens stay, and a number keeps its percent sign."""
    assert numerals.typeset(plain) == set_


def test_short_digest() -> None:
    """Twelve characters, without the name of the method."""
    assert numerals.short_digest("sha256:" + "ab" * 32) == "abababababab"
