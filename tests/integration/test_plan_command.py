"""`evalkit plan`: what a run could show, before any call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main

pytestmark = pytest.mark.usefixtures("example")


def planned(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """Return what the command prints."""
    assert main(["plan", "suites", *args]) == 0
    return capsys.readouterr().out


def test_every_suite_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Rule, cases, what they can rule out, and what it takes; readable in 80 columns."""
    out = planned(capsys)
    assert max(map(len, out.splitlines())) <= 80
    head, _, greetings, sums = out.splitlines()[:4]
    assert head.split() == ["suite", "must", "cases", "flips", "sees", "needs", "passes", "falsely"]
    assert greetings.split()[:4] == ["greetings", "hold", "-10", "60"]
    assert sums.split()[:3] == ["sums", "gain", "40"]
    assert "a guess" in out
    assert "base: at most, by the length of its prompts and max_tokens" in out
    assert out.splitlines()[-1].startswith("200 requests to 2 models, at most ")


def test_nothing_is_asked_and_nothing_written(
    capsys: pytest.CaptureFixture[str], example: Path
) -> None:
    """A plan leaves no trace."""
    planned(capsys)
    assert not (example / "reports").exists()


def test_earlier_runs_replace_the_guess(capsys: pytest.CaptureFixture[str], example: Path) -> None:
    """After a run the flips are those that were seen; a damaged run is passed over."""
    main(["run", "suites"])
    capsys.readouterr()
    first = json.loads(planned(capsys, "--json"))
    assert all("earlier pairs" in suite["assumed"] for suite in first["suites"])
    broken = example / "reports" / "99999999T000000Z-ffff"
    broken.mkdir()
    (broken / "manifest.json").write_text("{}")
    (broken / "decision.json").write_text("{")
    assert json.loads(planned(capsys, "--json")) == first


def test_a_plan_of_one_suite(capsys: pytest.CaptureFixture[str]) -> None:
    """The path says which suites are meant."""
    assert main(["plan", "suites/sums", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [suite["suite"] for suite in found["suites"]] == ["sums"]


def test_a_plan_of_more_samples(capsys: pytest.CaptureFixture[str]) -> None:
    """Samples, the base asked twice and a limit count as they would in a run."""
    requests = [
        json.loads(planned(capsys, "--json", *words))["estimate"]["models"]
        for words in ([], ["--samples", "3"], ["--aa"], ["--limit", "2"])
    ]
    plain, thrice, noise, few = ({m["model"]: m["requests"] for m in ms} for ms in requests)
    assert thrice == {name: 3 * number for name, number in plain.items()}
    assert noise == {**plain, "base": 2 * plain["base"]}
    assert set(few.values()) == {2 * 2}


def test_a_whole_run_tells_more_than_one_that_stopped(
    capsys: pytest.CaptureFixture[str], example: Path
) -> None:
    """Flips come from the newest run that asked the suite whole, though a stopped one is newer."""
    main(["run", "suites"])
    capsys.readouterr()
    first = json.loads(planned(capsys, "--json"))
    newest = example / "reports" / "99999999T000000Z-ffff"
    newest.mkdir()
    (whole,) = (example / "reports").glob("2*/decision.json")
    decision = json.loads(whole.read_text())
    for suite in decision["comparisons"][0]["suites"]:
        suite["n"], suite["flips"] = 8, dict.fromkeys(suite["flips"], 2)
        suite["stopping"] = {
            "planned": 40,
            "asked": 8,
            "answer": "proven",
            "by": "betting",
            "width_ratio": 2.0,
        }
    (newest / "decision.json").write_text(json.dumps(decision))
    (newest / "manifest.json").write_text("{}")
    assert json.loads(planned(capsys, "--json"))["suites"] == first["suites"]
