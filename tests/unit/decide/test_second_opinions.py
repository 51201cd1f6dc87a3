"""Second opinions: each figure is its method's own, none decides, and who disagrees is told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy import stats

from evalkit.decide import Policy, decide, to_dict
from evalkit.decide.decision import SecondOpinion, SuiteResult
from evalkit.decide.second_opinions import MOST_DRAWN, MOST_GRADED
from evalkit.stats.arrays import FloatArray
from evalkit.stats.clusters import cluster_estimate
from evalkit.stats.units import cluster_units

from .made_up import FAILED, MadeUp, MadeUpRun, only, result_of, ruled, run_of, table
from .test_plain import schema

DOCS = table(60, 9, 2, 49)
"""The example of docs/decision.md."""


def scored(differences: FloatArray | list[float], **fields: Any) -> MadeUp:
    """Return a guard whose base scores one half everywhere."""
    d = np.asarray(differences)
    return MadeUp("triage", margin=0.05).add([0.5] * len(d), (0.5 + d).tolist(), **fields)


def drawn(n: int, *, mean: float = 0.05, seed: int = 0) -> FloatArray:
    """Return differences of many distinct sizes."""
    return np.clip(np.random.default_rng(seed).normal(mean, 0.15, n), -0.5, 0.5)


def opinions(result: SuiteResult) -> dict[str, SecondOpinion]:
    """Return the opinions by the first words of their methods."""
    found = {o.method.split(",")[0]: o for o in result.second_opinions}
    assert len(found) == len(result.second_opinions)
    return found


def ends(opinion: SecondOpinion) -> tuple[float, float]:
    """Return the limits of an interval that must be there; it is for reading."""
    assert opinion.interval is not None
    assert opinion.interval.level == 0.95
    return opinion.interval.low, opinion.interval.high


def test_right_and_wrong_by_hand() -> None:
    """The documented example: p-values by counting, limits by their formulas."""
    found = opinions(result_of(run_of(MadeUp("triage", "target").add(*DOCS))))
    # Two or fewer of 11 and half of "two" on each side: (1 + 11 + 55 / 2) * 2 / 2^11.
    assert found["mid-p McNemar"].p_value == pytest.approx(2 * 39.5 / 2048)
    assert found["asymptotic McNemar"].p_value == pytest.approx(
        2 * stats.norm.sf(7 / 11**0.5), rel=1e-9
    )
    p, q, n = 10 / 122, 3 / 122, 122
    reach = stats.norm.ppf(0.975) * ((p + q - (p - q) ** 2) / n) ** 0.5
    assert ends(found["Bonett-Price"]) == pytest.approx((p - q - reach, p - q + reach))
    ratio = found["conditional odds ratio"]
    shares = stats.binomtest(9, 11).proportion_ci(method="exact")
    assert ratio.estimate == pytest.approx(4.5)
    assert ends(ratio) == pytest.approx(tuple(share / (1 - share) for share in shares))
    assert ratio.p_value == pytest.approx(134 / 2048)
    assert (ratio.verdict, ratio.agrees) == (None, None)
    differences = [o.estimate for o in found.values() if o.estimand == "difference"]
    assert differences == pytest.approx([7 / 120] * 5)
    assert found.keys() == {
        "mid-p McNemar",
        "asymptotic McNemar",
        "Newcombe method 10",
        "Newcombe method 8",
        "Bonett-Price",
        "conditional odds ratio",
    }


def test_newcombe_as_published() -> None:
    """Newcombe's own example [1998, Stat Med 17:2635], by both methods."""
    found = opinions(result_of(run_of(MadeUp("triage").add(*table(20, 12, 2, 16)))))
    assert ends(found["Newcombe method 10"]) == pytest.approx((0.0562, 0.3292), abs=6e-5)
    assert ends(found["Newcombe method 8"]) == pytest.approx((0.0618, 0.3242), abs=6e-5)


def test_the_exact_test_stands_beside_every_claim_of_a_gain() -> None:
    """Intervals above 0 claim no gain where the exact p does not, as the one that decides does."""
    result = result_of(run_of(MadeUp("triage", "target").add(*DOCS)))
    found = opinions(result)
    assert result.verdict == "non_inferior"
    assert ends(found["Newcombe method 10"])[0] > 0
    assert [o.verdict for o in found.values() if o.interval and o.verdict] == ["non_inferior"] * 3
    assert [o.agrees for o in found.values() if o.verdict] == [True] * 3


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ((60, 9, 0, 49), "no case broke: infinite, at least 1.97 (95 %)"),
        ((60, 0, 0, 49), "no case was fixed or broken"),
    ],
)
def test_ratios_that_json_cannot_write(counts: tuple[int, int, int, int], note: str) -> None:
    """An infinite ratio, or one of nothing, is no number, and a note says which."""
    ratio = opinions(result_of(run_of(MadeUp("triage").add(*table(*counts)))))[
        "conditional odds ratio"
    ]
    assert (ratio.estimate, ratio.interval) == (None, None)
    assert ratio.note == note


def test_scores_by_other_means() -> None:
    """Under 30 cases t and Wilcoxon's test are scipy's, and the bootstraps are near t."""
    d = drawn(25)
    found = opinions(result_of(run_of(scored(d))))
    t, theirs = found["paired t"], stats.ttest_1samp(d, 0)
    assert ends(t) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert t.p_value == pytest.approx(theirs.pvalue)
    ranks = found["Wilcoxon signed-rank"]
    assert ranks.p_value == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)
    order = stats.rankdata(np.abs(d)) * np.sign(d)
    assert ranks.estimate == pytest.approx(order.sum() / np.abs(order).sum())
    assert (ranks.interval, ranks.verdict, ranks.agrees) == (None, None, None)
    for kind, note in (("BCa", "too narrow under 30 cases"), ("bootstrap-t", "")):
        assert ends(found[kind]) == pytest.approx(ends(t), abs=0.02)
        assert found[kind].note == note
    theirs_bca = stats.bootstrap((d,), np.mean, n_resamples=9_999, rng=0).confidence_interval
    assert ends(found["BCa"]) == pytest.approx((theirs_bca.low, theirs_bca.high), abs=0.004)


def test_what_decides_gives_no_second_opinion() -> None:
    """From 30 cases on t decides, and is not its own second opinion."""
    result = result_of(run_of(scored(drawn(60))))
    assert result.method.startswith("paired t")
    assert opinions(result).keys() == {"BCa", "bootstrap-t", "Wilcoxon signed-rank"}


@pytest.mark.parametrize(
    ("n", "steps", "drawing"),
    [
        (MOST_DRAWN, False, True),
        (MOST_DRAWN + 1, False, False),
        (MOST_DRAWN + 1, True, True),
        (MOST_GRADED + 1, True, False),
    ],
)
def test_nothing_is_drawn_beyond_a_size(n: int, *, steps: bool, drawing: bool) -> None:
    """Bootstraps end where they cost time and tell nothing that t does not."""
    d = np.rint(20 * drawn(n)) / 20 if steps else drawn(n)
    found = opinions(result_of(run_of(scored(d))))
    assert ("BCa" in found, "bootstrap-t" in found) == (drawing, drawing)
    assert "Wilcoxon signed-rank" in found


def test_few_that_differ() -> None:
    """Where too few differ for a spread, t and bootstraps claim a loss that the score does not."""
    result = result_of(run_of(scored([0.0] * 95 + [-0.25] * 5)))
    found = opinions(result)
    assert (result.verdict, result.method.split(";")[0]) == (
        "non_inferior",
        "Tango score on sums of gains and losses",
    )
    for kind in ("paired t", "BCa", "bootstrap-t"):
        assert found[kind].verdict == "regressed_within_margin"
        assert found[kind].agrees is False
        assert "spread shows too little" in found[kind].note


def test_ranks_that_contradict_the_mean() -> None:
    """Many small gains and fewer large losses: a disagreement, where a loss is shown."""
    result = result_of(run_of(scored([0.05] * 70 + [-0.45] * 20)))
    ranks = opinions(result)["Wilcoxon signed-rank"]
    assert result.verdict == "regressed"
    assert ranks.estimate == pytest.approx((70 * 35.5 - 20 * 80.5) / (90 * 91 / 2))
    assert ranks.note == (
        "points the other way: more cases got better (70) than worse (20), "
        "but the losses are larger"
    )
    assert ranks.agrees is False
    mirrored = opinions(result_of(run_of(scored([-0.05] * 70 + [0.45] * 20))))
    assert mirrored["Wilcoxon signed-rank"].note == (
        "points the other way: more cases got worse (70) than better (20), but the gains are larger"
    )


def test_ranks_that_contradict_nothing_shown() -> None:
    """A lean against a mean that shows no change is noted and is no disagreement."""
    d = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, -0.1, -0.2]
    ranks = opinions(result_of(run_of(scored(d))))["Wilcoxon signed-rank"]
    assert ranks.note.startswith("points the other way")
    assert ranks.agrees is None


def test_clusters_have_cr1_beside_cr2() -> None:
    """CR1 is its own figure, said to be too narrow for unequal sizes; flips have a p alone."""
    d, labels = drawn(100), [int(i**0.5) for i in range(100)]
    made = scored(d, cluster=[f"c{label}" for label in labels])
    found = opinions(result_of(run_of(made)))
    estimate = cluster_estimate(cluster_units(d, np.array(labels)))
    assert hasattr(estimate, "interval")
    limits = estimate.interval(level=0.95)
    assert ends(found["t on clusters (CR1)"]) == pytest.approx((limits.low, limits.high))
    assert found["t on clusters (CR1)"].note == "too narrow where clusters differ in size"
    assert found["studentised sign-flip"].interval is None
    assert found.keys() == {"t on clusters (CR1)", "studentised sign-flip"}
    even = opinions(result_of(run_of(scored(d, cluster=[f"c{i // 4}" for i in range(100)]))))
    assert even["t on clusters (CR1)"].note == "the same for clusters of one size"
    assert even.keys() == {"t on clusters (CR1)"}


def test_the_gain_asked_for_counts() -> None:
    """A method that sees a gain, but not the one asked for, does not agree."""
    made = MadeUp("triage", "target").add(*table(60, 30, 3, 27))
    gate = result_of(run_of(made)).gate_interval
    assert gate is not None
    found = opinions(result_of(run_of(made, policy=ruled(min_gain=gate.low - 1e-6))))
    price = found["Bonett-Price"]
    assert (price.verdict, price.agrees) == ("improved", False)


def test_missing_answers_change_no_opinion() -> None:
    """Methods are held against what the answers that came show, whatever is missing."""
    made = MadeUp("triage", "target").add(*table(20, 40, 0, 20)).add([1.0] * 60, [FAILED] * 60)
    result = result_of(run_of(made))
    assert result.bounds is not None
    assert (result.verdict, result.bounds.observed) == ("inconclusive", "improved")
    assert {o.agrees for o in result.second_opinions if o.verdict} == {True}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (MadeUp("triage").add([], []), "no case was answered by both models"),
        (MadeUp("triage").add([1.0] * 9, [0.0] * 9, cluster="one"), "all cases are in one cluster"),
    ],
)
def test_none_where_nothing_is_estimable(made: MadeUp, why: str) -> None:
    """There is no second opinion without a first, and the reason is there."""
    result = result_of(run_of(made))
    assert result.second_opinions == ()
    assert result.second_opinions_note.startswith(why)


def test_none_where_the_answers_chose_the_number_of_cases() -> None:
    """A watched suite has none, and says why."""
    run = run_of(MadeUp("triage").add(*table(60, 20, 10, 10)))
    (result,) = only(decide(replace(run.data, watched={"triage": 40}), run.policy)).suites
    assert result.second_opinions == ()
    assert result.second_opinions_note.startswith("judged while asked")


def test_one_common_difference_is_not_estimable() -> None:
    """Without any spread t and the bootstraps say why they have none."""
    found = opinions(result_of(run_of(scored([0.1] * 8))))
    for kind in ("paired t", "BCa", "bootstrap-t"):
        assert (found[kind].interval, found[kind].p_value, found[kind].agrees) == (None, None, None)
        assert "same difference" in found[kind].note


def test_the_order_of_cases_changes_no_byte() -> None:
    """Random draws are seeded by the suite's name, and follow neither cases nor other suites."""
    made = scored(drawn(40))
    other = replace(made, cases=made.cases[::-1], records=made.records[::-1])
    more = MadeUp("another").add(*table(5, 1, 1, 5))
    one, two = (to_dict(MadeUpRun((m,)).decide()) for m in (made, other))
    assert json.dumps(one, allow_nan=False) == json.dumps(two, allow_nan=False)
    jsonschema.Draft202012Validator(schema("decision")).validate(one)
    with_more = [s for s in only(run_of(more, made).decide()).suites if s.suite == "triage"]
    assert with_more[0].second_opinions == result_of(run_of(made)).second_opinions


def test_exploratory_suites_are_held_against_their_own_interval() -> None:
    """What correcting for the number of suites takes back is no disagreement of methods."""
    quiet = [MadeUp(f"quiet{i}", "report").add(*table(40, 3, 3, 40)) for i in range(9)]
    made = MadeUp("triage", "report").add(*table(40, 9, 1, 40))
    run = run_of(made, *quiet, policy=Policy(exploratory_correction="bonferroni"))
    alone = next(s for s in only(run.decide()).suites if s.suite == "triage")
    assert alone.verdict == "non_inferior"
    assert {o.verdict for o in alone.second_opinions if o.verdict} == {"improved"}
    assert {o.agrees for o in alone.second_opinions if o.verdict} == {True}


def test_deciding_does_not_load_scipys_tests() -> None:
    """Importing `scipy.stats` takes longer than to decide; ranks and samples do without it."""
    code = (
        "import sys, numpy as np\n"
        "from tests.unit.decide.made_up import MadeUp, record, result_of, run_of\n"
        "scores = np.random.default_rng(0).random(300).tolist()\n"
        "result_of(run_of(MadeUp('a').add(scores, scores[::-1])))\n"
        "made = MadeUp('a').add([1.0] * 9, [0.0] * 9)\n"
        "again = [(c.id, m) for c in made.cases for m in ('base', 'tuned')]\n"
        "more = [record('a', case, model, 1.0, sample=1) for case, model in again]\n"
        "assert result_of(run_of(made, more=tuple(more))).repeats.regressed.unreachable == 9\n"
        "sys.exit('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
