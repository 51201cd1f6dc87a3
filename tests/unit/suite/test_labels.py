"""What people gave answers, as cases and columns of data files say it."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.model import Label
from evalkit.suite.validate import check

from .trees import SUITE_SCHEMA, TREE, document, draft, row, sound

HUMAN = {"base": 0.5, "tuned": True, "old": {"score": False, "answer": "It is on its way."}}
LABELS = {"base": Label(0.5), "tuned": Label(1.0), "old": Label(0.0, "It is on its way.")}


def test_labels_of_a_case_are_scores_by_model() -> None:
    """Numbers and truth values alike, with or without the answer that was read."""
    (case,) = sound(cases=[{"id": "a", "vars": {"q": "?"}, "human": HUMAN}]).cases
    assert case.human == LABELS
    assert draft({"human": HUMAN}).human == LABELS
    assert draft({"vars": {"q": "?"}}).human == {}


@pytest.mark.parametrize(
    ("human", "needed", "instead"),
    [
        (1, "a mapping", 'human: {"base": 0.5, "tuned": true}'),
        ({"tuned": 4}, "a number of at most 1", 'tuned: {"score": 0.5'),
        ({"tuned": "good"}, "a number or true or false or a mapping", 'tuned: {"score": 0.5'),
        ({"tuned": {"answer": "x"}}, "the field 'score'", "score: 0.5"),
    ],
)
def test_what_is_no_label_is_refused_with_what_to_write(
    human: Any, needed: str, instead: str
) -> None:
    """In a suite file and in a row of a data file; a plain number names no model."""
    tree = {**TREE, "cases": [{"vars": {"q": "?"}, "human": human}]}
    in_suite = check(document(tree), SUITE_SCHEMA).faults
    in_row = row({"human": human})
    assert isinstance(in_row, list)
    assert len(in_suite) == len(in_row) == 1
    for fault in (*in_suite, *in_row):
        assert needed in fault.needed
        assert fault.instead.startswith(instead)


def test_columns_become_labels_by_the_map() -> None:
    """Scores and the answers that were read; an empty cell is no label."""
    columns = {"q": "?", "ours": "0.5", "theirs": "TRUE", "read": "on its way", "none": ""}
    targets = {
        "human.base": "ours",
        "human.tuned": "theirs",
        "human.tuned.answer": "read",
        "human.old": "none",
    }
    found = draft(columns, "csv", map=targets)
    assert found.human == {"base": Label(0.5), "tuned": Label(1.0, "on its way")}
    assert dict(found.vars) == {"q": "?"}
    assert isinstance(row({"ours": "good"}, "csv", map={"human.base": "ours"}), list)
    assert isinstance(row({"ours": "nan"}, "csv", map={"human.base": "ours"}), list)


def test_a_field_of_labels_is_taken_as_it_is() -> None:
    """A mapping among other fields, or a field of another name that the map points at."""
    assert draft({"q": "?", "marks": HUMAN}, map={"human": "marks"}).human == LABELS
    chat = {"messages": [{"role": "user", "content": "u"}], "expected": 1, "human": HUMAN}
    assert draft(chat, "openai-chat").human == LABELS


def test_a_column_that_is_only_called_human_stays_a_variable() -> None:
    """Dialogues have such columns; labels are a mapping, or are mapped."""
    found = draft({"human": "Where is it?"}, "csv")
    assert (dict(found.vars), found.human) == ({"human": "Where is it?"}, {})
