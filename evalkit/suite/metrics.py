"""Whether a suite's graders can give the metrics that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.errors import Fault
from evalkit.model import METRICS, GraderSpec
from evalkit.suite.validate import Checked

_EXAMPLES = {
    "choice": "{name: queue, type: choice, choices: [billing, support]}",
    "calibration": "{name: sure, type: calibration}",
}


def metric_faults(checked: Checked, graders: Sequence[GraderSpec]) -> list[Fault]:
    """Return a fault for each metric that none of ``graders`` can give."""
    if not (checked.sound("graders") and checked.sound("metrics")):
        return []
    has = {grader.type for grader in graders}
    faults = []
    for number, name in enumerate(checked.get("metrics", ())):
        types = sorted(METRICS[name])
        if has.isdisjoint(types):
            fault = checked.document.fault(
                ("metrics", number),
                f"a grader of type {' or '.join(types)}, which {name} is read off",
                got="graders " + ", ".join(f"{g.name} ({g.type})" for g in graders),
                instead=f"- {_EXAMPLES[types[0]]} in graders, or metrics without {name}",
            )
            faults.append(fault)
    return faults
