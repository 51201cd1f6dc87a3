"""`evalkit import`: files that the tools wrote become runs with their figures, or valid suites."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.pipeline.stages import read_run

Captured = pytest.CaptureFixture[str]
DATA = Path(__file__).parents[1] / "data" / "imports"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imported(capsys: Captured, tool: str, *names: str, out: str = "run", **more: str) -> Any:
    """Import files of ``tool`` and return what the command says, as JSON."""
    paths = [str(DATA / tool / name) for name in names]
    options = [word for key, value in more.items() for word in (f"--{key}", *value.split())]
    assert main(["import", tool, *paths, "--out", out, *options, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def means(made: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Return the mean scores by suite and model; each that the tool reports has to be its own."""
    for mean in made["means"]:
        assert mean["reported"] is None or mean["value"] == pytest.approx(
            mean["reported"], abs=1e-6
        )
    return {(m["suite"], m["model"]): round(m["value"], 4) for m in made["means"]}


def reported(made: Mapping[str, Any]) -> int:
    """Return how many means stand beside a figure of the tool itself."""
    return sum(mean["reported"] is not None for mean in made["means"])


def test_lm_eval_samples_have_the_figures_of_its_results_file(capsys: Captured) -> None:
    """Every metric and filter is a suite whose mean is that of `results_*.json`."""
    made = imported(capsys, "lm-eval", "out/base", "out/tuned")
    assert means(made) == {
        ("capitals_mc.acc", "base"): 0.4,
        ("capitals_mc.acc", "tuned"): 0.8,
        ("capitals_mc.acc_norm", "base"): 0.4,
        ("capitals_mc.acc_norm", "tuned"): 0.8,
        ("sums.exact_match-strict-match", "base"): 0.25,
        ("sums.exact_match-strict-match", "tuned"): 0.875,
        ("sums.exact_match-flexible-extract", "base"): 0.75,
        ("sums.exact_match-flexible-extract", "tuned"): 0.875,
    }
    assert reported(made) == len(made["means"])
    assert made["comparisons"] == [{"base": "base", "candidate": "tuned"}]


def test_lm_eval_answers_are_kept(capsys: Captured) -> None:
    """The run holds prompts, targets and answers; of choices the likeliest one."""
    imported(capsys, "lm-eval", "out/base")
    _, stored = read_run(Path("run"))
    by_name = {suite.name: suite for suite in stored.suites}
    case = by_name["capitals_mc.acc"].cases[0]
    assert case.messages == ({"role": "user", "content": "The capital of France is"},)
    assert case.expected == "Paris"
    first = next(r for r in stored.records if r.suite == "capitals_mc.acc" and r.case == "0")
    assert getattr(first.outcome, "text", None) == "Paris"


@pytest.mark.parametrize("name", ["base.eval", "base.json"])
def test_inspect_logs_have_the_figures_of_their_results(capsys: Captured, name: str) -> None:
    """Archives and JSON alike: means over epochs, a scorer with two values counts as two."""
    made = imported(capsys, "inspect", name)
    found = means(made)
    assert reported(made) == len(found) == 4
    assert made["suites"].keys() == {
        f"capitals.{scorer}" for scorer in ("includes", "match", "style.short", "style.polite")
    }


def test_two_imported_runs_are_compared(capsys: Captured) -> None:
    """The folders of two imports go into `compare`, `decide`, `gate` and `report` like any run."""
    imported(capsys, "inspect", "base.eval", out="a", score="includes")
    imported(capsys, "inspect", "tuned.eval", out="b", score="includes")
    assert main(["compare", "a", "b"]) == 3
    assert "mockllm/tuned against mockllm/base" in capsys.readouterr().out
    assert main(["decide", "reports/latest"]) == 0
    assert main(["report", "a"]) == 0
    assert "Nothing to compare" in capsys.readouterr().out
    assert main(["gate", "a"]) == 4
    assert Path("a/report.html").is_file()
    assert not Path("latest").exists()


def test_logs_of_two_models_are_one_run_that_can_be_decided(capsys: Captured) -> None:
    """Two paths are base and candidate, in their order, unless it is said otherwise."""
    imported(capsys, "inspect", "base.eval", "tuned.eval", base="mockllm/tuned")
    assert main(["gate", "run", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["comparisons"][0]
    assert (found["base"], found["candidate"]) == ("mockllm/tuned", "mockllm/base")


def test_a_run_without_out_is_the_latest(capsys: Captured) -> None:
    """Without --out a run stands below reports, and `latest` points at it."""
    assert main(["import", "inspect", str(DATA / "inspect" / "base.eval")]) == 0
    assert "next  evalkit compare reports/" in capsys.readouterr().out
    assert main(["report", "reports/latest"]) == 0


def test_promptfoo_results_have_its_figures(capsys: Captured) -> None:
    """Pass rate and score of the answered tests are promptfoo's; errors are no answers."""
    made = imported(capsys, "promptfoo", "results.json")
    found = means(made)
    assert found["Capitals.pass", "base"] == 0.5
    assert found["Capitals.score", "base"] == 0.8125
    assert found["Capitals.found", "tuned"] == 1.0
    assert reported(made) == 4
    assert {m["lost"] for m in made["means"] if m["suite"] == "Capitals.pass"} == {1}


def test_openai_output_items_have_the_figures_of_their_run(capsys: Captured) -> None:
    """The share that passed a criterion is that of the run."""
    made = imported(capsys, "openai-evals", "base.json", "tuned.json")
    assert means(made) == {("Queues", "base"): 0.5, ("Queues", "tuned"): 1.0}
    assert reported(made) == 2


@pytest.mark.parametrize(
    ("name", "figures"), [("queues", (0.5, 0.75)), ("queues-includes", (0.5, 1.0))]
)
def test_oaieval_logs_have_the_accuracy_of_their_report(
    capsys: Captured, name: str, figures: tuple[float, float]
) -> None:
    """The mean of the matches is the accuracy in the final report."""
    files = [f"{who}-{name}.jsonl" for who in ("base", "tuned")]
    made = imported(capsys, "openai-evals-registry", *files)
    assert means(made) == {(name, "base"): figures[0], (name, "tuned"): figures[1]}
    assert reported(made) == 2


def test_pydantic_reports_have_the_averages_that_it_prints(capsys: Captured) -> None:
    """Scores and assertions are scorers; a failed case is no answer."""
    made = imported(capsys, "pydantic-evals", "report-base.json", "report-tuned.json")
    found = means(made)
    # `report.print()` says 0.633 and 0.763 for Brevity.
    assert found["capital.Brevity", "report-base"] == 0.6333
    assert found["capital.Brevity", "report-tuned"] == 0.7625
    assert found["capital.EqualsExpected", "report-tuned"] == 0.75
    assert made["suites"] == {
        "capital.Brevity": 4,
        "capital.Contains": 1,
        "capital.EqualsExpected": 4,
    }


def test_deepeval_test_runs_have_its_figures(capsys: Captured) -> None:
    """Each metric, and whether a case passed them all, have deepeval's own means."""
    made = imported(capsys, "deepeval", "test_run_base.json", "test_run_tuned.json")
    assert means(made)["deepeval.Short", "base"] == 0.5875
    assert means(made)["deepeval.success", "tuned"] == 0.75
    assert reported(made) == 6


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_mlflow_tables_have_the_metrics_of_their_run(capsys: Captured, kind: str) -> None:
    """The mean of a column of scores is the metric that MLflow logged."""
    for who in ("base", "tuned"):
        logged = json.loads((DATA / "mlflow" / f"table-{who}.metrics.json").read_text())
        made = imported(capsys, "mlflow", f"table-{who}.{kind}", out=who)
        assert list(means(made).values()) == [logged["exact/v1/mean"]]
        assert "a score of 5 is not from 0 to 1" in str(made["notes"])
        made = imported(
            capsys, "mlflow", f"table-{who}.{kind}", out=f"{who}5", score="near", scale="1 5"
        )
        assert list(means(made).values()) == [logged["near/v1/mean"]]


def test_mlflow_genai_tables_have_the_metrics_of_their_run(capsys: Captured) -> None:
    """Cases are paired by what was asked: traces have other ids in every run."""
    made = imported(capsys, "mlflow", "genai-base.csv", "genai-tuned.csv")
    found = means(made)
    for who in ("base", "tuned"):
        logged = json.loads((DATA / "mlflow" / f"genai-{who}.metrics.json").read_text())
        assert found["mlflow.exact", f"genai-{who}"] == pytest.approx(logged["exact/mean"])
        assert found["mlflow.brevity", f"genai-{who}"] == pytest.approx(logged["brevity/mean"])
    assert made["suites"] == {"mlflow.exact": 4, "mlflow.brevity": 4}


@pytest.mark.parametrize(
    ("tool", "name", "cases", "note"),
    [
        ("lm-eval", "tasks", {"capitals_mc": 5, "sums": 8}, "likelihoods"),
        ("promptfoo", "promptfooconfig.yaml", {"Capitals": 2}, "test 2, javascript"),
        ("openai-evals", "eval.json", {"Queues": 4}, "python"),
        ("openai-evals-registry", "registry/evals/queues.yaml", {"queues": 4}, "fuzzy_match"),
        ("pydantic-evals", "capitals.yaml", {"capitals": 1, "capitals-2": 3}, "IsInstance"),
    ],
)
def test_definitions_become_suites_that_are_valid(
    capsys: Captured, tool: str, name: str, *, cases: Mapping[str, int], note: str
) -> None:
    """Every suite passes `validate`; what was not imported is told and stands in the file."""
    shutil.copytree(DATA / tool, "given")
    for rows in Path("given").glob("*.jsonl"):  # lm-eval reads rows from the current folder
        shutil.copy(rows, ".")
    assert main(["import", tool, f"given/{name}", "--out", "suites"]) == 0
    told = capsys.readouterr()
    assert note in told.err
    assert all(f"{suite}: {number} cases" in told.out for suite, number in cases.items())
    first = Path("suites", next(iter(cases)), f"{next(iter(cases))}.yaml").read_text()
    assert note in first
    assert first.startswith(f"# Imported by `evalkit import {tool} given/{name}`.")
    assert main(["validate", "suites"]) == 0
    assert "no fault found" in capsys.readouterr().out


def test_suites_join_a_project_that_is_there(capsys: Captured) -> None:
    """A project's own file is kept, and none is written below it."""
    Path("suites").mkdir()
    project = "version: 1\nmodels:\n  a: {role: base, client: scripted, model: a}\n"
    project += "  b: {role: candidate, client: scripted, model: b}\n"
    Path("suites/evalkit.yaml").write_text(project)
    given = DATA / "openai-evals-registry" / "registry" / "evals" / "queues.yaml"
    assert main(["import", "openai-evals-registry", str(given)]) == 0
    assert not Path("suites/imported/evalkit.yaml").exists()
    assert main(["validate", "suites"]) == 0
    assert "b against a" in capsys.readouterr().out


def test_the_next_commands_are_those_to_type(capsys: Captured) -> None:
    """The folder stands in them as a shell takes it, and where models are to be named."""
    given = str(DATA / "promptfoo" / "promptfooconfig.yaml")
    assert main(["import", "promptfoo", given, "--out", "my suites"]) == 0
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "wrote my suites",
        "next  name the models in my suites/evalkit.yaml",
        "      evalkit validate 'my suites'",
        "      evalkit run 'my suites'",
    ]


def test_nothing_is_written_over(capsys: Captured) -> None:
    """A second import to the same folder is refused, of suites as of a run."""
    given = str(DATA / "openai-evals-registry" / "registry" / "evals" / "queues.yaml")
    assert main(["import", "openai-evals-registry", given, "--out", "s"]) == 0
    assert main(["import", "openai-evals-registry", given, "--out", "s"]) == 2
    log = str(DATA / "inspect" / "base.eval")
    assert main(["import", "inspect", log, "--out", "s"]) == 2
    assert capsys.readouterr().err.count("which is") == 2


def test_an_unknown_score_names_those_there_are(capsys: Captured) -> None:
    """--score with a word that is no scorer of the log lists its scorers."""
    log = str(DATA / "inspect" / "base.eval")
    assert main(["import", "inspect", log, "--score", "mtch"]) == 2
    assert "includes, match, style.short, style.polite" in capsys.readouterr().err
    assert not Path("reports").exists()


def test_one_model_in_two_logs_is_told_apart(capsys: Captured) -> None:
    """Two logs of the same name and cases are (A) and (B)."""
    shutil.copy(DATA / "inspect" / "base.eval", "again.eval")
    log = str(DATA / "inspect" / "base.eval")
    assert main(["import", "inspect", log, "again.eval", "--out", "run", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["comparisons"] == [{"base": "mockllm/base (A)", "candidate": "mockllm/base (B)"}]
