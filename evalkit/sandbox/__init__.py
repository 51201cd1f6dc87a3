"""Untrusted Python code, run with tests in a confined process of its own.

Where Linux lets this user make namespaces, the process has no network, reaches no other processes,
and can write nowhere. Elsewhere only limits hold: time, memory, processes, no file longer than 0
bytes. The code then runs as this user (root's as nobody): it can read what the user can, the
environment of this very process through /proc included, and end the user's processes. `isolation`
tells which of the two it is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Isolation = Literal["namespace", "none"]

GRACE_S = 10.0
"""How long the program may take beside the tests before it is killed."""

_TRIES = 3
_PROGRAM = Path(__file__).with_name("inside.py")
_HIDDEN = ("/run", "/var/tmp", "/dev/shm", "/dev/pts", "/tmp")  # noqa: S108  (hidden, never written)
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    # A thread for each core would count as a process each.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class SandboxError(Exception):
    """The confined process could not be had; the text says why. The code is not to blame."""


@dataclass(frozen=True, slots=True)
class UnitTest:
    """Python code that raises if the code under test is wrong, or a function in it that does."""

    source: str
    call: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What all tests together may take (``timeout_s``), and each of their processes."""

    timeout_s: float = 10.0
    memory_mb: int = 1024
    processes: int = 16


@dataclass(frozen=True, slots=True)
class Result:
    """Whether a test passed, and if not, why in a line."""

    passed: bool
    why: str = ""


def run_tests(code: str, tests: Sequence[UnitTest], limits: Limits) -> list[Result]:
    """Return the result of each test on ``code``, in their order.

    Every test starts anew with the code, whose names are its own. A test that ends its process,
    or is not done within the time limit, has not passed.

    Raises:
        SandboxError: the process could not be started or confined.
    """
    return _run(code, tests, limits, isolate=isolation() == "namespace")


@cache
def isolation() -> Isolation:
    """Return what keeps code apart on this machine, found out once by trying.

    A busy machine may fail to start a process, so "none" is what three tries came to.
    """
    return "namespace" if any(_is_kept_apart() for _ in range(_TRIES)) else "none"


def _is_kept_apart() -> bool:
    try:
        [tried] = _run("", [UnitTest("assert True")], Limits(), isolate=True)
    except SandboxError:
        return False
    return tried.passed


def _run(code: str, tests: Sequence[UnitTest], limits: Limits, *, isolate: bool) -> list[Result]:
    hidden = [*_HIDDEN, str(Path.cwd()), os.path.expanduser("~")]  # noqa: PTH111  (may not be there)
    task = {"code": code, "tests": [asdict(test) for test in tests], **asdict(limits)}
    task |= {"isolate": isolate, "hidden": [folder for folder in hidden if folder != "/"]}
    lines = _talk(json.dumps(task).encode(), limits.timeout_s + GRACE_S)
    told: list[dict[str, Any]] = [json.loads(line) for line in lines[1:]]
    broken = [each["why"] for each in told if each["passed"] is None]
    if broken:
        raise SandboxError(f"the code could not be confined: {broken[0]}")
    results = [Result(**each) for each in told]
    rest = len(tests) - len(results)
    return results + [Result(passed=False, why="the run ended before this test")] * rest


def _talk(task: bytes, timeout_s: float) -> list[bytes]:
    """Start the program, give it the task, and return the whole lines that it said."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        try:
            process = subprocess.Popen(  # noqa: S603  (this interpreter and a file beside this one)
                [sys.executable, "-s", "-P", "-B", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"no process could be started: {error}") from error
        try:
            said, complained = process.communicate(task, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            said, complained = b"", b"it did not end in time"
        finally:
            _kill(process)
    lines = [line for line in said.splitlines(keepends=True) if line.endswith(b"\n")]
    if not lines or lines[0] != b'"ready"\n':
        why = complained.decode(errors="replace").strip().rpartition("\n")[2]
        raise SandboxError(f"the code could not be confined: {why or 'no answer'}")
    return lines


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
