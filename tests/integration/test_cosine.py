"""Cosines over a whole run: embeddings are asked, stored and shared like a judge's verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.errors import FileFaults
from evalkit.loader import load
from evalkit.model import Grade, Record, Ungraded
from evalkit.store import RunFolder
from tests.integration.endpoint import Asked, Endpoint, Reaction, response, serving
from tests.integration.sums import write_sums

CASES = 12
EMBEDS = {"endpoint": "embeddings"}
PATH = "/v1/embeddings"


def embedding(asked: Asked, vector: object = None) -> Reaction | None:
    """Answer as a model in which numbers point one way and words another."""
    if asked.model != "embedder":
        return None
    found = vector or ([0.6, 0.8, 0.0] if asked.text.isdigit() else [0.8, -0.6, 0.0])
    body = {
        "object": "list",
        "model": "embedder-2",
        "data": [{"object": "embedding", "index": 0, "embedding": found}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
    return Reaction(response(200 if asked.path == PATH else 404, body))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Serve both models and one of embeddings."""
    with serving() as running:
        running.react = embedding
        yield running


@pytest.fixture(autouse=True)
def here(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a project of sums that are graded by the cosine."""
    folder = write_sums(tmp_path, endpoint.url, CASES)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SUMS_KEY", "sk-secret")
    write(folder, endpoint)
    return folder


def write(
    folder: Path, endpoint: Endpoint, grader: str = "type: cosine, threshold: 0.9", **judge: Any
) -> None:
    """Put a model of embeddings into the project and the grader into the suite, as the score."""
    reach = {"client": "openai", "model": "embedder", "base_url": endpoint.url}
    said = {"default": {**reach, "api_key_env": "SUMS_KEY", "options": EMBEDS, **judge}}
    project = folder / "suites/evalkit.yaml"
    text = project.read_text().partition("judges:")[0]
    project.write_text(f"{text}judges: {json.dumps(said)}\n")
    suite = folder / "suites/sums/sums.yaml"
    head = suite.read_text().partition("graders:")[0]
    suite.write_text(f"{head}graders: [{{name: near, {grader}}}]\nscore: near\n")


def run(*words: str) -> list[Record]:
    """Run the project and return its records."""
    main(["run", "suites", "-q", *words])
    return list(RunFolder.open(Path("reports/latest")).read_records())


def test_every_answer_is_compared_with_its_reference(endpoint: Endpoint) -> None:
    """Right sums have the reference's embedding; each text is asked about once."""
    records = run()
    scores = {(r.model, r.case): r.score for r in records}
    assert {scores["tuned", f"s{i}"] for i in range(CASES)} == {1.0}
    assert [scores["base", f"s{i}"] for i in range(CASES)] == [float(i % 3 == 0) for i in range(12)]
    grade = records[0].grades["near"]
    assert isinstance(grade, Grade)
    assert grade.detail["judges"] == ["embedder-2"]
    asked = {text: len(times) for (m, text), times in endpoint.asked.items() if m == "embedder"}
    assert asked == dict.fromkeys([*(str(3 * i) for i in range(CASES)), "no idea"], 1)


def test_embeddings_are_stored(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run asks nobody and decides the same; grading again needs no key."""
    run()
    first = Path("reports/latest/decision.json").read_bytes()
    calls = endpoint.calls
    run()
    assert endpoint.calls == calls
    assert Path("reports/latest/decision.json").read_bytes() == first
    monkeypatch.delenv("SUMS_KEY")
    main(["grade", "reports/latest"])
    assert endpoint.calls == calls
    assert Path("reports/latest/decision.json").read_bytes() == first


def test_the_report_names_the_model(here: Path) -> None:
    """As it names a judge, by the name under which it answered; there is no prompt to show."""
    run()
    report = (here / "reports/latest/report.html").read_text()
    assert "embedder-2" in report
    assert "what the judge is told" not in report
    decision = json.loads((here / "reports/latest/decision.json").read_text())
    [judge] = decision["comparisons"][0]["suites"][0]["judges"]
    assert (judge["asked_as"], judge["answered_as"]) == ("embedder", ["embedder-2"])
    assert judge["judged"] == 2 * CASES


def test_an_endpoint_that_fails_is_no_low_score(endpoint: Endpoint) -> None:
    """Its answers are ungraded with its error, and the run is incomplete."""
    bad = Reaction(response(400, {"error": {"message": "no", "code": None}}))
    endpoint.react = lambda asked: bad if asked.model == "embedder" else None
    assert main(["run", "suites", "-q"]) == 4
    records = list(RunFolder.open(Path("reports/latest")).read_records())
    assert {record.score for record in records} == {None}
    assert {type(record.grades["near"]) for record in records} == {Ungraded}


def test_a_zero_vector_is_no_low_score(endpoint: Endpoint) -> None:
    """Nor is it an error of the endpoint."""
    endpoint.react = lambda asked: embedding(asked, [0.0, 0.0])
    assert {record.score for record in run()} == {None}


def test_a_plan_counts_embeddings(capsys: pytest.CaptureFixture[str]) -> None:
    """At most two a model's answer: the answer's and the reference's."""
    main(["run", "suites", "--limit", "3"])
    assert "18 requests to 3 models" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("grader", "options"),
    [("type: cosine, threshold: 0.9", {}), ("type: rubric, rubric: x", EMBEDS)],
)
def test_a_judge_of_another_kind_is_refused(
    endpoint: Endpoint, here: Path, *, grader: str, options: dict[str, str]
) -> None:
    """Before any call: words have no cosine, and embeddings no verdict."""
    write(here, endpoint, grader, options=options)
    with pytest.raises(FileFaults) as raised:
        load(here / "suites/evalkit.yaml", policy_file=None, environ={})
    [fault] = raised.value.faults
    kind = "that answers in words" if options else "with endpoint: embeddings"
    assert fault.needed == f"a judge of the project {kind} for the grader 'near'"
    assert fault.got == f"judge: default, which has endpoint: {options.get('endpoint', 'chat')}"
    assert ("gpt-4.1" if options else "options: {endpoint: embeddings}") in fault.instead
    assert main(["run", "suites"]) == 2
    assert endpoint.calls == 0


def test_a_stream_takes_no_cosines(endpoint: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    """As it takes no judges."""
    assert main(["run", "suites", "--stream"]) == 2
    assert "sums/near" in capsys.readouterr().err
    assert endpoint.calls == 0
