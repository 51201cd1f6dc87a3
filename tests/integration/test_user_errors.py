"""Errors a user will make: exit code 4, what to write instead, and nothing half done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from tests.integration.endpoint import Endpoint, refusing

Mend = Callable[[Path], object]


def replace(file: str, old: str, new: str) -> Mend:
    """Return a change of one file of the example."""

    def change(root: Path) -> None:
        path = root / "suites" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def append(file: str, text: str) -> Mend:
    """Return a change that adds to one file of the example."""

    def change(root: Path) -> None:
        with (root / "suites" / file).open("a") as opened:
            opened.write(text)

    return change


def no_suites(root: Path) -> None:
    """Take all suites away."""
    for name in ("sums", "greetings"):
        shutil.rmtree(root / "suites" / name)


SUMS, PROJECT, ROWS = "sums/sums.yaml", "evalkit.yaml", "sums/sums.jsonl"
TUNED = "model: tuned-by-rule"

FAULTS: dict[str, tuple[Mend, list[str]]] = {
    "no project": (lambda root: (root / "suites/evalkit.yaml").unlink(), ["*evalkit.yaml*"]),
    "no suite": (no_suites, ["*suite*"]),
    "yaml syntax": (append(SUMS, "\nslices: [a\n"), ["*sums.yaml:*"]),
    "unknown field": (append(SUMS, "\nmargins: 0.1\n"), ["*sums.yaml:*", "*margins*", "*margin*"]),
    "unknown grader": (
        replace(SUMS, "numeric", "numerc"),
        ["*sums.yaml:*", "*numerc*", "*numeric*"],
    ),
    "unknown model": (
        append(PROJECT, "comparisons: [{base: base, candidate: tunde}]\n"),
        ["*evalkit.yaml:*", "*tunde*", "*tuned*"],
    ),
    "two cases with one id": (
        append(ROWS, '{"id": "sum-00", "vars": {"sum": "1 + 1"}, "expected": "2"}\n'),
        ["*sums.jsonl:41*", "*sum-00*"],
    ),
    "template variable missing": (
        append(ROWS, '{"id": "odd", "vars": {"som": "1 + 1"}, "expected": "2"}\n'),
        ["*sums.jsonl:41*", "*sum*"],
    ),
    "malformed row": (append(ROWS, '{"id": "odd", \n'), ["*sums.jsonl:41*"]),
    "empty suite": (lambda root: (root / "suites" / ROWS).write_text(""), ["*sums*"]),
    "training file missing": (
        replace(PROJECT, TUNED, f"{TUNED}\n    trained_on: [gone.jsonl]"),
        ["*evalkit.yaml:*", "*gone.jsonl*"],
    ),
    "adapter missing": (
        replace(
            PROJECT,
            "models:\n",
            "models:\n  x: {role: candidate, client: local, model: x.gguf, adapter: gone.gguf}\n",
        ),
        ["*gone.gguf*"],
    ),
    "unknown client": (
        replace(PROJECT, "client: scripted\n    model: tuned", "client: scriptd\n    model: tuned"),
        ["*scriptd*", "*scripted*"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_what_to_write(
    pytester: pytest.Pytester, example: Path, name: str
) -> None:
    """The message names the place, and no report and no answer is written."""
    change, told = FAULTS[name]
    change(example)
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: evalkit:*"])
    for line in told:
        result.stderr.fnmatch_lines([line])
    result.stderr.no_fnmatch_line("*Traceback*")
    assert not (example / "reports/latest").exists()


def test_all_faults_of_all_files_come_at_once(pytester: pytest.Pytester, example: Path) -> None:
    """Three faults in three files are told in one message."""
    for name in ("unknown field", "malformed row", "unknown model"):
        FAULTS[name][0](example)
    result = pytester.runpytest("--evalkit", "suites")
    result.stderr.fnmatch_lines(["*3 faults*"])


@pytest.mark.usefixtures("example")
def test_an_unknown_model_name_is_told(pytester: pytest.Pytester) -> None:
    """`--evalkit-models` with a name that is none lists the names there are."""
    result = pytester.runpytest("--evalkit", "suites", "--evalkit-models", "base,tunde")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*tunde*", "*base, tuned*"])


@pytest.mark.usefixtures("example")
def test_a_message_shows_what_a_terminal_would_obey(pytester: pytest.Pytester) -> None:
    """A control character in a message is a symbol."""
    result = pytester.runpytest("--evalkit", "suites", "--evalkit-models", "tun\x1bde")
    assert "tun⟦U+001B⟧de" in result.stderr.str()


@pytest.mark.usefixtures("example")
def test_a_limit_of_nothing_is_a_usage_error(pytester: pytest.Pytester) -> None:
    """A run of no cases is not asked for by mistake."""
    result = pytester.runpytest("--evalkit", "suites", "--evalkit-limit", "0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*whole number from 1*"])


def test_a_missing_key_is_told(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Callable[[Endpoint, int], Path]
) -> None:
    """The message names the environment variable, and the endpoint is never asked."""
    sums(endpoint, 5)
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*SUMS_KEY*"])
    assert endpoint.calls == 0


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key that the project asks for."""
    monkeypatch.setenv("SUMS_KEY", "not-a-secret")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(("status", "told"), [(404, "*no such model*"), (401, "*SUMS_KEY*")])
def test_an_endpoint_that_refuses_all_stops_the_run_at_once(
    pytester: pytest.Pytester,
    endpoint: Endpoint,
    sums: Callable[[Endpoint, int], Path],
    *,
    status: int,
    told: str,
) -> None:
    """An unknown model or a wrong key is told after a few calls, not after one for each case."""
    endpoint.react = refusing(status, "no such model")
    sums(endpoint, 500)
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])
    assert endpoint.calls <= 64


@pytest.mark.usefixtures("key")
def test_a_run_that_fails_leaves_no_older_latest(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Callable[[Endpoint, int], Path]
) -> None:
    """What comes after it, such as `evalkit gate`, does not read the run before."""
    latest = sums(endpoint, 40) / "reports/latest"
    pytester.runpytest("--evalkit", "suites")
    assert latest.exists()
    endpoint.react = refusing(404, "no such model")
    result = pytester.runpytest("--evalkit", "suites", "--evalkit-rerun")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not latest.exists()


@pytest.mark.usefixtures("key")
def test_an_endpoint_that_is_down_is_told(
    pytester: pytest.Pytester, endpoint: Endpoint, sums: Callable[[Endpoint, int], Path]
) -> None:
    """The message names the address at which nothing listens."""
    endpoint.url = "http://127.0.0.1:9/v1"
    sums(endpoint, 5)
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*127.0.0.1:9*"])


def test_reports_that_cannot_be_written_are_told_first(
    pytester: pytest.Pytester, example: Path
) -> None:
    """A file where the reports folder should be is an error before any call."""
    (example / "reports").write_text("in the way")
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*reports*"])


@pytest.mark.model
def test_a_missing_runtime_names_the_extra(
    pytester: pytest.Pytester, example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the embedded runtime the message says which extra brings it."""
    (example / "suites" / PROJECT).write_text(
        "version: 1\nmodels:\n"
        "  base: {role: base, client: scripted, model: rule, options: {default: x}}\n"
        "  tuned: {role: candidate, client: local, model: smollm2-135m-instruct}\n"
    )
    installed = metadata.version

    def version(name: str) -> str:
        if name == "xllamacpp":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "version", version)
    result = pytester.runpytest("--evalkit", "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pytest-evalkit[[]local]*"])
