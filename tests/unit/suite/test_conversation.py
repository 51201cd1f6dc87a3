"""Further user turns: rendered from the suite, or brought by the case."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.errors import Fault
from evalkit.model import Case
from evalkit.suite.cases import build_case

from .trees import draft, parsed, row, sound


def case_of(fields: Any, kind: Any = "jsonl", *, mapped: Any = None, **suite: Any) -> Case:
    """Return the case of a row in a suite of the given fields."""
    case = build_case(sound(**suite), draft(fields, kind, **({"map": mapped} if mapped else {})))
    assert isinstance(case, Case), case
    return case


def test_turns_are_rendered_like_the_prompt() -> None:
    """With the case's variables; one that renders to nothing is left out."""
    turns = ["{{ q }}?", {"user": "{% if more %}and {{ more }}{% endif %}"}]
    full = case_of({"vars": {"q": "a", "more": "b"}}, conversation=turns)
    assert full.turns == ("a?", "and b")
    assert case_of({"vars": {"q": "a", "more": ""}}, conversation=turns).turns == ("a?",)


def test_a_cases_own_turns_stand_as_they_are() -> None:
    """In place of the suite's, braces and all."""
    own = case_of(
        {"vars": {"q": "a"}, "conversation": ["{{ q }}", {"user": "x"}]}, conversation=["no"]
    )
    assert own.turns == ("{{ q }}", "x")
    assert case_of({"vars": {"q": "a"}, "conversation": []}, conversation=["no"]).turns == ()


def test_a_column_is_a_conversation_only_where_it_is_mapped() -> None:
    """Columns of that name are common, and hold other things."""
    assert dict(draft({"conversation": "x"}, "csv").vars) == {"conversation": "x"}
    found = draft({"q": "a", "then": ["b"]}, "parquet", map={"conversation": "then"})
    assert found.turns == ("b",)
    empty = draft({"q": "a", "then": None}, "parquet", map={"conversation": "then"})
    assert empty.turns is None


def test_ids_and_what_is_asked_depend_on_the_turns() -> None:
    """A case of one turn has the id that it always had."""
    one = case_of({"vars": {"q": "a"}})
    two = case_of({"vars": {"q": "a"}}, conversation=["b"])
    other = case_of({"vars": {"q": "a"}}, conversation=["c"])
    assert len({one.id, two.id, other.id}) == 3
    assert one.asks != two.asks != other.asks
    assert one.asks == one.messages


@pytest.mark.parametrize("own", ["text", [1], [""], [{"user": "x", "assistant": "y"}]])
def test_what_is_no_list_of_user_texts_is_a_fault(own: Any) -> None:
    """With the line of the row."""
    faults = row({"vars": {"q": "a"}, "conversation": own})
    assert isinstance(faults, list)
    assert [fault.line for fault in faults] == [3]


def test_faults_of_templates_are_told() -> None:
    """Of syntax once, of a missing variable for the case."""
    _, faults = parsed(conversation=["{{ q }", "fine"])
    assert [fault.needed for fault in faults] == ["a Jinja2 template"]
    fault = build_case(sound(conversation=["{{ other }}"]), draft({"vars": {"q": "a"}}))
    assert isinstance(fault, Fault)
    assert fault.needed == "a value for every variable of the conversation"
