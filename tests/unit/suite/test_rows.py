"""Rows to drafts: the fast way agrees with the schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evalkit.suite.draft import Draft

from .trees import CASE_SCHEMA, draft, row

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3),
    st.just({}), st.just([]), st.just({"a": "x"}), st.just({"a": 1.5}), st.just({"a": None}),
)  # fmt: skip
NAMES = st.sampled_from(["id", "vars", "tags", "expected", "critical", "cluster", "odd"])


@given(fields=st.dictionaries(NAMES, VALUES))
def test_rows_are_taken_exactly_if_the_schema_takes_them(fields: dict[str, Any]) -> None:
    """The quick look at a row passes and refuses what the schema does."""
    valid = Draft202012Validator(CASE_SCHEMA).is_valid(fields)
    assert isinstance(row(fields), Draft) is valid


def test_a_whole_float_can_be_an_id() -> None:
    """The schema takes 1.0 for an integer, and so does the row."""
    assert draft({"id": 1.0}).id == "1.0"


def test_every_fault_of_a_row_is_told() -> None:
    """Each field has its own, with the row's line."""
    result = row({"id": "", "critical": "yes", "tags": [], "odd": 1})
    assert isinstance(result, list)
    assert len(result) == 4
    assert {(f.path, f.line) for f in result} == {("rows", 3)}


@pytest.mark.parametrize(
    ("fields", "kind", "variables"),
    [
        ({"q": "a", "vars.r": "b"}, "csv", {"q": "a", "r": "b"}),
        ({"messages": "not a chat", "expected": "x"}, "csv", {"messages": "not a chat"}),
    ],
)
def test_columns_become_variables(fields: dict[str, Any], kind: Any, variables: object) -> None:
    """Whatever they are called, unless a case has such a field."""
    assert dict(draft(fields, kind).vars) == variables


def test_variables_add_to_a_rows_own() -> None:
    """A row with ``vars`` and other fields has both; ``vars`` that are none are told."""
    chat = {"messages": [{"role": "user", "content": "u"}], "expected": 1}
    assert dict(draft({**chat, "vars": {"a": 1}, "b": 2}, "openai-chat").vars) == {"a": 1, "b": 2}
    assert isinstance(row({**chat, "vars": 3, "b": 2}, "openai-chat"), list)
