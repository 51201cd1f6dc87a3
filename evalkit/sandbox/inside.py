"""The program that runs untrusted Python code with tests, and never that code in its own process.

Started by `evalkit.sandbox`, which writes the task to its standard input and reads lines of JSON
from its standard output: ``"ready"``, then ``{"passed": ..., "why": ...}`` for each test. It uses
nothing but the standard library of Python on Linux.

Each test gets a process of its own, with the code run anew. That process says how the test went in
one line that must hold a secret of this test: a process that ends early, or prints, has not passed.
The secret keeps code from passing by leaving; it does not keep out code that searches the
interpreter it runs in for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import resource
import select
import signal
import struct
import sys
import time
import types
from typing import Any

NOBODY = 65534
MOST_SAID = 4096
MOST_WHY = 300
TICK_S = 0.05

_NAMESPACES = 0x10000000 | 0x00020000 | 0x40000000 | 0x20000000 | 0x08000000 | 0x04000000
"""CLONE_NEWUSER, NEWNS, NEWNET, NEWPID, NEWIPC, NEWUTS."""
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _RDONLY = 442, -100, 0x8000, 1
_NOSUID_NODEV = 2 | 4
_PDEATHSIG, _KEEPCAPS, _SUBREAPER, _NO_NEW_PRIVS = 1, 8, 36, 38
_SECCOMP, _BY_FILTER = 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001
"""What a filter of system calls returns: go on, or EPERM."""
_OTHER_CALLS = 0x40000000
"""Where the calls of x86_64 with short pointers begin."""
_KEPT_MEMORY = {
    "x86_64": (0xC000003E, (29, 64, 68, 240)),
    "aarch64": (0xC00000B7, (194, 190, 186, 180)),
}
"""By machine: its number, and those of shmget, semget, msgget and mq_open.

What they make is memory that no process owns: it stays, and no limit on processes holds for it.
"""
_CAPABILITY_VERSION_3 = 0x20080522
_READ_ANYTHING = 1 << 2
"""CAP_DAC_READ_SEARCH: the interpreter may stand where nobody else may read."""

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Read the task, confine this process, run the tests one by one."""
    task = json.loads(sys.stdin.buffer.read())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    if task["isolate"]:
        _enter_namespaces()
        _hide(task["hidden"])
    else:
        _become_nobody(keep_reading=False)
        _prctl(_SUBREAPER, 1)
        _die_with_parent()
    _say("ready")
    deadline = time.monotonic() + task["timeout_s"]
    for test in task["tests"]:
        _say(_run(task, test, deadline))


def _say(value: object) -> None:
    os.write(1, json.dumps(value).encode() + b"\n")


def _run(task: dict[str, Any], test: dict[str, Any], deadline: float) -> dict[str, Any]:
    """Run one test in a process of its own and return how it went."""
    if time.monotonic() >= deadline:
        return {"passed": False, "why": "not reached within the time limit"}
    secret = os.urandom(16).hex()
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _be_the_test(task, test, secret, mouth)
        finally:
            os._exit(1)
    os.close(mouth)
    said = _listen(ear, child, deadline)
    os.close(ear)
    _kill_all(child, isolated=task["isolate"])
    return _understood(said, secret, late=time.monotonic() >= deadline)


def _understood(said: bytes, secret: str, *, late: bool) -> dict[str, Any]:
    try:
        told = json.loads(said)
        if told["secret"] == secret:
            return {"passed": told["passed"], "why": str(told["why"])[:MOST_WHY]}
    except (ValueError, LookupError, TypeError):
        pass
    why = "not done within the time limit" if late else "the process ended before the test was done"
    return {"passed": False, "why": why}


def _listen(ear: int, child: int, deadline: float) -> bytes:
    """Return the first line of what the child says, cut; it ends with the child or the time."""
    said = b""
    while b"\n" not in said and len(said) < MOST_SAID:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        # Asked before, so that what was said before the end is still read below.
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if select.select([ear], [], [], 0 if ended else min(left, TICK_S))[0]:
            part = os.read(ear, MOST_SAID)
            said += part
            if not part:
                break
        elif ended:
            break
    return said.partition(b"\n")[0]


def _kill_all(child: int, *, isolated: bool) -> None:
    """Kill the child and whatever it started, and wait until they are gone."""
    while True:
        for target in [-1] if isolated else [-child, *_children()]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(target, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123  (no imports)
            return [int(number) for number in file.read().split()]
    except OSError:
        return []


def _be_the_test(task: dict[str, Any], test: dict[str, Any], secret: str, mouth: int) -> None:
    """Confine this process, run the code and the test, say how it went, and leave."""
    write, leave, dumps = os.write, os._exit, json.dumps
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    os.closerange(3, mouth)
    os.closerange(mouth + 1, 1024)
    told: dict[str, Any] = {"secret": secret, "passed": None}
    try:
        _confine(task)
    except (OSError, ValueError) as error:
        told["why"] = f"{type(error).__name__}: {error}"
    else:
        told["why"] = _outcome(task["code"], test)[:MOST_WHY]
        told["passed"] = not told["why"]
    write(mouth, dumps(told).encode() + b"\n")
    leave(0)


def _confine(task: dict[str, Any]) -> None:
    """Limit this process and take its privileges; raise `OSError` or `ValueError` if that fails."""
    os.setsid()
    _limit(task)
    if task["isolate"]:
        _become_nobody(keep_reading=True)
    _prctl(_NO_NEW_PRIVS, 1)
    _refuse_kept_memory()
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _refuse_kept_memory() -> None:
    """Have the kernel refuse `_KEPT_MEMORY`, and every call of another machine's numbers."""
    if os.uname().machine not in _KEPT_MEMORY:
        return
    machine, calls = _KEPT_MEMORY[os.uname().machine]
    last = len(calls) + 5  # the place of the refusal
    # A step: what to do, how many steps to leap if so and if not, and with what.
    steps = [(_LOAD, 0, 0, 4), (_IF_EQUAL, 0, last - 2, machine), (_LOAD, 0, 0, 0)]
    steps += [(_IF_AT_LEAST, last - 4, 0, _OTHER_CALLS)]
    steps += [(_IF_EQUAL, last - place - 1, 0, call) for place, call in enumerate(calls, 4)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    _check(_libc.prctl(_SECCOMP, _BY_FILTER, program, 0, 0))


def _outcome(code: str, test: dict[str, Any]) -> str:
    """Return what went wrong, empty if nothing did."""
    answer = types.ModuleType("answer")
    sys.modules["answer"] = answer
    try:
        exec(compile(code, "answer.py", "exec"), answer.__dict__)  # noqa: S102  (what this is for)
    except BaseException as error:  # noqa: BLE001  (untrusted code may raise anything)
        return f"the code raised {_told(error, code, 'answer.py')}"
    try:
        exec(compile(test["source"], "tests.py", "exec"), answer.__dict__)  # noqa: S102
        if test["call"]:
            answer.__dict__[test["call"]]()
    except BaseException as error:  # noqa: BLE001
        return _told(error, test["source"], "tests.py")
    return ""


def _told(error: BaseException, source: str, name: str) -> str:
    """Return an exception in a line, with the line of ``source`` that it came from."""
    number = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            number = trace.tb_lineno
        trace = trace.tb_next
    lines = source.splitlines()
    where = f" in: {lines[number - 1].strip()}" if 0 < number <= len(lines) else ""
    try:
        text = f": {error}" if error.args else ""
    except BaseException:  # noqa: BLE001  (its own text may raise anything)
        text = ""
    return (type(error).__name__ + text)[: MOST_WHY // 2] + where


def _limit(task: dict[str, Any]) -> None:
    """Limit time, memory, files and processes of this process and its children."""
    seconds = math.ceil(task["timeout_s"]) + 1
    # Every process of the user counts; inside a namespace there are only these.
    others = 4 if task["isolate"] else _tasks_of(os.getuid())
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: task["memory_mb"] * 1024 * 1024,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: task["processes"] + others,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def _tasks_of(user: int) -> int:
    """Return how many threads a user has."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  (no imports)
        try:
            if os.stat(f"/proc/{name}").st_uid == user:  # noqa: PTH116
                count += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208
        except OSError:
            continue
    return count


def _become_nobody(*, keep_reading: bool) -> None:
    """Give up every privilege; root becomes nobody, as no limit on processes holds for root.

    With ``keep_reading``, inside a namespace, what was root can still read what root can.
    """
    root = os.getuid() == 0 and _is_mapped(NOBODY)
    if root:
        _prctl(_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    kept = _READ_ANYTHING if root and keep_reading else 0
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)))
    # Raises where the interpreter cannot be read any more: no import of the code would work.
    os.close(os.open(os.__file__, os.O_RDONLY))


def _is_mapped(user: int) -> bool:
    """Return whether a user exists in this process's namespace."""
    with open("/proc/self/uid_map") as file:  # noqa: PTH123  (no imports)
        ranges = [[int(number) for number in line.split()] for line in file]
    return any(first <= user < first + count for first, _outside, count in ranges)


def _enter_namespaces() -> None:
    """Return as the first process of new namespaces; the processes on the way wait for it."""
    user, group = os.geteuid(), os.getegid()
    asked, ask = os.pipe()
    answered, answer = os.pipe()
    inner = os.fork()
    if inner:
        os.close(ask)
        if os.read(asked, 1):
            _map_users(inner, user, group)
            os.write(answer, b"1")
        os.close(answer)
        _wait_and_leave(inner)
    os.close(answer)
    _die_with_parent()
    _check(_libc.unshare(_NAMESPACES))
    os.write(ask, b"1")
    if not os.read(answered, 1):
        os._exit(1)
    first = os.fork()
    if first:
        _wait_and_leave(first)
    _die_with_parent()
    for end in (asked, ask, answered):
        os.close(end)


def _map_users(process: int, user: int, group: int) -> None:
    """Map the user to root inside, and where this is root also nobody to nobody."""
    nobody = f"{NOBODY} {NOBODY} 1\n" if user == 0 else ""
    if user:
        _write(f"/proc/{process}/setgroups", "deny")
    _write(f"/proc/{process}/uid_map", f"0 {user} 1\n{nobody}")
    _write(f"/proc/{process}/gid_map", f"0 {group} 1\n{nobody}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123  (no imports)
        file.write(text)


def _wait_and_leave(process: int) -> None:
    _, status = os.waitpid(process, 0)
    os._exit(int(status != 0))


def _hide(folders: list[str]) -> None:
    """Put empty folders over ``folders``, all but those with the interpreter; nothing is writable.

    The working folder is then an empty one, if any was hidden.
    """
    needed = [os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sys.path) if path]
    for folder in folders:
        inside = folder.rstrip("/") + "/"
        if os.path.isdir(folder) and not any((path + "/").startswith(inside) for path in needed):  # noqa: PTH112
            _check(_libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", _NOSUID_NODEV, b"size=4k"))
            os.chdir(folder)
    # Some containers let nobody mount it: others are then seen, though not reached.
    with contextlib.suppress(OSError):
        _check(_libc.mount(b"proc", b"/proc", b"proc", _NOSUID_NODEV, None))
    # No further namespaces, where that can be said: in one of its own the code would be root again.
    with contextlib.suppress(OSError):
        _write("/proc/sys/user/max_user_namespaces", "0")
    attributes = (ctypes.c_uint64 * 4)(_RDONLY, 0, 0, 0)
    size = ctypes.sizeof(attributes)
    _check(_libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, size))


def _die_with_parent() -> None:
    _prctl(_PDEATHSIG, signal.SIGKILL)


def _prctl(what: int, value: int) -> None:
    _check(_libc.prctl(what, value, 0, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    main()
