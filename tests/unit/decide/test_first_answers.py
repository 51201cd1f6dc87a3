"""When the first answers show a wrong model, and when they only look like it."""

from __future__ import annotations

import pytest

from evalkit.decide.first_answers import CASES, FREE, copied, differ, stranger
from evalkit.model import ModelSpec, Reply

TUNED = ModelSpec("tuned", "candidate", "openai", "gpt-x")


def long(number: int) -> str:
    """Return an answer that another model would hardly word alike."""
    return f"The parcel number {number} has left our warehouse and will arrive on Monday."


def same(*texts: str) -> list[tuple[Reply, Reply]]:
    """Return pairs of equal answers."""
    return [(Reply(text), Reply(text, latency_s=1.0)) for text in texts]


def test_many_long_answers_word_for_word_are_a_copy() -> None:
    """Equal texts, all different from each other."""
    assert copied(same(*map(long, range(CASES))))


@pytest.mark.parametrize(
    "pairs",
    [
        same(*map(long, range(CASES - 1))),
        same(*[long(0)] * CASES),
        same(*map(str, range(CASES))),
        same(*(f'{{"queue": "billing", "order": {n}}}' for n in range(CASES))),
        same(*map(long, range(FREE - 1)), *["yes"] * CASES),
        [*same(*map(long, range(CASES))), (Reply("a"), Reply("b"))],
        [],
    ],
    ids=["few", "one text", "numbers", "labels", "mostly labels", "one differs", "none"],
)
def test_answers_that_prove_nothing(pairs: list[tuple[Reply, Reply]]) -> None:
    """Few, repeated or short answers may be alike of two models, and one difference is enough."""
    assert not copied(pairs)


def test_one_difference_shows_two_models() -> None:
    """In the text, or in the tools that are called."""
    called = Reply("", extra={"tool_calls": [{"id": "1"}]})
    assert not differ(same("a", "b"))
    assert differ([*same("a"), (Reply("b"), Reply("c"))])
    assert differ([(Reply(""), called)])


def test_another_name_is_told() -> None:
    """A dated snapshot is the model asked for; an endpoint without names tells nothing."""
    replies = [Reply("a", model=name) for name in ("", "gpt-x", "gpt-x-2026-01-02")]
    assert stranger(TUNED, replies) == ""
    assert stranger(TUNED, [*replies, Reply("a", model="gpt-base")]) == "gpt-base"
