"""The batch lane over a project of sums: sent, looked at, collected, and then run for nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.cli import main
from tests.integration.batch_endpoint import BatchEndpoint, answer, serving_batches
from tests.integration.sums import write_sums

Captured = pytest.CaptureFixture[str]
CASES = 6


@pytest.fixture
def endpoint() -> Iterator[BatchEndpoint]:
    """Serve an endpoint with a Batch API."""
    with serving_batches() as running:
        yield running


@pytest.fixture(autouse=True)
def here(endpoint: BatchEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a project of sums behind the endpoint."""
    folder = write_sums(tmp_path, endpoint.url, CASES)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SUMS_KEY", "sk-secret")
    monkeypatch.setattr("evalkit.clients.batches.RETRIES", 0)
    monkeypatch.setattr("evalkit.cli.batch.POLL_S", 0.01)
    return folder


def submit(*words: str) -> int:
    """Send what is open."""
    return main(["batch", "submit", "suites", *words])


def notes() -> list[Path]:
    """Return the files of batches that are not collected."""
    return sorted(Path("reports/batches").iterdir())


def test_a_run_after_collecting_asks_nobody_and_decides_as_a_direct_one(
    endpoint: BatchEndpoint,
) -> None:
    """Equal answers give equal bytes, whichever way they came; another process collects them."""
    assert submit() == 0
    endpoint.work()
    collect = [sys.executable, "-m", "evalkit", "batch", "collect"]
    assert subprocess.run(collect, check=False, capture_output=True).returncode == 0
    code = main(["run", "suites"])
    assert endpoint.calls == 0
    assert main(["run", "suites", "--reports", "direct"]) == code
    assert endpoint.calls == 2 * CASES
    batch, direct = (Path(at, "latest/decision.json") for at in ("reports", "direct"))
    assert batch.read_bytes() == direct.read_bytes()


def test_what_is_sent_is_what_the_batch_api_takes(endpoint: BatchEndpoint) -> None:
    """One model a file, the model's name in the body, the key in the header and nowhere else."""
    assert submit() == 0
    assert len(endpoint.batches) == 2
    assert {row["url"] for row in endpoint.requests} == {"/v1/chat/completions"}
    assert {row["body"]["model"] for row in endpoint.requests} == {"base", "tuned"}
    assert [b["completion_window"] for b in endpoint.batches.values()] == ["24h", "24h"]
    assert endpoint.keys == {"Bearer sk-secret"}
    kept = b"".join(path.read_bytes() for path in notes())
    assert b"sk-secret" not in kept
    assert b"1 + 2" not in kept


def test_nothing_is_sent_that_is_stored_or_on_its_way(
    endpoint: BatchEndpoint, capsys: Captured
) -> None:
    """A second submit sends nothing; a larger one what is new; after collecting, nothing again."""
    assert submit("--limit", "2") == 0
    assert submit("--limit", "2") == 0
    assert "0 requests; 0 answers stored before, 4 on the way" in capsys.readouterr().out
    assert submit() == 0
    assert len(endpoint.requests) == 2 * CASES
    assert len({row["custom_id"] for row in endpoint.requests}) == 2 * CASES
    endpoint.work()
    assert main(["batch", "collect"]) == 0
    assert submit() == 0
    assert len(endpoint.requests) == 2 * CASES


def test_equal_requests_are_sent_once(endpoint: BatchEndpoint, here: Path) -> None:
    """Two cases that ask the very same are one line."""
    rows = here / "suites/sums/sums.jsonl"
    rows.write_text(rows.read_text() + rows.read_text().replace('"id": "s', '"id": "again'))
    assert submit() == 0
    assert len(endpoint.requests) == 2 * CASES


def test_files_hold_no_more_than_the_limit(
    endpoint: BatchEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six requests to each model at four a file are two files each, and all are collected."""
    monkeypatch.setattr("evalkit.pipeline.batch.MOST_REQUESTS", 4)
    assert submit() == 0
    assert [b["request_counts"]["total"] for b in endpoint.batches.values()] == [4, 2, 4, 2]
    endpoint.work()
    assert main(["batch", "collect"]) == 0
    assert notes() == []


def test_status_tells_how_far_the_batches_are(endpoint: BatchEndpoint, capsys: Captured) -> None:
    """As a table and as JSON; once collected, none is left."""
    assert submit() == 0
    capsys.readouterr()
    assert main(["batch", "status", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(r["batch"], r["model"], r["state"], r["total"]) for r in rows] == [
        ("batch_0", "base", "validating", CASES),
        ("batch_1", "tuned", "validating", CASES),
    ]
    endpoint.work()
    assert main(["batch", "status"]) == 0
    assert "completed" in capsys.readouterr().out
    assert main(["batch", "collect"]) == 0
    capsys.readouterr()
    assert main(["batch", "status"]) == 0
    assert capsys.readouterr().out == "no batch is open\n"


def test_collecting_early_or_twice_is_harmless(endpoint: BatchEndpoint, capsys: Captured) -> None:
    """Exit code 4 as long as a batch is open; what was collected is not fetched again."""
    assert submit() == 0
    assert main(["batch", "collect"]) == 4
    assert "2 batches open: 0 of 12 done" in capsys.readouterr().out
    endpoint.work()
    assert main(["batch", "collect"]) == 0
    assert capsys.readouterr().out.count("6 answers stored") == 2
    assert main(["batch", "collect"]) == 0
    assert capsys.readouterr().out == "no batch is open\n"


def test_cancelled_batches_bring_what_was_answered_before(
    endpoint: BatchEndpoint, capsys: Captured
) -> None:
    """No request is answered from then on; what was is collected, and the rest counts as open."""
    assert submit() == 0
    capsys.readouterr()
    assert main(["batch", "cancel"]) == 0
    assert capsys.readouterr().out.count("cancelling") == 2
    endpoint.fate = lambda text: "" if text == "1 + 2" else "expired"
    endpoint.work(status="cancelled")
    assert main(["batch", "cancel"]) == 0
    assert main(["batch", "collect"]) == 0
    assert capsys.readouterr().out.count("1 answer stored") == 2
    main(["run", "suites"])
    assert endpoint.calls == 2 * (CASES - 1)


def test_a_run_says_what_it_would_pay_twice(endpoint: BatchEndpoint, capsys: Captured) -> None:
    """What is on the way in a batch is told before it is asked; not once it is collected."""
    assert submit("--limit", "2") == 0
    capsys.readouterr()
    main(["run", "suites", "--limit", "1"])
    assert "2 requests on the way in a batch would be paid twice" in capsys.readouterr().err
    endpoint.work()
    assert main(["batch", "collect"]) == 0
    main(["run", "suites"])
    assert "paid twice" not in capsys.readouterr().err


def test_collect_waits_until_all_are_done(
    endpoint: BatchEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks again after each pause, in which the batches end."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        endpoint.work()

    assert submit() == 0
    monkeypatch.setattr("evalkit.cli.batch.time.sleep", sleep)
    assert main(["batch", "collect", "--wait"]) == 0
    assert len(pauses) == 1


def test_expired_and_failed_requests_are_counted_and_asked_again(
    endpoint: BatchEndpoint, capsys: Captured
) -> None:
    """By kind, with the first reason; the next submit sends these alone."""
    endpoint.fate = lambda text: {"1 + 2": "expired", "2 + 4": "500"}.get(text, "")
    assert submit() == 0
    endpoint.work(status="expired")
    capsys.readouterr()
    assert main(["batch", "collect"]) == 0
    out = capsys.readouterr().out
    assert out.count("1 expired, to be asked again: not done in time") == 2
    assert out.count("1 server, to be asked again: the batch answered 500: no") == 2
    endpoint.fate = lambda _: ""
    before = len(endpoint.requests)
    assert submit() == 0
    again = [row["body"]["messages"][-1]["content"] for row in endpoint.requests[before:]]
    assert again == ["1 + 2", "2 + 4"] * 2


def test_a_run_asks_what_a_batch_left_open(endpoint: BatchEndpoint) -> None:
    """Only what expired is asked one by one."""
    endpoint.fate = lambda text: "expired" if text == "1 + 2" else ""
    assert submit() == 0
    endpoint.work(status="expired")
    assert main(["batch", "collect"]) == 0
    main(["run", "suites"])
    assert endpoint.calls == 2


def test_a_batch_that_was_refused_says_why(endpoint: BatchEndpoint, capsys: Captured) -> None:
    """All of its requests are open again, and nobody waits for it."""
    assert submit() == 0
    for batch in endpoint.batches.values():
        batch |= {"status": "failed", "errors": {"data": [{"line": 3, "message": "bad field"}]}}
    capsys.readouterr()
    assert main(["batch", "collect"]) == 0
    assert "6 not_taken, to be asked again: line 3: bad field" in capsys.readouterr().out
    assert submit() == 0
    assert len(endpoint.batches) == 4


def test_a_download_that_breaks_off_is_not_taken(endpoint: BatchEndpoint, capsys: Captured) -> None:
    """Nothing of it is stored, and the batch stays: the same command again takes all."""
    assert submit() == 0
    endpoint.work()
    endpoint.broken = True
    capsys.readouterr()
    assert main(["batch", "collect"]) == 2
    told = capsys.readouterr()
    assert "a whole answer" in told.err
    assert "answers stored" not in told.out
    assert len(notes()) == 2
    endpoint.broken = False
    assert main(["batch", "collect"]) == 0
    assert notes() == []


def test_a_batch_made_unheard_of_is_not_made_again(endpoint: BatchEndpoint) -> None:
    """The connection broke once it was: the next submit finds it and sends the rest."""
    endpoint.deaf = True
    assert submit() == 2
    endpoint.deaf = False
    assert submit() == 0
    assert len(endpoint.batches) == 2
    assert len({row["custom_id"] for row in endpoint.requests}) == 2 * CASES
    endpoint.work()
    assert main(["batch", "collect"]) == 0
    assert notes() == []


def test_a_file_of_which_no_batch_was_made_is_sent_again(endpoint: BatchEndpoint) -> None:
    """It broke before: the endpoint knows of none, so the requests are not on their way."""
    endpoint.deaf = True
    assert submit() == 2
    endpoint.deaf = False
    endpoint.batches.clear()
    assert submit() == 0
    assert len(endpoint.batches) == 2


def test_an_endpoint_without_a_batch_api_names_export(
    endpoint: BatchEndpoint, capsys: Captured
) -> None:
    """The 404 is told in three parts."""
    endpoint.has_api = False
    assert submit() == 2
    err = capsys.readouterr().err
    assert f"needed: a Batch API at {endpoint.url}" in err
    assert "404" in err
    assert "evalkit batch export" in err


def test_one_lost_batch_stops_no_other(endpoint: BatchEndpoint, capsys: Captured) -> None:
    """A batch that the endpoint does not know is told; the other is collected."""
    assert submit() == 0
    endpoint.work()
    del endpoint.batches["batch_0"]
    assert main(["batch", "collect"]) == 2
    told = capsys.readouterr()
    assert "needed: the batch batch_0" in told.err
    assert "batch_1 (tuned): 6 answers stored" in told.out


def test_a_batch_whose_model_has_moved_is_told(
    endpoint: BatchEndpoint, here: Path, capsys: Captured
) -> None:
    """Its answers are those of another model than the project's now."""
    assert submit() == 0
    project = here / "suites/evalkit.yaml"
    project.write_text(project.read_text().replace("model: tuned", "model: other"))
    assert main(["batch", "status"]) == 2
    assert "'tuned' as it was when the batch was sent" in capsys.readouterr().err
    endpoint.work()
    assert main(["batch", "collect"]) == 2
    assert "batch_0 (base): 6 answers stored" in capsys.readouterr().out


def test_a_budget_that_could_be_passed_sends_nothing(
    endpoint: BatchEndpoint, capsys: Captured
) -> None:
    """A batch cannot be stopped at the limit as a run can."""
    assert submit("--budget", "requests=11") == 2
    assert "requests: 11" in capsys.readouterr().err
    assert endpoint.batches == {}
    assert submit("--budget", "requests=12") == 0


def test_cost_and_times_of_answers_out_of_a_batch(endpoint: BatchEndpoint, here: Path) -> None:
    """They cost half unless the price says otherwise, and how long one took is not known."""
    project = here / "suites/evalkit.yaml"
    text = project.read_text().replace("model: base,", "model: base, price: {input: 1000000},")
    text = text.replace("model: tuned,", "model: tuned, price: {input: 1000000, batch: 0.25},")
    project.write_text(text)
    assert submit() == 0
    endpoint.work()
    assert main(["batch", "collect"]) == 0
    main(["run", "suites"])
    models = json.loads(Path("reports/latest/manifest.json").read_bytes())["models"]
    assert [m["input_tokens"] for m in models] == [3 * CASES, 3 * CASES]
    assert [m["cost"] for m in models] == [1.5 * CASES, 0.75 * CASES]
    assert [m["median_latency_s"] for m in models] == [None, None]


def run_batch(file: Path, out: Path, *, skip: str = "") -> Path:
    """Answer a file of requests as `vllm run-batch` does, but for the one of the text ``skip``."""
    rows = []
    for request in map(json.loads, file.read_bytes().splitlines()):
        body = request["body"]
        refused = body["messages"][-1]["content"] == skip
        rows.append(
            {
                "id": "vllm-1",
                "custom_id": request["custom_id"],
                "response": {
                    "status_code": 400 if refused else 200,
                    "request_id": "vllm-batch-1",
                    "body": None if refused else answer(body),
                },
                "error": {"error": {"message": "no", "code": 400}} if refused else None,
            }
        )
    out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return out


def test_exported_files_come_back_without_an_account(
    endpoint: BatchEndpoint, monkeypatch: pytest.MonkeyPatch, here: Path, capsys: Captured
) -> None:
    """No key, no call: the run finds every answer; the same files again are harmless."""
    monkeypatch.delenv("SUMS_KEY")
    assert main(["batch", "export", "suites", "--out", "out"]) == 0
    files = sorted((here / "out").iterdir())
    assert [file.name for file in files] == ["base-1.jsonl", "tuned-1.jsonl"]
    answers = [str(run_batch(file, here / f"answers-{file.name}")) for file in files]
    assert main(["batch", "collect", *answers]) == 0
    assert notes() == []
    capsys.readouterr()
    assert main(["batch", "collect", *answers]) == 0
    assert capsys.readouterr().out.count("0 answers stored, 6 stored before") == 2
    main(["run", "suites"])
    assert endpoint.calls == 0
    assert json.loads(Path("reports/latest/decision.json").read_bytes())["outcome"] != "incomplete"


def test_odd_lines_are_told_by_file_and_line_and_stop_nothing(here: Path, capsys: Captured) -> None:
    """Malformed lines, strangers' answers, refused requests and a cut off end."""
    assert main(["batch", "export", "suites", "--out", "out", "--models", "base,tuned"]) == 0
    out = run_batch(here / "out/base-1.jsonl", here / "a.jsonl", skip="1 + 2")
    lines = out.read_text().splitlines(keepends=True)
    stranger = json.dumps({"custom_id": "who", "response": None, "error": None}) + "\n"
    out.write_text("".join(["no json\n", stranger, *lines[:-1], lines[-1][:40]]))
    capsys.readouterr()
    assert main(["batch", "collect", "a.jsonl"]) == 0
    told = capsys.readouterr().out
    assert "a.jsonl: 4 answers stored" in told
    assert "1 bad_request, to be asked again: the batch answered 400: no" in told
    assert "a.jsonl:1: no line of a batch: no json" in told
    assert "a.jsonl:2: nothing was asked as who" in told
    assert "a.jsonl:8: no line of a batch" in told
    assert main(["batch", "status"]) == 0
    assert "exported" in capsys.readouterr().out


def test_export_wants_an_empty_folder(here: Path, capsys: Captured) -> None:
    """A file of an earlier export would be taken for one of this."""
    (here / "out").mkdir()
    (here / "out/base-2.jsonl").write_text("")
    assert main(["batch", "export", "suites", "--out", "out"]) == 2
    assert "an empty folder" in capsys.readouterr().err


def test_models_without_a_batch_api_are_left_to_the_run(here: Path, capsys: Captured) -> None:
    """They are named; with none of the others it is an error."""
    project = here / "suites/evalkit.yaml"
    lines = project.read_text().splitlines()
    script = "options: {answers: {}, default: '1'}"
    lines[2] = f"  base: {{role: base, client: scripted, model: s, {script}}}"
    project.write_text("\n".join(lines))
    assert submit() == 0
    assert "left to `evalkit run`: base (client: scripted)" in capsys.readouterr().out
    lines[3] = f"  tuned: {{role: candidate, client: scripted, model: t, {script}}}"
    project.write_text("\n".join(lines))
    assert submit() == 2
    assert "a model that a batch can ask" in capsys.readouterr().err
