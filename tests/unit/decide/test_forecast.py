"""What a suite can show before a run: from its design, never from the effect seen."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.decide import Policy, SuiteRule
from evalkit.decide.forecast import GUESS, Forecast, forecast
from evalkit.decide.needs import cases_needed, claim_of, supposed
from evalkit.decide.rules import rule_for
from evalkit.model import Purpose
from evalkit.stats.exact_power import BinaryDesign, Claim, exact_power
from evalkit.stats.power import Cases, Planned

from .made_up import MadeUp, result_of, run_of, table


def of(
    n: int, purpose: Purpose = "guard", *, earlier: MadeUp | None = None, **said: Any
) -> Forecast:
    """Return the forecast of ``n`` cases under a rule."""
    made = MadeUp("triage", purpose, margin=0.05).add([1.0] * n, [1.0] * n)
    rule = rule_for(made.suite, Policy(suites={"triage": SuiteRule(**said)}))
    before = result_of(run_of(earlier)) if earlier else None
    return forecast(made.suite, rule, earlier=before, alpha=0.05)


def test_without_an_earlier_run_a_guess_is_named() -> None:
    """A fifth of the cases is taken to flip, and that is said."""
    found = of(100)
    assert found.flips == GUESS
    assert found.assumed.startswith("a guess")


def test_an_earlier_run_says_how_much_flips() -> None:
    """11 of 120 flipped; planned with is the upper limit, so that the power is not a toss."""
    found = of(100, earlier=MadeUp("triage").add(*table(60, 9, 2, 49)))
    assert 11 / 120 < found.flips < 0.15
    assert "120 earlier pairs" in found.assumed


def test_the_smallest_margin_is_certified_with_80_percent() -> None:
    """The figure is the gate's own power turned round."""
    found = of(200)
    assert found.smallest_margin is not None
    power = exact_power(
        BinaryDesign(200, GUESS), Claim("non_inferior", found.smallest_margin + 1e-6)
    )
    assert isinstance(power, Planned)
    assert power.value == pytest.approx(0.8, abs=0.03)


def test_a_guard_at_its_limit_passes_in_5_percent() -> None:
    """The false pass is the level; more cases make the true one likelier, not the false one."""
    few, many = of(100), of(1_000)
    for found in (few, many):
        assert found.falsely is not None
        assert found.falsely == pytest.approx(0.05, abs=0.012)
    assert (few.likely or 0.0) < (many.likely or 0.0)


def test_the_cases_needed_are_enough() -> None:
    """With as many cases as it says, the chance to pass is 80 %."""
    needed = of(100).needed
    assert needed is not None
    assert (of(needed).likely or 0.0) >= 0.8


def test_a_target_supposes_twice_its_gain() -> None:
    """To show more than 10 points, the truth is supposed to be 20."""
    found = of(150, "target", min_gain=0.1)
    assert [o.difference for o in found.odds] == [0.0, -0.05, 0.1]
    assert found.falsely == pytest.approx(0.05, abs=0.02)
    assert (found.likely or 0.0) > 0.5


def test_a_suite_that_only_reports_passes_nothing() -> None:
    """It has power, but no rule."""
    found = of(100, "report")
    assert (found.likely, found.falsely) == (None, None)
    assert found.smallest_margin is not None


def test_equivalence_needs_more_than_non_inferiority() -> None:
    """Both ends must hold."""
    one, both = of(400), of(400, rule="equivalent")
    assert (both.likely or 0.0) < (one.likely or 0.0)


def test_clusters_and_scores_are_planned_by_their_variance() -> None:
    """Few clusters are few observations, whatever the number of cases."""
    made = MadeUp("triage", margin=0.05)
    made = made.add([1.0] * 100, [1.0] * 100, cluster=[f"c{i // 10}" for i in range(100)])
    found = forecast(made.suite, rule_for(made.suite, Policy()), earlier=None, alpha=0.05)
    assert found.clusters == 10
    assert (found.smallest_margin or 0.0) > (of(100).smallest_margin or 1.0)
    scores = [0.25 * (i % 5) for i in range(60)]
    earlier = MadeUp("triage").add(scores, scores[::-1])
    assert "variance" in of(100, earlier=earlier).assumed


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_case(n: int) -> None:
    """Nothing is promised where nothing can be shown, and nothing breaks."""
    found = of(n)
    assert found.n == n
    assert found.smallest_margin is None or found.smallest_margin > 0.5
    assert found.smallest_margin is not None or found.note


def clustered(groups: int, size: int, *, flips_together: bool, margin: float = 0.1) -> MadeUp:
    """Return a suite of clusters, a fifth of the cases flipped: whole clusters, or one in each."""
    alike = {0: (1.0, 0.0), 1: (0.0, 1.0)}
    pairs, labels = [], []
    for g in range(groups):
        for i in range(size):
            turn = g % 10 if flips_together else (i + g) % 10
            pairs.append(alike.get(turn, (1.0, 1.0)))
            labels.append(f"c{g:02d}")
    base, tuned = zip(*pairs, strict=True)
    return MadeUp("triage", margin=margin).add(base, tuned, cluster=labels)


def test_a_plan_counts_clusters_as_its_earlier_run_did() -> None:
    """40 clusters of 10 that flip as one: the plan gives the report's margin and cases."""
    made = clustered(40, 10, flips_together=True)
    result = result_of(run_of(made))
    found = forecast(made.suite, rule_for(made.suite, Policy()), earlier=result, alpha=0.05)
    assert found.smallest_margin == pytest.approx(result.smallest_margin)
    assert found.needed == result.cases_needed
    assert (found.smallest_margin or 0.0) > 0.15


def test_clusters_without_an_earlier_run_are_taken_to_correlate() -> None:
    """The guess is said, and no cluster counts as so many independent cases."""
    made = clustered(40, 10, flips_together=True)
    found = forecast(made.suite, rule_for(made.suite, Policy()), earlier=None, alpha=0.05)
    assert found.assumed.endswith("correlated by 0.2")
    assert (found.smallest_margin or 0.0) > 1.5 * (of(400).smallest_margin or 1.0)


@pytest.mark.parametrize(
    ("said", "purpose"),
    [
        ({"rule": "equivalent", "margin": 0.05}, "guard"),
        ({"rule": "superior", "min_gain": 0.05}, "target"),
        ({"rule": "superior"}, "target"),
        ({"rule": "non_inferior", "margin": 0.05}, "guard"),
    ],
)
def test_plan_and_report_need_the_same_cases(said: dict[str, Any], purpose: Purpose) -> None:
    """One rule, one spread, one number, and with so many cases the rule passes in 80 %."""
    made = MadeUp("triage", purpose, margin=0.05).add(*table(60, 5, 5, 30))
    rule = rule_for(made.suite, Policy(suites={"triage": SuiteRule(**said)}))
    result = result_of(run_of(made, policy=Policy(suites={"triage": SuiteRule(**said)})))
    assert result.variance is not None
    needed = cases_needed(BinaryDesign(100, result.variance), rule, 0.05)
    assert isinstance(needed, Cases)
    assert result.cases_needed == needed.n
    design = BinaryDesign(needed.n, result.variance, supposed(rule))
    power = exact_power(design, claim_of(rule, 0.05))
    assert isinstance(power, Planned)
    assert power.value >= 0.8


@pytest.mark.parametrize("gain", [0.3, 0.5, 0.55, 0.9, 1.0])
def test_a_large_gain_is_planned_for_with_a_possible_truth(gain: float) -> None:
    """Twice a gain of more than half is none: half of what is left to gain is supposed."""
    found = of(80, "target", min_gain=gain)
    assert (found.needed is None) == (gain == 1)
    assert (found.likely or 0.0) > (found.falsely or 0.0) or gain == 1
