"""What is asked before all the rest, and when the rest need not wait for it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest

from evalkit.model import Outcome, Pair, Reply, Sampling
from evalkit.pipeline import first
from evalkit.pipeline.first import Heard, first_of
from evalkit.pipeline.run import Run
from evalkit.runner import Ask, Stopped

from .test_early import plan_of, suite_of, text_of

PAIR = Pair("base", "tuned")


@dataclass
class Slow:
    """Answers by rule; ``None`` stands for an answer that does not come."""

    answer: Callable[[Ask], str | None]
    stopped: Stopped | None = None

    def wait(self, ask: Ask, timeout: float | None = None) -> Outcome:
        """Answer at once or never."""
        text = self.answer(ask)
        if text is None:
            raise TimeoutError(timeout)
        return Reply(text, model=ask.model)

    def drop(self, asks: Iterable[Ask], *, keep: Iterable[Ask]) -> None:
        """Do nothing."""

    def used(self, asks: Iterable[Ask]) -> None:
        """Do nothing."""


def run_of(*suites: object, samples: int = 1) -> Run:
    """Return a run over suites in the order of their files."""
    plan = plan_of(*suites, stop_early=False)  # type: ignore[arg-type]  # they are suites
    sampled = tuple(replace(s, sampling=Sampling(samples=samples)) for s in plan.suites)
    plan = replace(plan, suites=sampled)
    everything = frozenset((s.name, c.id) for s in plan.suites for c in s.cases)
    return Run(plan, Slow(lambda _: None), selected=everything)


def test_suites_that_must_improve_take_turns() -> None:
    """Sixteen held-out cases, one sample each, no trained case and none of a guard."""
    run = run_of(
        suite_of(30, name="g"),
        suite_of(30, name="a", trained=5, purpose="target"),
        suite_of(3, name="b", purpose="target"),
        samples=3,
    )
    asks = first_of(run).asks
    texts = [text_of(ask) for ask in asks if ask.model == "tuned"]
    assert texts[:7] == ["a 0", "b 0", "a 1", "b 1", "a 2", "b 2", "a 3"]
    assert texts == [text_of(ask) for ask in asks if ask.model == "base"]
    assert len(texts) == 16
    assert {ask.request.sample for ask in asks} == {0}


def test_without_such_a_suite_each_model_is_asked_once() -> None:
    """It is still seen who cannot be asked at all, and who answers under another name."""
    found = first_of(run_of(suite_of(30)))
    assert sorted((ask.model, text_of(ask)) for ask in found.asks) == [
        ("base", "s 0"),
        ("tuned", "s 0"),
    ]
    assert found.shared == {PAIR: ()}


def heard(answer: Callable[[Ask], str | None]) -> Heard:
    """Return what was heard of a run's first requests in one go."""
    found = Heard(first_of(run_of(suite_of(30, purpose="target"))), Slow(answer), pairs=[PAIR])
    found.listen()
    return found


@pytest.mark.parametrize(
    ("answer", "enough"),
    [
        (lambda ask: ask.model, True),
        (lambda _: "the same", True),
        (lambda ask: ask.model if text_of(ask) == "s 7" else None, True),
        (lambda ask: "the same" if text_of(ask) == "s 7" else None, False),
        (lambda ask: "one" if ask.model == "base" else None, False),
    ],
    ids=["all differ", "all came", "one differs", "one is the same", "one model"],
)
def test_one_difference_is_enough(answer: Callable[[Ask], str | None], enough: bool) -> None:
    """What hangs holds nobody up, unless all that came is the same, or a model said nothing."""
    assert heard(answer).enough is enough


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both models have answered alike, the rest waits for what hangs only so long."""
    found = heard(lambda ask: "the same" if text_of(ask) == "s 7" else None)
    assert not found.enough
    monkeypatch.setattr(first, "PATIENCE_S", 0.0)
    assert found.enough
