"""Guard packs in whole runs: items of the project file, in one process and in several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main

PACK = "evalkit/guards/arithmetic"
UNDER = f"suites/evalkit.yaml::{PACK}::"


@pytest.fixture(autouse=True)
def included(example: Path) -> None:
    """Let the example include a sample of a pack, which both models fail alike."""
    file = example / "suites/evalkit.yaml"
    entry = f"{{pack: {PACK}, sample: 12, purpose: report}}"
    file.write_text(file.read_text() + f"\ninclude: [{entry}]\n")


def items(pytester: pytest.Pytester, *args: str) -> list[str]:
    """Return the ids of what is collected."""
    result = pytester.runpytest("--evalkit", "--co", "-q", *args)
    return [line for line in result.outlines if "::" in line]


def suites_of(root: Path) -> dict[str, int]:
    """Return the suites of the newest run's decision and how many cases were compared."""
    decision = json.loads((root / "reports/latest/decision.json").read_text())
    return {s["suite"]: s["n"] for c in decision["comparisons"] for s in c["suites"]}


def test_cases_of_a_pack_are_items_of_the_project_file(pytester: pytest.Pytester) -> None:
    """They are collected with it, alone by their id, and not with another suite's folder."""
    found = items(pytester, "suites")
    cases = [name for name in found if name.startswith(UNDER)]
    assert len(cases) == 12
    assert found[-1] == "suites/evalkit.yaml::decision[tuned vs base]"
    assert items(pytester, cases[3]) == [cases[3]]
    assert not any(PACK in name for name in items(pytester, "suites/sums"))


def test_a_run_with_a_pack_promotes(pytester: pytest.Pytester) -> None:
    """The pack counts in the decision; the same in one process, in two, and without pytest."""
    assert pytester.runpytest("--evalkit", "suites").ret == 0
    plain = (pytester.path / "reports/latest/decision.json").read_bytes()
    assert suites_of(pytester.path)["arithmetic"] == 12
    result = pytester.runpytest_subprocess(
        "--evalkit", "suites", "-n", "2", "--evalkit-report", "again", timeout=300
    )
    assert result.ret == 0
    assert (pytester.path / "again/latest/decision.json").read_bytes() == plain
    assert main(["run", "suites", "--reports", "third"]) == 0
    assert (pytester.path / "third/latest/decision.json").read_bytes() == plain


def test_a_gate_of_a_pack_fails_by_its_name(pytester: pytest.Pytester) -> None:
    """A pack that misses its rule fails as an item, with two workers too; `--lf` finds it."""
    file = pytester.path / "suites/evalkit.yaml"
    text = file.read_text().replace("purpose: report", "purpose: target")
    file.write_text(text)
    for args in (("-n", "2"), (), ("--lf",)):
        result = pytester.runpytest_subprocess("--evalkit", "suites", *args, timeout=300)
        assert result.ret == 1
        result.stdout.re_match_lines([rf"FAILED {UNDER}gate\[tuned vs base\]"])


def test_the_commands_know_packs(capsys: pytest.CaptureFixture[str]) -> None:
    """`validate` counts them; `plan` has them for the project, not for another suite's folder."""
    assert main(["validate", "suites"]) == 0
    assert "arithmetic: report, 12 cases, score: number" in capsys.readouterr().out
    assert main(["plan", "suites"]) == 0
    assert "arithmetic" in capsys.readouterr().out
    assert main(["plan", "suites/sums"]) == 0
    assert "arithmetic" not in capsys.readouterr().out
