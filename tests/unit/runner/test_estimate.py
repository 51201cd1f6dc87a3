"""What asking will take: from stored answers, from earlier runs, or as a bound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest

from evalkit.model import (
    Budget,
    Limits,
    ModelFacts,
    ModelSpec,
    Pair,
    Price,
    Project,
    Reply,
    Request,
    Usage,
)
from evalkit.runner import Amount, Outlook, estimate

MODELS = {
    "base": ModelSpec("base", "base", "openai", "m", price=Price(1.0, 10.0)),
    "tuned": ModelSpec("tuned", "candidate", "openai", "t", price=Price(2.0, 20.0)),
}
PROJECT = Project(Path(), MODELS, (Pair("base", "tuned"),))
BODY = {"messages": [{"role": "user", "content": "x" * 276}], "max_tokens": 50}
"""A prompt of 100 tokens at most, its marks included."""


def outlook(*, requests: int, answers: int = 0) -> Outlook:
    """Return so many requests to ask, and so many stored answers of 80 and 20 tokens in 2 s."""
    found = Outlook()
    for _ in range(requests):
        found.ask(Request(BODY))
    for _ in range(answers):
        found.learn(Reply("a", usage=Usage(80, 20), latency_s=2.0))
    return found


def nothing(_: str) -> ModelFacts | None:
    """Tell of no earlier run."""
    return None


def test_without_answers_there_are_bounds_only() -> None:
    """Lengths, max_tokens and the price bound tokens and money; no time is claimed."""
    found = estimate(PROJECT, {name: outlook(requests=10) for name in MODELS}, earlier=nothing)
    base = found.models[0]
    assert (base.input_tokens, base.output_tokens) == (Amount(None, 1000), Amount(None, 500))
    assert base.money is not None
    assert base.money.likely is None
    assert base.money.most == pytest.approx(0.006)
    assert (base.seconds, base.basis) == (None, None)
    assert found.tokens == Amount(None, 3000)
    assert found.money is not None
    assert found.money.likely is None
    assert found.money.most == pytest.approx(0.018)
    assert found.seconds is None


def test_stored_answers_give_what_is_likely() -> None:
    """Their mean tokens and latency, and the concurrency; the candidate is taken to be alike."""
    limits = Limits(concurrency=5)
    models = {name: replace(model, limits=limits) for name, model in MODELS.items()}
    outlooks = {"base": outlook(requests=100, answers=40), "tuned": outlook(requests=200)}
    found = estimate(replace(PROJECT, models=models), outlooks, earlier=nothing)
    base, tuned = found.models
    assert base.input_tokens == Amount(8_000, 10_000)
    assert base.money is not None
    assert (base.money.likely, base.money.most) == pytest.approx((0.028, 0.06))
    assert base.basis is not None
    assert tuned.basis is not None
    assert (base.basis.source, base.basis.answers, tuned.basis.model) == ("stored", 40, "base")
    assert (base.seconds, tuned.seconds, found.seconds) == (40.0, 80.0, 80.0)
    assert (found.requests, found.tokens.likely) == (300, 30_000)


def test_an_earlier_run_tells_where_little_is_stored() -> None:
    """The facts of the manifest count while fewer than 30 answers are stored."""
    facts = ModelFacts(
        "base", "base", "openai", "m", "id", 500, 500, 0, 45_000, 5_000, median_latency_s=3.0
    )
    earlier = {"base": facts}.get
    few = {"base": outlook(requests=100, answers=3), "tuned": outlook(requests=0)}
    base = estimate(PROJECT, few, earlier=earlier).models[0]
    assert base.basis is not None
    assert (base.basis.source, base.basis.answers) == ("earlier run", 500)
    assert (base.input_tokens.likely, base.output_tokens.likely) == (9_000, 1_000)
    many = {**few, "base": outlook(requests=100, answers=30)}
    basis = estimate(PROJECT, many, earlier=earlier).models[0].basis
    assert basis is not None
    assert basis.source == "stored"


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        (Limits(requests_per_minute=60), 100.0),
        (Limits(tokens_per_minute=6_000), 150.0),
        (Limits(requests_per_minute=60, tokens_per_minute=60_000), 100.0),
    ],
)
def test_limits_a_minute_bound_the_time(limits: Limits, seconds: float) -> None:
    """What may be sent in a minute tells how long it takes, even without any answer."""
    models = {name: replace(model, limits=limits) for name, model in MODELS.items()}
    outlooks = {"base": outlook(requests=100), "tuned": outlook(requests=0)}
    found = estimate(replace(PROJECT, models=models), outlooks, earlier=nothing)
    assert found.seconds == pytest.approx(seconds)


def test_uncounted_tokens_stay_bounds() -> None:
    """An endpoint that counts nothing tells its latency only."""
    silent = outlook(requests=100)
    for _ in range(50):
        silent.learn(Reply("a", latency_s=0.5))
    found = estimate(PROJECT, {"base": silent, "tuned": Outlook()}, earlier=nothing)
    assert found.tokens.likely is None
    assert found.seconds == pytest.approx(100 / 16 * 0.5)


def test_answers_without_a_time_tell_tokens_only() -> None:
    """The time of an answer out of a batch is unknown: it is not taken for none at all."""
    batched = outlook(requests=100)
    for seconds in [0.0] * 40 + [2.0] * 10:
        batched.learn(Reply("a", usage=Usage(80, 20), latency_s=seconds))
    found = estimate(PROJECT, {"base": batched, "tuned": Outlook()}, earlier=nothing)
    assert found.tokens.likely == 10_000
    assert found.seconds == pytest.approx(100 / 16 * 2.0)


def test_a_budget_that_will_not_do_is_told_before() -> None:
    """By what is likely, not by what is possible."""
    outlooks = {"base": outlook(requests=100, answers=40), "tuned": outlook(requests=0)}
    for budget, beyond in (
        (Budget(requests=99), "requests: 99"),
        (Budget(requests=100, money=0.02), "money: 0.02"),
        (Budget(tokens=11_000), ""),
    ):
        project = replace(PROJECT, budget=budget)
        assert estimate(project, outlooks, earlier=nothing).beyond == beyond


def test_it_is_made_in_no_time() -> None:
    """20,000 requests are taken in within a fraction of a second."""
    started = perf_counter()
    outlook(requests=20_000)
    assert perf_counter() - started < 0.3
