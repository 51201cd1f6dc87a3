"""What a run will take, in words: one line, and a table for a terminal of 80 columns."""

from __future__ import annotations

import pytest

from evalkit.report.estimate_text import estimate_line, estimate_table
from evalkit.report.numerals import roughly, tokens
from evalkit.runner import Amount, Basis, Estimate, ModelEstimate

KNOWN = ModelEstimate(
    model="base",
    requests=1_000,
    stored=400,
    input_tokens=Amount(150_000, 230_000),
    output_tokens=Amount(50_000, 256_000),
    money=Amount(0.31, 0.55),
    seconds=170.0,
    basis=Basis("stored", "base", 400, 150.0, 50.0, 2.7),
)
UNKNOWN = ModelEstimate(
    model="a-model-with-a-long-name",
    requests=1_000,
    stored=0,
    input_tokens=Amount(None, 230_000),
    output_tokens=Amount(None, 256_000),
    money=Amount(None, 0.55),
    seconds=None,
    basis=None,
)


def test_one_line_before_a_run() -> None:
    """Requests, models, tokens, cost and its bound, time."""
    found = Estimate((KNOWN, KNOWN))
    assert estimate_line(found) == (
        "2,000 requests to 2 models, about 0.4 M tokens, cost 0.62 (at most 1.10), 3 min"
    )


def test_what_no_answer_tells_is_a_bound() -> None:
    """With one model unknown the sums are bounds, and there is no time."""
    found = Estimate((KNOWN, UNKNOWN), beyond="money: 0.5", may_end=True)
    assert estimate_line(found) == (
        "up to 2,000 requests to 2 models, at most 1.0 M tokens, cost at most 1.10, "
        "more than the budget (money: 0.5)"
    )


def test_nothing_to_ask_is_no_line() -> None:
    """A run from stored answers starts without a word, and the table says why."""
    stored = ModelEstimate("base", 0, 60, Amount(None, 0), Amount(None, 0), None, None, None)
    assert estimate_line(Estimate((stored,))) == ""
    assert estimate_table(Estimate((stored,))) == "nothing to ask: all 60 answers are stored\n"


def test_the_table_says_what_each_number_rests_on() -> None:
    """Numbers in columns, bounds marked, sources below, all in 80 columns."""
    table = estimate_table(Estimate((KNOWN, UNKNOWN)))
    lines = table.splitlines()
    assert max(map(len, lines)) <= 80
    base = lines[2].split()
    assert base == ["base", "1,000", "400", "0.1", "M", "50,000", "0.31", "0.55", "3", "min"]
    assert "≤ 0.2 M" in lines[3]
    assert "base: estimated from 400 stored answers" in lines
    assert any(
        line.endswith("at most, by the length of its prompts and max_tokens") for line in lines
    )


def test_a_borrowed_basis_is_named() -> None:
    """A new candidate is taken to answer like its base, and that is said."""
    basis = Basis("earlier run", "base", 1_000, 150.0, 50.0, 2.7)
    new = ModelEstimate("tuned", 10, 0, Amount(1, 2), Amount(1, 2), None, 3.0, basis)
    table = estimate_table(Estimate((new,)))
    assert "tuned: estimated from 1,000 answers of base in an earlier run" in table


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7, "7"),
        (842, "840"),
        (8_421, "8,400"),
        (99_499, "99,000"),
        (99_600, "0.1 M"),
        (9_940_000, "9.9 M"),
        (9_960_000, "10 M"),
        (1_234_000_000, "1,234 M"),
    ],
)
def test_tokens_have_two_digits(number: float, text: str) -> None:
    """An estimate does not claim more."""
    assert tokens(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (170, "3 min"),
        (3_569, "59 min"),
        (3_600, "1 h"),
        (9_000, "2.5 h"),
        (36_000, "10 h"),
    ],
)
def test_times_have_one_unit(seconds: float, text: str) -> None:
    """The unit that matters, rounded."""
    assert roughly(seconds) == text
