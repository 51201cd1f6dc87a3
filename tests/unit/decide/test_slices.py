"""Slices: one test each, corrected together, alarms only."""

from __future__ import annotations

from typing import get_args

import pytest

from evalkit.decide import Policy
from evalkit.decide.policy import Correction

from .made_up import Answer, MadeUp, only, result_of, run_of, table


@pytest.mark.parametrize(
    ("loss", "correction", "alarms"),
    [(5, "none", True), (5, "holm", False), (12, "holm", True), (0, "none", False)],
)
def test_alarms(loss: int, correction: str, alarms: bool) -> None:
    """5 losses in 100 alarm alone (p = 1/32) but not among four tests; 12 do in any case."""
    policy = Policy(slice_correction=correction)  # type: ignore[arg-type]
    first, *others = result_of(
        run_of(
            MadeUp("triage").add(
                [1.0] * 400,
                [0.0] * loss + [1.0] * (400 - loss),
                slices=[{"language": "abcd"[i // 100]} for i in range(400)],
            ),
            policy=policy,
        )
    ).slices
    assert first.alarm == alarms
    assert first.p_exact == 0.5**loss
    assert not any(other.alarm for other in others)
    factor = 4 if correction == "holm" else 1
    assert first.p_value is not None
    assert first.p_adjusted == min(1.0, factor * max(first.p_value, 0.5**loss))


def test_an_alarm_is_no_gate() -> None:
    """A slice that surely got worse stops no promotion by itself."""
    base, tuned = table(4, 91, 0, 0)
    made = MadeUp("triage", "target").add(base, tuned, slices={"kind": "most"})
    made = made.add([1.0] * 10, [0.0] * 10, slices={"kind": "few"})
    decision = run_of(made).decide()
    assert decision.outcome == "promote"
    assert [(s.value, s.alarm) for s in only(decision).suites[0].slices] == [
        ("few", True),
        ("most", False),
    ]


def test_several_fields_are_one_family() -> None:
    """Every value of every field is a slice of its own; a case may lack a field."""
    made = MadeUp("triage").add(
        *table(30, 10, 5, 55), slices=[{"a": str(i % 2)} for i in range(100)]
    )
    made = made.add(*table(3, 1, 1, 1), slices={"a": "0", "b": "x"})
    decision = run_of(made).decide()
    slices = only(decision).suites[0].slices
    assert [(s.field, s.value, s.n) for s in slices] == [
        ("a", "0", 56),
        ("a", "1", 50),
        ("b", "x", 6),
    ]
    assert slices[2].note == "fewer than 20 cases"
    start = "Slices of triage, tuned against base: 3 one-sided tests for a loss"
    assert decision.families[1] == f"{start}, corrected together by Holm."
    plain = run_of(made, policy=Policy(slice_correction="none")).decide()
    assert plain.families[1] == f"{start}, not corrected."


def test_slices_of_scores_and_clusters() -> None:
    """Scores get a t test, clusters one on whole ones; a common change has limits too."""
    tuned: list[Answer] = [0.4 + 0.01 * (i % 7) for i in range(60)]
    slices = [{"k": "v" if i < 40 else "w"} for i in range(60)]
    by_case, _ = result_of(run_of(MadeUp("triage").add([0.5] * 60, tuned, slices=slices))).slices
    assert by_case.interval is not None
    assert by_case.interval.method == "paired t"
    assert by_case.p_exact is None
    assert by_case.alarm
    labels = [f"t{i // 3}" for i in range(60)]
    made = MadeUp("triage").add([0.5] * 60, tuned, cluster=labels, slices=slices)
    clustered, _ = result_of(run_of(made)).slices
    assert clustered.interval is not None
    assert clustered.interval.method == "t on clusters (CR2)"
    same = MadeUp("triage").add([0.5] * 30, [0.4] * 30, slices={"k": "v"})
    (alike,) = result_of(run_of(same)).slices
    assert alike.interval is not None
    assert alike.interval.method == "Tango score on sums of gains and losses"
    assert alike.p_exact == pytest.approx(0.5**30)
    alone = MadeUp("triage").add([0.5] * 30, [0.4] * 30, slices={"k": "v"}, cluster="one")
    (single,) = result_of(run_of(alone)).slices
    assert (single.interval, single.p_value, single.p_adjusted) == (None, None, None)
    assert single.note == "all cases of the slice are in one cluster, two are needed"


def test_a_slice_of_all_cases_does_not_contradict_its_suite() -> None:
    """Four cases, nearly alike in their loss: what the suite cannot tell raises no alarm."""
    base: list[Answer] = [0.9] * 4
    made = MadeUp("triage").add(base, [0.4, 0.4, 0.4, 0.5], slices={"k": "v"})
    for correction in ("none", "holm", "min_p", "max_t"):
        policy = Policy(slice_correction=correction)
        result = result_of(run_of(made, policy=policy))
        (whole,) = result.slices
        assert (whole.interval, whole.alarm) == (result.interval, False)


def test_p_value_and_interval_of_a_slice_agree() -> None:
    """4 broken of 34: the interval lies below 0 and so p is below 2.5 %; an alarm needs more."""
    made = MadeUp("triage").add(*table(30, 0, 4, 0), slices={"k": "v"})
    (found,) = result_of(run_of(made)).slices
    assert found.interval is not None
    assert found.interval.high < 0
    assert (found.p_value or 1.0) < 0.025
    assert (found.p_exact, found.p_adjusted, found.alarm) == (0.0625, 0.0625, False)


def test_no_slices() -> None:
    """A suite that names no slices has none, nor a family of them."""
    decision = run_of(MadeUp("triage").add(*table(3, 1, 1, 1))).decide()
    assert only(decision).suites[0].slices == ()
    assert len(decision.families) == 1


def lossy(name: str) -> MadeUp:
    """100 cases in ten slices of two fields; one slice of each field loses 8 of 20."""
    lost = [1.0] * 92 + [0.0] * 8
    slices = [{"language": "abcde"[i // 20], "kind": "vwxyz"[i // 20]} for i in range(100)]
    return MadeUp(name, "report").add([1.0] * 100, lost, slices=slices)


@pytest.mark.parametrize("correction", get_args(Correction))
def test_every_correction_finds_a_clear_loss(correction: Correction) -> None:
    """Eight losses and no gain (p = 1/256) among ten tests, of which only two can show anything."""
    policy = Policy(slice_correction=correction, alpha=0.1)
    result = result_of(run_of(lossy("triage"), policy=policy))
    alarms = {s.value for s in result.slices if s.alarm}
    assert alarms == {"e", "z"}
    for found in result.slices:
        assert found.p_value is not None
        assert found.p_adjusted is not None
        assert found.p_adjusted >= found.p_value - 1e-9


def test_slices_that_share_all_cases_cost_nothing_jointly() -> None:
    """Two names of one slice are one test when signs are flipped jointly, two for Holm."""
    adjusted = {}
    for correction in ("holm", "min_p"):
        policy = Policy(slice_correction=correction)
        adjusted[correction] = min(
            s.p_adjusted or 0.0 for s in result_of(run_of(lossy("triage"), policy=policy)).slices
        )
    assert adjusted["holm"] == pytest.approx(10 / 256)
    assert adjusted["min_p"] == pytest.approx(1 / 256)


@pytest.mark.parametrize("correction", ["holm", "min_p", "none"])
def test_a_family_may_span_the_suites(correction: Correction) -> None:
    """Declared as one family, the slices of all suites are corrected together, and it is told."""
    suites = (lossy("triage"), lossy("other"))
    policies = [
        Policy(slice_correction=correction, slice_family=family)
        for family in ("suite", "comparison")
    ]
    apart, joint = (run_of(*suites, policy=policy).decide() for policy in policies)
    told, told_jointly = (
        [family for family in decision.families if family.startswith("Slices")]
        for decision in (apart, joint)
    )
    assert len(told) == 2
    assert len(told_jointly) == 1
    assert told_jointly[0].startswith("Slices of all suites, tuned against base: 20 one-sided")
    for one, other in zip(only(apart).suites, only(joint).suites, strict=True):
        for before, after in zip(one.slices, other.slices, strict=True):
            assert (after.p_adjusted or 0.0) >= (before.p_adjusted or 0.0) - 1e-9
            assert after.p_value == pytest.approx(before.p_value)
