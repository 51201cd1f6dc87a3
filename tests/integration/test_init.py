"""`evalkit init`: a training file becomes a project that is valid and runs as it stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit.cli import main, starting
from tests.integration.endpoint import Endpoint

Captured = pytest.CaptureFixture[str]
Rows = Iterable[Mapping[str, Any]]

WORDS = [f"word{n}" for n in range(97)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with no terminal to ask."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    return tmp_path


def question(number: int) -> str:
    """Return a question that is near no other."""
    return " ".join(WORDS[(number * k) % 97] for k in range(3, 9)) + f" {number}"


def user(number: int) -> dict[str, str]:
    """Return a question as a message."""
    return {"role": "user", "content": question(number)}


def bot(text: str) -> dict[str, Any]:
    """Return an answer as a message."""
    return {"role": "assistant", "content": text}


def called(number: int) -> dict[str, Any]:
    """Return an answer that calls a tool."""
    function = {"name": "find", "arguments": json.dumps({"order": number})}
    call = {"id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "tool_calls": [call]}


def put(rows: Rows, name: str = "tickets.jsonl") -> Path:
    """Write a training file."""
    path = Path(name)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def chat(answer: Callable[[int], dict[str, Any]], number: int = 60) -> list[dict[str, Any]]:
    """Return so many rows of chat."""
    return [{"messages": [user(n), answer(n)]} for n in range(number)]


def made(capsys: Captured, *words: str) -> Any:
    """Run `init` and return what it says, as JSON."""
    assert main(["init", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: Captured, *words: str) -> str:
    """Run `init`, which fails and leaves nothing, and return why."""
    before = sorted(Path().rglob("*"))
    assert main(["init", *words]) == 2
    assert sorted(Path().rglob("*")) == before
    return capsys.readouterr().err


FILES: Mapping[str, tuple[Rows, list[str]]] = {
    "labels": (chat(lambda n: bot(["billing", "bug", "other"][n % 3])), ["label"]),
    "json": (
        chat(lambda n: bot(json.dumps({"queue": ["a", "b"][n % 2], "n": n}))),
        ["json_schema", "json_match", "json_match"],
    ),
    "calls": (chat(called), ["tool_call"]),
    "some calls": (
        chat(lambda n: called(n) if n % 3 else bot(f"Order {question(n)} is lost.")),
        ["tool_call", "text_similarity"],
    ),
    "texts": (chat(lambda n: bot(f"It is {question(n * 3)}, we think.")), ["text_similarity"]),
    "sharegpt": (
        [
            {
                "conversations": [
                    {"from": "human", "value": question(n)},
                    {"from": "gpt", "value": f"yes {n}"},
                ]
            }
            for n in range(60)
        ],
        ["text_similarity"],
    ),
    "preferences": (
        [
            {
                "input": {"messages": [user(n)]},
                "preferred_output": [bot(f"good {n}")],
                "non_preferred_output": [bot("bad")],
            }
            for n in range(60)
        ],
        ["text_similarity"],
    ),
    "reinforcement": (
        [{"messages": [user(n)], "reference_answer": n} for n in range(60)],
        ["numeric"],
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_written_is_valid_and_can_be_planned(capsys: Captured, kind: str) -> None:
    """Every kind of answers and format, as it stands; the training file stays as it was."""
    rows, graders = FILES[kind]
    path = put(rows)
    before = path.read_bytes()
    found = made(capsys, str(path), "new", "--guards", "arithmetic")
    assert [g for suite in found["suites"] for g in suite["graders"]] == graders
    assert main(["validate", "new/suites"]) == 0
    assert "no fault found" in capsys.readouterr().out
    assert main(["plan", "new/suites", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["suites"][0]["needed"] == found["needed"]
    assert path.read_bytes() == before
    assert (
        sorted(str(p.relative_to("new")) for p in Path("new").rglob("*") if p.is_file())
        == (found["files"])
    )


def test_rows_are_on_one_side_as_they_were(capsys: Captured) -> None:
    """Each row is in one of the two files, word for word; repeats of held-out ones in none."""
    rows = chat(lambda n: bot(f"yes {n}"))
    found = made(capsys, str(put([*rows, *rows[:30]])), "new")
    train, held = (
        [json.loads(line) for line in Path("new/data", name).read_text().splitlines()]
        for name in ("train.jsonl", "heldout.jsonl")
    )
    assert len(train) == found["train"]
    assert len(held) == found["heldout"]
    assert found["train"] + found["heldout"] + found["left_out"] == 90
    assert found["repeats"] == 30
    assert all(row in rows for row in [*train, *held])
    assert not any(row in train for row in held)


def test_of_very_many_held_out_cases_a_sample_is_asked(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are all in the file; how many are asked is a word in the suite."""
    monkeypatch.setattr("evalkit.starter.texts.MOST_ASKED", 7)
    rows = put(chat(lambda n: bot(f"yes {n}")))
    found = made(capsys, str(rows), "new", "--heldout", "20", "--guards", "none")
    assert found["heldout"] == 20
    assert found["suites"][0]["cases"] == 7
    assert found["requests"] == 2 * (7 + 40)
    assert "sample: 7" in Path("new/suites/tickets/tickets.yaml").read_text()


def test_cases_of_one_group_are_a_cluster(capsys: Captured) -> None:
    """What stays on one side is no independent evidence, and the plan knows."""
    rows = [{**row, "user": f"u{n // 5}"} for n, row in enumerate(chat(lambda n: bot(f"yes {n}")))]
    found = made(capsys, str(put(rows)), "new", "--group", "user", "--heldout", "20")
    assert found["heldout"] == 20
    assert main(["plan", "new/suites", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["suites"][0]["clusters"] == 4


def test_the_project_runs(capsys: Captured, endpoint: Endpoint) -> None:
    """Against an endpoint: as many requests as were told, and a candidate that learned passes."""
    rows = [{"prompt": f"{n} + {2 * n}", "completion": str(3 * n)} for n in range(1, 151)]
    models = ["--base-model", "base", "--candidate-model", "tuned", "--base-url", endpoint.url]
    found = made(capsys, str(put(rows)), "new", *models, "--heldout", "60", "--guards", "none")
    assert found["suites"][0]["graders"] == ["numeric"]
    project = yaml.safe_load(Path("new/suites/evalkit.yaml").read_text())
    assert project["budget"] == {"requests": 2 * found["requests"]}
    assert main(["run", "new/suites", "--reports", "new/reports", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "promote"
    assert endpoint.calls == found["requests"]


def test_what_is_said_fits_a_terminal(capsys: Captured) -> None:
    """What was found, written, and what to do next, with the two warnings; 80 columns."""
    assert main(["init", str(put(chat(lambda n: bot(f"yes {n}")))), "new"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    said = " ".join(out.split())
    assert "60 rows of openai-chat" in said
    assert "trained on all of tickets.jsonl has seen the held-out rows" in said
    assert "would be enough" in said
    assert "evalkit plan suites" in said


def test_every_yaml_file_names_its_schema(capsys: Captured) -> None:
    """The first line is for editors, and the schema is where it says."""
    made(capsys, str(put(chat(lambda n: bot(f"yes {n}")))), "new")
    for path in Path("new/suites").rglob("*.yaml"):
        first = path.read_text().splitlines()[0]
        start, _, schema = first.partition("$schema=")
        assert start == "# yaml-language-server: "
        assert json.loads((path.parent / schema).read_text())["title"]


def test_the_workflow_runs_the_suites(capsys: Captured) -> None:
    """It is YAML, and hands the key over under its name."""
    rows = put(chat(lambda n: bot(f"yes {n}")))
    made(capsys, str(rows), "new", "--api-key-env", "ACME_KEY")
    flow = yaml.safe_load(Path("new/.github/workflows/evalkit.yaml").read_text())
    steps = flow["jobs"]["gate"]["steps"]
    run = next(step for step in steps if "pytest --evalkit suites/" in step.get("run", ""))
    assert run["env"] == {"ACME_KEY": "${{ secrets.ACME_KEY }}"}
    assert "api_key_env: ACME_KEY" in Path("new/suites/evalkit.yaml").read_text()


def test_a_model_that_saw_all_rows_has_no_target(capsys: Captured) -> None:
    """Guards only, the suite as an example without cases, and what is still possible."""
    rows = put(chat(lambda n: bot(f"yes {n}")))
    assert main(["init", str(rows), "new", "--trained-on-all"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "No row of tickets.jsonl can show that the candidate got better" in said
    assert not Path("new/data/heldout.jsonl").exists()
    assert len(Path("new/data/train.jsonl").read_text().splitlines()) == 60
    assert main(["validate", "new/suites"]) == 0
    assert "tickets" not in capsys.readouterr().out
    example = Path("new/suites/tickets/tickets.yaml.example")
    put([{"messages": [user(99), bot("yes 99")]}], "new/suites/tickets/new.jsonl")
    example.rename(example.with_suffix(""))
    assert main(["validate", "new/suites"]) == 0
    assert "tickets: target" in capsys.readouterr().out


def test_nothing_is_written_over(capsys: Captured) -> None:
    """Files that are there are listed, and stay."""
    rows = str(put(chat(lambda n: bot(f"yes {n}"))))
    made(capsys, rows)
    said = refused(capsys, rows)
    assert "data/train.jsonl" in said
    assert "suites/evalkit.yaml" in said
    assert "do:" in said


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([{"a": 1}], [], "tickets.jsonl:1"),
        ([{"messages": [user(1), bot("yes")]}] * 9, [], "1 groups of 9 rows"),
        (chat(lambda n: bot(f"yes {n}")), ["--heldout", "60"], "held out: 60 cases"),
        (chat(lambda n: bot(f"yes {n}")), ["--guards", "arithmetics"], "--guards arithmetics"),
        (chat(lambda n: bot(f"yes {n}")), ["--name", "a b"], "--name a b"),
        (chat(lambda n: bot(f"yes {n}")), ["--group", "team"], "a value of --group team"),
        (chat(lambda n: bot(f"yes {n}")), ["--trained-on-all", "--guards", "none"], "guard packs"),
        (
            [{"input": question(n), "ideal": "x"} for n in range(9)]
            + [{"input": question(99), "ideal": "x", "expected": {"tool_calls": []}}],
            [],
            "1 of 10 call tools",
        ),
    ],
)
def test_what_cannot_be_done_is_told(
    capsys: Captured, rows: Rows, more: list[str], said: str
) -> None:
    """In three parts, and nothing is written."""
    told = refused(capsys, str(put(rows)), "new", *more)
    assert said in told
    assert "needed: " in told
    assert "got: " in told


@pytest.mark.parametrize("flag", [["--heldout", "0"], ["--heldout", "1.5"], ["--similarity", "2"]])
def test_sizes_that_are_none_are_usage_errors(capsys: Captured, flag: list[str]) -> None:
    """The message says what is one."""
    with pytest.raises(SystemExit) as stopped:
        main(["init", "tickets.jsonl", *flag])
    assert stopped.value.code == 2
    assert "needed: a share" in capsys.readouterr().err


def test_a_terminal_is_asked_what_no_flag_says(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty answer takes the default; what a flag says is not asked."""
    answers = iter(["", "ft:acme", "", "", "30", "n"])
    asked: list[str] = []

    def reply(question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", reply)
    rows = put(chat(lambda n: bot(f"yes {n}")))
    assert main(["init", str(rows), "new", "--group", "messages.0.content"]) == 0
    assert len(asked) == 6
    assert not any("one side" in question for question in asked)
    assert len(Path("new/data/heldout.jsonl").read_text().splitlines()) == 30
    project = yaml.safe_load(Path("new/suites/evalkit.yaml").read_text())
    assert project["models"]["tuned"]["model"] == "ft:acme"
    assert project["models"]["base"]["api_key_env"] == "OPENAI_API_KEY"
    capsys.readouterr()


def test_an_endpoint_of_ones_own_needs_no_key(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answers at all are the defaults; with an address the key's default is none."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def close(question: str) -> str:
        raise EOFError(question)

    monkeypatch.setattr("builtins.input", close)
    rows = put([{**row, "user": n} for n, row in enumerate(chat(lambda n: bot(f"yes {n}")))])
    assert main(["init", str(rows), "new", "--base-url", "http://127.0.0.1:1/v1"]) == 0
    project = yaml.safe_load(Path("new/suites/evalkit.yaml").read_text())
    assert project["models"]["base"]["base_url"] == "http://127.0.0.1:1/v1"
    assert "api_key_env" not in project["models"]["base"]
    assert "60 rows" in capsys.readouterr().out


def test_a_fault_of_a_row_is_told_at_the_row(capsys: Captured) -> None:
    """What only a suite refuses is told in the training file, not in a copy that is gone."""
    rows = chat(lambda n: bot(f"yes {n}"))
    rows[40]["id"] = "a::b"
    said = refused(capsys, str(put(rows)), "new", "--heldout", "59")
    assert "tickets.jsonl:41\n" in said
    assert "'a::b'" in said


def test_a_fault_of_a_flag_is_told_at_the_file_to_be(capsys: Captured) -> None:
    """The staging folder is nobody's business."""
    rows = str(put(chat(lambda n: bot(f"yes {n}"))))
    said = refused(capsys, rows, "new", "--api-key-env", "A B")
    assert "new/suites/evalkit.yaml:" in said
    assert ".evalkit-init" not in said


def test_yes_asks_nothing(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags and defaults answer all of it."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(starting, "_ask", lambda *_: pytest.fail("asked"))
    assert main(["init", str(put(chat(lambda n: bot(f"yes {n}")))), "new", "--yes"]) == 0
    capsys.readouterr()
