"""The metrics that a suite file asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.loader.projects import faults, loaded
from tests.unit.loader.test_load import FILES

LABELS = """suite: sums
purpose: target
prompt: "{{ sum }}"
graders: [{name: queue, type: choice, choices: [A, B]}]
cases:
  - {id: one, vars: {sum: 1 + 1}, expected: A}
"""


@pytest.mark.parametrize(
    ("line", "metrics"),
    [
        ("", None),
        ("metrics: []\n", ()),
        ("metrics: [mcc, f1_macro]\n", ("mcc", "f1_macro")),
    ],
)
def test_metrics_are_read(tmp_path: Path, line: str, metrics: tuple[str, ...] | None) -> None:
    """As written; nothing where the file does not say, which is not the same as none."""
    [suite] = loaded(tmp_path, {**FILES, "sums/sums.yaml": LABELS + line}).suites
    assert suite.metrics == metrics


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("metrics: [f1_macr]", ("one of accuracy", '"f1_macr"', "f1_macro (did you mean it?)")),
        ("metrics: [mcc, mcc]", ("a list without repetition", '["mcc", "mcc"]', "metrics")),
        (
            "metrics: [ece]",
            (
                "a grader of type calibration, which ece is read off",
                "graders queue (choice)",
                "- {name: sure, type: calibration} in graders",
            ),
        ),
    ],
)
def test_unknown_and_impossible_metrics_are_faults(
    tmp_path: Path, line: str, said: tuple[str, str, str]
) -> None:
    """Told before any call: what was needed, what came, what to write instead."""
    [told] = faults(tmp_path, {**FILES, "sums/sums.yaml": f"{LABELS}{line}\n"})
    needed, got, instead = said
    assert told.needed.startswith(needed)
    assert told.got == got
    assert told.instead.startswith(instead)
    assert told.line == 7
