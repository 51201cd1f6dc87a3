"""Drafts to cases: ids, slices, clusters, doubles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.suite.cases import build_cases, prompt_faults, slice_faults

from .trees import draft, parsed, sound

CHAT = {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}


def test_ids_are_given_or_come_from_the_request() -> None:
    """The same request has the same id, whatever else the case says."""
    a = draft({"vars": {"q": "1"}, "expected": "x"})
    b = draft({"vars": {"q": "1"}, "expected": "y", "tags": {"t": "u"}})
    c = draft({"vars": {"q": "2"}, "expected": "x"})
    ids = [build_cases(sound(), [each])[0][0].id for each in (a, b, c)]
    assert ids[0] == ids[1] != ids[2]
    # Pinned: an id that changes with a release would lose its history.
    assert ids[0] == "62b724b92854"


def test_half_a_character_gets_an_id_too() -> None:
    """JSON can hold a lone surrogate, which no encoding can."""
    cases, faults = build_cases(sound(), [draft({"vars": {"q": q}}) for q in ("\ud83d", "\ud83e")])
    assert faults == []
    assert len({case.id for case in cases}) == 2


def test_doubles_are_told_at_the_second() -> None:
    """With ids and without."""
    rows = [{"vars": {"q": "1"}}, {"vars": {"q": "1"}}, {"id": "a", "vars": {"q": "2"}}]
    cases, faults = build_cases(sound(), [draft(r) for r in [*rows, rows[2]]])
    assert len(cases) == 2
    assert [f.needed for f in faults] == ["cases that differ, or ids", "one case of each id"]


def test_a_training_row_that_stands_twice_is_one_case() -> None:
    """It names everyone who saw it."""
    rows = [
        replace(draft(CHAT, "openai-chat", split="train"), trained=frozenset({name}))
        for name in ("a", "b")
    ]
    [case], faults = build_cases(sound(prompt=None), rows)
    assert case.trained == {"a", "b"}
    assert faults == []


def test_a_held_out_case_may_not_take_the_id_of_a_train_case() -> None:
    """Then pairing by id would mix them up."""
    train = draft(CHAT, "openai-chat", split="train")
    suite = sound(prompt=None)
    [case], _ = build_cases(suite, [train])
    _, [told] = build_cases(suite, [train, draft({**CHAT, "id": case.id}, "openai-chat")])
    assert told.needed == "one case of each id"


def test_slices_are_the_scalars_of_tags_and_vars() -> None:
    """Lists and mappings make no group; a slice that no case has is told."""
    names = ["tags.t", "vars.q", "vars.list", "vars.none"]
    suite = sound(slices=names)
    cases, faults = build_cases(
        suite, [draft({"vars": {"q": 1, "list": [1], "none": None}, "tags": {"t": True}})]
    )
    assert faults == []
    assert dict(cases[0].slices) == {"tags.t": "true", "vars.q": "1"}
    assert [f.got for f in slice_faults(suite, cases)] == [
        "'vars.list', which no case has",
        "'vars.none', which no case has",
    ]
    assert slice_faults(suite, ()) == []
    bare, _ = build_cases(sound(prompt="x", slices=["tags.t"]), [draft({})])
    assert slice_faults(sound(slices=["tags.t"]), bare)[0].instead == "one of: none"


def test_a_cluster_is_the_cases_own_or_what_the_suite_names() -> None:
    """A held-out case must have it; of a training row nobody asks it."""
    suite = sound(
        cluster="vars.template", prompt="{{ template|default('-') }} {{ q|default('-') }}"
    )
    rows = [{"vars": {"template": "t1"}}, {"vars": {"q": 1}, "cluster": "own"}, {"vars": {"q": 2}}]
    cases, [told] = build_cases(suite, [draft(row) for row in rows])
    assert [case.cluster for case in cases] == ["t1", "own"]
    assert told.needed == "vars.template, the suite's cluster, in every case"
    [train], _ = build_cases(suite, [draft({"vars": {"q": 2}}, split="train")])
    assert train.cluster is None


def test_rows_without_messages_need_a_prompt() -> None:
    """It is told once, however many rows there are, and only if the suite has none."""
    bare = [draft({"vars": {"q": n}}) for n in range(3)]
    [told] = prompt_faults(sound(prompt=None), bare)
    assert told.got == "no prompt for 3 cases, the first in rows:3"
    assert prompt_faults(sound(), bare) == []
    assert prompt_faults(sound(prompt=None), [draft(CHAT, "openai-chat")]) == []


def test_variables_go_before_what_a_chat_row_brings() -> None:
    """A row's own ``user`` is not replaced by its last message."""
    suite = sound(prompt="{{ user }}")
    [case], _ = build_cases(suite, [draft({**CHAT, "user": "own"}, "openai-chat")])
    assert case.messages[0]["content"] == "own"


@pytest.mark.parametrize("named", [True, False])
def test_a_case_that_cannot_be_rendered_is_named_if_it_can_be(*, named: bool) -> None:
    """The id helps where it is given; the line is always there."""
    fields = {"id": "one", "vars": {}} if named else {"vars": {}}
    cases, [told] = build_cases(sound(), [draft(fields)])
    assert cases == ()
    assert told.got.startswith("case one: " if named else "no value for 'q'")
    assert told.line == 3


def test_an_unreadable_prompt_is_not_the_rows_fault() -> None:
    """A template with a fault is one fault, and asks no messages of the rows."""
    suite, [told] = parsed(prompt="{{")
    assert told.needed == "a Jinja2 template"
    assert not suite.rows_ask
    assert prompt_faults(suite, [draft({})]) == []
