"""Untrusted code: what it can do, with namespaces and with limits only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit import sandbox
from evalkit.sandbox import Isolation, Limits, Result, SandboxError, UnitTest, isolation, run_tests

SYSTEM_PYTHON = Path("/usr/bin/python3")
BOTH = pytest.mark.parametrize("run", ["namespace", "none"], indirect=True)
APART = pytest.mark.parametrize("run", ["namespace"], indirect=True)
HOLDS = "assert True"

Run = Callable[..., Result]


@pytest.fixture
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a way to run code with one test, apart like this; skip where that cannot be."""
    wanted: Isolation = request.param
    if wanted == "namespace" and isolation() == "none":
        pytest.skip("this system lets the user make no namespaces")
    monkeypatch.setattr(sandbox, "isolation", lambda: wanted)
    if wanted == "none" and os.getuid() == 0:
        # Root's own interpreter need not be readable for the user that the code runs as.
        if not SYSTEM_PYTHON.exists():
            pytest.skip("no interpreter that everybody can read")
        monkeypatch.setattr(sys, "executable", str(SYSTEM_PYTHON))

    def run_one(code: str, test: str = HOLDS, **limits: float) -> Result:
        [result] = run_tests(code, [UnitTest(test)], Limits(**limits))  # type: ignore[arg-type]
        return result

    return run_one


@BOTH
def test_tests_pass_and_fail(run: Run) -> None:
    """The test sees the code's names, and it is a module too; a failure names its line."""
    code = "def add(a, b):\n    return a + b\n"
    assert run(code, "assert add(1, 2) == 3") == Result(passed=True)
    assert run(code, "from answer import add as f\nassert f(1, 2) == 3").passed
    assert run(code, "assert add(1, 2) == 4").why == "AssertionError in: assert add(1, 2) == 4"
    assert run("1/0").why == "the code raised ZeroDivisionError: division by zero in: 1/0"


@BOTH
@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import sys; sys.exit(0)",
        "raise SystemExit",
        "exit()",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os; os.execv('/bin/true', ['true'])",
        'print(\'{"secret": "", "passed": true, "why": ""}\'); import os; os._exit(0)',
        "import os\nfor n in range(3, 64):\n    try: os.write(n, b'{\"passed\": true}\\n')\n"
        "    except OSError: pass\nos._exit(0)",
        "def broken(:",
        "\0",
        "\ud800",
        "(" * 10_000,
        "def f(): f()\nf()",
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
    ],
)
def test_code_that_leaves_before_the_tests_has_not_passed(run: Run, code: str) -> None:
    """However it ends, and whatever it says."""
    result = run(code)
    assert not result.passed
    assert result.why


@BOTH
def test_a_test_that_is_left_has_not_passed(run: Run) -> None:
    """The code may also leave when it is called."""
    assert not run("import os\ndef f(): os._exit(0)", "f()").passed
    assert not run("import sys\ndef f(): sys.exit(0)", "f()").passed


@BOTH
@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "while True: print('x' * 10**6)",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
        "while True: pass",
    ],
)
def test_the_time_limit_ends_everything(run: Run, code: str) -> None:
    """Loops, sleep, floods of output and of processes."""
    start = time.monotonic()
    result = run(code, timeout_s=1)
    assert result == Result(passed=False, why="not done within the time limit")
    assert time.monotonic() - start < 8


@BOTH
def test_memory_is_limited(run: Run) -> None:
    """An allocation beyond the limit fails."""
    assert "MemoryError" in run("x = bytearray(2 << 30)").why
    assert run("x = bytearray(100 << 20)", "assert len(x)").passed
    assert "MemoryError" in run("x = bytearray(100 << 20)", memory_mb=64).why


@BOTH
@pytest.mark.parametrize(
    "call", ["shmget(0, 4096, 0o1600)", "msgget(0, 0o1600)", "semget(0, 1, 0)"]
)
def test_no_memory_outside_of_every_process_is_had(run: Run, call: str) -> None:
    """What System V calls make stays when a process ends, and counts for none."""
    code = f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nmade = libc.{call}"
    assert run(code, "assert (made, ctypes.get_errno()) == (-1, 1)") == Result(passed=True)


@BOTH
def test_processes_are_limited(run: Run) -> None:
    """A fork bomb comes to its end; what it started is gone with it."""
    bomb = (
        "import os, time\ncount = 0\nwhile count < 1000:\n    try:\n        child = os.fork()\n"
        "    except OSError:\n        break\n    if child == 0:\n        time.sleep(60)\n"
        "    count += 1\n"
    )
    assert run(bomb, "assert 0 < count < 100, count", processes=16) == Result(passed=True)
    again = "import subprocess\nsubprocess.run(['/bin/true'], check=True)"
    assert run(again).passed


@BOTH
def test_a_process_that_hides_is_killed(run: Run) -> None:
    """A daemon of the code, in a session of its own, does not keep the run."""
    start = time.monotonic()
    daemon = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(60)\n    os._exit(0)\n"
    )
    assert run(daemon).passed
    assert time.monotonic() - start < 8


@BOTH
def test_no_file_is_written(run: Run, tmp_path: Path) -> None:
    """Neither beside, nor elsewhere."""
    tmp_path.chmod(0o777)
    inside = "with open('x', 'w') as file: file.write('x')"
    outside = f"with open({str(tmp_path / 'x')!r}, 'w') as file: file.write('x' * 100)"
    assert not run(inside).passed
    assert not run(outside).passed
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


@BOTH
def test_the_environment_stays_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this process reaches the code."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert run("import os", "assert 'OPENAI_API_KEY' not in os.environ").passed
    assert run("import os", "assert len(os.environ) < 8 and os.listdir('.') == []").passed


@APART
@pytest.mark.parametrize(
    "code",
    [
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)",
        "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
)
def test_there_is_no_network(run: Run, code: str) -> None:
    """Not even this machine's own."""
    assert "Network is unreachable" in run(code).why


@APART
def test_no_other_process_is_seen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent cannot be killed, nor its environment be read through /proc."""
    monkeypatch.setenv("EVALKIT_TEST_SECRET", "sk-secret")
    mine = os.getpid()
    kill = f"import os, signal\nos.kill({mine}, signal.SIGKILL)"
    assert "ProcessLookupError" in run(kill).why or "PermissionError" in run(kill).why
    everyone = "import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass\n"
    everyone += "for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):\n"
    everyone += "    try: os.kill(1, signum)\n    except OSError: pass\n"
    assert run(everyone).passed
    search = "import glob\nfound = []\nfor path in glob.glob('/proc/[0-9]*/environ'):\n    try:\n"
    search += "        with open(path, 'rb') as file: found += [b'sk-secret' in file.read()]\n"
    search += "    except OSError: pass\n"
    assert run(search, "assert not any(found)").passed


@APART
def test_no_other_process_is_listed(run: Run) -> None:
    """Where the system lets one mount /proc, it holds nothing but the code's own processes."""
    unshare = shutil.which("unshare")
    asked = [str(unshare), "-Urpf", "--mount-proc", "true"]
    if unshare is None or subprocess.run(asked, check=False).returncode:
        pytest.skip("nobody may mount /proc here")
    listed = "import os\nfound = [int(name) for name in os.listdir('/proc') if name.isdigit()]"
    assert run(listed, f"assert {os.getpid()} not in found and len(found) < 4") == Result(
        passed=True
    )


@APART
def test_nothing_is_removed_or_made(run: Run, tmp_path: Path) -> None:
    """Every folder is read-only, and no privilege is left to change that."""
    kept = tmp_path / "kept"
    kept.write_text("x")
    tmp_path.chmod(0o777)
    remove = f"import os\nos.remove({str(kept)!r})"
    assert not run(remove).passed
    assert not run(f"import os\nos.mkdir({str(tmp_path / 'new')!r})").passed
    remount = "import ctypes\nlibc = ctypes.CDLL(None)\n"
    remount += "assert libc.mount(None, b'/', None, 32 | 4096, None) != 0\n"
    remount += "libc.unshare(0x10000000 | 0x20000)\nlibc.mount(None, b'/', None, 32 | 4096, None)\n"
    remount += remove
    assert not run(remount).passed
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@APART
def test_no_other_program_brings_a_privilege_back(run: Run) -> None:
    """Root inside the namespace is nobody: what it starts has no more rights than it."""
    code = (
        "import subprocess\nrights = []\nfor command in (['grep', 'CapEff', '/proc/self/status'],"
    )
    code += " ['mount', '-o', 'remount,rw', '/'], ['mount', '-t', 'tmpfs', 'x', '/tmp']):\n"
    code += "    rights += [subprocess.run(command, capture_output=True, text=True)]\n"
    test = "assert int(rights[0].stdout.split()[1], 16) in (0, 4), rights[0].stdout\n"
    test += "assert rights[1].returncode and rights[2].returncode"
    assert run(code, test) == Result(passed=True)


@pytest.mark.parametrize("run", ["none"], indirect=True)
def test_killing_the_program_passes_no_test(run: Run) -> None:
    """Without namespaces it can be done; the tests that are left have failed."""
    result = run("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    assert result == Result(passed=False, why="the run ended before this test")


def test_each_test_starts_anew() -> None:
    """What one leaves behind, or that it crashes, is nothing to the next."""
    if isolation() == "none" and os.getuid() == 0:
        pytest.skip("root without namespaces")
    code = "seen = []"
    tests = [
        UnitTest("seen.append(1)\nassert seen == [1]"),
        UnitTest("import os; os._exit(1)"),
        UnitTest("def test_a():\n    seen.append(1)\n    assert seen == [1]", "test_a"),
        UnitTest("while True: pass"),
        UnitTest(HOLDS),
    ]
    results = run_tests(code, tests, Limits(timeout_s=1))
    assert [result.passed for result in results] == [True, False, True, False, False]
    assert results[4].why == "not reached within the time limit"


def test_a_process_that_cannot_be_had_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """No interpreter, or one that does not run the program: the code is not to blame."""
    for executable in ("/nowhere/python", "/bin/true", "/bin/false"):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(SandboxError):
            run_tests("", [UnitTest(HOLDS)], Limits())


def test_a_machine_that_is_busy_once_is_not_one_without_namespaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One process that could not be had is tried again; only then is there no isolation."""
    tries: list[list[Result] | None] = [None, [Result(passed=True)]]

    def run(*_: object, **__: object) -> list[Result]:
        found = tries.pop(0) if tries else None
        if found is None:
            raise SandboxError("no process")
        return found

    monkeypatch.setattr(sandbox, "_run", run)
    assert isolation.__wrapped__() == "namespace"
    assert isolation.__wrapped__() == "none"
