"""Rows of every fine-tuning and evaluation format: what they ask and what they expect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.model import Grade, Reply
from evalkit.suite.cases import build_cases
from evalkit.suite.draft import Format
from evalkit.suite.shapes import EXAMPLES, OWN

from ..graders.grading import grader
from .trees import draft, row, rows, sound

USER = {"role": "user", "content": "u"}
ANSWER = {"role": "assistant", "content": "a"}
FUNCTION = {"name": "weather", "arguments": '{"city": "Oslo"}'}
CALL = {"id": "call_0", "type": "function", "function": FUNCTION}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_0", "content": "4 C"}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]


def test_every_trained_turn_can_be_a_case() -> None:
    """Its prompt is all that precedes it, turns of weight 0 among that; ids are numbered."""
    untrained = {**ANSWER, "content": "no", "weight": 0}
    talk = [USER, ANSWER, USER, untrained, USER, {**ANSWER, "content": "b", "weight": 1}]
    drafts, faults = rows({"messages": talk, "id": "t"}, "openai-chat", turns="all")
    assert faults == []
    assert [(d.id, d.expected, len(d.chat or ())) for d in drafts] == [
        ("t/1", "a", 1),
        ("t/2", "b", 5),
    ]
    assert all("weight" not in m for d in drafts for m in d.chat or ())
    assert drafts[0].conversation is not None
    cases, _ = build_cases(sound(prompt=None), drafts)
    assert cases[0].cluster == cases[1].cluster == drafts[0].conversation
    other, _ = rows({"messages": [{**USER, "content": "v"}, ANSWER]}, "openai-chat", turns="all")
    assert other[0].conversation != drafts[0].conversation
    assert other[0].id is None


def test_a_cluster_of_the_row_or_suite_goes_before_the_conversation() -> None:
    """Turns of one conversation depend on each other only if nothing else was said."""
    talk = {"messages": [USER, ANSWER, USER, ANSWER]}
    own, _ = build_cases(
        sound(prompt=None), rows({**talk, "cluster": "c"}, "openai-chat", turns="all")[0]
    )
    assert {case.cluster for case in own} == {"c"}
    drafts, _ = rows({**talk, "template": "x"}, "openai-chat", turns="all")
    named, _ = build_cases(sound(prompt=None, cluster="vars.template"), drafts)
    assert {case.cluster for case in named} == {"x"}


def test_an_expected_answer_beside_all_turns_is_a_fault() -> None:
    """It could not be told to which of them it belongs."""
    _, [told] = rows({"messages": [USER, ANSWER], "expected": "x"}, "openai-chat", turns="all")
    assert told.got == "a field 'expected'"


def test_tool_calls_are_expected_as_the_grader_takes_them() -> None:
    """The row's tools go into the request; the right call passes, another does not."""
    fields = {"messages": [USER, CALLED], "tools": TOOLS, "parallel_tool_calls": False}
    found = draft(fields, "openai-chat")
    assert dict(found.extra) == {"tools": TOOLS, "parallel_tool_calls": False}
    assert dict(found.vars) == {}
    [case], _ = build_cases(sound(prompt=None), [found])
    calls = grader("tool_call")
    good, bad = (
        calls.grade(case, Reply("", extra={"tool_calls": [CALL]})),
        calls.grade(case, Reply("4 C")),
    )
    assert isinstance(good, Grade)
    assert isinstance(bad, Grade)
    assert (good.passed, bad.passed) == (True, False)


def test_an_answer_of_text_and_calls_keeps_both() -> None:
    """And the function_call of older files is a tool call."""
    both = draft({"messages": [USER, {**CALLED, "content": "wait"}]}, "openai-chat")
    assert both.expected == {"tool_calls": [CALL], "content": "wait"}
    old = {"role": "assistant", "content": None, "function_call": FUNCTION}
    called = {"tool_calls": [{"type": "function", "function": FUNCTION}]}
    assert draft({"messages": [USER, old]}, "openai-chat").expected == called
    refused = {"role": "assistant", "content": None, "refusal": "I cannot."}
    assert draft({"messages": [USER, refused]}, "openai-chat").expected == "I cannot."


def test_tools_are_part_of_what_is_asked() -> None:
    """The same messages with other tools are another case; without tools ids stay as they were."""
    plain, tooled, other = (
        build_cases(
            sound(prompt=None), [draft({"messages": [USER, ANSWER], **more}, "openai-chat")]
        )[0][0].id
        for more in ({}, {"tools": TOOLS}, {"tools": [*TOOLS, *TOOLS]})
    )
    assert len({plain, tooled, other}) == 3
    assert plain == "447f9d65a4b5"


def test_null_fields_are_as_good_as_missing() -> None:
    """Arrow and many writers leave null where there is nothing."""
    nulls = {"weight": None, "name": None, "tool_calls": None}
    fields = {"messages": [{**USER, **nulls}, {**ANSWER, **nulls}], "tools": None, "id": None}
    assert draft(fields, "openai-chat").chat == (USER,)


SHARED = [
    {"from": "human", "value": "u"},
    {
        "from": "function_call",
        "value": json.dumps({"name": "weather", "arguments": {"city": "Oslo"}}),
    },
    {"from": "observation", "value": "4 C"},
    {"from": "gpt", "value": "Cold."},
]


def test_sharegpt_becomes_chat() -> None:
    """Speakers are roles, function calls tool calls with ids, bare functions tools."""
    bare = json.dumps([TOOLS[0]["function"]])
    found = draft({"conversations": SHARED, "system": "s", "tools": bare, "lang": "en"}, "sharegpt")
    assert found.chat == ({"role": "system", "content": "s"}, USER, CALLED, RESULT)
    assert (found.expected, dict(found.vars)) == ("Cold.", {"lang": "en"})
    assert dict(found.extra) == {"tools": TOOLS}
    drafts, _ = rows({"conversations": SHARED}, "sharegpt", turns="all")
    assert [d.expected for d in drafts] == [{"tool_calls": [CALL]}, "Cold."]


def test_prompt_and_completion() -> None:
    """As texts, the completion without the space that old files begin it with, or as messages."""
    texts = draft({"prompt": "u", "completion": " a", "n": 1}, "prompt-completion")
    assert (texts.chat, texts.expected, dict(texts.vars)) == ((USER,), "a", {"n": 1})
    chats = draft({"prompt": [USER], "completion": [ANSWER]}, "prompt-completion")
    assert (chats.chat, chats.expected) == ((USER,), "a")


def test_the_preferred_answer_is_expected() -> None:
    """Both answers are variables; tools of the input go into the request."""
    fields = {
        "input": {"messages": [USER], "tools": TOOLS, "parallel_tool_calls": True},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{**ANSWER, "content": "b"}],
    }
    found = draft(fields, "openai-dpo")
    assert (found.chat, found.expected) == ((USER,), "a")
    assert dict(found.vars) == {"preferred": "a", "non_preferred": "b"}
    assert dict(found.extra) == {"tools": TOOLS, "parallel_tool_calls": True}


def test_reinforcement_rows_keep_their_references() -> None:
    """Other fields are variables; map makes one of them the expected answer."""
    fields = {"messages": [USER], "reference": {"x": 1}, "level": 3}
    assert dict(draft(fields, "openai-rft").vars) == {"reference": {"x": 1}, "level": 3}
    assert draft(fields, "openai-rft", map={"expected": "reference.x"}).expected == 1


def test_evals_rows_have_an_ideal() -> None:
    """One or several ideal answers; the input may be a text."""
    assert draft({"input": [USER], "ideal": ["a", "b"]}, "openai-evals").expected == ["a", "b"]
    found = draft({"input": "u", "ideal": "a", "topic": "t"}, "openai-evals")
    assert (found.chat, found.expected, dict(found.vars)) == ((USER,), "a", {"topic": "t"})


@pytest.mark.parametrize(
    ("kind", "fields", "needed", "got"),
    [
        ("sharegpt", {"messages": [USER]}, "a list 'conversations'", "null"),
        ("sharegpt", {"conversations": [{"from": "cat", "value": "x"}]}, "a speaker among", "cat"),
        ("sharegpt", {"conversations": [{"from": ["human"], "value": "x"}]}, "a speaker", "human"),
        ("sharegpt", {"conversations": ["x"]}, "turns with from and value", '"x"'),
        ("sharegpt", {"conversations": [SHARED[0], SHARED[2]]}, "a function_call before", "[1]"),
        ("sharegpt", {"conversations": [{"from": "function_call", "value": "{"}]}, "in JSON", "{"),
        ("sharegpt", {"conversations": SHARED, "tools": "{"}, "tools in JSON", "{"),
        ("sharegpt", {"conversations": SHARED, "system": 1}, "a text as system", "1"),
        ("sharegpt", {"conversations": [{"from": "human"}]}, "a content that is a text", "null"),
        ("prompt-completion", {"prompt": "u"}, "a completion", "none"),
        ("prompt-completion", {"prompt": 3, "completion": "a"}, "messages as prompt", "3"),
        ("openai-dpo", {"messages": [USER]}, "an object 'input'", "null"),
        ("openai-dpo", {"input": {"messages": [USER]}}, "a list 'preferred_output'", "null"),
        (
            "openai-dpo",
            {
                "input": {"messages": [USER]},
                "preferred_output": [USER],
                "non_preferred_output": [ANSWER],
            },
            "an assistant's answer at the end of preferred_output",
            "user",
        ),
        ("openai-rft", {"messages": [USER, ANSWER]}, "ends where the model answers", "assistant"),
        ("openai-evals", {"ideal": "a"}, "a text or messages as input", "null"),
        ("openai-evals", {"input": "u", "ideal": 3}, "as ideal", "3"),
        ("openai-chat", {"messages": [USER, ANSWER], "tools": {}}, "a list of functions", "{}"),
        (
            "openai-chat",
            {"messages": [USER, ANSWER], "parallel_tool_calls": "no"},
            "true or false",
            '"no"',
        ),
    ],
)  # fmt: skip
def test_a_row_of_no_such_shape_is_a_fault(
    kind: Format, fields: Any, needed: str, got: str
) -> None:
    """With what was needed, what came, and a row as it should be."""
    found = row(fields, kind)
    assert isinstance(found, list)
    assert needed in found[0].needed
    assert got in found[0].got
    assert found[0].instead
    assert (found[0].path, found[0].line) == ("rows", 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "from", "value", "messages", "weight", "name", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(data=st.data())
def test_any_json_is_a_case_or_a_fault(data: st.DataObject) -> None:
    """No row of any format raises, whatever JSON it is."""
    kind = data.draw(st.sampled_from(sorted(OWN)))
    names = st.sampled_from([*OWN[kind], "id", "other"])
    fields = data.draw(st.dictionaries(names, JSON, max_size=4))
    drafts, faults = rows(fields, kind)
    assert bool(drafts) is not bool(faults)


TEXTS = st.text(min_size=1).filter(str.strip)


@given(question=TEXTS, answer=TEXTS)
def test_the_same_pair_is_the_same_case_in_every_format(question: str, answer: str) -> None:
    """Whatever characters it has: the formats only write it differently."""
    asked, said = {"role": "user", "content": question}, {"role": "assistant", "content": answer}
    written: dict[Format, dict[str, Any]] = {
        "openai-chat": {"messages": [asked, said]},
        "sharegpt": {
            "conversations": [
                {"from": "human", "value": question},
                {"from": "gpt", "value": answer},
            ]
        },
        "prompt-completion": {"prompt": [asked], "completion": [said]},
        "openai-evals": {"input": question, "ideal": answer},
        "openai-dpo": {
            "input": {"messages": [asked]},
            "preferred_output": [said],
            "non_preferred_output": [said],
        },
    }
    read = [draft(json.loads(json.dumps(fields)), kind) for kind, fields in written.items()]
    assert {(d.chat[0]["content"], d.expected) for d in read if d.chat} == {(question, answer)}


def test_every_format_of_rows_has_an_example() -> None:
    """A fault can say what to write."""
    assert EXAMPLES.keys() == OWN.keys()


ODD: tuple[Any, ...] = (None, 1, 1.5, True, "", [], {}, ["a"], {"a": 1}, [[]], [{}], "x", 10**400)


@pytest.mark.parametrize("kind", OWN)
def test_an_odd_value_anywhere_in_a_row_is_read_or_is_a_fault(kind: Format) -> None:
    """No value of any kind, unhashable ones among them, breaks the reading."""
    called = {"from": "function_call", "value": json.dumps(FUNCTION)}
    spoken = [{"from": "human", "value": "u"}, called, {"from": "tool", "value": "4"}]
    chat = [USER, CALLED, RESULT, {**ANSWER, "weight": 1}]
    whole: dict[str, Any] = {
        "messages": chat if kind == "openai-chat" else [USER],
        "tools": TOOLS,
        "input": {"messages": [USER], "tools": TOOLS} if kind == "openai-dpo" else [USER],
        "preferred_output": [ANSWER],
        "non_preferred_output": [ANSWER],
        "ideal": ["a"],
        "conversations": [*spoken, {"from": "gpt", "value": "a"}],
        "prompt": [USER],
        "completion": [ANSWER],
    }
    given = {name: whole[name] for name in OWN[kind] if name in whole}
    assert rows(given, kind)[1] == []
    for place in _places(given):
        for odd in ODD:
            drafts, faults = rows(_put(given, place, odd), kind)
            assert bool(drafts) is not bool(faults)


def _places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the place of every value in a tree."""
    pairs = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree))
    inside = [_places(value, (*at, key)) for key, value in pairs if isinstance(value, dict | list)]
    return [*((*at, key) for key, _ in pairs), *(place for found in inside for place in found)]


def _put(tree: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a tree with ``value`` at ``place``."""
    changed = json.loads(json.dumps(tree))
    inside = changed
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    return changed
