"""`choice`: letters and labels out of a fixed set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.choice import read_choice
from evalkit.model import Grade, Ungraded

from .grading import fault, grade, graded

LETTERS = ("A", "B", "C", "D")
LABELS = ("bug", "bug report", "billing")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("**B**", "B"),
        ("B.", "B"),
        ("B) Paris", "B"),
        ("B: because A is wrong", "B"),
        ("The answer is C.", "C"),
        ("Answer: (D)", "D"),
        ("First I thought the answer is A, but the correct answer is option C", "C"),
        ("It must be B", "B"),
        ("A is right", "A"),
        ("A dog", None),
        ("a", "A"),
        ("I like a dog", None),
        ("A or B", None),
        ("E", None),
        ("", None),
        ("None of them", None),
    ],
)
def test_letters_are_read_from_running_text(text: str, chosen: str | None) -> None:
    """A clear choice is found, an article or a tie is none."""
    assert read_choice(text, LETTERS) == chosen


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Billing", "billing"),
        ("This is a bug report.", "bug report"),
        ("Answer: Bug", "bug"),
        ("bug, not billing", None),
        ("It is about BILLING and billing", "billing"),
        ("debugging", None),
    ],
)
def test_labels_are_read_in_any_case(text: str, chosen: str | None) -> None:
    """The longest label that fits is taken, as words of their own."""
    assert read_choice(text, LABELS) == chosen


@given(st.text())
def test_any_text_makes_a_choice_of_the_set_or_none(text: str) -> None:
    """No answer breaks the grader, and nothing outside the set comes out."""
    assert read_choice(text, LETTERS) in (*LETTERS, None)


@pytest.mark.parametrize(("text", "passes"), [("B", True), ("A", False), ("none", False)])
def test_the_choice_is_compared_with_the_expected_one(text: str, *, passes: bool) -> None:
    """Off the menu counts as wrong unless the suite says otherwise."""
    assert grade("choice", text, "b", choices=list(LETTERS)).passed is passes


def test_numbers_can_be_choices() -> None:
    """Labels 1 to 3 work as texts or as numbers."""
    assert grade("choice", "I choose 2.", 2, choices=[1, 2, 3]).detail == {"chosen": "2"}


def test_off_the_menu_can_be_ungraded() -> None:
    """Declared so, an unclear answer has no grade, a wrong choice still is wrong."""
    options = {"choices": list(LETTERS), "off_menu": "ungraded"}
    assert isinstance(graded("choice", "none", "A", **options), Ungraded)
    assert isinstance(graded("choice", "B", "A", **options), Grade)


def test_an_expected_answer_off_the_menu_is_ungraded() -> None:
    """Nothing a model writes could be right."""
    assert isinstance(graded("choice", "A", "E", choices=list(LETTERS)), Ungraded)


def test_choices_that_differ_in_case_only_are_a_fault() -> None:
    """They could not be told apart."""
    assert "Yes" in fault("choice", choices=["Yes", "yes"]).got
