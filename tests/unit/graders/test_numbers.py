"""`numeric` and how it reads numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.numbers import last_number
from evalkit.model import Ungraded

from .grading import fault, grade, graded


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", "42"),
        ("The sum is 1,234,567.89 dollars.", "1234567.89"),
        ("It was 7, no, 8.", "8"),
        ("-3", "-3"),
        ("\u22123", "-3"),
        ("+3", "3"),
        ("10-20", "20"),
        ("(-3)", "-3"),
        ("f(2)-3", "3"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("2.5E-3", "0.0025"),
        ("1\u202f234", "1234"),
        ("1'234", "1234"),
        ("10_000", "10000"),
        ("1,2,3", "3"),
        ("1,2345", "2345"),
        ("12,345,67", "67"),
        ("42km", "42"),
        ("$42.", "42"),
        ("50%", "50"),
        ("20 10", "10"),
    ],
)
def test_the_last_number_is_read(text: str, number: str) -> None:
    """Separators, signs and exponents belong to a number, punctuation does not."""
    assert last_number(text) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "number"), [("1.234,5", "1234.5"), ("0,5", "0.5"), ("3.000", "3000")]
)
def test_the_decimal_sign_can_be_a_comma(text: str, number: str) -> None:
    """Then the full stop separates thousands."""
    assert last_number(text, decimal=",") == Decimal(number)


@pytest.mark.parametrize("text", ["", "none", "-", ".", "1e99999999999999999999999"])
def test_a_text_without_a_number_has_none(text: str) -> None:
    """Letters and signs alone are no number, and neither is what no number can hold."""
    assert last_number(text) is None


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_what_is_written_is_read(number: Decimal) -> None:
    """A number in a sentence comes back, with and without separators, in both conventions."""
    english = f"So it is {number:,f}."
    assert last_number(english) == number
    assert last_number(f"So it is {number:f}.") == number
    german = english[:-1].translate(str.maketrans(",.", ".,"))
    assert last_number(german, decimal=",") == number


@given(st.text())
def test_no_text_breaks_the_grader(text: str) -> None:
    """Any answer gets a score of 0 or 1."""
    assert grade("numeric", text, 1, rel=0.1).score in (0.0, 1.0)


@pytest.mark.parametrize(
    ("options", "expected", "text", "passes"),
    [
        ({}, 18, "11 + 7 = 18", True),
        ({}, "18", "eighteen, 18.0", True),
        ({}, "18", "19", False),
        ({}, 0.3, "0.3", True),
        ({}, 9007199254740992, "9007199254740993", False),
        ({"abs": 0.5}, 10, "10.5", True),
        ({"abs": 0.5}, 10, "10.51", False),
        ({"rel": 0.01}, -100, "-101", True),
        ({"rel": 0.01}, -100, "-101.1", False),
        ({"abs": 2, "rel": 0.01}, 100, "102", True),
        ({"value": 5}, None, "5", True),
        ({"path": "$.n"}, {"n": 5}, "5", True),
        ({"decimal": ","}, "1.234,5", "es sind 1234,5", True),
        ({"rel": 0.1}, "1e999999", "1", False),
        ({"abs": 1}, 1, "1e999999999", False),
    ],
)
def test_numbers_are_compared_within_tolerances(
    options: dict[str, Any], expected: object, text: str, *, passes: bool
) -> None:
    """The larger of the absolute and the relative tolerance counts, exact decimals otherwise."""
    result = grade("numeric", text, expected, **options)
    assert (result.score, result.passed) == (float(passes), passes)


def test_no_number_is_a_wrong_answer() -> None:
    """A model that gives no number was asked for one and failed."""
    assert grade("numeric", "no idea", 1).reason == "no number in the answer"


@pytest.mark.parametrize("expected", [None, True, "none", ["1"], float("nan"), float("inf")])
def test_an_expected_value_that_is_no_number_is_ungraded(expected: object) -> None:
    """The answer is not to blame for the case."""
    assert isinstance(graded("numeric", "1", expected), Ungraded)


def test_a_value_that_is_no_number_is_a_fault() -> None:
    """A fixed value is checked before any call."""
    assert "'none'" in fault("numeric", value="none").got


@pytest.mark.parametrize(
    ("text", "units", "number"),
    [
        ("It is 5 km, or 3.1 miles.", ["km"], "5"),
        ("5km", ["km"], "5"),
        ("5 kmh", ["km"], None),
        ("50%", ["%", "percent"], "50"),
        ("50 percent of 80", ["%", "percent"], "50"),
        ("$1,234.50 for 3 people", ["$"], "1234.50"),
        ("-$5", ["$"], "-5"),
        ("USD 5", ["USD"], "5"),
        ("5", ["km"], None),
        ("12345", ["km"], None),
        ("1,234,567 km", ["km"], "1234567"),
        ("first 2 kg, then 3 kg", ["kg"], "3"),
        ("5 KM", ["km"], None),
        ("10-20 km", ["km"], "20"),
    ],
)
def test_a_unit_says_which_number_counts(text: str, units: list[str], number: str | None) -> None:
    """The unit stands after the number or before it, as a word of its own."""
    assert last_number(text, units=units) == (None if number is None else Decimal(number))


def test_a_number_without_its_unit_is_a_wrong_answer() -> None:
    """The unit was asked for; one spelling or several can be given."""
    assert grade("numeric", "5 km", 5, unit="km").passed
    assert grade("numeric", "5 kilometres", "5 km", unit=["km", "kilometres"]).passed
    assert grade("numeric", "5 miles", 5, unit="km").reason == "no number in the answer with km"


@pytest.mark.parametrize("text", ["1" * 10**6, "1,111" + ",111" * 10**6 + "x", "-" * 10**6])
def test_long_rows_of_digits_end_soon(text: str) -> None:
    """Only the end of an answer is looked at, and no row of digits twice."""
    assert 0 <= grade("numeric", text, 5, unit="km").score <= 1
