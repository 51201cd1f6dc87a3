"""A run that is killed loses nothing it was told, and nobody is asked twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.integration.endpoint import Endpoint

WINDOW_S = 0.5
"""Answers this fresh at the kill may be lost: the store's 200 ms, and a busy machine's share."""


def run(project: Path) -> subprocess.Popen[bytes]:
    """Start a pytest process over the project, in a process group of its own."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--evalkit",
        "suites",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    environ = {**os.environ, "SUMS_KEY": "not-a-secret"}
    return subprocess.Popen(
        command, cwd=project, env=environ, stdout=subprocess.DEVNULL, start_new_session=True
    )


@pytest.mark.parametrize("after", [20, 150, 420])
def test_a_killed_run_goes_on_where_it_was(
    endpoint: Endpoint, sums: Callable[[Endpoint, int], Path], after: int
) -> None:
    """No stored answer is asked for again, and the decision is an undisturbed run's."""
    endpoint.delay_s = 0.02
    project = sums(endpoint, 300)
    process = run(project)
    while endpoint.calls < after:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    killed = time.monotonic()
    process.wait()

    assert run(project).wait() == 0
    resumed = (project / "reports/latest/decision.json").read_bytes()
    safe = [times for times in endpoint.answered.values() if times[0] < killed - WINDOW_S]
    assert [times for times in safe if len(times) > 1] == []
    assert len(endpoint.answered) == 600

    (project / "reports/answers.sqlite").unlink()
    assert run(project).wait() == 0
    assert (project / "reports/latest/decision.json").read_bytes() == resumed


KILLS = 20
SAFE_S = 0.2


def evalkit_run(project: Path, reports: str) -> subprocess.Popen[bytes]:
    """Start the command line over the project, in a process group of its own."""
    command = [sys.executable, "-m", "evalkit", "run", "suites", "--reports", reports]
    return subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, "SUMS_KEY": "not-a-secret"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def assert_whole(store: Path, copy: Path) -> None:
    """Check a copy of the killed process's file, so that the next one finds what it left."""
    if not store.exists():
        return  # killed before it was made
    copy.mkdir()
    for file in store.parent.glob("answers.sqlite*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy)
    with closing(sqlite3.connect(copy / store.name)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def lost(endpoint: Endpoint, lives: list[tuple[float, float]]) -> list[float]:
    """Return how long before its asker's death each answer was sent that was asked for again.

    ``lives`` are the processes' begins and ends. Who was dead when asked or answered has lost
    nothing: a request may lie in a socket for a while.
    """
    return [
        end - answered
        for question, answers in endpoint.answered.items()
        for answered in answers
        for begin, end in lives
        if begin < max(asked for asked in endpoint.asked[question] if asked < answered) < end
        and answered < end < max(endpoint.asked[question])
    ]


@pytest.mark.slow
def test_a_run_killed_twenty_times_asks_nothing_twice_that_it_could_keep(
    endpoint: Endpoint, sums: Callable[[Endpoint, int], Path], tmp_path: Path
) -> None:
    """Only answers of the last moments before a kill are asked for again; the file stays whole."""
    endpoint.delay_s = 0.02
    project, dice = sums(endpoint, 1000), Random(9)  # noqa: S311 - moments, not secrets
    lives = []
    for number in range(KILLS):
        target, more_s = endpoint.calls + dice.randint(0, 180), dice.uniform(0, 0.05)
        begun = time.monotonic()
        process = evalkit_run(project, "reports")
        while endpoint.calls < target:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.001)
        time.sleep(more_s)
        lives.append((begun, time.monotonic()))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert_whole(project / "reports/answers.sqlite", tmp_path / f"copy-{number}")
    assert evalkit_run(project, "reports").wait() == 0

    again = lost(endpoint, lives)
    assert max(again) < SAFE_S
    assert len(endpoint.answered) == 2000

    resumed = (project / "reports/latest/decision.json").read_bytes()
    assert evalkit_run(project, "undisturbed").wait() == 0
    assert (project / "undisturbed/latest/decision.json").read_bytes() == resumed


def test_interrupting_keeps_every_answer(
    endpoint: Endpoint, sums: Callable[[Endpoint, int], Path]
) -> None:
    """Ctrl-C ends the run in seconds with pytest's exit code; the next run asks the rest."""
    # Slow enough that a starved machine still interrupts it in the middle.
    endpoint.delay_s = 0.3
    project = sums(endpoint, 200)
    process = run(project)
    while endpoint.calls < 50:
        assert process.poll() is None, "the run ended before it could be interrupted"
        time.sleep(0.005)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == pytest.ExitCode.INTERRUPTED
    assert time.monotonic() - started < 10
    before = endpoint.calls
    assert run(project).wait() == 0
    # A call under way at the interrupt may have been answered to nobody.
    assert endpoint.calls - before <= 400 - before + 2 * 16


def test_the_key_reaches_the_endpoint_and_nothing_else(
    endpoint: Endpoint, sums: Callable[[Endpoint, int], Path]
) -> None:
    """The key goes out in the header, and stands in no file of the run or the store."""
    project = sums(endpoint, 20)
    assert run(project).wait() == 0
    assert set(endpoint.keys) == {"Bearer not-a-secret"}
    written = [p for p in (project / "reports").rglob("*") if p.is_file()]
    assert [p for p in written if b"not-a-secret" in p.read_bytes()] == []
