"""The score formula: what it may hold, and what it makes of grades."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.base import OptionError
from evalkit.graders.formula import check_score, parse_formula
from evalkit.model import Grade, Graded, Ungraded

from .grading import SOURCE

GRADES: Mapping[str, Graded] = {
    "queue": Grade(0.5, passed=False),
    "tone": Grade(0.8, passed=True),
    "valid": Grade(1.0, passed=True),
    "broken": Grade(0.0, passed=False),
    "lost": Ungraded("why not"),
}
NAMES = list(GRADES)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("queue", 0.5),
        ("0.5*queue + 0.5*tone if valid else 0", 0.65),
        ("0.5*queue + 0.5*tone if broken else 0", 0.0),
        ("1 - queue", 0.5),
        ("-queue + 1", 0.5),
        ("(queue + tone) / 2", 0.65),
        ("min(queue, tone)", 0.5),
        ("max(queue, tone, 0.1)", 0.8),
        ("queue and tone", 0.0),
        ("valid and tone", 1.0),
        ("queue or tone", 1.0),
        ("not queue", 1.0),
        ("not tone", 0.0),
        ("tone >= 0.8", 1.0),
        ("tone > 0.8", 0.0),
        ("0 <= queue < tone <= 1", 1.0),
        ("queue == 0.5", 1.0),
        ("queue != 0.5", 0.0),
        ("tone if queue * 2 else 0", 0.8),
        ("True * queue", 0.5),
        ("1", 1.0),
        ("\n queue ", 0.5),
    ],
)
def test_a_formula_combines_scores(text: str, score: float) -> None:
    """Names are scores, and as conditions whether the grader passed."""
    assert parse_formula(text).score(GRADES) == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("lost", None),
        ("queue + lost", None),
        ("lost and queue", None),
        ("queue and lost", 0.0),
        ("valid or lost", 1.0),
        ("queue if valid else lost", 0.5),
        ("lost if valid else queue", None),
        ("queue if lost else 0", None),
        ("min(queue, lost)", None),
        ("not lost", None),
        ("lost > 0", None),
    ],
)
def test_an_ungraded_name_that_is_needed_leaves_no_score(text: str, score: float | None) -> None:
    """What a condition leaves aside does not matter."""
    assert parse_formula(text).score(GRADES) == score


@pytest.mark.parametrize("text", ["2 * tone", "queue - 1", "queue / broken"])
def test_a_score_outside_its_range_is_none(text: str) -> None:
    """It is never bent into the range."""
    assert parse_formula(text).score(GRADES) is None


def test_rounding_at_the_ends_is_forgiven() -> None:
    """Weights that add up to 1 give at most 1."""
    grades = {name: Grade(1.0, passed=True) for name in "abc"}
    assert parse_formula("0.7*a + 0.2*b + 0.1*c + 0.0000000001").score(grades) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "queue +",
        "queue ** 2",
        "queue % 2",
        "~queue",
        "+queue",
        "queue.real",
        "queue[0]",
        "'text'",
        "None",
        "1j",
        "min()",
        "min(queue, key=tone)",
        "sum(queue)",
        "min(*queue)",
        "__import__('os')",
        "(lambda: 0)()",
        "[queue]",
        "{queue}",
        "queue is tone",
        "queue in tone",
        "(x := 1)",
        "f'{queue}'",
        "queue if tone",
        "queue\ntone",
        "queue; tone",
        "(" * 300 + "1" + ")" * 300,
        "-" * 499 + "1",
        "1" * 400,
        "\x00",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """What is not on the list is no formula, whatever it would do."""
    with pytest.raises(OptionError):
        parse_formula(text)


FORMULAS = st.recursive(
    st.sampled_from(["a", "b", "c", "0.5", "1", "0"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["<", ">=", "==", "!="]), inner),
        st.builds("({} if {} >= 0.5 else {})".format, inner, inner, inner),
        st.builds("min({}, {})".format, inner, inner),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("(-{})".format, inner),
    ),
    max_leaves=8,
)
SHARES = st.floats(0, 1)


@given(text=FORMULAS, a=SHARES, b=SHARES, c=SHARES)
def test_arithmetic_is_pythons(text: str, a: float, b: float, c: float) -> None:
    """Where names stand as numbers only, the value is what Python itself computes."""
    grades = {n: Grade(v, passed=v >= 0.5) for n, v in (("a", a), ("b", b), ("c", c))}
    names = {"a": a, "b": b, "c": c, "min": min, "max": max, "__builtins__": {}}
    try:
        value = float(eval(text, names))  # noqa: S307  (the text is one of FORMULAS)
    except ZeroDivisionError:
        value = float("nan")
    score = parse_formula(text).score(grades)
    assert score == (pytest.approx(value, abs=1e-9) if -1e-9 <= value <= 1 + 1e-9 else None)


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    """Nothing but `OptionError` comes out, and what is accepted is one Python expression."""
    try:
        formula = parse_formula(text)
    except OptionError:
        return
    ast.parse(text.strip(), mode="eval")
    assert all(name.isidentifier() for name in formula.names)


@pytest.mark.parametrize(
    "text", ["queue", "0.7*queue + 0.3*tone if valid else 0", "queue and tone"]
)
def test_a_sound_score_has_no_fault(text: str) -> None:
    """Known names and a range of 0 to 1 are all that is asked."""
    assert check_score(text, NAMES, SOURCE) == []


@pytest.mark.parametrize(
    ("text", "got", "instead"),
    [
        ("queu", "'queu' in the score", "queue (did you mean it?)"),
        ("queue + zzz", "'zzz' in the score", "one of them"),
        ("queue ** 2", "queue ** 2", "queue"),
        ("queue + tone", "2 at queue = 1, tone = 1", "weights that add up to 1"),
        ("queue - tone", "-1 at queue = 0, tone = 1", "weights that add up to 1"),
        ("queue / tone", "a division by zero at queue = 0, tone = 0", "if and else"),
        ("2", "a score that no answer can change", "queue"),
    ],
)
def test_a_score_that_cannot_be_is_a_fault(text: str, got: str, instead: str) -> None:
    """Unknown names, other syntax and other ranges are found before any call."""
    [told] = check_score(text, NAMES, SOURCE)
    assert told.got == got
    assert instead in told.instead
    assert (told.path, told.line) == (SOURCE.path, SOURCE.line)


def test_every_unknown_name_is_told() -> None:
    """Two unknown names are two faults."""
    assert len(check_score("xx + yy + xx", NAMES, SOURCE)) == 2


def test_a_condition_can_guard_a_division() -> None:
    """Only the branch that is taken is looked at."""
    assert (
        check_score("queue * tone / max(queue, tone) if queue or tone else 0", NAMES, SOURCE) == []
    )
