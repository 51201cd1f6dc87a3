"""Conversations: what each turn asks, what the whole comes to, and what is asked of whom when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.model import Case, Failure, Outcome, Reply, Request, Usage
from evalkit.pipeline.judging import Judging
from evalkit.pipeline.turns import Conversations, Talk, heard
from evalkit.runner import Ask, Outlook
from evalkit.runner.budget import longest

from .test_early import plan_of, suite_of

PROMPT = {"role": "user", "content": "one"}
CASE = Case("s", "c", (PROMPT,), turns=("two", "three"))
IDENTITIES = {"base": "the base", "tuned": "the tuned"}


def first(case: Case, model: str = "base") -> Ask:
    """Return the first turn of a case."""
    return Ask(model, Request({"messages": [*case.messages], "max_tokens": 10, "seed": 7}, 3))


def said(text: str, **fields: object) -> Reply:
    """Return an answer that took one second, ten tokens in and two out."""
    usual = Reply(text, usage=Usage(10, 2, 5), latency_s=1.0, tries=2, model="m")
    return replace(usual, **fields)  # type: ignore[arg-type]  # fields of a reply


def conversations(**more: object) -> Conversations:
    """Return conversations without judges."""
    return Conversations(Judging(plan_of(suite_of(1)), {}), IDENTITIES, **more)  # type: ignore[arg-type]


def key(ask: Ask) -> str:
    """Return the key of an ask's answer."""
    return ask.request.key(IDENTITIES[ask.model])


def test_each_turn_adds_the_answer_and_what_is_said_to_it() -> None:
    """All other fields, the seed and the sample are those of the first."""
    asked: list[Ask] = []

    def wait(ask: Ask) -> Outcome:
        asked.append(ask)
        return said(f"answer {len(asked)}")

    outcome = heard(CASE, first(CASE), wait)
    last = asked[-1].request
    assert [m["content"] for m in last.body["messages"]] == [
        "one",
        "answer 1",
        "two",
        "answer 2",
        "three",
    ]
    assert {**last.body, "messages": None} == {**first(CASE).request.body, "messages": None}
    assert {ask.request.sample for ask in asked} == {3}
    assert len({key(ask) for ask in asked}) == 3
    assert isinstance(outcome, Reply)
    assert outcome.text == "answer 3"
    assert [*outcome.turns] == last.body["messages"][1:]


def test_the_whole_took_what_its_turns_took() -> None:
    """Tokens, time and tries add up; finish reason and the rest are the last answer's."""
    outcome = heard(CASE, first(CASE), lambda _: said("x", extra={"logprobs": [1]}))
    assert isinstance(outcome, Reply)
    assert (outcome.usage, outcome.latency_s, outcome.tries) == (Usage(30, 6, 15), 3.0, 6)
    assert outcome.extra["logprobs"] == [1]


def test_a_case_of_one_turn_has_its_outcome_as_it_is() -> None:
    """Nothing is added, whatever it is."""
    single = replace(CASE, turns=())
    outcomes: list[Outcome] = [said("x", finish_reason="length"), Failure("timeout", "late", 3)]
    for outcome in outcomes:
        assert heard(single, first(single), lambda _, o=outcome: o) is outcome  # type: ignore[misc]


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (Failure("timeout", "late", tries=3), "timeout"),
        (said("x", finish_reason="length", tries=3), "bad_response"),
        (said("", finish_reason="content_filter", tries=3), "content_filter"),
        (said("", extra={"tool_calls": [{"id": "1"}]}, tries=3), "bad_response"),
    ],
)
def test_a_turn_that_nothing_can_be_said_to_is_the_failure_of_all(
    broken: Outcome, kind: str
) -> None:
    """Of its kind, with its number and the tries of all; no further turn is asked."""
    outcomes = iter([said("fine"), broken])
    outcome = heard(CASE, first(CASE), lambda _: next(outcomes))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.tries) == (kind, 5)
    assert outcome.message.startswith("turn 2 of 3: ")


def test_turns_follow_the_answers_as_they_come() -> None:
    """One at a time for each model, and none after the last or after a failure."""
    talks = conversations()
    asks = {model: first(CASE, model) for model in IDENTITIES}
    talks.expect((CASE, ask) for ask in asks.values())
    [second], _ = talks.after(key(asks["base"]), said("a"))
    assert second.model == "base"
    assert talks.after(key(second), Failure("server", "down")) == ([], [])
    [second], _ = talks.after(key(asks["tuned"]), said("b"))
    [third], _ = talks.after(key(second), said("c"))
    assert talks.after(key(third), said("d")) == ([], [])


def test_a_turn_that_another_case_asked_before_goes_on_at_once() -> None:
    """Its answer is there and will not come a second time."""
    known = replace(
        CASE,
        id="known",
        messages=(
            PROMPT,
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "two"},
        ),
        turns=("else",),
    )
    talks = conversations()
    talks.expect([(CASE, first(CASE)), (known, first(known))])
    [other], _ = talks.after(key(first(known)), said("b"))
    [third], _ = talks.after(key(first(CASE)), said("a"))
    contents = [m["content"] for m in third.request.body["messages"]]
    assert contents == ["one", "a", "two", "b", "three"]
    assert other.request.body["messages"][-1]["content"] == "else"


def test_a_case_that_is_skipped_is_asked_no_further_turn() -> None:
    """Its suite is settled without it."""
    talks = conversations(skips=lambda case: case.id == "c")
    talks.expect([(CASE, first(CASE))])
    assert talks.after(key(first(CASE)), said("a")) == ([], [])


def test_the_most_that_turns_can_take_holds_whole_answers() -> None:
    """Each turn's input has all of the answers before it, at their longest."""
    start = Outlook()
    start.ask(first(CASE).request)
    talks = conversations()
    talks.expect([(CASE, first(CASE)), (replace(CASE, id="twin"), first(CASE))])
    found = talks.outlooks({"base": start, "tuned": Outlook()})
    assert (found["base"].requests, found["tuned"].requests) == (3, 0)
    assert found["base"].most_output == 3 * 10
    real = Talk(CASE, first(CASE))
    inputs = [longest(real.ask.request).input]
    for _ in CASE.turns:
        step = real.after(said("y" * 30))
        assert isinstance(step, Talk)
        real = step
        inputs.append(longest(real.ask.request).input)
    assert found["base"].most_input == sum(inputs)
