"""Runs over a store that is shared, cannot be written, or is full; and clocks that jump."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from itertools import count
from pathlib import Path
from typing import Self

import pytest

from evalkit.cli import main
from evalkit.cli.commands import OUTCOME_CODES
from evalkit.cli.parser import USAGE
from tests.integration.endpoint import Endpoint, Reaction, completion, refusing, response

ONCE = ("1 + 2", 1)

Sums = Callable[[Endpoint, int], Path]
Mount = Callable[..., None]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key that the project asks for."""
    monkeypatch.setenv("SUMS_KEY", "not-a-secret")


@pytest.fixture
def mount(request: pytest.FixtureRequest) -> Mount:
    """Return a function that mounts something at a path until the test is over."""

    def mounted(path: Path, *options: str) -> None:
        done = subprocess.run(
            ["mount", *options, path], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"mounting, which only root may do: {done.stderr.strip()}")
        if not any("remount" in option for option in options):
            request.addfinalizer(lambda: subprocess.run(["umount", path], check=True))

    return mounted


def run(project: Path, reports: str = "reports") -> int:
    """Run the whole project by the command line and return its exit code."""
    return main(["run", str(project / "suites"), "--reports", str(project / reports)])


def decision(project: Path, reports: str = "reports") -> bytes:
    """Return what the newest run decided."""
    return (project / reports / "latest/decision.json").read_bytes()


@pytest.mark.slow
def test_two_runs_at_once_share_a_store(endpoint: Endpoint, sums: Sums) -> None:
    """Both come to the same decision, neither waits for the other's lock."""
    endpoint.delay_s = 0.005
    project = sums(endpoint, 100)
    command = [sys.executable, "-m", "evalkit", "run", "suites"]
    both = [subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=60)[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    decisions = [file.read_bytes() for file in project.glob("reports/2*/decision.json")]
    assert len(decisions) == 2
    assert decisions[0] == decisions[1]
    assert endpoint.calls <= 2 * 2 * 100


@pytest.mark.parametrize("what", ["reports", "reports/answers.sqlite"])
def test_what_cannot_be_written_is_told_before_any_call(
    endpoint: Endpoint,
    sums: Sums,
    mount: Mount,
    capsys: pytest.CaptureFixture[str],
    *,
    what: str,
) -> None:
    """A folder or a file that is read only: the message has its three parts and names it."""
    project = sums(endpoint, 5)
    assert run(project) in OUTCOME_CODES.values()
    before = endpoint.calls
    path = project / what
    mount(path, "--bind", str(path))
    mount(path, "-o", "remount,bind,ro")
    capsys.readouterr()
    assert run(project) == USAGE
    said = capsys.readouterr().err
    assert [part for part in ("needed: ", "got: ", "do: ", str(path)) if part not in said] == []
    assert endpoint.calls == before


def test_a_full_disk_keeps_the_answers_so_far(
    endpoint: Endpoint, sums: Sums, mount: Mount, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends with what to do about it; when there is room it goes on where it was."""
    project, reports = sums(endpoint, 200), "small"
    long = "x" * 5000
    endpoint.react = lambda asked: Reaction(
        response(200, completion(asked.model, long)), wait_s=0.05
    )
    (project / reports).mkdir()
    mount(project / reports, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    assert run(project, reports) == USAGE
    said = capsys.readouterr().err
    assert "make room" in said
    assert str(project / reports / "answers.sqlite") in said
    asked = endpoint.calls
    assert asked < 400
    mount(project / reports, "-o", "remount,size=50m")
    assert run(project, reports) in OUTCOME_CODES.values()
    # Those in flight, in the commit that failed, and in the one after it; not those before.
    assert endpoint.calls - 400 < asked
    assert run(project) in OUTCOME_CODES.values()
    assert decision(project, reports) == decision(project)


class Jumping(datetime):
    """A clock that is set forth or back by days between any two looks at it."""

    looks = count(1)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return a time that is days off."""
        return cls.fromtimestamp(1.8e9 + (-1) ** next(cls.looks) * 1e6, tz)


def test_a_clock_that_jumps_changes_nothing(
    endpoint: Endpoint, sums: Sums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waits are as long as asked for, nothing is given up early, and the decision is the same."""
    project = sums(endpoint, 40)
    assert run(project, "steady") in OUTCOME_CODES.values()
    monkeypatch.setattr(time, "time", lambda: Jumping.now().timestamp())
    for module in ("pipeline.session", "clients.refusals"):
        monkeypatch.setattr(f"evalkit.{module}.datetime", Jumping)
    day = "Thu, 01 Jan 2015 00:00:0{} GMT"
    refuse = refusing(429, "slow down", date=day.format(0), retry_after=day.format(1))
    endpoint.react = lambda asked: refuse(asked) if (asked.text, asked.number) == ONCE else None
    endpoint.asked.clear()
    assert run(project, "jumping") in OUTCOME_CODES.values()
    assert next(Jumping.looks) > 1
    assert decision(project, "jumping") == decision(project, "steady")
    manifest = json.loads((project / "jumping/latest/manifest.json").read_text())
    assert 1 <= manifest["seconds"] < 60
