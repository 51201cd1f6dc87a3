"""Slices: one test each, corrected together, alarms only."""

from __future__ import annotations

import pytest

from evalkit.decide import Policy

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
    assert first.p_value == 0.5**loss
    assert not any(other.alarm for other in others)
    factor = 4 if correction == "holm" else 1
    assert first.p_adjusted == min(1.0, factor * 0.5**loss)


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
    """Scores get a t test, clustered cases one on whole clusters; a common change has no limits."""
    tuned: list[Answer] = [0.4 + 0.01 * (i % 7) for i in range(60)]
    slices = [{"k": "v" if i < 40 else "w"} for i in range(60)]
    by_case, _ = result_of(run_of(MadeUp("triage").add([0.5] * 60, tuned, slices=slices))).slices
    assert by_case.interval is not None
    assert by_case.interval.method == "t"
    assert by_case.alarm
    labels = [f"t{i // 3}" for i in range(60)]
    made = MadeUp("triage").add([0.5] * 60, tuned, cluster=labels, slices=slices)
    clustered, _ = result_of(run_of(made)).slices
    assert clustered.interval is not None
    assert clustered.interval.method == "t on clusters (CR1)"
    same = MadeUp("triage").add([0.5] * 30, [0.4] * 30, slices={"k": "v"})
    (alike,) = result_of(run_of(same)).slices
    assert alike.interval is None
    assert alike.p_value == pytest.approx(0.5**30)
    assert (
        alike.note
        == "all independent units of the slice changed alike, so no interval can be given"
    )


def test_no_slices() -> None:
    """A suite that names no slices has none, nor a family of them."""
    decision = run_of(MadeUp("triage").add(*table(3, 1, 1, 1))).decide()
    assert only(decision).suites[0].slices == ()
    assert len(decision.families) == 1
