"""`math`: equal formulas in other forms, and what a strange model writes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.graders.formula_text import candidates
from evalkit.graders.formula_tree import FormulaError, parse
from evalkit.graders.math import same
from evalkit.model import Ungraded

from .grading import fault, grade, graded

EQUAL = [
    ("1/2", r"\boxed{\frac12}"),
    ("1/2", "0.5"),
    ("1/2", "50%"),
    ("1/2", r"The answer is $\dfrac{1}{2}$."),
    ("1/2", r"So \(x = \frac{1}{2}\)"),
    ("5", "Answer: 5 apples"),
    ("5", r"First \boxed{4}, no: \boxed{5\text{ cm}}"),
    ("5", "**5**"),
    ("5", "5 = x"),
    ("5", r"\$5"),
    ("1,234", "1234.0"),
    ("1,234", "1{,}234"),
    ("2500", "2.5e3"),
    ("5/2", r"2\frac{1}{2}"),
    ("5/2", "2 1/2"),
    ("x^2-1", "(x-1)(x+1)"),
    ("x^2-1", "y = -1 + x\u00b2"),
    ("x y", "y*x"),
    ("x_1+x_2", "x_{2}+x_{1}"),
    ("(x^2-1)/(x-1)", "x+1"),
    (r"\frac{\sqrt{3}}{2}", "\u221a3/2"),
    (r"\frac{\sqrt{3}}{2}", r"\sin 60^\circ"),
    (r"\frac{\sqrt{3}}{2}", r"\cos\frac{\pi}{6}"),
    (r"\sin^2 x", r"1 - \cos^2 x"),
    ("sin x cos x", "(1/2) sin(2x)"),
    (r"\sin^{-1} x", "arcsin x"),
    ("3\\sqrt2", "sqrt(18)"),
    (r"\sqrt[3]{-8}", "-2"),
    ("sqrt(x^2)", "|x|"),
    (r"\log_2 8", "3"),
    (r"e^{i\pi}", "-1"),
    ("10!", "3628800"),
    (r"\binom{10}{3}", "120"),
    ("2^{200}+1", "1606938044258990275541962092341162602522202993782792835301377"),
    ("2, -3", r"\boxed{x = -3 \text{ or } x = 2}"),
    (r"1 \pm \sqrt{2}", "1+sqrt(2), 1-sqrt 2"),
    (r"\{1,2,3\}", "{3, 2, 1}"),
    ("(1, 2)", r"\left(\frac22, 2\right)"),
    (r"(-\infty, 2]", "(-inf, 2]"),
    ("no solution", r"\boxed{\text{No solution}}"),
]
DIFFERENT = [
    ("1/2", "0.50001"),
    ("1/2", "1/3"),
    ("1/2", "none"),
    ("5", "-5"),
    ("5", r"\boxed{5"),
    ("5", r"5, but \boxed{6}"),
    ("x^2-1", "x^2+1"),
    ("x", "y"),
    ("sqrt(x^2)", "x"),
    ("2^{200}+1", "2^{200}"),
    ("pi", "3.14159"),
    ("2, -3", "2"),
    ("1, 1", "1, 2"),
    ("(1, 2)", "(2, 1)"),
    ("(0, 1]", "(0, 1)"),
    ("1,234", "(1, 234)"),
    ("no solution", "0"),
    ("5", "5 or 6"),
]
HOSTILE = [
    "9**9**9**9", "2^(2^(2^(2^(2^2))))", "exp(exp(exp(exp(100))))", "0.5^9^9^9", "1e9999999",
    "10^(-10^10^10)", "99999!!", "(10^9)!", "sin(10^500)", "x^x^x^x^x", "x" + "^x" * 200,
    "(" * 240 + "x" + ")" * 240, "|" * 400, "sin " * 100 + "x", "-" * 499, "+".join(["x!"] * 160),
    "*".join(["x"] * 250), "/".join(["x"] * 250), "5" + "!" * 490, "+".join(["x^.1"] * 100),
    "__import__('os').system('true')", "[c for c in ().__class__.__mro__]", "lambda: 0", "1/0",
    "0/0", "0^(-1)", "log_1 5", "tan(pi/2)", r"\frac", r"\sqrt[", "a_{", "a_", "^", "5^", "{}",
    "(,)", "\x00", "\ud800", "\u202e5", "\u0665!", r"\input{/etc/passwd}", "inf - inf", "$" * 400,
    r"\boxed{" * 50, "x" * 499, "1" * 600, ", ".join("x" * 150), "\u221a" * 100,
]  # fmt: skip


@pytest.mark.parametrize(("expected", "text"), EQUAL)
def test_equal_formulas_pass(expected: str, text: str) -> None:
    """Whatever their form and wherever they stand."""
    assert grade("math", text, expected).passed


@pytest.mark.parametrize(("expected", "text"), DIFFERENT)
def test_other_formulas_fail(expected: str, text: str) -> None:
    """Near is not equal without a tolerance."""
    result = grade("math", text, expected)
    assert (result.score, result.passed) == (0.0, False)


@pytest.mark.parametrize("text", HOSTILE)
def test_strange_answers_are_wrong_at_once(text: str) -> None:
    """No size, depth or value of a formula takes long, raises, or passes."""
    assert grade("math", text, "x!+17").score == 0
    result = graded("math", text, text)
    assert isinstance(result, Ungraded) or result.score in {0.0, 1.0}


@pytest.mark.parametrize(
    ("options", "expected", "text", "passes"),
    [
        ({"abs": 0.01}, "pi", "3.14", True),
        ({"abs": 0.001}, "pi", "3.14", False),
        ({"rel": 0.01}, "1000", "1009", True),
        ({"rel": 0.01}, "1000", "1011", False),
        ({"abs": 0.1}, "x/3", "0.33x", True),
        ({"value": "1/2"}, None, "0.5", True),
        ({"path": "$.a"}, {"a": 7}, "7", True),
    ],
)
def test_tolerances_are_those_of_numeric(
    options: dict[str, object], expected: object, text: str, *, passes: bool
) -> None:
    """The larger of both counts, at every point where formulas are compared."""
    assert grade("math", text, expected, **options).passed is passes


@pytest.mark.parametrize(
    "expected",
    [None, ["1"], "x <= 2", r"\begin{pmatrix}1\end{pmatrix}", "1/0", "9^9^9^9", "", "1" * 501],
)
def test_an_expected_formula_that_cannot_be_read_is_ungraded(expected: object) -> None:
    """The answer is not to blame; the suite's own value is a fault."""
    assert isinstance(graded("math", "1", expected), Ungraded)
    assert fault("math", value="x <= 2").needed == "a value to compare with"


NUMBERS = st.fractions(min_value=-50, max_value=50, max_denominator=20)


@settings(max_examples=50)
@given(NUMBERS, NUMBERS, NUMBERS)
def test_an_expanded_product_is_equal_and_a_changed_one_is_not(
    a: Fraction, b: Fraction, c: Fraction
) -> None:
    """(x + a)(x + b) is its expansion; with another constant it is not."""
    product = parse(f"(x + ({a}))(x + ({b}))")
    expansion = f"x^2 + ({a + b})x + ({a * b})"
    assert same(parse(expansion), product)
    assert same(parse(f"{expansion} + ({c})"), product) is (c == 0)


@given(st.text(alphabet="0123456789xy+-*/^!%(){}[]|,=._\\ sincoqrtfalgpe$", max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """A text is a formula or a `FormulaError`; comparing a formula always ends."""
    try:
        tree = parse(text)
    except FormulaError:
        return
    assert same(tree, tree) in {True, False}


@given(st.text())
def test_no_text_breaks_the_grader(text: str) -> None:
    """Any answer gets a score of 0 or 1."""
    assert grade("math", text, "x^2+1").score in {0.0, 1.0}


@pytest.mark.parametrize("part", ["\\boxed{", "answer is ", "$", "=", "1+", "word ", "\x00"])
def test_a_long_answer_ends_soon(part: str) -> None:
    """Only the end of an answer can hold its formula."""
    assert grade("math", part * (5 * 10**6 // len(part)), "5").score == 0


def test_the_last_box_is_the_answer() -> None:
    """Nothing else counts beside a box; without one there are several candidates."""
    assert list(candidates(r"\boxed{1} then \boxed{\frac{1}{2}} = 3")) == [r"\frac{1}{2}"]
    assert next(candidates("The answer is 4\nbecause 2+2=4")) == "4"


def test_a_missing_package_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setattr("evalkit.graders.math.find_spec", lambda _name: None)
    assert fault("math").instead == "pip install 'pytest-evalkit[math]'"
