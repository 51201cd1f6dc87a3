"""`evalkit run --stream`: few cases in memory, and the decision of an ordinary run."""

from __future__ import annotations

import gc
import gzip
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from evalkit.cli import main
from evalkit.model import Case, Record
from evalkit.pipeline import stream
from evalkit.pipeline.stream_rows import ScoreRows
from evalkit.runner import Ask
from evalkit.runner.backlog import Job
from evalkit.store import RunFolder
from tests.integration.endpoint import Asked, Endpoint, Reaction, completion, response

Sums = Callable[[Endpoint, int], Path]
Captured = pytest.CaptureFixture[str]

SUITE = """\
suite: answers
purpose: target
prompt: "{{ q }}"
sampling: {samples: 3}
datasets:
  - {path: rows.jsonl.gz, format: jsonl}
  - {path: "${trained_on}", format: openai-chat}
graders: [{name: word, type: choice, choices: [yes, no], off_menu: ungraded}]
slices: [tags.size, vars.kind]
cluster: tags.source
"""
GUARD = """\
suite: manners
purpose: guard
margin: 0.1
datasets: [{path: chat.jsonl, format: openai-chat}]
graders: [{name: word, type: contains, value: "yes", ignore_case: true}]
"""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a few cases at a time, and give the endpoint its key."""
    monkeypatch.setattr(stream, "CHUNK", 7)
    monkeypatch.setattr(stream, "ROUNDS", 1)
    monkeypatch.setenv("SUMS_KEY", "k")


def latest(reports: str, name: str) -> Any:
    """Return a JSON file of the newest run."""
    return json.loads((Path(reports) / "latest" / name).read_text())


def chat(text: str, said: str, **more: Any) -> str:
    """Return a row of a training file."""
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": said}]
    return json.dumps({"messages": messages, **more}) + "\n"


def write_answers(root: Path, url: str, number: int = 120) -> None:
    """Write a project that has everything a case can have, behind the endpoint at ``url``."""
    folder = root / "suites" / "answers"
    folder.mkdir(parents=True)
    reach = f"client: openai, base_url: '{url}', api_key_env: SUMS_KEY, limits: {{retries: 0}}"
    (folder.parent / "evalkit.yaml").write_text(
        "version: 1\nmodels:\n"
        f"  base: {{role: base, model: base, {reach}}}\n"
        f"  tuned: {{role: candidate, model: tuned, trained_on: [a.jsonl, b.jsonl], {reach}}}\n"
    )
    rows = (
        {
            "id": f"r{i}",
            "vars": {"q": f"question {i // 2 if i < 20 else i}", "kind": i % 2},
            "expected": "yes",
            "tags": {"size": "abc"[i % 3], "source": f"s{i // 3}"},
            "critical": i % 10 == 0,
        }
        for i in range(number)
    )
    with gzip.open(folder / "rows.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    (folder / "answers.yaml").write_text(SUITE)
    trained = [chat(f"trained {i}", "yes", q=f"trained {i}") for i in range(30)]
    (folder.parent / "a.jsonl").write_text("".join([*trained[:20], trained[3]]))
    (folder.parent / "b.jsonl").write_text("".join(trained[15:]))
    guard = root / "suites" / "manners"
    guard.mkdir()
    (guard / "manners.yaml").write_text(GUARD)
    asked = (chat(f"please {i // 2}", "yes", id=f"m{i}") for i in range(40))
    (guard / "chat.jsonl").write_text("".join(asked))


def without_labels(decision: Any) -> Any:
    """Return a decision without what is counted over the labels in the answers."""
    for comparison in decision["comparisons"]:
        for suite in comparison["suites"]:
            suite["metrics"] = None
    return decision


def react(asked: Asked) -> Reaction:
    """Answer by chance of the question, each time otherwise; now and then fail or be unclear."""
    dice = crc32(f"{asked.model} {asked.text} {asked.number}".encode()) % 100
    if dice < 6:
        return Reaction(response(400, {"error": {"message": "not today"}}))
    right = 50 if asked.model == "base" else 80
    text = "maybe" if dice > 95 else "yes" if dice - 6 < right else "no"
    return Reaction(response(200, completion(asked.model, text)))


def test_the_decision_is_that_of_an_ordinary_run(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure, with samples, clusters, slices, failures, ungraded answers, trained cases."""
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path, endpoint.url)
    endpoint.react = react
    code = main(["run", "--stream", "-q"])
    streamed = latest("reports", "decision.json")
    assert main(["run", "--offline", "-q"]) == code
    assert streamed == without_labels(latest("reports", "decision.json"))
    suites = {suite["suite"]: suite for suite in streamed["comparisons"][0]["suites"]}
    assert suites["answers"]["errors"] > 0
    assert suites["answers"]["ungraded"] > 0
    assert suites["answers"]["repeats"] is not None
    assert streamed["comparisons"][0]["overfitting"][0]["n_train"] > 20


def test_its_rows_are_those_of_an_ordinary_run(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases and answered records are the same, in the same order, and so are the facts."""
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path, endpoint.url)
    endpoint.react = react
    main(["run", "--stream", "-q"])
    one = RunFolder.open(Path("reports/latest"))
    main(["run", "--offline", "-q"])
    other = RunFolder.open(Path("reports/latest"))
    assert list(one.read_cases()) == list(other.read_cases())
    pairs = list(zip(one.read_records(), other.read_records(), strict=True))
    assert len(pairs) == 2 * (3 * 150 + 40)
    assert all(a == b or b.outcome.kind == "offline" for a, b in pairs)  # type: ignore[union-attr]
    facts = [folder.manifest().models for folder in (one, other)]
    for mine, theirs in zip(*facts, strict=True):
        assert mine.asked > theirs.asked == 0
        assert (mine.answers, mine.errors, mine.input_tokens, mine.median_latency_s) == (
            (theirs.answers, theirs.errors, theirs.input_tokens, theirs.median_latency_s)
        )


def test_it_is_decided_and_shown_again(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """From its folder, offline; only new grades need the run again, as stored answers are free."""
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path, endpoint.url)
    endpoint.react = react
    code = main(["run", "--stream", "-q"])
    before = Path("reports/latest/decision.json").read_bytes()
    calls = endpoint.calls
    assert main(["decide", "reports/latest"]) == 0
    assert main(["report", "reports/latest"]) == 0
    assert main(["gate", "reports/latest"]) == code
    assert Path("reports/latest/decision.json").read_bytes() == before
    assert "records.jsonl.gz beside it" in Path("reports/latest/report.html").read_text()
    capsys.readouterr()
    assert main(["grade", "reports/latest"]) == 2
    assert "evalkit run --stream again" in capsys.readouterr().err
    assert endpoint.calls == calls


def test_a_bad_row_late_in_a_file_is_told_before_any_call(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """With its line, together with an id that was there long before."""
    monkeypatch.chdir(sums(endpoint, 3000))
    with Path("suites/sums/sums.jsonl").open("a") as file:
        file.write('{"id": "s4", "vars": {"sum": "1 + 1"}, "expected": "2"}\n')
        file.write('{"id": 5, "vars": 1}\n')
    assert main(["run", "--stream"]) == 2
    err = capsys.readouterr().err
    assert "2 faults found" in err
    assert "sums.jsonl:3001" in err
    assert "'s4', also in suites/sums/sums.jsonl:5" in err
    assert "sums.jsonl:3002" in err
    assert endpoint.calls == 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--aa"], "got: --aa"),
        (["--stop-early"], "got: --stop-early"),
        (["--models", "base,t*"], "got: models base, tuned, twin"),
    ],
)
def test_what_it_cannot_do_is_refused_before_any_call(
    endpoint: Endpoint,
    sums: Sums,
    monkeypatch: pytest.MonkeyPatch,
    *,
    capsys: Captured,
    args: list[str],
    told: str,
) -> None:
    """In three parts, by exit code 2."""
    monkeypatch.chdir(sums(endpoint, 5))
    file = Path("suites/evalkit.yaml")
    text = file.read_text()
    file.write_text(text + text.splitlines()[-1].replace("tuned:", "twin:") + "\n")
    assert main(["run", "--stream", *args]) == 2
    assert told in capsys.readouterr().err
    assert endpoint.calls == 0


def test_a_pipe_is_refused(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """It can be read once only: what a program writes has to be a file."""
    monkeypatch.chdir(sums(endpoint, 5))
    Path("suites/sums/sums.jsonl").unlink()
    os.mkfifo("suites/sums/sums.jsonl")
    assert main(["run", "--stream"]) == 2
    assert "which can be read once only" in capsys.readouterr().err


def test_budget_and_resume(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """A run that ends by its budget says so; the same command goes on and asks nothing twice."""
    monkeypatch.chdir(sums(endpoint, 50))
    assert main(["run", "--stream", "--budget", "requests=60"]) == 4
    err = capsys.readouterr().err
    assert "up to 100 requests to 2 models" in err
    assert "stopped by the budget (requests: 60): 40 of 100 requests were not asked" in err
    assert err.splitlines()[-1] == "go on   evalkit run --stream --budget requests=60"
    assert endpoint.calls == 60
    assert latest("reports", "decision.json")["outcome"] == "incomplete"
    assert main(["gate", "reports/latest"]) == 4
    assert main(["run", "--stream", "--budget", "requests=60", "-q"]) == 0
    assert endpoint.calls == 100


def test_a_deadline_ends_it(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """What is not answered by then is missing, in the chunks that were never begun as well."""
    monkeypatch.chdir(sums(endpoint, 100))
    hang = Reaction(b"", wait_s=60.0)
    endpoint.react = lambda asked: hang if int(asked.text.split()[0]) >= 60 else None
    assert main(["run", "--stream", "--deadline", "6s"]) == 4
    err = capsys.readouterr().err
    assert "stopped by the deadline (6 s): 80 of 200 requests were not answered" in err
    endpoint.react = lambda _: None
    endpoint.asked.clear()
    assert main(["run", "--stream", "--deadline", "1h", "-q"]) == 0
    assert endpoint.calls == 80


def test_an_interrupted_run_goes_on(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """It leaves no folder behind, says how to go on, and no answer is asked for again."""
    monkeypatch.chdir(sums(endpoint, 60))
    rows, calls = ScoreRows.of, count(1)

    def of(self: ScoreRows, case: Case, records: Sequence[Record]) -> Iterator[tuple[str, ...]]:
        if next(calls) == 30:
            raise KeyboardInterrupt
        return rows(self, case, records)

    with monkeypatch.context() as patch:
        patch.setattr(ScoreRows, "of", of)
        assert main(["run", "--stream"]) == 130
    assert "go on   evalkit run --stream" in capsys.readouterr().err
    assert [path.name for path in Path("reports").iterdir() if path.is_dir()] == []
    with closing(sqlite3.connect("reports/answers.sqlite")) as store:
        [[stored]] = store.execute("SELECT count(*) FROM answers")
    assert 58 <= stored < 120
    assert main(["run", "--stream", "-q"]) == 0
    asked = sum(model["asked"] for model in latest("reports", "manifest.json")["models"])
    assert asked == 120 - stored


def test_a_wrong_model_ends_it_at_once(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """As an ordinary run: a few calls, an error that names the model, nothing written."""
    monkeypatch.chdir(sums(endpoint, 60))
    endpoint.react = lambda _: Reaction(response(200, completion("another", "1")))
    assert main(["run", "--stream"]) == 2
    assert "another answered" in capsys.readouterr().err
    assert endpoint.calls <= 32
    assert not Path("reports/latest").exists()


def test_equal_questions_far_apart_are_asked_once(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between chunks it is the store that answers; within two of them they share one call."""
    monkeypatch.chdir(sums(endpoint, 0))
    rows = ({"id": f"{i}", "vars": {"sum": f"{i % 20} + 1"}, "expected": 0} for i in range(60))
    text = "".join(json.dumps({**row, "expected": "1"}) + "\n" for row in rows)
    Path("suites/sums/sums.jsonl").write_text(text)
    main(["run", "--stream", "-q"])
    assert endpoint.calls == 40
    streamed = latest("reports", "decision.json")
    main(["run", "--offline", "-q"])
    assert streamed == latest("reports", "decision.json")


def test_part_of_a_project_never_decides(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One suite of two, or the first cases of each: exit code 4, and the run says why."""
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path, endpoint.url)
    endpoint.react = react
    assert main(["run", "suites/manners", "--stream", "-q"]) == 4
    assert latest("reports", "manifest.json")["partial"] == "150 of 190 cases were deselected"
    assert main(["run", "--stream", "--limit", "10", "-q"]) == 4
    assert "only the first 10 cases" in latest("reports", "manifest.json")["partial"]
    assert len(list(RunFolder.open(Path("reports/latest")).read_cases())) == 20


def test_a_run_of_many_cases_is_told_of_it(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Once they are more than memory may like; not with -q."""
    monkeypatch.chdir(sums(endpoint, 30))
    monkeypatch.setattr("evalkit.cli.commands.MANY", 29)
    main(["run"])
    assert "30 cases are held in memory; --stream holds few" in capsys.readouterr().err
    main(["run", "-q"])
    assert capsys.readouterr().err == ""


SCRIPTED = """\
version: 1
models:
  base: {role: base, client: scripted, model: b, options: {default: "3"}}
  tuned: {role: candidate, client: scripted, model: t, options: {default: "6"}}
"""


def test_no_more_is_held_of_more_cases(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases and requests are there for two chunks, records for one case."""
    monkeypatch.chdir(sums(endpoint, 1500))
    Path("suites/evalkit.yaml").write_text(SCRIPTED)
    alive: dict[type, int] = dict.fromkeys((Case, Record, Ask, Job), 0)
    rows, calls = ScoreRows.of, count()
    gc.collect()
    before = Counter(map(type, gc.get_objects()))

    def of(self: ScoreRows, case: Case, records: Sequence[Record]) -> Iterator[tuple[str, ...]]:
        if next(calls) % 50 == 0:
            now = Counter(map(type, gc.get_objects()))
            now.subtract(before)
            alive.update({kind: max(most, now[kind]) for kind, most in alive.items()})
        return rows(self, case, records)

    monkeypatch.setattr(ScoreRows, "of", of)
    assert main(["run", "--stream", "-q"]) == 3
    chunk = max(stream.CHUNK, 16)
    assert 0 < alive[Case] <= 2 * chunk + 20
    assert alive[Record] <= 4
    assert alive[Ask] <= 2 * (2 * chunk + 20)
    assert alive[Job] <= 2 * 2 * chunk
