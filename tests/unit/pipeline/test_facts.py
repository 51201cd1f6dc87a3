"""What a model answered, took and cost, added up without the records."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.model import Failure, ModelSpec, Outcome, Price, Reply, Usage
from evalkit.pipeline.facts import ModelTally

MODEL = ModelSpec("tuned", "candidate", "openai", "m", price=Price(1.0, 2.0))


def tally(*outcomes: Outcome, model: ModelSpec = MODEL) -> ModelTally:
    """Return the tally of so many records."""
    found = ModelTally(model)
    for outcome in outcomes:
        found.add(outcome)
    return found


def test_sums() -> None:
    """Failures are counted apart; they took nothing and cost nothing."""
    reply = Reply("yes", usage=Usage(100, 10), latency_s=0.2)
    facts = tally(reply, Failure("timeout", "no answer"), reply).facts(identity="i", asked=1)
    assert (facts.answers, facts.errors, facts.asked) == (2, 1, 1)
    assert (facts.input_tokens, facts.output_tokens) == (200, 20)
    assert facts.cost == pytest.approx(2 * MODEL.price.of(reply.usage))  # type: ignore[union-attr]
    free = tally(reply, model=replace(MODEL, price=None))
    assert free.facts(identity="i", asked=0).cost is None


@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=9))
def test_the_median_is_that_of_all_latencies(milliseconds: list[int]) -> None:
    """To the millisecond, of odd and even numbers."""
    seconds = [number / 1000 for number in milliseconds]
    found = tally(*(Reply("", latency_s=s) for s in seconds)).facts(identity="i", asked=0)
    assert found.median_latency_s == pytest.approx(statistics.median(seconds), abs=6e-4)


def test_no_time_is_known_of_a_batch() -> None:
    """Zero stands for that, and is not part of the median."""
    assert tally(Reply("")).facts(identity="i", asked=0).median_latency_s is None
