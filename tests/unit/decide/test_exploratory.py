"""Suites that only report: their tests are corrected for their number."""

from __future__ import annotations

from typing import get_args

import pytest

from evalkit.decide import Policy, SuiteResult, SuiteRule
from evalkit.decide.policy import PlainCorrection
from evalkit.decide.verdict import without_change
from evalkit.stats.multiplicity import adjust

from .made_up import MadeUp, MadeUpRun, gate_of, only, run_of, table


def looked_at(*tables: tuple[int, int, int, int], policy: Policy | None = None) -> MadeUpRun:
    """Return a run with a suite that only reports for each 2 x 2 table, and a guard."""
    suites = [MadeUp(f"r{i}", "report", margin=0.02).add(*table(*t)) for i, t in enumerate(tables)]
    return run_of(MadeUp("guard").add(*table(90, 12, 2, 96)), *suites, policy=policy)


def reported(run: MadeUpRun) -> list[SuiteResult]:
    """Return the results of the suites that only report."""
    return [result for result in only(run.decide()).suites if result.rule == "report"]


GAIN = (90, 12, 2, 96)
"""p = .007 by the score test: a change alone, and among few."""

EDGE = (90, 9, 2, 99)
"""p = .035: a change alone, and not among several."""

STILL = (90, 5, 5, 100)


@pytest.mark.parametrize("correction", get_args(PlainCorrection))
def test_the_policys_correction(correction: PlainCorrection) -> None:
    """The p-values of all reporting suites of a comparison, and of no other, form the family."""
    policy = Policy(exploratory_correction=correction)
    run = looked_at(GAIN, EDGE, STILL, policy=policy)
    raw = [result.p_value for result in reported(run)]
    assert all(p is not None for p in raw)
    expected = raw if correction == "none" else list(adjust(raw, method=correction).values)
    assert [r.p_adjusted for r in reported(run)] == pytest.approx(expected)
    assert only(run.decide()).suites[0].p_adjusted is None


def test_a_change_is_called_by_the_adjusted_p_value() -> None:
    """One that is a change alone is none among many; what can be said without it stays."""
    few, many = looked_at(EDGE), looked_at(EDGE, *[STILL] * 9)
    alone, among = reported(few)[0], reported(many)[0]
    assert (alone.p_value, alone.interval) == (among.p_value, among.interval)
    assert alone.p_adjusted == alone.p_value
    assert alone.note == ""
    assert among.p_adjusted is not None
    assert among.p_adjusted > 0.05
    assert among.verdict == "non_inferior"


def test_a_loss_that_is_called_off() -> None:
    """The verdict claims no more than its limits allow, and the note says why."""
    lost = (90, 2, 12, 96)
    (alone,) = reported(looked_at(lost))
    among = reported(looked_at(lost, *[STILL] * 19))[0]
    assert alone.verdict == "regressed_beyond_margin"
    assert among.verdict == "inconclusive"
    assert among.note.startswith("not called changed, as among the 20 suites that only report its")
    assert among.interval == alone.interval
    assert among.interval is not None
    assert among.interval.high < 0


def test_half_sure_is_no_change() -> None:
    """A suite that reports alone is held to two-sided alpha too; its gate interval is narrower."""
    (result,) = reported(looked_at((90, 4, 11, 94)))
    assert result.p_value == result.p_adjusted == pytest.approx(0.0707, abs=1e-4)
    assert result.gate_interval is not None
    assert result.gate_interval.high < 0
    assert result.verdict == "inconclusive"
    assert result.note == "not called changed, as its p is 0.071"


def test_a_suite_without_a_test_is_counted() -> None:
    """It has no adjusted p-value, leaves the family, and the family says so."""
    run = run_of(
        MadeUp("a", "report").add(*table(*GAIN)),
        MadeUp("b", "report").add(*table(*STILL)),
        MadeUp("c", "report"),
    )
    found = reported(run)
    assert found[2].p_adjusted is None
    assert found[0].p_adjusted == pytest.approx(2 * (found[0].p_value or 0.0))
    (family,) = run.decide().families
    assert family == (
        "Suites that only report, tuned against base: 2 two-sided tests for a change, with the "
        "share of false alarms bounded by Benjamini and Hochberg; 1 without a test left out. "
        "Each interval is that of its suite alone."
    )


def test_one_reporting_suite_is_no_family() -> None:
    """A family has two members at least."""
    assert [f for f in looked_at(GAIN).decide().families if "only report" in f] == []


def test_the_rule_counts_not_the_purpose() -> None:
    """A guard that the policy makes report is exploratory; a reporting suite that gates is not."""
    rules = {"guard": SuiteRule(rule="report"), "r0": SuiteRule(rule="non_inferior", margin=0.1)}
    guard, other = only(looked_at(EDGE, policy=Policy(suites=rules)).decide()).suites
    assert guard.p_adjusted is not None
    assert other.p_adjusted is None


def test_it_blocks_nothing() -> None:
    """The gate of a reporting suite stays reported, whatever the correction."""
    for correction in ("none", "bonferroni"):
        policy = Policy(exploratory_correction=correction)
        run = run_of(MadeUp("r", "report").add(*table(0, 0, 99, 1)), policy=policy)
        assert gate_of(run, "suite").status == "reported"


def test_what_is_left_without_a_change() -> None:
    """Only that no important loss is possible survives."""
    kept = ("improved", "non_inferior", "regressed_within_margin")
    assert {without_change(v) for v in kept} == {"non_inferior"}  # type: ignore[arg-type]
    lost = ("regressed", "regressed_beyond_margin", "inconclusive")
    assert {without_change(v) for v in lost} == {"inconclusive"}  # type: ignore[arg-type]
