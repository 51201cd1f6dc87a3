"""`sql_equal`: the same statement, written in another way."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.model import Ungraded

from .grading import case, fault, grade, graded, grader

BASE = "SELECT a, b FROM t WHERE a > 1 AND b = 2"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("select a,b\nfrom t where a>1 and b=2;", BASE),
        ("SELECT a, b FROM t -- all\nWHERE /* x */ a > 1 AND b = 2", BASE),
        ("SELECT A, B FROM T WHERE A > 1 AND B = 2", BASE),
        ("SELECT a, b FROM t WHERE (b = 2) AND ((a > 1))", BASE),
        ("SELECT a, b FROM t WHERE 1 < a AND 2 = b", BASE),
        ('SELECT "a", b FROM t WHERE a > 1 AND b = 2', BASE),
        ("SELECT a x FROM t", "SELECT a AS x FROM t"),
        ("SELECT a FROM t INNER JOIN u ON t.i = u.i", "SELECT a FROM t JOIN u ON u.i = t.i"),
        ("SELECT a FROM t LEFT OUTER JOIN u USING (i)", "SELECT a FROM t LEFT JOIN u USING (i)"),
        ("SELECT 1 WHERE a <> b", "SELECT 1 WHERE a != b"),
        ("SELECT 1 WHERE a IN (2, 1)", "SELECT 1 WHERE a IN (1, 2)"),
        ("SELECT 1 WHERE a OR (b OR c)", "SELECT 1 WHERE (c OR a) OR b"),
        ("SELECT count(*) FROM t ORDER BY a ASC", "SELECT COUNT(*) FROM t ORDER BY a"),
        ("SELECT my_f(a)", "SELECT MY_F(a)"),
    ],
)
def test_what_is_seen_as_equal(answer: str, expected: str) -> None:
    """Spelling, order of conditions, brackets, implied words."""
    assert grade("sql_equal", answer, expected).passed
    assert grade("sql_equal", expected, answer).passed


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("SELECT b, a FROM t", "SELECT a, b FROM t"),
        ("SELECT a FROM t WHERE b = 'X'", "SELECT a FROM t WHERE b = 'x'"),
        ("SELECT a FROM t WHERE b >= 1", "SELECT a FROM t WHERE b > 1"),
        ("SELECT a FROM t WHERE a < 1", "SELECT a FROM t WHERE 1 < a"),
        ("SELECT a FROM t WHERE a AND b OR c", "SELECT a FROM t WHERE a AND (b OR c)"),
        ("SELECT a - (b - c)", "SELECT a - b - c"),
        ("SELECT a FROM t LEFT JOIN u USING (i)", "SELECT a FROM t JOIN u USING (i)"),
        ("SELECT DISTINCT a FROM t", "SELECT a FROM t"),
        ("SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t ORDER BY a"),
        ("SELECT a FROM t LIMIT 2", "SELECT a FROM t LIMIT 1"),
        ("SELECT 1 WHERE a BETWEEN 1 AND 2", "SELECT 1 WHERE a >= 1 AND a <= 2"),
        ("SELECT a FROM t; DROP TABLE t", "SELECT a FROM t"),
        ("DELETE FROM t", "SELECT a FROM t"),
        ("SELECT 1", "SELECT '1'"),
        ("I cannot write SQL for that", "SELECT 1"),
        ("", "SELECT 1"),
        ("SELECT FROM WHERE", "SELECT 1"),
    ],
)
def test_what_is_not_seen_as_equal(answer: str, expected: str) -> None:
    """Other results, or the same by a way that only a database could tell."""
    assert grade("sql_equal", answer, expected).score == 0


def test_a_dialect_reads_its_own_words() -> None:
    """Quoted names keep their case where the dialect says so; limits are spelled two ways."""
    assert not grade("sql_equal", 'SELECT "A"', "SELECT a", dialect="postgres").passed
    assert grade("sql_equal", "SELECT `a`", "SELECT a", dialect="mysql").passed
    assert grade("sql_equal", "SELECT a::INT", "SELECT CAST(a AS INT)", dialect="postgres").passed


def test_one_of_several_statements_and_a_fence() -> None:
    """Any of a list is right; a fence counts only if allowed."""
    fenced = "```sql\nselect 1\n```"
    assert grade("sql_equal", fenced, ["SELECT 2", "SELECT 1"], fenced=True).passed
    assert not grade("sql_equal", fenced, "SELECT 1").passed


def test_an_expected_statement_or_dialect_that_is_none() -> None:
    """The case lacks a reference; the option is a fault."""
    assert grader("sql_equal").lacks(case("SELECT (")).startswith("expected is not SQL")
    assert fault("sql_equal", dialect="klingon").instead == "dialect: postgres"


WORDS = """SELECT FROM WHERE ( ) , . a t 1 'x " = > AND OR NOT IN JOIN ON WITH AS CASE WHEN END
CREATE TABLE INSERT INTO VALUES * ; -- /* :: [ ] {{ @ $ ?"""


@given(words=st.lists(st.sampled_from([*WORDS.split(), "\0", "\ud800"]), max_size=12))
def test_no_text_breaks_it(words: list[str]) -> None:
    """Whatever a model writes for SQL is right or wrong."""
    for dialect in ({}, {"dialect": "tsql"}, {"dialect": "bigquery"}):
        assert grade("sql_equal", " ".join(words), "SELECT 1", **dialect).score in (0.0, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 19_000,
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "1+" * 9000 + "1",
        "SELECT 1 WHERE " + "a OR " * 3000 + "a",
        "SELECT " + "a," * 9000 + "a",
        "'" * 19_999,
        "CASE " * 3900,
    ],
)
def test_hostile_answers_are_soon_graded(text: str) -> None:
    """Deep and wide ones take seconds at most."""
    start = time.monotonic()
    assert not grade("sql_equal", text, "SELECT 1").passed
    assert time.monotonic() - start < 10


def test_too_long_answers_are_ungraded() -> None:
    """Nothing beyond the limit is parsed."""
    assert isinstance(graded("sql_equal", "SELECT 1" + " " * 10_000_000, "SELECT 1"), Ungraded)
