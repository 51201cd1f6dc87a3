"""The command line over the example project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main
from evalkit.pipeline.stages import read_run

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(example: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a copy of the example."""
    monkeypatch.chdir(example)
    return example


def test_run_promotes_and_says_so(capsys: Captured) -> None:
    """`run` exits 0, prints the decision and where the report is."""
    assert main(["run", "suites"]) == 0
    out = capsys.readouterr().out
    assert "Promote" in out
    assert "report.html" in out


def test_run_decides_as_pytest_does(pytester: pytest.Pytester) -> None:
    """The two ways to drive a run give the same bytes."""
    assert main(["run", "suites", "--reports", "one"]) == 0
    pytester.runpytest("--evalkit", "suites", "--evalkit-report", "two")
    assert (
        Path("one/latest/decision.json").read_bytes()
        == Path("two/latest/decision.json").read_bytes()
    )


def test_a_limited_run_is_incomplete(capsys: Captured) -> None:
    """Exit code 4, and `gate` says the same of the finished folder."""
    assert main(["run", "suites", "--limit", "3", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["outcome"] == "incomplete"
    assert main(["gate", "reports/latest"]) == 4


def test_gate_judges_by_another_policy_and_writes_nothing(here: Path) -> None:
    """A gain that no run could show turns the exit code; the folder stays as it was."""
    assert main(["run", "suites"]) == 0
    before = Path("reports/latest/decision.json").read_bytes()
    strict = here / "strict.yaml"
    strict.write_text("version: 1\nsuites: {sums: {rule: superior, min_gain: 0.9}}\n")
    assert main(["gate", "reports/latest", "--policy", "strict.yaml"]) == 1
    assert main(["gate", "reports/latest"]) == 0
    assert Path("reports/latest/decision.json").read_bytes() == before


def test_decide_writes_what_gate_only_says(here: Path) -> None:
    """Afterwards the folder holds the new decision; its own policy is still the one it had."""
    assert main(["run", "suites"]) == 0
    (here / "strict.yaml").write_text("version: 1\nsuites: {greetings: {min_cases: 500}}\n")
    assert main(["decide", "reports/latest", "--policy", "strict.yaml"]) == 0
    decision = json.loads(Path("reports/latest/decision.json").read_text())
    assert decision["outcome"] == "not_enough_evidence"
    assert "Decided by another policy" in Path("reports/latest/summary.md").read_text()
    assert main(["gate", "reports/latest"]) == 0
    assert main(["decide", "reports/latest"]) == 0
    assert "Decided by another policy" not in Path("reports/latest/summary.md").read_text()


def test_grade_uses_the_graders_of_now(here: Path) -> None:
    """A stricter grader changes the decision without a call."""
    assert main(["run", "suites"]) == 0
    suite = here / "suites/greetings/greetings.yaml"
    suite.write_text(
        suite.read_text().replace("type: contains", "type: string_check, operation: eq")
    )
    suite.write_text(suite.read_text().replace(", ignore_case: true", ", value: 'Hello.'"))
    assert main(["grade", "reports/latest"]) == 0
    decision = json.loads(Path("reports/latest/decision.json").read_text())
    greetings = next(s for s in decision["comparisons"][0]["suites"] if s["suite"] == "greetings")
    assert (greetings["base_mean"], greetings["candidate_mean"]) == (0, 1)


def test_grade_uses_the_expected_answers_of_now(here: Path) -> None:
    """A mended answer is graded by, and stands in the run's cases."""
    assert main(["run", "suites"]) == 0
    rows = here / "suites/sums/sums.jsonl"
    rows.write_text(rows.read_text().replace('"expected": "22"', '"expected": "23"'))
    assert main(["grade", "reports/latest"]) == 0
    _, stored = read_run(Path("reports/latest"))
    (case,) = (c for suite in stored.suites for c in suite.cases if c.id == "sum-01")
    scores = {r.model: r.score for r in stored.records if r.case == "sum-01"}
    assert (case.expected, scores["tuned"]) == ("23", 0)


def test_grade_refuses_answers_to_another_question(here: Path, capsys: Captured) -> None:
    """A case that is asked otherwise now is named, and the run stays as it was."""
    assert main(["run", "suites"]) == 0
    before = Path("reports/latest/decision.json").read_bytes()
    rows = here / "suites/sums/sums.jsonl"
    rows.write_text(rows.read_text().replace("12 + 10", "10 + 12"))
    assert main(["grade", "reports/latest"]) == 2
    assert "1 with another prompt, the first sum-01" in capsys.readouterr().err
    assert Path("reports/latest/decision.json").read_bytes() == before


def test_report_is_made_again_to_the_byte() -> None:
    """It is a function of the run folder."""
    assert main(["run", "suites"]) == 0
    report = Path("reports/latest/report.html")
    before = report.read_bytes()
    report.unlink()
    assert main(["report", "reports/latest"]) == 0
    assert report.read_bytes() == before


@pytest.mark.parametrize("name", ["suite", "project", "policy", "decision"])
def test_schemas_are_printed(name: str, capsys: Captured) -> None:
    """Each is a JSON Schema."""
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org/")


def test_validate_says_what_a_run_would_do(capsys: Captured) -> None:
    """Suites, cases and comparisons."""
    assert main(["validate", "suites"]) == 0
    out = capsys.readouterr().out
    assert "sums: target, 40 cases" in out
    assert "tuned against base" in out


@pytest.mark.parametrize("args", [["gate", "nowhere"], ["validate", "nowhere"]])
def test_what_is_not_there_is_a_usage_error(args: list[str], capsys: Captured) -> None:
    """Exit code 2, and a message in three parts."""
    assert main(args) == 2
    err = capsys.readouterr().err
    assert "needed:" in err
    assert "got:" in err


def test_an_error_shows_what_a_terminal_would_obey(capsys: Captured) -> None:
    """A control character in a message is a symbol."""
    assert main(["gate", "no\x1b[31mwhere"]) == 2
    assert "no⟦U+001B⟧[31mwhere" in capsys.readouterr().err


def test_a_fault_of_ours_is_no_verdict(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception nobody foresaw exits with 70, since 1 would mean "do not promote"."""
    monkeypatch.setattr("evalkit.pipeline.stages.judge", lambda *_: 1 / 0)
    assert main(["gate", "reports/latest"]) == 70
    assert "it says nothing of the models" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["rnu"], "write: run (did you mean it?)"),
        (["schema", "suites"], "write: suite (did you mean it?)"),
        (["import", "mine", "x"], "write: one of lm-eval, inspect"),
        (["compare", "a", "--margin", "5"], "write: 0.05, if points are meant"),
        (["run", "--budget", "5"], "write: such as money=5"),
        ([], "commands:"),
    ],
)
def test_wrong_arguments_are_told_with_what_was_meant(
    args: list[str], meant: str, capsys: Captured
) -> None:
    """In three parts, without the usage before them; no argument at all shows the commands."""
    try:
        code = main(args)
    except SystemExit as end:
        code = end.code  # type: ignore[assignment]
    assert code == 2
    err = capsys.readouterr().err
    assert meant in err
    assert not args or "usage:" not in err


def test_from_inside_a_project_it_is_found(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """The folder of a suite, without an argument or with a dot, belongs to the project above."""
    monkeypatch.chdir(next(path for path in (here / "suites").iterdir() if path.is_dir()))
    assert main(["validate"]) == main(["validate", "."]) == 0
    assert "no fault found" in capsys.readouterr().out


def test_an_unknown_client_is_told_before_a_run(here: Path, capsys: Captured) -> None:
    """`validate` finds it, names the model and says which client is meant."""
    file = here / "suites/evalkit.yaml"
    file.write_text(file.read_text().replace("client: scripted", "client: scriptd"))
    assert main(["validate"]) == 2
    assert "client: scripted (did you mean it?)" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--samples", "0"], ["--limit", "-1"]])
def test_a_count_below_one_is_a_usage_error(args: list[str], capsys: Captured) -> None:
    """Nothing runs, and the message names the option."""
    with pytest.raises(SystemExit, match="2"):
        main(["run", "suites", *args])
    assert args[0] in capsys.readouterr().err


def test_a_run_that_is_refused_leaves_no_latest(here: Path) -> None:
    """On the command line and in pytest: a gate after it must not pass on the run before."""
    latest = here / "reports/latest"
    for refused in ("run", "pytest"):
        assert main(["run", "suites"]) == 0
        assert latest.exists()
        suite = here / "suites/sums/sums.yaml"
        sound = suite.read_text()
        suite.write_text(f"{sound}\nnonsense: 1\n")
        if refused == "run":
            assert main(["run", "suites"]) == 2
        else:
            assert pytest.main(["--evalkit", "suites", "-p", "no:cacheprovider"]) == 4
        assert not latest.exists()
        assert main(["gate", "reports/latest"]) == 2
        suite.write_text(sound)


def test_a_run_of_one_suite_is_partial(capsys: Captured) -> None:
    """Only what was named is asked, as in pytest, and such a run never promotes."""
    assert main(["run", "suites/sums", "--json"]) == 4
    decision = json.loads(capsys.readouterr().out)
    asked = {s["suite"]: s["n"] for s in decision["comparisons"][0]["suites"]}
    assert asked == {"greetings": 0, "sums": 40}
    assert main(["run", "suites/evalkit.yaml"]) == 0
    assert main(["run", "suites/nothing"]) == 2
    assert "one of: suites/greetings/greetings.yaml" in capsys.readouterr().err


def test_asked_again_and_from_the_store_exclude_each_other(capsys: Captured) -> None:
    """Both at once would throw away what is stored and ask for nothing."""
    assert main(["run", "suites", "--offline", "--rerun"]) == 2
    assert "one of the two" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "run"])
def test_models_that_are_not_there_are_told_in_words_of_the_command(
    command: str, capsys: Captured
) -> None:
    """No option of pytest is named."""
    assert main([command, "suites", "--models", "nobody"]) == 2
    assert main([command, "suites", "--models", "base"]) == 2
    assert "--evalkit" not in capsys.readouterr().err
