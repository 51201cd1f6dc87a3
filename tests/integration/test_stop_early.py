"""Early stopping as its users meet it: pytest, the command line, the run folder, the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from evalkit.cli import main
from tests.integration.endpoint import Endpoint

Sums = Callable[[Endpoint, int], Path]
STOP = ("--evalkit", "suites", "--evalkit-stop-early")


def decision(folder: Path) -> bytes:
    """Return the newest decision below a folder of runs as it stands on disk."""
    return (folder / "latest/decision.json").read_bytes()


def suites(folder: Path) -> dict[str, Any]:
    """Return the suites of the newest decision by name."""
    (comparison,) = json.loads(decision(folder))["comparisons"]
    return {suite["suite"]: suite for suite in comparison["suites"]}


def test_a_clear_gain_stops_and_no_change_does_not(
    pytester: pytest.Pytester, example: Path
) -> None:
    """The target's last cases are skipped; the guard needs all of its own, and both pass."""
    result = pytester.runpytest(*STOP, "-rs", "--junitxml", "items.xml")
    assert result.ret == 0
    found = suites(example / "reports")
    sums, greetings = (found[name]["stopping"] for name in ("sums", "greetings"))
    assert (sums["asked"], sums["planned"], sums["answer"]) == (24, 40, "proven")
    assert (greetings["asked"], greetings["answer"]) == (60, "proven")
    result.assert_outcomes(passed=result.parseoutcomes()["passed"], skipped=16)
    result.stdout.fnmatch_lines(
        [
            "*sums.yaml *ssssssssssssssss *",
            "*Promote. tuned may replace base.*",
            "*sums was settled after 24 of 40 cases; its interval is * times as wide as*",
            "SKIPPED [[]16[]] suites/sums/sums.yaml: settled early",
        ]
    )
    junit = ET.parse(example / "items.xml").getroot()  # noqa: S314  (pytest's own file)
    reasons = [skip.get("message") for skip in junit.iter("skipped")]
    assert reasons == ["settled early"] * 16


def test_the_report_says_so(pytester: pytest.Pytester, example: Path) -> None:
    """First screen, table of suites, method, and Markdown."""
    pytester.runpytest(*STOP)
    latest = example / "reports/latest"
    page, summary = ((latest / n).read_text("utf-8") for n in ("report.html", "summary.md"))
    for text in (page, summary):
        assert "sums was settled after 24 of 40 cases; its interval is" in text
        assert "24 of 40" in text
    assert "16</b> cases not asked" in page
    assert "Early stopping" in page
    assert "betting confidence sequence" in page
    assert "A suite that stops early (sums) overstates" in page


def test_without_the_option_nothing_is_watched(pytester: pytest.Pytester, example: Path) -> None:
    """The plain run asks everything, and says the same of what did not change."""
    pytester.runpytest("--evalkit", "suites")
    plain = suites(example / "reports")
    assert all(suite["stopping"] is None for suite in plain.values())
    pytester.runpytest(*STOP, "--evalkit-report", "early")
    early = suites(example / "early")
    assert {n: s["verdict"] for n, s in early.items()} == {
        n: s["verdict"] for n, s in plain.items()
    }
    fixed, watched = (s["greetings"]["gate_interval"] for s in (plain, early))
    assert watched["low"] < fixed["low"] < fixed["high"] < watched["high"]
    assert watched["high"] < 1.2 * fixed["high"]
    assert early["greetings"]["p_value"] is None is not plain["greetings"]["p_value"]


def test_the_same_bytes_again(pytester: pytest.Pytester, example: Path) -> None:
    """From the store, with answers beyond the stop, by the other shell, and decided offline."""
    pytester.runpytest(*STOP)
    first = decision(example / "reports")
    pytester.runpytest("--evalkit", "suites")
    assert decision(example / "reports") != first
    pytester.runpytest(*STOP, "--evalkit-offline")
    assert decision(example / "reports") == first
    assert main(["run", "suites", "--stop-early", "--reports", "cli"]) == 0
    assert decision(example / "cli") == first
    latest = example / "cli/latest"
    before = (latest / "report.html").read_bytes()
    for command in ("decide", "report", "grade"):
        assert main([command, str(latest)]) == 0
        assert decision(example / "cli") == first
    assert (latest / "report.html").read_bytes() == before


def test_workers_are_refused(pytester: pytest.Pytester, example: Path) -> None:
    """With `-n` there is no one order: a usage error in three parts, before any call."""
    result = pytester.runpytest_subprocess(*STOP, "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*needed: one process*", "*got: *-n*", "*do: leave -n out*"])
    assert not (example / "reports/latest").exists()


@pytest.mark.parametrize("args", [("-k", "sum-0"), ("--evalkit-limit", "5")])
def test_a_partial_run_stays_partial(
    pytester: pytest.Pytester, example: Path, args: tuple[str, ...]
) -> None:
    """Stopping early makes no decision out of a run that left cases out."""
    pytester.runpytest(*STOP, *args)
    assert json.loads(decision(example / "reports"))["outcome"] == "incomplete"


def test_with_the_base_asked_twice(pytester: pytest.Pytester, example: Path) -> None:
    """The noise is that of the cases that count."""
    assert pytester.runpytest(*STOP, "--evalkit-aa").ret == 0
    assert suites(example / "reports")["sums"]["noise"]["n"] == 24


def test_another_policy_reads_what_was_asked(example: Path, monkeypatch: Any) -> None:
    """A limit that the asked cases cannot show leaves the run without enough evidence."""
    monkeypatch.chdir(example)
    assert main(["run", "suites", "--stop-early"]) == 0
    (example / "strict.yaml").write_text(
        "version: 1\nsuites: {sums: {rule: superior, min_gain: 0.5}}\n"
    )
    assert main(["gate", "reports/latest", "--policy", "strict.yaml"]) == 3


def test_calls_are_saved(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind an endpoint that takes its time much of a settled suite is never asked."""
    monkeypatch.setenv("SUMS_KEY", "k")
    root = sums(endpoint, 300)
    project = root / "suites/evalkit.yaml"
    project.write_text(
        project.read_text().replace("api_key_env", "limits: {concurrency: 2}, api_key_env")
    )
    endpoint.delay_s = 0.02
    assert pytester.runpytest(*STOP).ret == 0
    asked = suites(root / "reports")["sums"]["stopping"]["asked"]
    assert asked < 100
    assert 2 * asked <= endpoint.calls < 500
