"""Choosing among checkpoints: an honest choice, suite by suite, that never touches the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evalkit.decide import CheckpointRule, Policy, RunLimits, SuiteRule, decide
from evalkit.decide.any_difference import any_difference
from evalkit.decide.decision import AnyDifference, CochranTest, Selection, SuiteSelection
from evalkit.model import ModelSpec, Record
from evalkit.stats.several_models import CochranQ, cochran_q
from evalkit.stats.values import PValue

from .made_up import FAILED, Answer, MadeUp, MadeUpRun, only, record, run_of, spec

STEPS = {"early": 100, "late": 200}
MODELS = {
    "base": spec("base", "base"),
    "tuned": spec("tuned", "candidate", step=300),
    **{name: spec(name, "checkpoint", of="tuned", step=step) for name, step in STEPS.items()},
}
SAME = CheckpointRule("simultaneous")


def suite_of(
    name: str, columns: Mapping[str, Sequence[Answer]], *, purpose: Any = "target", **fields: Any
) -> tuple[MadeUp, tuple[Record, ...]]:
    """Return a suite with the answers of every model by case, and the checkpoints' records."""
    made = MadeUp(name, purpose).add(columns["base"], columns["tuned"], **fields)
    more = [
        record(name, case.id, model, answer)
        for model in columns.keys() - {"base", "tuned"}
        for case, answer in zip(made.cases, columns[model], strict=True)
    ]
    return made, tuple(more)


def run_with(
    *suites: tuple[MadeUp, tuple[Record, ...]],
    rule: CheckpointRule | None = None,
    models: Mapping[str, ModelSpec] = MODELS,
    **policy: Any,
) -> MadeUpRun:
    """Return a run over ``suites`` whose checkpoints are chosen by ``rule``."""
    more = tuple(found for _, records in suites for found in records)
    given = Policy(checkpoints=rule or CheckpointRule(), **policy)
    return run_of(*(made for made, _ in suites), policy=given, models=models, more=more)


def chosen_by(run: MadeUpRun) -> Selection:
    """Return the selection of the one comparison; there must be one."""
    selection = only(run.decide()).selection
    assert selection is not None
    return selection


def one_suite(selection: Selection) -> SuiteSelection:
    """Return the one suite that chose."""
    (suite,) = selection.suites
    return suite


def drawn(shares: Mapping[str, float], *, n: int = 120, seed: int = 0) -> dict[str, list[Answer]]:
    """Draw right and wrong answers; whoever is right more often is right wherever another is."""
    luck = np.random.default_rng(seed).random(n)
    return {name: [float(u < share) for u in luck] for name, share in shares.items()}


RISING = {"base": 0.3, "early": 0.5, "late": 0.7, "tuned": 0.8}


def test_a_split_chooses_on_half_and_judges_on_the_other() -> None:
    """The best on the dev cases is judged on the rest; both halves are counted."""
    selection = chosen_by(run_with(suite_of("triage", drawn(RISING))))
    found = one_suite(selection)
    assert (selection.method, selection.chosen, selection.step) == ("split", "tuned", 300)
    assert selection.is_candidate
    assert (found.n_dev, found.n_test, found.excluded) == (60, 60, 0)
    assert [c.model for c in found.contenders] == ["early", "late", "tuned"]
    assert [c.step for c in found.contenders] == [100, 200, 300]
    dev, test = found.contenders[2].difference, found.difference
    assert dev is not None
    assert test is not None
    columns = drawn(RISING)
    total = sum(columns["tuned"]) - sum(columns["base"])  # type: ignore[arg-type]
    assert 60 * dev + 60 * test == pytest.approx(total)
    assert found.interval is not None
    assert found.interval.low < test < found.interval.high
    assert found.interval.method == "Tango score"
    assert (selection.corrected, selection.corrected_interval) == (None, None)


def test_the_share_of_the_cases_that_choose_is_the_policys() -> None:
    """A quarter of 120 cases choose, and at least one case is left to judge."""
    suite = suite_of("triage", drawn(RISING))
    quarter = one_suite(chosen_by(run_with(suite, rule=CheckpointRule(dev_share=0.25))))
    assert (quarter.n_dev, quarter.n_test) == (30, 90)
    nearly = one_suite(chosen_by(run_with(suite, rule=CheckpointRule(dev_share=0.9999))))
    assert (nearly.n_dev, nearly.n_test) == (119, 1)


def test_the_same_cases_choose_and_judge() -> None:
    """All cases count on both sides; limits are wider than alone, and a close win is corrected."""
    columns = drawn({"base": 0.3, "early": 0.5}) | {
        name: drawn({"any": 0.7}, seed=seed)["any"] for name, seed in (("late", 1), ("tuned", 2))
    }
    selection = chosen_by(run_with(suite_of("triage", columns), rule=SAME))
    found = one_suite(selection)
    (mine,) = (c for c in found.contenders if c.model == selection.chosen)
    assert (found.n_dev, found.n_test) == (120, 0)
    assert found.difference == mine.difference
    assert (found.interval, found.p_value) == (mine.interval, mine.p_adjusted)
    swapped = columns | {"tuned": columns[mine.model], mine.model: columns["tuned"]}
    alone = only(run_of(suite_of("triage", swapped)[0]).decide()).suites[0]
    assert alone.difference == found.difference
    assert found.interval is not None
    assert alone.interval is not None
    assert found.interval.low < alone.interval.low
    assert selection.corrected is not None
    assert found.difference is not None
    assert selection.corrected < found.difference
    assert found.luck > 0


def test_means_are_those_of_the_cases_that_choose() -> None:
    """Each contender's score less the base's is its difference, on the cases all answered."""
    columns = drawn(RISING)
    columns["early"][0] = None
    limits = RunLimits(min_coverage=0.9)
    found = one_suite(chosen_by(run_with(suite_of("triage", columns), rule=SAME, run=limits)))
    for contender in found.contenders:
        means = [
            sum(answer == 1.0 for answer in columns[name][1:]) / 119
            for name in (contender.model, "base")
        ]
        assert contender.mean == pytest.approx(means[0])
        assert contender.difference == pytest.approx(means[0] - means[1])
    assert (found.n_dev, found.excluded) == (119, 1)


def test_the_gate_does_not_see_it() -> None:
    """With and without checkpoints, chosen either way: the same outcome, reasons and gates."""
    suite = suite_of("triage", drawn({"base": 0.5, "early": 0.9, "late": 0.9, "tuned": 0.4}))
    bare = MadeUpRun((suite[0],), models=MODELS)
    decisions = [bare.decide(), *(run_with(suite, rule=r).decide() for r in (None, SAME))]
    told = [(c.outcome, c.reasons, c.gates, c.suites) for c in map(only, decisions)]
    assert told[0] == told[1] == told[2]
    assert [only(d).selection is None for d in decisions] == [True, False, False]


def test_a_better_checkpoint_is_told() -> None:
    """One that is clearly above the candidate is to be compared afresh, not promoted."""
    shares = {"base": 0.5, "early": 0.6, "late": 0.9, "tuned": 0.5}
    selection = chosen_by(run_with(suite_of("triage", drawn(shares))))
    assert selection.chosen == "late"
    assert not selection.is_candidate
    assert "late" in selection.better
    assert selection.finding.startswith("Step 200 scored higher than the candidate on triage (")
    assert "2 checkpoints allowed for" in selection.finding
    assert selection.finding.endswith("on cases that did not choose it.")


def test_an_earlier_checkpoint_that_is_as_good() -> None:
    """The earliest whose whole interval lies above the suite's limit: stop there next time."""
    shares = {"base": 0.3, "early": 0.705, "late": 0.7, "tuned": 0.71}
    suite = suite_of("triage", drawn(shares, n=600))
    selection = chosen_by(run_with(suite))
    assert selection.better == ()
    assert selection.as_good == "early"
    assert selection.finding.startswith("Step 100 is no worse than the candidate on triage (")
    assert "limit 10.0" in selection.finding
    assert selection.finding.endswith("stop there next time.")
    narrow = {"triage": SuiteRule(margin=0.0)}
    assert chosen_by(run_with(suite, suites=narrow)).as_good is None


def test_doubt_is_not_as_good() -> None:
    """Few cases show nothing of the sort, whatever the difference seen."""
    shares = {"base": 0.3, "early": 0.7, "late": 0.7, "tuned": 0.7}
    selection = chosen_by(run_with(suite_of("triage", drawn(shares, n=12))))
    assert (selection.better, selection.as_good) == ((), None)
    assert selection.finding.endswith("on triage cannot be told.")


def test_all_checkpoints_lower() -> None:
    """Where every interval lies below the candidate, that is what is said."""
    shares = {"base": 0.2, "early": 0.3, "late": 0.4, "tuned": 0.9}
    selection = chosen_by(run_with(suite_of("triage", drawn(shares))))
    assert selection.finding.startswith("Every other checkpoint scored lower than the candidate")


def test_a_later_checkpoint_is_no_reason_to_stop_earlier() -> None:
    """Only steps before the candidate's can be as good; one without a step stands at the end."""
    shares = {"base": 0.3, "early": 0.705, "late": 0.705, "tuned": 0.71}
    suite = suite_of("triage", drawn(shares, n=600))
    for step, as_good in ((300, "early"), (150, "early"), (50, None), (None, "early")):
        models = {**MODELS, "tuned": spec("tuned", "candidate", step=step)}
        assert chosen_by(run_with(suite, models=models)).as_good == as_good


def test_no_luck_is_called_better() -> None:
    """Checkpoints and a candidate that answer alike but for noise: none is called better."""
    rng = np.random.default_rng(5)
    for _ in range(5):
        columns = {n: list(map(float, rng.random(80) < 0.5)) for n in ("base", "tuned", *STEPS)}
        for rule in (CheckpointRule(), SAME):
            assert chosen_by(run_with(suite_of("triage", columns), rule=rule)).better == ()


def test_suites_weigh_alike() -> None:
    """The mean over the suites' means decides, whatever their sizes; each is judged by itself."""
    small = suite_of("small", drawn({"base": 0.2, "early": 0.9, "late": 0.3, "tuned": 0.2}, n=40))
    large = suite_of("large", drawn({"base": 0.2, "early": 0.2, "late": 0.5, "tuned": 0.2}, n=300))
    selection = chosen_by(run_with(small, large, rule=SAME))
    assert [suite.suite for suite in selection.suites] == ["large", "small"]
    assert selection.chosen == "early"
    mean = sum(suite.difference or 0.0 for suite in selection.suites) / 2
    assert selection.corrected == pytest.approx(mean, abs=0.01)
    assert selection.better == ()
    assert "large and small" in selection.finding


@pytest.mark.parametrize(
    ("purposes", "rule", "expected"),
    [
        (("target", "guard", "report"), None, ["a"]),
        (("guard", "guard", "report"), None, ["a", "b"]),
        (("target", "guard", "report"), ("c", "b"), ["b", "c"]),
        (("report", "report", "report"), None, []),
    ],
)
def test_which_suites_choose(
    purposes: Sequence[str], rule: tuple[str, ...] | None, expected: list[str]
) -> None:
    """Those the policy names, else the targets, else all that gate."""
    suites = [
        suite_of(name, drawn(RISING, n=20), purpose=purpose)
        for name, purpose in zip("abc", purposes, strict=True)
    ]
    selection = chosen_by(run_with(*suites, rule=CheckpointRule(suites=rule or ())))
    assert [suite.suite for suite in selection.suites] == expected
    assert (selection.chosen is None) is (not expected)
    assert bool(selection.note) is (not expected)


def test_a_suite_of_the_policy_that_the_run_lacks() -> None:
    """It is told, and the others choose."""
    rule = CheckpointRule(suites=("gone", "triage"))
    selection = chosen_by(run_with(suite_of("triage", drawn(RISING)), rule=rule))
    assert selection.chosen == "tuned"
    assert selection.note == "Not in this run, so it cannot choose: gone."


def test_a_suite_judged_while_asked_cannot_choose() -> None:
    """Its number of cases followed the answers of the candidate."""
    run = run_with(suite_of("triage", drawn(RISING)))
    data = replace(run.data, watched={"triage": 60})
    selection = only(decide(data, run.policy)).selection
    assert selection is not None
    assert selection.chosen is None
    assert selection.note.startswith("Judged while asked, so the cases of triage cannot")


def test_a_checkpoint_with_too_few_answers_does_not_compete() -> None:
    """It would cost every other one its cases; it is named and counted among the tests not made."""
    columns = drawn(RISING)
    columns["early"][:60] = [FAILED] * 60
    run = run_with(suite_of("triage", columns), rule=SAME)
    selection = chosen_by(run)
    found = one_suite(selection)
    assert selection.left_out == ("early",)
    assert selection.note == "Too few answers to compete: early."
    assert [c.model for c in found.contenders] == ["late", "tuned"]
    assert (found.n_dev, found.excluded) == (120, 0)
    assert "; 1 without a test left out." in run.decide().families[1]


@pytest.mark.parametrize("silent", ["tuned", "both", "base"])
def test_nothing_to_compare(silent: str) -> None:
    """Without answers of the candidate, of any checkpoint or of the base nothing is chosen."""
    columns = drawn(RISING)
    for name in ("early", "late") if silent == "both" else (silent,):
        columns[name] = [FAILED] * 119 + [1.0]
    if silent == "base":
        columns["base"] = [FAILED] * 120
    selection = chosen_by(run_with(suite_of("triage", columns)))
    assert selection.chosen is None
    assert selection.suites == ()
    assert selection.note


def test_one_case() -> None:
    """A single case cannot both choose and judge."""
    selection = chosen_by(run_with(suite_of("triage", drawn(RISING, n=1))))
    assert selection.chosen is None
    assert selection.note.startswith("Nothing could be chosen")


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("rule", [CheckpointRule(), SAME])
def test_a_handful_of_cases_claims_nothing(n: int, rule: CheckpointRule) -> None:
    """Nothing raises, the earliest of equals is chosen, and nothing is called better or as good."""
    columns = {"base": [0.0] * n, "early": [1.0] * n, "late": [1.0] * n, "tuned": [1.0] * n}
    selection = chosen_by(run_with(suite_of("triage", columns), rule=rule))
    assert selection.chosen == "early"
    assert selection.as_good is None
    assert selection.better == ()


def test_clusters_are_not_torn() -> None:
    """Cases of one passage are all on one side, and count as one unit."""
    clusters = [f"passage {i // 6}" for i in range(120)]
    found = one_suite(chosen_by(run_with(suite_of("triage", drawn(RISING), cluster=clusters))))
    assert (found.n_dev, found.n_test, found.note) == (60, 60, "")
    assert found.interval is not None
    assert "clusters" in found.interval.method
    assert all(c.interval and "cluster" in c.interval.method for c in found.contenders[1:])


@pytest.mark.parametrize("rule", [CheckpointRule(), SAME])
def test_the_order_of_cases_changes_nothing(rule: CheckpointRule) -> None:
    """Cases and records in another order give the same decision."""
    run = run_with(suite_of("triage", drawn(RISING)), rule=rule)
    data = run.data
    (suite,) = data.suites
    turned = replace(
        data,
        suites=(replace(suite, cases=suite.cases[::-1]),),
        records=list(data.records)[::-1],
    )
    assert decide(turned, run.policy) == run.decide()


@pytest.mark.parametrize("rule", [CheckpointRule(), SAME])
def test_names_of_models_change_nothing_but_names(rule: CheckpointRule) -> None:
    """Other names, in another alphabetical order: the same choice and the same numbers."""
    names = {"early": "z", "late": "a", "tuned": "m", "base": "base"}
    suite = suite_of("triage", drawn(RISING))
    before = chosen_by(run_with(suite, rule=rule))
    models = {
        names[old]: replace(model, name=names[old], of=model.of and names[model.of])
        for old, model in MODELS.items()
    }
    run = run_with(suite, rule=rule)
    data = run.data
    renamed = replace(
        data,
        project=replace(
            data.project,
            models=models,
            comparisons=(replace(data.project.comparisons[0], candidate="m"),),
        ),
        records=[replace(r, model=names[r.model]) for r in data.records],
    )
    after = only(decide(renamed, run.policy)).selection
    assert after is not None
    assert after.chosen == names[before.chosen or ""]
    assert after.finding == before.finding
    for one, other in zip(before.suites, after.suites, strict=True):
        contenders = tuple(replace(c, model=names[c.model]) for c in one.contenders)
        assert replace(one, contenders=contenders) == other


def test_adding_a_suite_that_does_not_choose_changes_nothing() -> None:
    """The seeds are those of the suites that choose."""
    triage = suite_of("triage", drawn(RISING))
    guard = suite_of("general", drawn(RISING, n=30, seed=1), purpose="guard")
    assert chosen_by(run_with(triage)) == chosen_by(run_with(guard, triage))


def differences_of(run: MadeUpRun) -> AnyDifference:
    """Return whether the models of the one suite that chose differ at all."""
    found = one_suite(chosen_by(run)).any_difference
    assert found is not None
    return found


def both_tests(found: AnyDifference) -> tuple[CochranTest, CochranTest]:
    """Return both tests, which must be there."""
    assert found.all_models is not None
    assert found.contenders is not None
    return found.all_models, found.contenders


def test_whether_models_differ_at_all() -> None:
    """Conover's three methods on twelve items as base, checkpoint and candidate: Q and its p."""
    x = [[1, 1, 1], [1, 1, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]]
    x += [[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1], [1, 1, 1]]
    names = ("base", "early", "tuned")
    columns = {n: [float(row[i]) for row in x] for i, n in enumerate(names)}
    models = {name: MODELS[name] for name in names}
    found = differences_of(run_with(suite_of("triage", columns), models=models))
    every, alone = both_tests(found)
    assert (every.models, every.n, every.mixed) == (3, 12, 5)
    assert every.statistic == pytest.approx(2.8)
    # 5 mixed items of 3 models are few: the shuffles count, not chi-squared's .2466.
    shuffled = cochran_q(x, rng=np.random.default_rng(0))
    assert isinstance(shuffled, CochranQ)
    assert isinstance(shuffled.permutation, PValue)
    assert every.p_value == pytest.approx(shuffled.permutation.value)
    assert every.method == "Cochran's Q, all shuffles within items"
    # Two models: McNemar's, 4 to 1 among the 5 items on which they differ.
    assert (alone.models, alone.mixed) == (2, 5)
    assert alone.statistic == pytest.approx(9 / 5)
    assert alone.p_value == pytest.approx(2 * (1 + 5) / 2**5)


def test_trained_models_may_be_alike_where_the_base_is_not() -> None:
    """A training that worked says nothing about its checkpoints: both questions are answered."""
    luck = {name: drawn({"any": 0.8}, seed=seed)["any"] for seed, name in enumerate(MODELS)}
    columns = luck | {"base": drawn({"any": 0.2}, seed=9)["any"]}
    every, alone = both_tests(differences_of(run_with(suite_of("triage", columns))))
    assert (every.models, every.n, alone.models, alone.n) == (4, 120, 3, 120)
    assert every.method == alone.method == "Cochran's Q, chi-squared"
    assert every.p_value < 1e-6
    assert alone.p_value > 0.05


def test_models_that_all_answer_alike() -> None:
    """Without an item on which they differ there is no Q, and the reason is there."""
    columns = drawn(RISING) | {name: drawn(RISING)["late"] for name in ("early", "tuned")}
    found = differences_of(run_with(suite_of("triage", columns)))
    assert found.all_models is not None
    assert (found.contenders, found.note) == (None, "every case was answered alike by all models")


@pytest.mark.parametrize(
    ("score", "fields", "why"),
    [
        (0.5, {}, "scores between right and wrong"),
        (1.0, {"cluster": [f"c{i // 2}" for i in range(120)]}, "cases of one cluster are not"),
    ],
)
def test_no_q_of_graded_or_clustered_cases(score: float, fields: Any, why: str) -> None:
    """Q is for right and wrong answers to independent cases."""
    columns = drawn(RISING)
    columns["late"][0] = score
    found = differences_of(run_with(suite_of("triage", columns, **fields)))
    assert (found.all_models, found.contenders) == (None, None)
    assert found.note.startswith(why)


def test_only_cases_that_all_models_answered_are_compared() -> None:
    """A missing score leaves the case out, also one of the base; without any case that is said."""
    scores = np.array([[1.0, 0.0], [np.nan, 1.0], [0.0, 1.0], [1.0, 0.0]])
    base, rng = np.array([0.0, 0.0, np.nan, 1.0]), np.random.default_rng(0)
    every, alone = both_tests(any_difference(base, scores, clustered=False, rng=rng))
    assert (every.n, alone.n) == (2, 2)
    none = any_difference(base * np.nan, scores, clustered=False, rng=rng)
    assert none == AnyDifference(None, None, "no item")


def test_the_family_is_told() -> None:
    """How many tests, how corrected, and what the gate takes for granted."""
    triage, shifted = (suite_of(name, drawn(RISING)) for name in ("triage", "shifted"))
    _, tests, judged = run_with(triage, shifted).decide().families
    assert tests == (
        "Checkpoints of tuned against base on shifted and triage: 6 two-sided tests on the dev "
        "cases, corrected together by max-T and Bonferroni over the suites. Against tuned: 4 on "
        "all held-out cases, corrected alike."
    )
    assert judged.startswith("The chosen one is judged on the other cases: 2 tests, not corrected.")
    assert "The gate on tuned assumes that these cases did not choose it" in judged
    same = run_with(triage, rule=SAME).decide().families
    assert "3 two-sided tests on the held-out cases, corrected together by max-T." in same[1]
    assert same[2].startswith("The chosen one is judged on the same cases")
    none = run_with(suite_of("triage", drawn(RISING), purpose="report")).decide().families
    assert none[0].startswith("Checkpoints of tuned: no test. The gate on tuned assumes")
