"""Environment variables and secrets in the project file."""

from __future__ import annotations

from pathlib import Path

import pytest

from .projects import PROJECT, SUITE, fault, faults, loaded

KEY = "sk-proj-0123456789abcdefghij"


def project(base_url: str) -> dict[str, str | bytes]:
    """Return a project whose candidate has this address."""
    text = PROJECT.replace("model: b", f'model: b, base_url: "{base_url}"')
    return {"evalkit.yaml": text, "sums/sums.yaml": SUITE}


@pytest.mark.parametrize(
    ("written", "environ", "read"),
    [
        ("${URL}", {"URL": "http://x/v1"}, "http://x/v1"),
        ("http://${HOST}:${PORT}/v1", {"HOST": "h", "PORT": "80"}, "http://h:80/v1"),
        ("${URL:-http://y}", {}, "http://y"),
        ("${URL:-http://y}", {"URL": ""}, "http://y"),
        ("${URL:-http://y}", {"URL": "http://z"}, "http://z"),
        ("x${URL:-}", {}, "x"),
        ("$URL", {}, "$URL"),
        ("${URL}", {"URL": "${OTHER}"}, "${OTHER}"),
    ],
)
def test_variables_are_replaced(
    tmp_path: Path, written: str, environ: dict[str, str], read: str
) -> None:
    """With a default an unset or empty variable is no fault; values are not expanded again."""
    found = loaded(tmp_path, project(written), **environ)
    assert found.project.models["tuned"].base_url == read


def test_lists_and_paths_are_expanded_too(tmp_path: Path) -> None:
    """Every string of the file may name a variable; a path without its value is one fault."""
    text = PROJECT.replace("model: b", 'model: b, trained_on: ["${DATA}/t.jsonl"]')
    files: dict[str, str | bytes] = {
        "evalkit.yaml": text,
        "sums/sums.yaml": SUITE,
        "d/t.jsonl": "{}",
    }
    found = loaded(tmp_path, files, DATA="d")
    assert found.project.models["tuned"].trained_on == (tmp_path / "d/t.jsonl",)
    assert "DATA" in fault(tmp_path, files).got


@pytest.mark.parametrize(
    "path",
    [
        "http://x/hf_checkpoint_step_20000",
        "http://x/sk-learn-model-comparison",
        "http://x/risk-0123456789abcdefghij",
    ],
)
def test_what_only_resembles_a_key_is_none(tmp_path: Path, path: str) -> None:
    """Folders and models may have such names."""
    assert loaded(tmp_path, project(path)).project.models["tuned"].base_url == path


@pytest.mark.parametrize("environ", [{}, {"LEAK": KEY}])
def test_a_key_is_a_fault_and_is_not_shown(tmp_path: Path, environ: dict[str, str]) -> None:
    """Written or by way of a variable, a key does not get into a project, nor into the message."""
    [told] = faults(tmp_path, project("${LEAK}" if environ else f"http://x?key={KEY}"), **environ)
    assert "api_key_env" in told.instead
    assert KEY not in str(told)


def test_a_key_where_a_name_belongs_is_not_shown_either(tmp_path: Path) -> None:
    """The name's own fault shows nothing of the key."""
    text = PROJECT.replace("model: b", f"model: b, api_key_env: {KEY}")
    found = faults(tmp_path, {"evalkit.yaml": text, "sums/sums.yaml": SUITE})
    assert all(KEY not in str(each) for each in found)
    assert any("looks like an API key" in each.got for each in found)


def test_suites_are_not_expanded(tmp_path: Path) -> None:
    """A prompt may talk of ${HOME}."""
    text = SUITE.replace("1 + 1", "'1 + ${HOME}'")
    [suite] = loaded(tmp_path, {"sums/sums.yaml": text}, HOME="/root").suites
    assert suite.cases[0].messages[0]["content"] == "1 + ${HOME}"
