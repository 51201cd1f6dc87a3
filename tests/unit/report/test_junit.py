"""JUnit for CI servers: a test case for each rule of the gate."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from evalkit.report import render_junit
from tests.unit.report.builder import HOSTILE
from tests.unit.report.scenarios import SCENARIOS


def test_rules_that_block_are_failures() -> None:
    """Every gate is a test case; those that block carry their reason as a failure."""
    decision = SCENARIOS["overfit"]().decision
    (suite,) = ET.fromstring(render_junit(decision))  # noqa: S314  (our own text)
    gates = decision.comparisons[0].gates
    assert suite.get("name") == "tuned-overfit vs base"
    assert suite.get("tests") == str(len(gates)) == str(len(suite.findall("testcase")))
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == [g.name for g in gates if g.status in ("failed", "inconclusive", "incomplete")]
    assert suite.get("failures") == str(len(failed))


def test_alarms_of_slices_stand_beside_the_gates() -> None:
    """They are no rule, and what a server shows of a suite has them all the same."""
    (suite,) = ET.fromstring(render_junit(SCENARIOS["overfit"]().decision))  # noqa: S314
    assert "triage, slices: language de" in (suite.findtext("system-out") or "")
    (suite,) = ET.fromstring(render_junit(SCENARIOS["inconclusive"]().decision))  # noqa: S314
    assert suite.find("system-out") is None


def test_hostile_names_stay_well_formed() -> None:
    """Control characters, which XML cannot hold, are shown as symbols."""
    decision = SCENARIOS["promote"]().decision
    comparison = decision.comparisons[0]
    gates = tuple(replace(comparison.gates[0], name=t, why=t) for t in HOSTILE)
    comparison = replace(comparison, candidate=HOSTILE[4], gates=gates)
    text = render_junit(replace(decision, comparisons=(comparison,)))
    (suite,) = ET.fromstring(text)  # noqa: S314
    assert len(suite) == len(HOSTILE)
    assert "⟦U+0000⟧" in (suite.get("name") or "")
