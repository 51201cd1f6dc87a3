"""Conversations over whole runs: three turns of two models, asked one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.model import Failure, Limits, Record, Reply
from evalkit.runner.lane import LEAD
from evalkit.store import RunFolder
from tests.integration.endpoint import Asked, Endpoint, Reaction, completion, response, serving

CASES = 12
TURNS = 3
ALL = 2 * CASES * TURNS
Captured = pytest.CaptureFixture[str]

SUITE = {
    "suite": "adding",
    "purpose": "target",
    "prompt": [
        {"role": "system", "content": "Keep adding."},
        {"role": "user", "content": "{{ n }}"},
    ],
    "conversation": ["{{ n }} + 1", {"user": "10"}],
    "graders": [{"name": "total", "type": "numeric"}],
    "score": "total",
}


def adding(asked: Asked) -> Reaction | None:
    """Answer with the sum of all that the user said; the base forgets its first turn."""
    if asked.model == "judge":
        return Reaction(response(200, completion("judge", '{"reasoning": "-", "verdict": 3}')))
    said = [m["content"] for m in asked.messages if m["role"] == "user"]
    known = said if asked.model == "tuned" or len(said) < TURNS else said[1:]
    total = sum(int(part) for text in known for part in text.split(" + "))
    return Reaction(response(200, completion(asked.model, str(total))))


@pytest.fixture
def seen() -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the list of model and messages of each request, filled as they come."""
    return []


@pytest.fixture
def endpoint(seen: list[tuple[str, list[Mapping[str, Any]]]]) -> Iterator[Endpoint]:
    """Serve two models that add up what they are told."""

    def react(asked: Asked) -> Reaction | None:
        seen.append((asked.model, [*asked.messages]))
        return adding(asked)

    with serving() as running:
        running.react = react
        yield running


@pytest.fixture(autouse=True)
def here(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a project of one suite of conversations."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUMS_KEY", "sk-secret")
    reach = {"client": "openai", "base_url": endpoint.url, "api_key_env": "SUMS_KEY"}
    models = {
        "base": {"role": "base", "model": "base", **reach},
        "tuned": {"role": "candidate", "model": "tuned", **reach},
    }
    write(Path("suites/evalkit.yaml"), {"version": 1, "models": models})
    write_suite()
    return tmp_path


def write(path: Path, tree: object) -> None:
    """Write a file of the project; JSON is YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree))


def write_suite(**fields: Any) -> None:
    """Write the suite with other fields than usual."""
    cases = [
        {"id": f"c{n}", "vars": {"n": n}, "expected": str(2 * n + 11)} for n in range(1, CASES + 1)
    ]
    write(Path("suites/adding.yaml"), {**SUITE, "cases": cases, **fields})


def add_judge(endpoint: Endpoint) -> None:
    """Put a judge into the project."""
    project = json.loads(Path("suites/evalkit.yaml").read_text())
    reach = {"client": "openai", "base_url": endpoint.url, "api_key_env": "SUMS_KEY"}
    write(
        Path("suites/evalkit.yaml"), {**project, "judges": {"default": {"model": "judge", **reach}}}
    )


def run(*words: str) -> list[Record]:
    """Run the project and return its records."""
    main(["run", "suites", "-q", *words])
    return list(RunFolder.open(Path("reports/latest")).read_records())


def decision() -> bytes:
    """Return the newest decision as it stands on disk."""
    return Path("reports/latest/decision.json").read_bytes()


def test_each_turn_holds_all_that_was_said_before(
    endpoint: Endpoint, seen: list[tuple[str, list[Mapping[str, Any]]]]
) -> None:
    """The model's own answers stand in the requests; the last one is graded."""
    records = run()
    assert endpoint.calls == ALL
    chats = [chat for model, chat in seen if model == "base" and chat[1]["content"] == "5"]
    longest = max(chats, key=len)
    assert [m["role"] for m in longest] == ["system", *["user", "assistant"] * 2, "user"]
    assert [m["content"] for m in longest[1:]] == ["5", "5", "5 + 1", "11", "10"]
    assert sorted(map(len, chats)) == [2, 4, 6]
    assert all(chat == longest[: len(chat)] for chat in chats)
    scores = {model: {r.score for r in records if r.model == model} for model in ("base", "tuned")}
    assert scores == {"base": {0.0}, "tuned": {1.0}}
    outcome = next(r.outcome for r in records if r.case == "c5" and r.model == "base")
    assert isinstance(outcome, Reply)
    assert outcome.text == "16"
    assert [*outcome.turns] == longest[2:]
    assert (outcome.usage.input, outcome.usage.output, outcome.tries) == (9, 3, 3)


def test_a_second_run_asks_nobody(endpoint: Endpoint) -> None:
    """It comes to the same decision, and counts the answers of every turn."""
    run()
    first = decision()
    run()
    assert endpoint.calls == ALL
    assert decision() == first
    facts = json.loads(Path("reports/latest/manifest.json").read_text())["models"]
    assert [(m["answers"], m["asked"]) for m in facts] == [(CASES * TURNS, 0)] * 2


def test_a_run_that_ended_goes_on_where_it_was(endpoint: Endpoint) -> None:
    """A budget ends it among the turns; what was answered is not asked again."""
    write(
        Path("suites/evalkit.yaml"),
        {**json.loads(Path("suites/evalkit.yaml").read_text()), "budget": {"requests": 31}},
    )
    records = run()
    assert {r.outcome.kind for r in records if isinstance(r.outcome, Failure)} == {"cancelled"}
    assert endpoint.calls == 31
    records = run("--budget", "requests=1000")
    assert endpoint.calls == ALL
    assert all(isinstance(r.outcome, Reply) for r in records)


def test_pytest_and_its_workers_come_to_the_same_decision(endpoint: Endpoint) -> None:
    """Workers follow the turns by the answers that they find, and nobody asks a second time."""
    run()
    direct = decision()
    for words in ([], ["-n", "2"]):
        code = pytest.main(["-q", "-p", "no:cacheprovider", *words, "--evalkit", "suites"])
        assert code in (0, 1)
        assert decision() == direct
    assert endpoint.calls == ALL


def test_workers_wait_for_turns_that_are_not_there_yet(endpoint: Endpoint) -> None:
    """In a first run each turn is asked once, by the process that asks."""
    words = ["-q", "-p", "no:cacheprovider", "-n", "2", "--evalkit", "suites"]
    assert pytest.main(words) in (0, 1)
    assert endpoint.calls == ALL
    made = decision()
    run()
    assert (endpoint.calls, decision()) == (ALL, made)


def test_stored_answers_are_enough_without_a_call(endpoint: Endpoint) -> None:
    """Offline, what has all turns is graded, and what lacks one is a failure."""
    run("--limit", "4")
    calls = endpoint.calls
    assert calls == 2 * 4 * TURNS
    records = run("--offline")
    assert endpoint.calls == calls
    answered = {r.case for r in records if isinstance(r.outcome, Reply)}
    assert answered == {"c1", "c2", "c3", "c4"}
    failures = [r.outcome for r in records if isinstance(r.outcome, Failure)]
    assert {failure.kind for failure in failures} == {"offline"}


@pytest.mark.parametrize("turn", [1, 2])
def test_an_early_answer_that_is_cut_off_is_no_wrong_answer(endpoint: Endpoint, turn: int) -> None:
    """The whole is a failure that names the turn, and the rest is not asked."""

    def react(asked: Asked) -> Reaction | None:
        number = sum(m["role"] == "user" for m in asked.messages)
        if asked.model == "tuned" and number == turn and asked.messages[1]["content"] == "3":
            cut = completion("tuned", "and so on", finish_reason="length")
            return Reaction(response(200, cut))
        return adding(asked)

    endpoint.react = react
    records = run()
    [failed] = [r for r in records if isinstance(r.outcome, Failure)]
    assert (failed.case, failed.model, failed.score) == ("c3", "tuned", None)
    assert isinstance(failed.outcome, Failure)
    assert failed.outcome.message.startswith(f"turn {turn} of 3: the answer was cut off")
    assert endpoint.calls == ALL - (TURNS - turn)


def test_a_cut_off_last_answer_is_an_answer(endpoint: Endpoint) -> None:
    """As in a case of one turn, the graders judge it."""
    last = 2 * TURNS

    def react(asked: Asked) -> Reaction | None:
        if asked.model == "tuned" and len(asked.messages) == last:
            cut = completion("tuned", "17", finish_reason="length")
            return Reaction(response(200, cut))
        return adding(asked)

    endpoint.react = react
    records = run()
    assert all(isinstance(r.outcome, Reply) for r in records)
    assert {r.case for r in records if r.model == "tuned" and r.score == 1.0} == {"c3"}


def test_judges_see_every_turn(endpoint: Endpoint) -> None:
    """One judges each conversation, another compares two, and a second run asks nobody."""
    add_judge(endpoint)
    graders = [
        {"name": "kind", "type": "rubric", "rubric": "Is it right?"},
        {"name": "better", "type": "pairwise"},
    ]
    write_suite(graders=graders, score="kind")
    records = run()
    assert {r.score for r in records} == {0.5}
    judged = [text for model, text in endpoint.asked if model == "judge"]
    kinds = [text for text in judged if "<<<answer" in text]
    assert len(kinds) == 2 * CASES
    [mine] = [text for text in kinds if "[user]\n5\n" in text and "\n21\n>>>answer" in text]
    question = mine.partition(">>>question")[0]
    assert "[assistant]\n5\n\n[user]\n5 + 1\n\n[assistant]\n11\n\n[user]\n10" in question
    pairs = [text for text in judged if "<<<first" in text]
    assert pairs
    assert all(text.count("[assistant]") == 2 * TURNS for text in pairs)
    calls = endpoint.calls
    first = decision()
    run()
    assert main(["grade", "reports/latest"]) in (0, 1, 3, 4)
    assert (endpoint.calls, decision()) == (calls, first)


def test_a_plan_counts_every_turn(capsys: Captured) -> None:
    """Before a run all that may be asked at most, after it nothing."""
    for asked in (CASES * TURNS, 0):
        capsys.readouterr()
        assert main(["plan", "suites", "--json"]) == 0
        models = json.loads(capsys.readouterr().out)["estimate"]["models"]
        assert [m["requests"] for m in models] == [asked] * 2
        run()


def test_the_line_before_a_run_counts_every_turn(capsys: Captured) -> None:
    """As the plan does."""
    main(["run", "suites", "--limit", "3"])
    assert f"{2 * 3 * TURNS} requests to 2 models" in capsys.readouterr().err


def test_the_report_shows_every_turn(here: Path) -> None:
    """In the flips that stand in the page as text."""
    run()
    page = (here / "reports/latest/report.html").read_text("utf-8")
    assert (
        "[assistant]\n5\n\n[user]\n5 + 1\n\n[assistant]\n11\n\n[user]\n10\n\n[assistant]\n21"
        in page
    )


def test_cases_have_turns_of_their_own(endpoint: Endpoint) -> None:
    """From a file by its map as well; an empty list is a case of one turn."""
    rows = [
        {"n": 1, "then": ["2", {"user": "3"}, "4"], "sum": "10"},
        {"n": 2, "then": [], "sum": "2"},
        {"n": 3, "then": None, "sum": "17"},
    ]
    Path("suites/rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    map_ = {"conversation": "then", "expected": "sum"}
    data = {"path": "rows.jsonl", "format": "jsonl", "map": map_}
    write_suite(cases=[{"vars": {"n": 4}, "expected": "9", "conversation": ["5"]}], datasets=[data])
    records = run()
    assert {r.score for r in records if r.model == "tuned"} == {1.0}
    assert endpoint.calls == 2 * (4 + 1 + 3 + 2)


def test_the_base_is_asked_whole_conversations_a_second_time(endpoint: Endpoint) -> None:
    """A later run carries them where every turn is stored."""
    run("--aa", "--limit", "4")
    calls = endpoint.calls
    assert calls == 3 * 4 * TURNS
    records = run("--limit", "6")
    assert endpoint.calls == calls + 2 * 2 * TURNS
    assert {r.case for r in records if r.aa} == {"c1", "c2", "c3", "c4"}


def test_early_stopping_leaves_out_whole_conversations(endpoint: Endpoint) -> None:
    """A clear gain settles the suite: cases that are left are not asked to their end."""
    cases = [{"id": f"c{n}", "vars": {"n": n}, "expected": str(2 * n + 11)} for n in range(1, 301)]
    write_suite(cases=cases)
    records = run("--stop-early")
    asked = len({r.case for r in records})
    assert 8 <= asked < 200
    assert all(isinstance(r.outcome, Reply) for r in records)
    assert endpoint.calls < 2 * 300 * TURNS


def test_a_bound_on_what_is_ahead_holds_no_turn_back(endpoint: Endpoint) -> None:
    """Where nothing is settled, all is asked, though many more cases than may be ahead are left."""

    def react(asked: Asked) -> Reaction | None:
        text = "5" if asked.model == "base" else "It is 5"
        return Reaction(response(200, completion(asked.model, text)))

    endpoint.react = react
    cases = [{"id": f"c{n}", "vars": {"n": n}, "expected": str(5 + n % 2)} for n in range(100)]
    write_suite(cases=cases)
    records = run("--stop-early")
    assert len({r.case for r in records}) > LEAD * Limits().concurrency
    assert all(isinstance(r.outcome, Reply) for r in records)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["run", "suites", "--stream"], "cases of one user turn, with --stream"),
        (["batch", "submit", "suites"], "cases of one user turn, in a batch"),
    ],
)
def test_what_cannot_follow_answers_refuses_conversations(
    endpoint: Endpoint, capsys: Captured, words: list[str], needed: str
) -> None:
    """In three parts, before any call."""
    assert main(words) == 2
    err = capsys.readouterr().err
    assert needed in err
    assert "has a conversation" in err
    assert endpoint.calls == 0


def test_a_recorded_run_answers_turn_by_turn(endpoint: Endpoint) -> None:
    """The client `replay` finds each turn in the folder of an earlier run."""
    before = run()
    folder = Path("reports/latest").resolve()
    replay = {"client": "replay", "options": {"path": str(folder)}}
    models = {
        "base": {"role": "base", "model": "base", **replay},
        "tuned": {"role": "candidate", "model": "tuned", **replay},
    }
    write(Path("suites/evalkit.yaml"), {"version": 1, "models": models})
    calls = endpoint.calls
    after = run()
    assert endpoint.calls == calls
    assert [r.score for r in after] == [r.score for r in before]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"conversation": ["{{ n }", "x"]}, "a Jinja2 template"),
        ({"conversation": ["{{ missing }}"]}, "a value for every variable of the conversation"),
        ({"conversation": []}, "conversation"),
        ({"conversation": [{"assistant": "x"}]}, "assistant"),
        ({"cases": [{"vars": {"n": 1}, "expected": "1", "conversation": [7]}]}, "7"),
    ],
)
def test_faults_are_told_with_their_place(
    endpoint: Endpoint, capsys: Captured, fields: dict[str, Any], told: str
) -> None:
    """By file and line, before any call."""
    write_suite(**fields)
    assert main(["validate", "suites"]) != 0
    out = capsys.readouterr()
    assert "suites/adding.yaml:1" in out.err + out.out
    assert told in out.err + out.out
    assert endpoint.calls == 0
