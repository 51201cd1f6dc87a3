"""Early stopping while a run is under way: where a suite ends, and what is still asked then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalkit.decide import Policy, RunLimits, SuiteRule
from evalkit.decide.asking import asking_order
from evalkit.model import Case, Failure, GraderSpec, Outcome, Pair, Project, Reply, Sampling, Suite
from evalkit.model.suite import Source
from evalkit.pipeline.early import SuiteWatch
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.run import Run
from evalkit.runner import Ask, Stopped
from tests.unit.decide.made_up import spec

Answer = Callable[[str, int], bool | None]
"""Whether a model (by name) gets a case (by number) right; ``None`` for a failed call."""


@dataclass
class FakeAsker:
    """Answers by rule, and notes what it was asked and what it need not be asked any more."""

    answer: Answer
    asked: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    stopped: Stopped | None = None

    def wait(self, ask: Ask, timeout: float | None = None) -> Outcome:
        """Answer at once."""
        number = text_of(ask)
        self.asked.append(f"{ask.model} {number} {ask.request.sample}")
        right = self.answer(ask.model, int(number.split()[-1]))
        if right is None:
            return Failure("timeout", f"no answer within {timeout} s")
        return Reply("yes" if right else "no", model=ask.model)

    def drop(self, asks: Iterable[Ask], *, keep: Iterable[Ask]) -> None:
        """Note the texts of both."""
        self.dropped += [text_of(ask) for ask in asks]
        self.kept += [text_of(ask) for ask in keep]

    def used(self, asks: Iterable[Ask]) -> None:
        """Nothing is bounded here."""


def text_of(ask: Ask) -> str:
    """Return the question of a request."""
    return str(ask.request.body["messages"][0]["content"])


def suite_of(n: int, *, name: str = "s", trained: int = 0, **fields: Any) -> Suite:
    """Return a suite of ``n`` held-out cases numbered from 0; trained ones follow."""
    cases = tuple(
        Case(
            name,
            f"{i:04d}",
            ({"role": "user", "content": f"{name} {i}"},),
            expected="yes",
            split="heldout" if i < n else "train",
            trained=frozenset() if i < n else frozenset({"tuned"}),
        )
        for i in range(n + trained)
    )
    grader = GraderSpec("says", "contains", {}, Source("s.yaml", 1))
    made = Suite(name, "guard", cases, (grader,), "says", Sampling(), margin=0.1)
    return replace(made, **fields)


def plan_of(*suites: Suite, policy: Policy | None = None, **fields: Any) -> Plan:
    """Return a plan that stops early, over a base and two candidates of which one is compared."""
    roles = {"base": "base", "tuned": "candidate"}
    models = {name: spec(name, role) for name, role in roles.items()}  # type: ignore[arg-type]
    project = Project(Path(), models, (Pair("base", "tuned"),))
    made = Plan(project, suites, policy or Policy(), {}, project_file=Path(), stop_early=True)
    return replace(made, **fields)


def start(plan: Plan, answer: Answer, *, only: int | None = None) -> tuple[Run, FakeAsker]:
    """Return a run over all cases of a plan, or the first few of each suite."""
    asker = FakeAsker(answer)
    chosen = frozenset((s.name, c.id) for s in plan.suites for c in s.cases[:only])
    return Run(plan, asker, selected=chosen), asker


def finish(run: Run, *, order: Callable[[list[Any]], list[Any]] = list) -> dict[str, int]:
    """Grade every case that is not skipped, in some order; return how many count of each suite."""
    for suite, case in order(list(run.cases())):
        if not run.skips(case):
            run.records(suite, case)
    return run.watched


def no_change(_: str, number: int) -> bool:
    """Both models get four of five right."""
    return number % 5 != 0


def clear_gain(model: str, number: int) -> bool:
    """The base gets each tenth right, the candidate all."""
    return model != "base" or number % 10 == 0


def clear_loss(model: str, number: int) -> bool:
    """The candidate loses six of ten."""
    return model == "base" or number % 10 < 4


@pytest.mark.parametrize(
    ("purpose", "answer", "said"),
    [
        ("target", clear_gain, "proven"),
        ("target", no_change, "futile"),
        ("guard", clear_loss, "refuted"),
        ("guard", no_change, "proven"),
    ],
)
def test_a_suite_ends_once_it_is_settled(purpose: Any, answer: Answer, said: str) -> None:
    """Proven, refuted, or past hope: well before its end, with a decision from what was asked."""
    run, asker = start(plan_of(suite_of(300, purpose=purpose)), answer)
    asked = finish(run)["s"]
    assert asked <= (300 if said == "futile" else 150)
    (result,) = run.decision.comparisons[0].suites
    assert result.stopping is not None
    assert (result.stopping.answer, result.stopping.asked, result.n) == (said, asked, asked)
    assert run.complete
    assert not run.partial
    assert len(run.all_records()) == 2 * asked == len(asker.asked)
    assert len(asker.dropped) == 2 * (300 - asked)
    assert run.decision.outcome != "incomplete"


def test_what_is_left_to_ask_is_named() -> None:
    """Asking ends for the cases of the settled suite alone; the next one is kept whole."""
    run, asker = start(plan_of(suite_of(200, name="a"), suite_of(200, name="b")), clear_loss)
    for suite, case in run.cases():
        run.records(suite, case)
        if asker.dropped:
            break
    assert {text.split()[0] for text in asker.dropped} == {"a"}
    assert sum(text.startswith("b") for text in asker.kept) == 400
    assert len(set(asker.dropped) & set(asker.kept)) == 0


def test_the_second_answers_of_the_base_end_too() -> None:
    """With A/A no case beyond the stop is asked, not even again."""
    run, asker = start(plan_of(suite_of(300), aa=True), no_change)
    asked = finish(run)["s"]
    assert asked < 300
    assert len(asker.asked) == 3 * asked
    assert len(asker.dropped) == 3 * (300 - asked)
    (result,) = run.decision.comparisons[0].suites
    assert result.noise is not None
    assert result.noise.n == asked


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_answers_come_changes_nothing(seed: int) -> None:
    """Cases graded in any order, also beyond the stop: the suite ends at the same case."""
    plan = plan_of(suite_of(200))
    plain, _ = start(plan, no_change)
    finish(plain)

    def shuffled(cases: list[Any]) -> list[Any]:
        Random(seed).shuffle(cases)  # noqa: S311  (an order of answers)
        return cases

    mixed, _ = start(plan, no_change)
    assert finish(mixed, order=shuffled) == plain.watched
    assert mixed.decision == plain.decision


def test_cases_are_asked_in_the_seeded_order_trained_ones_first() -> None:
    """The order in which they count is the order in which they are asked."""
    suite = suite_of(60, trained=5)
    run, asker = start(plan_of(suite), no_change)
    asked = [text_of(ask) for ask in run.asks()][::2]
    expected = [
        *(f"s {i}" for i in range(60, 65)),
        *(f"s {int(c.id)}" for c in asking_order(suite)),
    ]
    assert asked == expected
    finish(run)
    assert [text.rsplit(" ", 1)[0] for text in asker.asked[::2]] == [f"base {t}" for t in expected]


@pytest.mark.parametrize(
    "suite",
    [
        suite_of(200, purpose="report"),
        replace(suite_of(200), cases=tuple(replace(c, cluster="c") for c in suite_of(200).cases)),
    ],
    ids=["report", "clusters"],
)
def test_suites_that_are_asked_whole(suite: Suite) -> None:
    """A suite that decides nothing, or whose cases hang together, keeps its file's order."""
    run, asker = start(plan_of(suite), clear_loss)
    assert finish(run) == {}
    assert [c.id for _, c in run.cases()] == [c.id for c in suite.cases]
    assert asker.dropped == []


def test_a_partial_run_is_not_watched() -> None:
    """It decides nothing, so there is nothing to settle."""
    for run, _ in (
        start(plan_of(suite_of(200)), clear_loss, only=150),
        start(plan_of(suite_of(200), limited="only some"), clear_loss),
    ):
        assert finish(run) == {}
        assert run.partial


def test_critical_cases_are_all_asked() -> None:
    """One that may never break is asked though its suite has ended; one that may is not."""
    plain = suite_of(200)
    cases = tuple(replace(c, critical=int(c.id) < 20) for c in plain.cases)
    suite = replace(plain, cases=cases)
    for rule, all_asked in (("never_break", True), ("report", False)):
        policy = Policy(suites={"s": SuiteRule(critical=rule)})  # type: ignore[arg-type]
        run, _ = start(plan_of(suite, policy=policy), clear_loss)
        asked = finish(run)["s"]
        recorded = {r.case for r in run.all_records()}
        critical = {c.id for c in cases if c.critical}
        assert (critical <= recorded) is all_asked
        assert len(recorded) == asked + (len(critical - first(suite, asked)) if all_asked else 0)
        (result,) = run.decision.comparisons[0].suites
        assert result.n == asked


def first(suite: Suite, number: int) -> set[str]:
    """Return the ids of the first cases of the order."""
    return {case.id for case in asking_order(suite)[:number]}


def test_the_policy_asks_for_so_many_cases() -> None:
    """A suite does not pass with fewer, so it does not stop before, unless it cannot pass."""
    policy = Policy(suites={"s": SuiteRule(min_cases=160)})
    run, _ = start(plan_of(suite_of(200), policy=policy), no_change)
    assert finish(run)["s"] >= 160
    lost, _ = start(plan_of(suite_of(200), policy=policy), clear_loss)
    assert finish(lost)["s"] < 160


def test_the_gap_needs_its_held_out_cases() -> None:
    """Twice as many as there are trained ones, however clear the suite is."""
    run, _ = start(plan_of(suite_of(200, trained=40, purpose="target")), clear_gain)
    assert 80 <= finish(run)["s"] < 100
    (gap,) = run.decision.comparisons[0].overfitting
    assert gap.n_heldout == 80


def test_a_missing_answer_keeps_its_place() -> None:
    """One that is lost early is made up for by more cases, until its share is within the limits."""

    def lossy(model: str, number: int) -> bool | None:
        return None if number == lost and model == "tuned" else clear_loss(model, number)

    suite = suite_of(300)
    lost = int(asking_order(suite)[3].id)
    plain, _ = start(plan_of(suite), clear_loss)
    run, _ = start(plan_of(suite), lossy)
    assert finish(plain)["s"] < 100 <= finish(run)["s"] < 300
    (result,) = run.decision.comparisons[0].suites
    assert result.bounds is not None
    assert (result.errors, result.n) == (1, result.expected_cases - 1)
    assert run.decision.outcome == "do_not_promote"
    lax = Policy(run=RunLimits(max_error_rate=0.5, min_coverage=0.5))
    free, _ = start(plan_of(suite, policy=lax), lossy)
    assert finish(free)["s"] < 100


def test_every_comparison_must_be_settled() -> None:
    """A suite is asked until the last of its comparisons is."""

    def two(model: str, number: int) -> bool:
        return clear_loss(model, number) if model == "tuned" else no_change(model, number)

    suite = suite_of(300)
    plan = plan_of(suite)
    models = {**plan.project.models, "other": spec("other", "candidate")}
    pairs = (Pair("base", "tuned"), Pair("base", "other"))
    both = replace(plan, project=replace(plan.project, models=models, comparisons=pairs))
    alone = replace(plan, project=replace(plan.project, models=models, comparisons=pairs[1:]))
    one, _ = start(plan, two)
    late, _ = start(alone, two)
    run, _ = start(both, two)
    assert finish(one)["s"] < finish(late)["s"] == finish(run)["s"] < 300


def test_looks_are_few_once_there_are_many_cases() -> None:
    """After every eight at first, later after each sixteenth part: 10,000 cases need no 1,250."""
    watch, looks = SuiteWatch(plan_of(suite_of(1)), suite_of(1)), []
    while watch._seen < 10_000:
        watch._seen = watch._next_look
        looks.append(watch._seen)
    assert looks[:3] == [8, 16, 24]
    assert len(looks) < 100
    assert max(b / a for a, b in pairwise(looks[16:])) <= 1 + 1 / 16
