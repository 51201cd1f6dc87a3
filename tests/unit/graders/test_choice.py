"""`choice`, `label` and `multi_label`: letters and labels out of a fixed set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.labels import Labels
from evalkit.model import Grade, Ungraded

from .grading import fault, grade, graded

LETTERS = ("A", "B", "C", "D")
LABELS = ("bug", "bug report", "billing")
QUEUES = {"billing": ["invoice", "payment"], "shipping": ["delivery", "parcel"], "other": []}


def read_choice(text: str, choices: tuple[str, ...]) -> str | None:
    """Return the choice that a text makes."""
    return Labels.of(dict.fromkeys(choices, ())).chosen(text)


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
    assert grade("choice", "I choose 2.", 2, choices=[1, 2, 3]).detail == {
        "predicted": "2",
        "expected": "2",
    }


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


@pytest.mark.parametrize(
    "text", ["b\u0131ll\u0131ng", "STRASSE", "\u212aelvin", "\ud800 B", "A \u202eB"]
)
def test_letters_that_fold_oddly_are_no_error(text: str) -> None:
    """Dotless i, sharp s, the Kelvin sign and half a pair make a choice or none."""
    assert read_choice(text, ("billing", "stra\u00dfe", "kelvin")) in {
        "billing",
        "stra\u00dfe",
        "kelvin",
        None,
    }


@pytest.mark.parametrize(
    ("text", "predicted"),
    [
        ("billing", "billing"),
        ("It is about an invoice.", "billing"),
        ("An invoice and its payment", "billing"),
        ("The parcel did not come, so: delivery", "shipping"),
        ("Answer: parcel", "shipping"),
        ("invoice or parcel", None),
        ("invoices", None),
        ("", None),
    ],
)
def test_other_words_stand_for_a_label(text: str, predicted: str | None) -> None:
    """All words of one label count as one mention; the detail is what suites count by."""
    result = grade("label", text, "shipping", labels=QUEUES)
    assert result.detail == {"predicted": predicted, "expected": "shipping"}
    assert (result.score, result.passed) == (float(predicted == "shipping"), result.score == 1)


def test_the_expected_label_may_be_one_of_its_other_words() -> None:
    """Both the label and a list of labels may be given."""
    assert grade("label", "billing", "Payment", labels=QUEUES).passed
    assert grade("label", "no", "no", labels=["yes", "no"]).passed
    assert isinstance(graded("label", "billing", "sales", labels=QUEUES), Ungraded)
    assert isinstance(graded("label", "?", "other", labels=QUEUES, off_menu="ungraded"), Ungraded)


@pytest.mark.parametrize(
    "labels", [{"a": ["x"], "b": ["X"]}, {"a": ["b"], "b": []}, {"a": [" "], "b": []}]
)
def test_a_word_for_two_labels_is_a_fault(labels: dict[str, list[str]]) -> None:
    """Nothing could be read from it."""
    assert fault("label", labels=labels).instead == "each word for one label only"


@pytest.mark.parametrize(
    ("text", "expected", "score"),
    [
        ("billing, shipping", ["shipping", "billing"], 1.0),
        ('["invoice", "parcel"]', ["billing", "shipping"], 1.0),
        ("billing", ["billing", "shipping"], 2 / 3),
        ("billing, shipping, other", ["billing"], 0.5),
        ("none of them", [], 1.0),
        ("billing", [], 0.0),
        ("none of them", ["billing"], 0.0),
        ("billing", "billing", 1.0),
    ],
)
def test_several_labels_are_scored_by_f1(text: str, expected: object, score: float) -> None:
    """Twice the common ones over all named and expected; passing asks for all by default."""
    result = grade("multi_label", text, expected, labels=QUEUES)
    assert result.score == pytest.approx(score)
    assert result.passed is (score == 1)
    assert grade("multi_label", text, expected, labels=QUEUES, threshold=0.5).passed is (
        score >= 0.5
    )


@given(
    st.lists(st.sampled_from(sorted(QUEUES)), unique=True),
    st.lists(st.sampled_from(sorted(QUEUES)), unique=True),
)
def test_the_order_of_labels_is_irrelevant(named: list[str], expected: list[str]) -> None:
    """Both lists are sets, and F1 is the same with the two swapped."""
    there = grade("multi_label", ", ".join(named), expected, labels=QUEUES)
    back = grade("multi_label", ", ".join(reversed(expected)), named[::-1], labels=QUEUES)
    assert there.score == back.score
    assert there.detail["predicted"] == sorted(named)


@given(st.text())
def test_no_text_breaks_the_label_graders(text: str) -> None:
    """Scores stay in [0, 1] whatever the answer."""
    for type_, expected in (("label", "billing"), ("multi_label", ["billing"])):
        assert 0 <= grade(type_, text, expected, labels=QUEUES).score <= 1
