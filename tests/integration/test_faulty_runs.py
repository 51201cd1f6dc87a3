"""Whole runs against an endpoint that fails now and then: what is decided is not touched by it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from evalkit.cli import main
from evalkit.cli.commands import OUTCOME_CODES
from evalkit.model import Failure, Reply
from evalkit.store import RunFolder
from tests.integration.endpoint import Asked, Endpoint, Reaction, answer, refusing, response

CASES = 60
SHARE = 0.2

Sums = Callable[[Endpoint, int], Path]


@pytest.fixture
def project(endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sums behind the endpoint, asked with little patience."""
    monkeypatch.setenv("SUMS_KEY", "not-a-secret")
    root = sums(endpoint, CASES)
    file = root / "suites/evalkit.yaml"
    limits = "client: openai, limits: {timeout_s: 1.5, retries: 4, concurrency: 8}"
    file.write_text(file.read_text().replace("client: openai", limits))
    return root


def run(project: Path, reports: str) -> Path:
    """Run the whole project by the command line and return the folder of the run."""
    code = main(["run", str(project / "suites"), "--reports", str(project / reports)])
    assert code in OUTCOME_CODES.values()
    return project / reports / "latest"


def decision(folder: Path) -> bytes:
    """Return the bytes of what was decided."""
    return (folder / "decision.json").read_bytes()


def failures(folder: Path) -> Counter[tuple[str, str]]:
    """Count the failed records by model and kind."""
    records = RunFolder.open(folder).read_records()
    return Counter((r.model, r.outcome.kind) for r in records if isinstance(r.outcome, Failure))


PASSING = (
    refusing(429, "slow down"),
    refusing(429, "slow down", retry_after_ms="5"),
    refusing(500, "oops"),
    refusing(503, "busy"),
    refusing(408, "too slow"),
    lambda _: Reaction(response(502, b"<html>bad gateway</html>")),
    lambda _: Reaction(b"", end="reset"),
    lambda asked: Reaction(answer(asked)[:-30], end="close"),
    lambda _: Reaction(b"", wait_s=9),
)


def now_and_then(asked: Asked) -> Reaction | None:
    """Fail a fifth of all tries, in every way that may pass; the same tries in every run."""
    dice = Random(f"{asked.model} {asked.text} {asked.number}")  # noqa: S311 - which try fails
    return dice.choice(PASSING)(asked) if dice.random() < SHARE else None


@pytest.mark.usefixtures("wire", "soon")
def test_faults_that_pass_leave_no_trace_in_the_decision(endpoint: Endpoint, project: Path) -> None:
    """With a fifth of all tries failing every case is answered, and the decision the same bytes."""
    endpoint.react = now_and_then
    faulty = run(project, "faulty")
    failed = endpoint.calls - endpoint.answers
    endpoint.react = lambda _: None
    assert decision(faulty) == decision(run(project, "sound"))
    assert failures(faulty) == {}
    assert failed > SHARE * 2 * CASES / 2


LASTING = (
    (refusing(400, "maximum context length is 5"), "context_length"),
    (refusing(500, "oops"), "server"),
    (lambda _: Reaction(response(200, b"<html>")), "bad_response"),
    (lambda _: Reaction(b"", end="reset"), "refused_connection"),
)


@pytest.mark.usefixtures("soon")
def test_faults_that_last_make_a_run_incomplete_and_are_asked_again(
    endpoint: Endpoint, project: Path
) -> None:
    """Each is a row of its kind and no score; once mended, the decision is that of a sound run."""

    def lasting(asked: Asked) -> Reaction | None:
        number = int(asked.text.partition(" ")[0])
        return LASTING[number % 4][0](asked) if number < 12 else None

    endpoint.react = lasting
    faulty = run(project, "reports")
    assert failures(faulty) == {
        (model, kind): 3 for model in ("base", "tuned") for _, kind in LASTING
    }
    assert json.loads(decision(faulty))["outcome"] == "incomplete"
    endpoint.react = lambda _: None
    before = endpoint.calls
    mended = run(project, "reports")
    assert endpoint.calls == before + 2 * 12
    assert decision(mended) == decision(run(project, "sound"))


@pytest.mark.usefixtures("soon")
def test_text_of_any_kind_comes_through(endpoint: Endpoint, project: Path) -> None:
    """Half a character, a zero byte and marks of direction reach the records and the report."""
    odd = "\ud800 \x00 \u202e </script>"
    endpoint.react = lambda asked: Reaction(
        answer(asked, message={"role": "assistant", "content": odd})
    )
    folder = run(project, "reports")
    outcomes = [record.outcome for record in RunFolder.open(folder).read_records()]
    assert {outcome.text for outcome in outcomes if isinstance(outcome, Reply)} == {odd}
    assert (folder / "report.html").stat().st_size > 10_000
