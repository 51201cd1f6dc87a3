"""`evalkit compare`: scores alone, from files or runs, through the same decision and report."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from evalkit.cli import main
from evalkit.decide import Policy, SuiteRule, from_dict
from evalkit.decide.decision import ComparisonDecision
from evalkit.loader import read_schema
from evalkit.pipeline.stages import Stored, write_run
from evalkit.store import RunFolder
from tests.unit.loader.score_files import save
from tests.unit.report.scenarios import SCENARIOS

Captured = pytest.CaptureFixture[str]
TABLES = Path(__file__).parents[1] / "data" / "bbh_codex_tables.csv"
LATEST = Path("reports/latest")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scores(
    both: int = 0, fixed: int = 0, broken: int = 0, neither: int = 0, **more: Any
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of two models for a 2 x 2 table; ``more`` stands in each row."""
    pairs = [(1, 1)] * both + [(0, 1)] * fixed + [(1, 0)] * broken + [(0, 0)] * neither
    return {
        model: [{"id": f"c{i:04d}", "score": pair[side]} | more for i, pair in enumerate(pairs)]
        for side, model in enumerate(("old", "new"))
    }


def saved(rows: Mapping[str, Sequence[Mapping[str, Any]]], ending: str = "csv") -> list[str]:
    """Write a file for each model and return their names."""
    return [save(Path(f"{model}.{ending}"), found).name for model, found in rows.items()]


def decided(folder: Path = LATEST) -> ComparisonDecision:
    """Return the one comparison that a folder holds."""
    (comparison,) = from_dict(json.loads((folder / "decision.json").read_text())).comparisons
    return comparison


def bytes_of(folder: Path = LATEST) -> bytes:
    """Return the bytes of a decision."""
    return (folder / "decision.json").read_bytes()


def files_in(folder: Path) -> list[str]:
    """Return the names of the files of a run."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_two_files_become_a_run(ending: str, capsys: Captured) -> None:
    """Every format gives the same bytes, and a folder that says where its report is."""
    rows = scores(both=90, fixed=8, broken=1, neither=1)
    assert main(["compare", *saved(rows)]) == 0
    expected = bytes_of(), (LATEST / "scores.csv.gz").read_bytes()
    assert main(["compare", *saved({m: r[::-1] for m, r in rows.items()}, ending)]) == 0
    assert (bytes_of(), (LATEST / "scores.csv.gz").read_bytes()) == expected
    assert "new against old" in (out := capsys.readouterr().out)
    assert "report.html" in out
    assert files_in(LATEST) == [
        "decision.json",
        "inputs.json",
        "junit.xml",
        "manifest.json",
        "report.html",
        "scores.csv.gz",
        "summary.md",
    ]
    (suite,) = decided().suites
    assert (suite.suite, suite.n, suite.flips.fixed, suite.purpose) == ("scores", 100, 8, "guard")


def test_one_long_file_gives_what_two_files_give() -> None:
    """A column names the model; the user says which is which."""
    rows = scores(both=90, fixed=8, broken=1, neither=1)
    assert main(["compare", *saved(rows)]) == 0
    expected = bytes_of()
    long = [row | {"model": model} for model, found in rows.items() for row in found]
    save(Path("long.jsonl"), long)
    assert main(["compare", "long.jsonl", "--base", "old", "--candidate", "new"]) == 0
    assert bytes_of() == expected
    assert main(["compare", "long.jsonl", "--candidate", "new"]) == 0
    assert bytes_of() == expected


@pytest.mark.parametrize(
    ("table", "options", "code"),
    [
        ((490, 5, 5, 0), [], 0),
        ((400, 0, 100, 0), [], 1),
        ((20, 1, 1, 0), [], 3),
        ((490, 5, 5, 0), ["--purpose", "target"], 3),
        ((300, 100, 5, 95), ["--purpose", "target", "--min-gain", "0.1"], 0),
        ((300, 100, 5, 95), ["--purpose", "target", "--min-gain", "0.4"], 1),
        ((480, 5, 15, 0), ["--margin", "0.1"], 0),
        ((490, 5, 5, 0), ["--purpose", "report"], 3),
    ],
)
def test_exit_codes(table: tuple[int, int, int, int], options: list[str], code: int) -> None:
    """As those of the gate, by the purpose and limits of the command line."""
    both, fixed, broken, neither = table
    files = saved(scores(both=both, fixed=fixed, broken=broken, neither=neither))
    assert main(["compare", *files, *options]) == code
    assert main(["gate", str(LATEST)]) == code


def test_what_is_malformed_stops_it_all(capsys: Captured) -> None:
    """Both files are told of, by line; nothing is decided and no folder is made."""
    Path("old.csv").write_text("case,score\na,1\na,1\nb,5\n")
    Path("new.jsonl").write_text('{"case": "a", "score": 1}\n{"case": "b"\n')
    assert main(["compare", "old.csv", "new.jsonl"]) == 2
    err = capsys.readouterr().err
    assert "3 faults found" in err
    assert all(place in err for place in ("old.csv:3\n", "old.csv:4\n", "new.jsonl:2\n"))
    assert not list(Path("reports").iterdir())


def test_a_case_of_one_model_is_missing_not_dropped() -> None:
    """Few of them widen the bounds; many make the run incomplete, and both are counted."""
    rows = scores(both=499, fixed=1)
    rows["new"] = rows["new"][:-2]
    assert main(["compare", *saved(rows)]) == 0
    (suite,) = decided().suites
    assert (suite.expected_cases, suite.n) == (500, 498)
    assert suite.bounds is not None
    assert suite.bounds.missing == 2
    rows["new"] = rows["new"][:-20]
    assert main(["compare", *saved(rows)]) == 4
    assert "478 of 500 cases compared" in decided().reasons[0]


def test_failed_and_ungraded_rows_are_counted() -> None:
    """A failed call and an answer without a score are told apart."""
    rows = scores(both=300)
    rows["new"][0] |= {"score": None, "error": "timeout"}
    rows["new"][1] |= {"score": None}
    assert main(["compare", *saved(rows, "jsonl")]) == 0
    (suite,) = decided().suites
    assert (suite.errors, suite.ungraded, suite.n) == (1, 1, 298)


def again(times: int, *, apart: str) -> dict[str, list[dict[str, Any]]]:
    """Return each row of a table several times: as samples, or as cases of one cluster."""
    rows = scores(both=60, fixed=14, broken=8, neither=30)
    return {
        model: [
            {**row, "sample": i}
            if apart == "sample"
            else {**row, "id": f"{row['id']}-{i}", "cluster": row["id"]}
            for row in found
            for i in range(times)
        ]
        for model, found in rows.items()
    }


def test_samples_multiply_no_case() -> None:
    """The same scores five times, as samples or as a cluster, never narrow the interval."""
    main(["compare", *saved(again(1, apart="sample"))])
    (once,) = decided().suites
    main(["compare", *saved(again(5, apart="sample"))])
    (samples,) = decided().suites
    assert replace(samples, repeats=None) == once
    main(["compare", *saved(again(5, apart="cluster"))])
    (clustered,) = decided().suites
    assert (clustered.n, clustered.clusters) == (5 * once.n, once.n)
    assert clustered.interval is not None
    assert once.interval is not None
    width = clustered.interval.high - clustered.interval.low
    assert width == pytest.approx(once.interval.high - once.interval.low, rel=0.05)


def test_samples_are_kept_and_decided_again() -> None:
    """The folder holds every sample: the variance in parts and pass@k come out the same again."""
    rng = np.random.default_rng(6)
    rows = {
        model: [
            {
                "id": f"c{i:03d}",
                "sample": k,
                "cluster": f"talk-{i // 2}",
                "score": int(rng.integers(2)),
            }
            for i in range(60)
            for k in range(3)
        ]
        for model in ("old", "new")
    }
    rows["new"][4] |= {"score": None, "status": "failed"}
    main(["compare", *saved(rows)])
    (suite,) = decided().suites
    assert suite.repeats is not None
    assert [(p.measure, p.n, p.dropped) for p in suite.repeats.passes] == [
        ("pass@3", 59, 1),
        ("pass^3", 59, 1),
    ]
    assert suite.repeats.candidate_samples == pytest.approx(60 / (59 / 3 + 1 / 2))
    before = bytes_of()
    main(["decide", str(LATEST)])
    assert bytes_of() == before
    assert "Repeated samples" in (LATEST / "report.html").read_text()


def test_training_rows_give_the_gap() -> None:
    """What was learned by heart shows: a gain on training cases alone."""
    rows = scores(both=300)
    learned = scores(fixed=100, split="train")
    for model, found in rows.items():
        found += [row | {"id": f"train-{row['id']}"} for row in learned[model]]
    assert main(["compare", *saved(rows)]) == 1
    (gap,) = decided().overfitting
    assert (gap.n_train, gap.n_heldout, gap.gap) == (100, 300, 1.0)
    assert gap.classification == "no_transfer"


def test_published_results_of_27_tasks(capsys: Captured) -> None:
    """BIG-Bench Hard, direct prompting against chain of thought: one task got clearly worse.

    Three have p < 0.05 downwards alone (`data_bbh_family` in statistics_reference.json, two-sided);
    of these word_sorting stays clear among 27, by Holm and by BH.
    """
    with TABLES.open() as file, Path("outcomes.csv").open("w") as wide:
        wide.write("task,idx,direct,cot\n")
        for row in csv.DictReader(file):
            cells = ((1, 1, "both"), (0, 1, "gained"), (1, 0, "lost"), (0, 0, "neither"))
            pairs = [(b, c) for b, c, name in cells for _ in range(int(row[name]))]
            wide.writelines(f"{row['task']},{i},{b},{c}\n" for i, (b, c) in enumerate(pairs))
    columns = ["--case", "task,idx", "--slice", "task", "--base", "direct", "--candidate", "cot"]
    assert main(["compare", "outcomes.csv", *columns]) == 0
    (suite,) = decided().suites
    assert (suite.n, suite.flips.fixed, suite.flips.broken) == (6511, 1981, 573)
    assert suite.difference == pytest.approx(0.21624942405160497, abs=1e-9)
    assert suite.interval is not None
    assert suite.interval.low == pytest.approx(0.2019541780905612, abs=1e-6)
    assert len(suite.slices) == 27
    assert [s.value for s in suite.slices if s.alarm] == ["word_sorting"]
    down = {s.value: s.p_exact for s in suite.slices if (s.p_exact or 1) < 0.025}
    assert down == {
        "causal_judgement": pytest.approx(0.04739297550405176 / 2, abs=1e-9),
        "ruin_names": pytest.approx(0.04980011429472864 / 2, abs=1e-9),
        "word_sorting": pytest.approx(0.0022275315109880345 / 2, abs=1e-9),
    }
    Path("bh.yaml").write_text("version: 1\nslices: {correction: bh}\n")
    assert main(["compare", "outcomes.csv", *columns, "--policy", "bh.yaml"]) == 0
    assert [s.value for s in decided().suites[0].slices if s.alarm] == ["word_sorting"]
    # Without the task the cases have no names of their own.
    assert main(["compare", "outcomes.csv", "--base", "direct", "--candidate", "cot"]) == 2
    assert "--case COLUMN,COLUMN" in capsys.readouterr().err


def run_of_answers(
    name: str = "overfit", *, watched: Mapping[str, int] | None = None, **changed: Any
) -> Path:
    """Write a made-up run with answers and return its folder."""
    made = replace(SCENARIOS[name](), **changed)
    gains = {s.name: 0.03 if s.purpose == "target" else 0.0 for s in made.suites}
    rules = {suite: SuiteRule(min_gain=gain) for suite, gain in gains.items()}
    policy = Policy(suites=rules, digest=made.decision.policy_digest)
    stored = Stored(made.project, made.suites, policy, made.records, made.manifest, made.decision)
    stored = replace(stored.decided(policy), watched=watched or {})
    folder = RunFolder.create(Path("runs"), f"run-{len(list(Path().glob('runs/run-*')))}")
    return write_run(folder, stored).folder


def test_a_run_compared_with_itself_says_what_it_said() -> None:
    """The same suites, slices, critical cases, missing answers and gaps as its own decision."""
    for name in ("overfit", "incomplete", "inconclusive"):
        folder = run_of_answers(name)
        main(["compare", str(folder), "--reports", "again"])
        ours, theirs = decided(folder), decided(Path("again/latest"))
        assert theirs.suites == ours.suites
        assert theirs.overfitting == ours.overfitting
        assert theirs.outcome == ours.outcome


def test_a_run_with_samples_says_the_same_of_them() -> None:
    """Its records, and the rows that `compare` makes of them, hold the same samples."""
    made = SCENARIOS["inconclusive"]()
    more = [
        replace(r, sample=k, score=float(i % 5 != k))
        for i, r in enumerate(made.records)
        for k in (1, 2)
    ]
    folder = run_of_answers("inconclusive", records=(*made.records, *more))
    main(["compare", str(folder), "--reports", "again"])
    ours, theirs = decided(folder), decided(Path("again/latest"))
    assert all(suite.repeats and suite.repeats.passes for suite in ours.suites)
    assert theirs.suites == ours.suites


def test_the_records_of_a_run_stand_for_the_run(here: Path) -> None:
    """Its cases lie beside them; apart from these they do not say which cases are held out."""
    folder = run_of_answers()
    main(["compare", str(folder), "--reports", "one"])
    main(["compare", str(folder / "records.jsonl.gz"), "--reports", "two"])
    assert bytes_of(Path("one/latest")) == bytes_of(Path("two/latest"))
    alone = here / "records.jsonl.gz"
    alone.write_bytes((folder / "records.jsonl.gz").read_bytes())
    assert main(["compare", str(alone)]) == 2


def test_two_runs_are_compared_on_what_they_share(capsys: Captured) -> None:
    """The base of one and the candidate of the other; what only one has is told and left out."""
    made = SCENARIOS["overfit"]()
    first = run_of_answers()
    triage, *others = made.suites
    cases = tuple(c for c in triage.cases if c.id != "heldout-007")
    second = run_of_answers(suites=(replace(triage, cases=cases), *others))
    both = [str(first), str(second)]
    assert main(["compare", *both]) == 2
    assert "--base NAME" in capsys.readouterr().err
    names = ["--base", "base", "--candidate", made.decision.comparisons[0].candidate]
    main(["compare", *both, *names])
    assert "1 cases, triage/heldout-007." in capsys.readouterr().err
    ours = {s.suite: s for s in decided(first).suites}
    for suite in decided().suites:
        less = 1 if suite.suite == "triage" else 0
        assert suite.expected_cases == ours[suite.suite].expected_cases - less


def test_runs_that_contradict_each_other_are_not_compared(capsys: Captured) -> None:
    """A case that one run holds out and the other trained on would look like a gain."""
    made = SCENARIOS["overfit"]()
    candidate = made.decision.comparisons[0].candidate
    first = run_of_answers()
    triage, *others = made.suites
    learned = replace(triage.cases[1], split="train", trained=frozenset({candidate}))
    cases = (triage.cases[0], learned, *triage.cases[2:])
    second = run_of_answers(suites=(replace(triage, cases=cases), *others))
    names = ["--base", "base", "--candidate", candidate]
    assert main(["compare", str(first), str(second), *names]) == 2
    err = capsys.readouterr().err
    assert f"{second}/cases.jsonl.gz:2\n" in err
    assert "got: 'train' for case 'heldout-002', 'heldout' in a row before" in err


@pytest.mark.parametrize("margin", ["2", "-0.1", "much"])
def test_a_share_is_a_share(margin: str) -> None:
    """Points for shares would let everything pass."""
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "old.csv", "new.csv", "--margin", margin])


def test_a_suite_that_stopped_early_is_not_compared() -> None:
    """Its number of cases was chosen by its answers, and scores are judged as if by a plan."""
    folder = run_of_answers("inconclusive", watched={"triage": 30})
    assert main(["compare", str(folder)]) == 4
    assert "stopped early: triage" in (LATEST / "report.html").read_text()


def test_the_decision_fits_its_schema() -> None:
    """As that of a run does, though nothing shows who the candidate is."""
    assert main(["compare", *saved(scores(both=490, fixed=5, broken=5))]) == 0
    jsonschema.validate(json.loads(bytes_of()), read_schema("decision"))


def test_runs_that_ask_otherwise_are_not_compared(capsys: Captured) -> None:
    """Cases with another prompt are named by their line."""
    made = SCENARIOS["overfit"]()
    first = run_of_answers()
    triage, *others = made.suites
    other = replace(triage.cases[2], messages=({"role": "user", "content": "else"},))
    cases = (*triage.cases[:2], other, *triage.cases[3:])
    second = run_of_answers(suites=(replace(triage, cases=cases), *others))
    names = ["--base", "base", "--candidate", made.decision.comparisons[0].candidate]
    assert main(["compare", str(first), str(second), *names]) == 2
    err = capsys.readouterr().err
    assert f"{second}/cases.jsonl.gz:3\n" in err
    assert "another prompt for triage/heldout-003" in err


def test_the_later_stages_work_offline() -> None:
    """`decide` and `gate` by another policy, `report` to the byte; there is nothing to grade."""
    assert main(["compare", *saved(scores(both=490, fixed=5, broken=5))]) == 0
    before, report = bytes_of(), (LATEST / "report.html").read_bytes()
    Path("strict.yaml").write_text("version: 1\nsuites: {scores: {margin: 0.001}}\n")
    assert main(["gate", str(LATEST), "--policy", "strict.yaml"]) == 3
    assert bytes_of() == before
    (LATEST / "report.html").unlink()
    assert main(["report", str(LATEST)]) == 0
    assert (LATEST / "report.html").read_bytes() == report
    assert main(["decide", str(LATEST), "--policy", "strict.yaml"]) == 0
    assert bytes_of() != before
    assert main(["gate", str(LATEST)]) == 0
    assert main(["compare", str(LATEST), "--reports", "again"]) == 0
    assert bytes_of(Path("again/latest")) == before


def test_a_run_of_scores_has_nothing_to_grade(example: Path, capsys: Captured) -> None:
    """The message says where the answers are."""
    assert main(["compare", *saved(scores(both=490, fixed=5, broken=5))]) == 0
    assert main(["grade", str(LATEST), "--suites", str(example / "suites")]) == 2
    assert "which holds scores only" in capsys.readouterr().err


def test_a_policy_goes_before_the_options() -> None:
    """Its margin and gain hold; the options hold for what it does not say."""
    files = saved(scores(both=300, fixed=100, neither=100))
    Path("policy.yaml").write_text("version: 1\nsuites: {scores: {rule: superior, margin: 0.3}}\n")
    options = ["--policy", "policy.yaml", "--margin", "0.5", "--min-gain", "0.05"]
    assert main(["compare", *files, *options]) == 0
    (suite,) = decided().suites
    assert (suite.rule, suite.margin, suite.min_gain) == ("superior", 0.3, 0.05)
    assert main(["decide", str(LATEST)]) == 0
    assert decided().suites == (suite,)


REFUSED = [
    (["nowhere.csv"], "nothing at nowhere.csv"),
    (["old.csv"], "those of old"),
    (["old.csv", "old.csv"], "old of old.csv twice"),
    (["old.csv", "new.csv", "--base", "else"], "one of: old"),
    (["many.csv"], "the models a, b, c"),
    (["many.csv", "--base", "a"], "the models a, b, c"),
    (["many.csv", "--base", "a", "--candidate", "a"], "--candidate NAME"),
    (["old.csv", "many.csv"], "the models a, b, c"),
    (["old.csv", "strange.csv"], "of old is c0000, of strange x"),
    (["old.csv", "new.csv", "--min-gain", "0.1"], "--purpose target"),
    (["old.csv", "new.csv", "--scale", "5", "1"], "--scale 1 5"),
    (["old.csv", "new.csv", "--case", "name"], "a column that names the case: 'name'"),
    (["old.csv", "new.csv", "--slice", "kind"], "a column 'kind' for --slice"),
    (["old.csv", "--base", "score", "--candidate", "else"], "'score' and 'else'"),
    (["old.csv", "new.csv", "--policy", "none.yaml"], "a policy file that is there"),
    (["."], "a finished run"),
]


@pytest.mark.parametrize(("args", "said"), REFUSED)
def test_what_cannot_be_compared_is_said(args: list[str], said: str, capsys: Captured) -> None:
    """Exit code 2 and a message that names what to write."""
    saved(scores(both=10))
    save(Path("many.csv"), [{"id": "c0000", "model": m, "score": 1} for m in "abc"])
    save(Path("strange.csv"), [{"id": "x", "score": 1}])
    assert main(["compare", *args]) == 2
    assert said in capsys.readouterr().err


def test_models_of_one_name_are_told_apart(capsys: Captured) -> None:
    """Two evaluations of one model are A and B, and where they came from stands in the facts."""
    Path("may").mkdir()
    rows = scores(both=490, fixed=5, broken=5)
    save(Path("s.csv"), rows["old"])
    save(Path("may/s.csv"), rows["new"])
    assert main(["compare", "s.csv", "may/s.csv"]) == 0
    assert (decided().base, decided().candidate) == ("s (A)", "s (B)")
    assert "may/s.csv" in (LATEST / "manifest.json").read_text()
    assert main(["report", str(LATEST)]) == 0
    long = [row | {"model": m, "text": "x"} for m, rs in rows.items() for row in rs]
    long += [{"id": "c0000", "model": "third", "score": 1}]
    save(Path("long.csv"), long)
    assert main(["compare", "long.csv", "--base", "old", "--candidate", "new"]) == 0
    err = capsys.readouterr().err
    assert "long.csv: columns that were not read: text." in err
    assert "long.csv: scores of other models were not compared: third." in err


def test_json_is_the_decision(capsys: Captured) -> None:
    """With --json nothing else is printed."""
    assert main(["compare", *saved(scores(both=490, fixed=5, broken=5)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "promote"


def test_the_example_of_the_documentation(capsys: Captured) -> None:
    """What the page shows is what comes out, to the letter, and its slice raises the alarm."""
    page = (Path(__file__).parents[2] / "docs" / "compare.md").read_text()
    script = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    shown = re.search(r"```text\n(new against old.*?)```", page, re.DOTALL)
    assert script
    assert shown
    subprocess.run([sys.executable, "-c", script[1]], check=True)
    assert main(["compare", "scores.csv", "--base", "old", "--candidate", "new"]) == 0
    assert shown[1] in capsys.readouterr().out.replace("\N{NO-BREAK SPACE}", " ")
    (alarm,) = (s for s in decided().suites[0].slices if s.alarm)
    assert alarm.value == "de"
    assert f"lost {-100 * alarm.difference:.1f} points" in page


MOST_MEMORY = 1024**3
MEASURED = """
import resource, sys
from evalkit.cli import main
code = main(["compare", *sys.argv[1:]])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_million_rows_fit_into_a_gigabyte(here: Path, ending: str) -> None:
    """500,000 cases of two models: the decision, and a report that stays small enough to open."""
    path = here / f"big.{ending}"
    with path.open("w") as file:
        file.write("case,model,score,slice.k\n" if ending == "csv" else "")
        for model, every in (("old", 5), ("new", 6)):
            for i in range(500_000):
                row = (f"case-{i:06d}", model, int(i % every > 0), "abc"[i % 3])
                if ending == "csv":
                    file.write(",".join(map(str, row)) + "\n")
                else:
                    case, name, score, kind = row
                    found = {"case": case, "model": name, "score": score, "slices": {"k": kind}}
                    file.write(json.dumps(found) + "\n")
    names = ["--base", "old", "--candidate", "new"]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, path, *names], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout.split("peak ")[1]) < MOST_MEMORY
    assert decided().suites[0].n == 500_000
    assert (LATEST / "report.html").stat().st_size < 25_000_000
