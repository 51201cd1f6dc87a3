"""The decision as JUnit XML: a test case for each rule of the gate, none for single cases."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from evalkit.decide import Decision, Gate
from evalkit.decide.decision import BLOCKING
from evalkit.report.safe import visible
from evalkit.report.summary import slice_lines


def render_junit(decision: Decision) -> str:
    """Return the gates of all comparisons as one JUnit document."""
    root = ET.Element("testsuites", name="evalkit")
    for comparison in decision.comparisons:
        name = visible(f"{comparison.candidate} vs {comparison.base}")
        blocking = [gate for gate in comparison.gates if gate.status in BLOCKING]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(comparison.gates)),
            failures=str(len(blocking)),
            errors="0",
        )
        for gate in comparison.gates:
            _case(suite, gate)
        if alarms := slice_lines(comparison):
            found = "\n".join(f"{line.name}: {line.text}" for line in alarms)
            ET.SubElement(suite, "system-out").text = visible(found)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, gate: Gate) -> None:
    name, why = visible(gate.name), visible(gate.why)
    case = ET.SubElement(suite, "testcase", classname=suite.get("name", ""), name=name)
    if gate.status in BLOCKING:
        ET.SubElement(case, "failure", message=why, type=gate.status)
    else:
        ET.SubElement(case, "system-out").text = why
