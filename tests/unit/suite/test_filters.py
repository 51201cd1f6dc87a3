"""Which rows a filter takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.suite.filters import SlowPatternError, read_filter

from .trees import parsed

ROW = {
    "kind": "ticket",
    "n": 3,
    "score": "0.75",
    "ok": True,
    "empty": "",
    "tags": {"lang": "en"},
    "messages": [{"role": "user"}, {"role": "assistant"}],
    "a.b": "dotted",
}


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ({"kind": "ticket"}, True),
        ({"kind": "chat"}, False),
        ({"n": "3"}, True),
        ({"ok": True}, True),
        ({"tags.lang": "en"}, True),
        ({"tags.lang.deep": "en"}, False),
        ({"a.b": "dotted"}, True),
        ({"messages.-1.role": "assistant"}, True),
        ({"messages.5.role": "assistant"}, False),
        ({"kind": ["chat", "ticket"]}, True),
        ({"kind": {"in": ["chat"]}}, False),
        ({"kind": {"not": "chat"}}, True),
        ({"kind": {"not": ["chat", "ticket"]}}, False),
        ({"absent": {"not": "chat"}}, True),
        ({"n": {"gt": 3}}, False),
        ({"n": {"ge": 3, "lt": 4}}, True),
        ({"n": {"ge": 3, "lt": 3}}, False),
        ({"score": {"le": 0.75}}, True),
        ({"kind": {"gt": 0}}, False),
        ({"ok": {"ge": 1}}, False),
        ({"absent": {"lt": 1}}, False),
        ({"kind": {"regex": "^tick|chat$"}}, True),
        ({"kind": {"regex": "^ick"}}, False),
        ({"absent": {"regex": ""}}, False),
        ({"tags": {"exists": True}}, True),
        ({"empty": {"exists": False}}, True),
        ({"absent": {"exists": True}}, False),
        ({"kind": "ticket", "n": 4}, False),
    ],
)
def test_a_filter_takes_rows_that_pass_all_its_tests(written: Any, taken: bool) -> None:
    """Values, lists, comparisons of numbers, patterns, and fields that are there or not."""
    assert read_filter(written).takes(ROW) is taken


@given(value=st.text() | st.integers() | st.booleans(), asked=st.text() | st.integers())
def test_a_value_is_taken_or_not(value: Any, asked: Any) -> None:
    """A filter and its negation part the rows."""
    row = {"x": value}
    assert read_filter({"x": asked}).takes(row) is not read_filter({"x": {"not": asked}}).takes(row)


def test_a_pattern_that_is_none_is_told_before_a_row_is_read() -> None:
    """With what is wrong with it."""
    entry = {"path": "r.jsonl", "format": "jsonl", "filter": {"x": {"regex": "("}}}
    _, [told] = parsed(datasets=[entry])
    assert (told.needed, "'('" in told.got) == ("a regular expression", True)


def test_a_pattern_that_does_not_end_is_given_up() -> None:
    """One row and one pattern cannot hang a run."""
    with pytest.raises(SlowPatternError):
        read_filter({"x": {"regex": "(a|a)+b"}}).takes({"x": "a" * 40})


def test_all_turns_need_a_format_of_turns() -> None:
    """Anywhere else the option would say nothing."""
    _, [told] = parsed(datasets=[{"path": "r.csv", "format": "csv", "turns": "all"}])
    assert told.got == "format: csv"
