"""Whether a suite's graders can give the metrics that it asks for."""

from __future__ import annotations

from evalkit.errors import Fault
from evalkit.model import METRICS
from evalkit.suite.validate import Checked

_EXAMPLES = {
    "choice": "{name: queue, type: choice, choices: [billing, support]}",
    "calibration": "{name: sure, type: calibration}",
}


def metric_faults(checked: Checked) -> list[Fault]:
    """Return a fault for each metric that none of the graders can give, whatever ails these."""
    graders, has = checked.texts("graders", "name"), checked.texts("graders", "type")
    if graders is None or has is None or not checked.sound("metrics"):
        return []
    faults = []
    for number, name in enumerate(checked.get("metrics", ())):
        types = sorted(METRICS[name])
        if not set(has) & set(types):
            fault = checked.document.fault(
                ("metrics", number),
                f"a grader of type {' or '.join(types)}, which {name} is read off",
                got="graders " + ", ".join(map("{} ({})".format, graders, has)),
                instead=f"- {_EXAMPLES[types[0]]} in graders, or metrics without {name}",
            )
            faults.append(fault)
    return faults
