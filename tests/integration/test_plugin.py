"""The plugin as a pytest user meets it, over a project whose models answer by rule."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.usefixtures("example")


def decision(root: Path) -> bytes:
    """Return the newest run's decision as it stands on disk."""
    return (root / "reports/latest/decision.json").read_bytes()


def test_a_better_candidate_is_promoted(pytester: pytest.Pytester) -> None:
    """The run passes, says so in words, and leaves every file of the run folder."""
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*Promote*"])
    names = {p.name for p in (pytester.path / "reports/latest").iterdir()}
    assert names >= {
        "manifest.json", "inputs.json", "cases.jsonl.gz", "records.jsonl.gz",
        "decision.json", "report.html", "summary.md", "junit.xml",
    }  # fmt: skip
    assert json.loads(decision(pytester.path))["outcome"] == "promote"


def test_cases_and_rules_are_collected(pytester: pytest.Pytester) -> None:
    """Cases come first, rules behind them, the decision last; nothing is asked."""
    result = pytester.runpytest("--evalkit", "suites", "--co", "-q")
    lines = [line for line in result.outlines if "::" in line]
    assert lines[0] == "suites/greetings/greetings.yaml::guest-00"
    assert lines[-1] == "suites/evalkit.yaml::decision[tuned vs base]"
    assert "suites/sums/sums.yaml::gate[tuned vs base]" in lines[-4:]
    assert not (pytester.path / "reports/latest").exists()


def test_a_second_run_makes_no_call(pytester: pytest.Pytester) -> None:
    """All answers come from the store, and the decision is the same to the byte."""
    pytester.runpytest("--evalkit", "suites")
    first = decision(pytester.path)
    pytester.runpytest("--evalkit", "suites", "--evalkit-offline")
    manifest = json.loads((pytester.path / "reports/latest/manifest.json").read_text())
    assert [model["asked"] for model in manifest["models"]] == [0, 0]
    assert decision(pytester.path) == first


@pytest.mark.parametrize(
    "args", [("-k", "sum-0"), ("--evalkit-limit", "5"), ("suites/sums/sums.yaml::sum-01",)]
)
def test_a_partial_run_never_promotes(pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    """Deselected cases leave the run without a decision, in the file and in words."""
    where = () if "::" in args[-1] else ("suites",)
    result = pytester.runpytest("--evalkit", *where, *args)
    assert json.loads(decision(pytester.path))["outcome"] == "incomplete"
    result.stdout.fnmatch_lines(["*Run incomplete*"])


def test_a_limited_run_does_not_pass(pytester: pytest.Pytester) -> None:
    """Rules that were selected fail when cases are missing: CI cannot mistake it for a pass."""
    assert pytester.runpytest("--evalkit", "suites", "--evalkit-limit", "5").ret == 1


def test_markers_select_by_purpose(pytester: pytest.Pytester) -> None:
    """`-m guard` runs the guards' cases only."""
    result = pytester.runpytest("--evalkit", "suites", "-m", "guard")
    result.assert_outcomes(passed=60, deselected=44)


def test_workers_give_the_same_decision(pytester: pytest.Pytester) -> None:
    """With `-n 2` decision, counts and JUnit's items are those of the plain run."""
    pytester.runpytest("--evalkit", "suites", "--junitxml", "plain.xml")
    plain = decision(pytester.path)
    result = pytester.runpytest_subprocess(
        "--evalkit", "suites", "-n", "2", "--evalkit-report", "again", "--junitxml", "xdist.xml"
    )
    assert result.ret == 0
    assert (pytester.path / "again/latest/decision.json").read_bytes() == plain
    assert junit_names(pytester.path / "xdist.xml") == junit_names(pytester.path / "plain.xml")


@pytest.mark.parametrize("root", [".", "elsewhere"])
def test_workers_find_suites_under_another_path(pytester: pytest.Pytester, root: str) -> None:
    """With `-n 2` no rule is lost, be the suites behind a symbolic link or outside the root."""
    suites, elsewhere = pytester.path / "suites", pytester.path / "elsewhere"
    if root == ".":
        suites.rename(elsewhere)
        suites.symlink_to("elsewhere", target_is_directory=True)
    elsewhere.mkdir(exist_ok=True)
    args = ("--evalkit", "suites", "-n", "2", "--rootdir", root, "--junitxml", "xdist.xml")
    result = pytester.runpytest_subprocess(*args, timeout=300)
    assert result.ret == 0
    names = [name for _, name, _ in junit_names(pytester.path / "xdist.xml")]
    assert names.count("gate[tuned vs base]") == 2
    assert {"identity[tuned]", "decision[tuned vs base]"} <= set(names)


def junit_names(path: Path) -> list[tuple[str | None, str | None, str | None]]:
    """Return the items of a JUnit file with the status that became of them."""
    cases = ET.parse(path).getroot().iter("testcase")  # noqa: S314  (pytest's own file)
    return sorted(
        (c.get("classname"), c.get("name"), next(p.get("value") for p in c.iter("property")))
        for c in cases
    )


def test_a_worse_guard_blocks(pytester: pytest.Pytester) -> None:
    """A candidate that forgets its greeting fails the gate and the decision, with the reason."""
    project = pytester.path / "suites/evalkit.yaml"
    project.write_text(project.read_text().replace('"Hello."', '"What?"'))
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*Do not promote*"])
    result.stdout.re_match_lines([r"FAILED suites.greetings.greetings\.yaml::gate"])


def test_a_refusal_fails_where_no_item_says_so(pytester: pytest.Pytester) -> None:
    """Given the suites' own folders, pytest collects no decision; the exit code still tells it."""
    names = ("sums", "greetings")
    for name in names:
        path = pytester.path / f"suites/{name}/{name}.yaml"
        path.write_text(re.sub("purpose: .*", "purpose: report", path.read_text()))
    result = pytester.runpytest("--evalkit", *(f"suites/{name}" for name in names))
    assert json.loads(decision(pytester.path))["outcome"] == "not_enough_evidence"
    assert result.parseoutcomes().keys().isdisjoint({"failed", "errors"})
    assert result.ret == 1


def test_a_waived_rule_fails_nowhere(pytester: pytest.Pytester) -> None:
    """A doubt that the policy lets pass is no failure, neither as an item nor for a CI server."""
    (pytester.path / "warn.yaml").write_text(
        "version: 1\non_inconclusive: warn\nsuites: {greetings: {margin: 0.01}}\n"
    )
    result = pytester.runpytest("--evalkit", "suites", "--evalkit-policy", "warn.yaml")
    assert result.ret == 0
    (comparison,) = json.loads(decision(pytester.path))["comparisons"]
    assert "waived" in [gate["status"] for gate in comparison["gates"]]
    assert "<failure" not in (pytester.path / "reports/latest/junit.xml").read_text()


def test_a_broken_critical_case_fails_by_itself(pytester: pytest.Pytester) -> None:
    """The case's item fails and shows both answers; `-x` stops there with the answers kept."""
    rows = pytester.path / "suites/sums/sums.jsonl"
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    lines[8]["critical"] = True
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = pytester.runpytest("--evalkit", "suites", "-x")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*critical case broken*", "*expected: *", "*answers are kept*"])
    assert not (pytester.path / "reports/latest").exists()


def test_last_failed_comes_back_to_the_rules(pytester: pytest.Pytester) -> None:
    """`--lf` after a refusal selects the failed rules, which say why they cannot stand alone."""
    project = pytester.path / "suites/evalkit.yaml"
    project.write_text(project.read_text().replace('"Hello."', '"What?"'))
    pytester.runpytest("--evalkit", "suites")
    result = pytester.runpytest("--evalkit", "suites", "--lf")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no decision: no case was selected*"])


def test_without_the_switch_suites_are_left_alone(pytester: pytest.Pytester) -> None:
    """A plain pytest run collects nothing from suites."""
    assert pytester.runpytest("suites").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_base_asked_twice(pytester: pytest.Pytester, example: Path) -> None:
    """A/A: the noise is in the decision, and every later run carries it without another call."""
    first = pytester.runpytest("--evalkit", "suites", "--evalkit-aa")
    assert first.ret == pytest.ExitCode.OK
    noisy = decision(example)
    assert all(s["noise"]["flips"] == 0 for s in json.loads(noisy)["comparisons"][0]["suites"])
    report = (example / "reports" / "latest" / "report.html").read_text(encoding="utf-8")
    assert "Noise: the base asked twice" in report
    later = pytester.runpytest("--evalkit", "suites", "--evalkit-offline")
    assert later.ret == pytest.ExitCode.OK
    assert decision(example) == noisy
    workers = pytester.runpytest("--evalkit", "suites", "-n", "2")
    assert workers.ret == pytest.ExitCode.OK
    assert decision(example) == noisy


def test_the_noise_of_some_cases_is_carried_too(pytester: pytest.Pytester, example: Path) -> None:
    """What a part of the cases showed is in every later run, which asks no other a second time."""
    pytester.runpytest("--evalkit", "suites", "--evalkit-aa", "--evalkit-limit", "12")
    for workers in ((), ("-n", "2")):
        assert pytester.runpytest("--evalkit", "suites", *workers).ret == pytest.ExitCode.OK
        (comparison,) = json.loads(decision(example))["comparisons"]
        assert [suite["noise"]["n"] for suite in comparison["suites"]] == [12, 12]
        assert min(suite["n"] for suite in comparison["suites"]) > 12


def test_without_it_there_is_no_noise(pytester: pytest.Pytester, example: Path) -> None:
    """Nothing is asked twice unless it was asked for."""
    assert pytester.runpytest("--evalkit", "suites").ret == pytest.ExitCode.OK
    (comparison,) = json.loads(decision(example))["comparisons"]
    assert all(suite["noise"] is None for suite in comparison["suites"])
