"""`evalkit compare` given what was not meant: told what is wrong or odd, and never misled."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalkit.cli import main
from tests.integration.test_compare import decided, saved, scores
from tests.unit.loader.score_files import save

Captured = pytest.CaptureFixture[str]
LATEST = Path("reports/latest")
NAMES = ["--base", "old", "--candidate", "new"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def policy(suites: str) -> str:
    """Write a policy with these suites and return its name."""
    Path("policy.yaml").write_text(f"version: 1\nsuites:\n  scores: {{{suites}}}\n")
    return "policy.yaml"


@pytest.mark.parametrize(
    ("scale", "instead"),
    [
        ("0 inf", "--scale 1 5"),
        ("0 1e308", "--scale 1 5"),
        ("0 0", "--scale 1 5"),
        ("nan 1", "--scale 1 5"),
        ("-inf 1", "--scale 1 5"),
        ("-1e308 1e308", "--scale 1 5"),
        ("5 -1e0", "--scale -1 5"),
    ],
)
def test_a_scale_has_two_ends(scale: str, instead: str, capsys: Captured) -> None:
    """Finite, apart but not too far, the lower one first; else an example that would do."""
    files = saved(scores(both=100, broken=50))
    assert main(["compare", *files, "--scale", *scale.split()]) == 2
    assert f"{instead}\n" in capsys.readouterr().err


def test_a_scale_may_go_below_zero() -> None:
    """In any way to write a number."""
    files = saved(scores(both=300, fixed=3))
    assert main(["compare", *files, "--scale", "-1e0", "1"]) == 0


@pytest.mark.parametrize(
    ("rule", "got"),
    [
        ("min_gain: 0.3", "rule: non_inferior, as a guard"),
        ("rule: non_inferior, min_gain: 0.3", "rule: non_inferior"),
        ("rule: equivalent, min_gain: 0.3", "rule: equivalent"),
    ],
)
def test_a_gain_that_no_rule_asks_for(rule: str, got: str, capsys: Captured) -> None:
    """It is a fault of the policy's line, here as in `decide` and `gate`: it would not count."""
    files = saved(scores(both=490, fixed=5, broken=5))
    assert main(["compare", *files]) == 0
    idle = ["--policy", policy(rule)]
    commands = (["gate", str(LATEST)], ["decide", str(LATEST)], ["compare", *files])
    for command in commands:
        assert main([*command, *idle]) == 2
        err = capsys.readouterr().err
        assert "policy.yaml:3" in err
        assert f"got: {got}\n" in err


def test_a_gain_that_the_policy_overrides(capsys: Captured) -> None:
    """`--min-gain` beside a policy that asks every suite for a gain of its own would not count."""
    files = saved(scores(both=300, fixed=100, neither=100))
    asked = ["--policy", policy("rule: superior, min_gain: 0.05"), "--min-gain", "0.3"]
    assert main(["compare", *files, *asked]) == 2
    assert "one of the two" in capsys.readouterr().err


def test_a_suite_that_is_misspelled_in_the_policy(capsys: Captured) -> None:
    """It is no missing answer but a fault, with its line and the name that was meant."""
    Path("policy.yaml").write_text("version: 1\nsuites:\n  scoers: {margin: 0.1}\n")
    assert main(["compare", *saved(scores(both=300)), "--policy", "policy.yaml"]) == 2
    assert "scores (did you mean it?)" in (err := capsys.readouterr().err)
    assert "policy.yaml:3" in err


@pytest.mark.parametrize("wrong", [["--scale", "5", "1"], ["--base", "x"], ["--case", "nothing"]])
def test_a_refused_comparison_leaves_no_latest(wrong: list[str]) -> None:
    """What comes next must not read the comparison before it."""
    files = saved(scores(both=300))
    assert main(["compare", *files]) == 0
    assert main(["compare", *files, *wrong]) == 2
    assert not LATEST.exists()
    assert main(["gate", str(LATEST)]) == 2


def test_latest_may_be_what_is_compared() -> None:
    """It is read before it goes."""
    assert main(["compare", *saved(scores(both=300, fixed=2))]) == 0
    assert main(["compare", str(LATEST)]) == 0
    assert decided().suites[0].n == 302


def test_missing_scores_stand_beside_the_verdict(capsys: Captured) -> None:
    """Where limits let them pass too: on the terminal and in the summary, with their kind."""
    rows = scores(both=397, fixed=3)
    for row in rows["old"][:3]:
        row["score"] = None
    assert main(["compare", *saved(rows, "jsonl")]) == 0
    line = "3 of 400 cases have no score of both models (3 not graded)."
    assert line in capsys.readouterr().out
    summary = (LATEST / "summary.md").read_text()
    assert line in summary
    assert "Nothing was left open" not in summary


def test_what_only_one_model_has_is_counted_and_named(capsys: Captured) -> None:
    """With an id from each side, and advice that knows the number."""
    rows = scores(both=300)
    for number, row in enumerate(rows["new"][:200]):
        row["id"] = f"c{number}"
    assert main(["compare", *saved(rows)]) == 4
    out = " ".join(capsys.readouterr().out.split())
    assert "new has no score of 200 cases of old, such as c0000." in out
    assert "old has no score of 200 cases of new, such as c0." in out
    assert "Get the scores that 400 cases of one model or both lack" in out


def test_ids_that_print_alike_are_told_apart(capsys: Captured) -> None:
    """Composed and decomposed letters are different ids; the message shows how."""
    rows = scores(both=300)
    rows["old"][0]["id"], rows["new"][0]["id"] = "caf\u00e9", "cafe\u0301"
    main(["compare", *saved(rows)])
    out = capsys.readouterr().out
    assert "'caf\\xe9'" in out
    assert "'cafe\\u0301'" in out
    save(Path("a.csv"), rows["old"][:1])
    save(Path("b.csv"), rows["new"][:1])
    assert main(["compare", "a.csv", "b.csv"]) == 2
    assert "'cafe\\u0301'" in capsys.readouterr().err


def test_alarms_and_open_questions_reach_the_terminal(capsys: Captured) -> None:
    """A slice that lost, and a gap that may be too wide: neither blocks, each has its line."""
    good = scores(both=600, fixed=100, slices={"language": "en"})
    bad = scores(both=180, broken=40, slices={"language": "de"})
    learned = scores(both=90, fixed=10, split="train")
    for start, more in (("de", bad), ("train", learned)):
        for model, found in more.items():
            good[model] += [row | {"id": f"{start}-{row['id']}"} for row in found]
    assert main(["compare", *saved(good, "jsonl")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "▼ scores, slice: language de 18.2 points lower (220 cases)." in out
    assert "within the limit of 5.0 is uncertain." in out
    (suite,) = ET.parse(LATEST / "junit.xml").getroot()  # noqa: S314  (our own text)
    assert "language de" in (suite.findtext("system-out") or "")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_a_terminal_cannot_write_is_replaced(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision does not hang on an arrow."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    assert main(["compare", *saved(scores(both=300, fixed=30))]) == 0
    assert b"? better" in raw.getvalue()


class _Full(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:  # noqa: ARG002  (a file's form)
        raise OSError(28, "No space left on device")

    def fileno(self) -> int:
        return 1


def test_an_output_that_is_full(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Exit code 2 and where the decision is: it was made."""
    files = saved(scores(both=300))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(_Full()), "utf-8"))
    monkeypatch.setattr("evalkit.cli.commands.drop_output", lambda: None)
    assert main(["compare", *files]) == 2
    assert "the decision stands in reports" in capsys.readouterr().err
    assert decided().outcome == "promote"
    monkeypatch.undo()


def test_half_a_character_is_no_id(capsys: Captured) -> None:
    """JSON can write it and no file can hold it: a fault of its line, nothing left behind."""
    Path("half.jsonl").write_text('{"case": "\\ud8000", "model": "old", "score": 1}\n')
    assert main(["compare", "half.jsonl", *NAMES]) == 2
    assert "half.jsonl:1" in capsys.readouterr().err
    rows = [{"case": "é", "model": "\ud800", "score": 1}]
    Path("half.jsonl").write_text(json.dumps(rows[0]) + "\n")
    assert main(["compare", "half.jsonl", *NAMES]) == 2
    assert not list(Path("reports").iterdir())


def test_a_scale_that_fits_one_model_only(capsys: Captured) -> None:
    """Scores that all lie at its foot, while the other's do not, are pointed at."""
    rows = scores(both=300, broken=20)
    for row in rows["new"]:
        row["score"] *= 100
    assert main(["compare", *saved(rows), "--scale", "0", "100"]) == 0
    line = "All scores of old lie in the lowest hundredth of the scale"
    assert line in (LATEST / "summary.md").read_text()
    assert line in (LATEST / "report.html").read_text()
    assert line in " ".join(capsys.readouterr().out.split())


def test_a_copy_of_the_base_is_pointed_at(capsys: Captured) -> None:
    """The same scores throughout are most often one file, read twice."""
    save(Path("same.csv"), scores(both=300, neither=200)["old"])
    Path("copy.csv").write_bytes(Path("same.csv").read_bytes())
    assert main(["compare", "same.csv", "copy.csv"]) == 0
    assert "All 500 scores of copy equal those of same" in capsys.readouterr().out
    assert main(["compare", *saved(scores(both=300, fixed=1))]) == 0
    assert "equal those" not in capsys.readouterr().out


def test_samples_and_clusters_of_a_part(capsys: Captured) -> None:
    """Unequal numbers of samples, and cases without a cluster beside others, are told."""
    rows = scores(both=300)
    rows["new"] = [row | {"sample": i} for row in rows["new"] for i in range(2)]
    for found in rows.values():
        for row in found:
            row["cluster"] = row["id"] if row["id"] < "c0100" else ""
    main(["compare", *saved(rows)])
    out = " ".join(capsys.readouterr().out.split())
    assert "old has up to 1 score of a case, new up to 2." in out
    assert "200 of 300 cases name no cluster" in out


def test_the_column_of_scores_may_have_any_name(capsys: Captured) -> None:
    """`--score` names it in both files, and the message says so."""
    rows = scores(both=300, fixed=3)
    named = {m: [{"id": r["id"], "acc": r["score"]} for r in found] for m, found in rows.items()}
    files = saved(named)
    assert main(["compare", *files]) == 2
    assert "--score COLUMN" in capsys.readouterr().err
    assert main(["compare", *files, "--score", "acc"]) == 0
    assert decided().suites[0].flips.fixed == 3
    assert main(["compare", files[0], "--base", "acc", "--candidate", "acc"]) == 2
    assert "'acc' as --base and as --candidate" in capsys.readouterr().err
    assert main(["compare", files[0], "--base", "acc", "--candidate", "bcc"]) == 2
    assert "--base and --candidate with two of the columns" in capsys.readouterr().err


def test_a_column_called_model_beside_two_of_scores() -> None:
    """The columns that the user named hold the scores."""
    rows = scores(both=300, fixed=3)
    wide = [
        {"id": a["id"], "old": a["score"], "new": b["score"], "model": "family"}
        for a, b in zip(rows["old"], rows["new"], strict=True)
    ]
    save(Path("wide.csv"), wide)
    assert main(["compare", "wide.csv", *NAMES]) == 0
    assert decided().suites[0].flips.fixed == 3


def test_joined_names_of_cases_stay_apart() -> None:
    """A slash inside a part does not make two cases one."""
    text = "task,idx,old,new\na/b,0,1,1\na,b/0,0,1\n" + "".join(f"t,{i},1,1\n" for i in range(300))
    Path("wide.csv").write_text(text)
    assert main(["compare", "wide.csv", *NAMES, "--case", "task,idx"]) == 0
    assert decided().suites[0].n == 302


@pytest.mark.parametrize("case", ["", "id,", ","])
def test_a_case_has_named_columns(case: str, capsys: Captured) -> None:
    """An empty name among them is no choice."""
    assert main(["compare", *saved(scores(both=300)), "--case", case]) == 2
    assert "--case task,idx" in capsys.readouterr().err


def test_another_policy_stays_another() -> None:
    """`decide --policy` writes what it comes to, says so, and the run's own policy holds again."""
    strict = policy("min_cases: 5000")
    assert main(["compare", *saved(scores(both=1000)), "--policy", strict]) == 3
    before = (LATEST / "decision.json").read_bytes()
    Path("loose.yaml").write_text("version: 1\n")
    assert main(["decide", str(LATEST), "--policy", "loose.yaml"]) == 0
    assert decided().outcome == "promote"
    assert "Decided by another policy" in (LATEST / "summary.md").read_text()
    assert main(["gate", str(LATEST)]) == 3
    assert main(["report", str(LATEST)]) == 0
    assert "Decided by another policy" in (LATEST / "report.html").read_text()
    assert main(["decide", str(LATEST)]) == 0
    assert (LATEST / "decision.json").read_bytes() == before
    assert "Decided by another policy" not in (LATEST / "summary.md").read_text()


def test_next_steps_fit(capsys: Captured) -> None:
    """Cases where the policy asks for more of them, clusters where there is one."""
    rows = scores(both=1000)
    main(["compare", *saved(rows), "--policy", policy("min_cases: 5000")])
    assert "it has 1,000, and the policy asks for 5,000" in capsys.readouterr().out
    for found in rows.values():
        for row in found:
            row["cluster"] = "all"
    main(["compare", *saved(rows)])
    assert "Add cases of other clusters to scores" in capsys.readouterr().out


def test_messages_about_files(capsys: Captured) -> None:
    """Each says what the file is, not what it might have been."""
    (old, new) = saved(scores(both=300))
    Path("wide.csv").write_bytes("case,score\na,1\n".encode("utf-16"))
    assert main(["compare", "wide.csv", new]) == 2
    assert "1 fault found" in (err := capsys.readouterr().err)
    assert "text in UTF-8" in err
    assert main(["compare", "/dev/null", new]) == 2
    assert "/dev/null, which is no file on disk" in capsys.readouterr().err
    Path("many.csv").write_text("case,score\n" + "a,x\n" * 200)
    assert main(["compare", "many.csv", new]) == 2
    assert "200 faults found" in capsys.readouterr().err
    Path("nan.csv").write_text("case,score\na,nan\n")
    assert main(["compare", "nan.csv", new]) == 2
    assert "an empty cell, or null in JSON" in capsys.readouterr().err
    Path("long.csv").write_text(f"case,score\n{'x' * 200_000},1\n" * 2)
    assert main(["compare", "long.csv", new]) == 2
    assert len(capsys.readouterr().err) < 2_000
    Path("empty.yaml").write_text("")
    assert main(["compare", old, new, "--policy", "empty.yaml"]) == 2
    assert '{"version": 1}' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", old, new, "--margin", "2"])
    assert "a share from 0 to 1" in capsys.readouterr().err


def test_an_interval_that_the_exact_test_does_not_confirm(capsys: Captured) -> None:
    """A change that one shows and the other does not is claimed by no word, and it is said why."""
    main(["compare", *saved(scores(both=2, fixed=5, neither=3))])
    out = " ".join(capsys.readouterr().out.split())
    assert "= no important loss" in out
    assert "the exact test does not, so none is claimed (p = 0.062)." in out
