"""Finding the project, and the suites below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import SetupError
from evalkit.loader import find_project

from .projects import SUITE, loaded, write


@pytest.mark.parametrize(
    "given",
    ["suites", "suites/sums", "suites/sums/sums.yaml", "suites/evalkit.yaml", "suites/gone"],
)
def test_the_nearest_project_file_is_found(tmp_path: Path, given: str) -> None:
    """In the folder itself or above it, from a folder or a file."""
    write(tmp_path / "suites", {"sums/sums.yaml": SUITE})
    file = tmp_path / "suites/evalkit.yaml"
    assert find_project([tmp_path / given], root=tmp_path) == file.resolve()


def test_the_search_ends_at_the_root(tmp_path: Path) -> None:
    """Nothing above the root counts, and outside the root only the folder itself."""
    write(tmp_path, {"in/x": "", "out/x": ""})
    with pytest.raises(SetupError):
        find_project([tmp_path / "in"], root=tmp_path / "in")
    with pytest.raises(SetupError):
        find_project([tmp_path / "out"], root=tmp_path / "in")
    assert find_project([tmp_path], root=tmp_path / "in") == (tmp_path / "evalkit.yaml").resolve()


def test_without_a_root_every_folder_above_counts(tmp_path: Path) -> None:
    """As a command finds it from anywhere inside a project."""
    write(tmp_path, {"sums/deep/x": ""})
    file = (tmp_path / "evalkit.yaml").resolve()
    assert find_project([tmp_path / "sums/deep"]) == file


def test_a_project_further_down_is_named(tmp_path: Path) -> None:
    """Where an import has put one, that is what was meant."""
    there = write(tmp_path / "suites/imported", {})
    with pytest.raises(SetupError) as error:
        find_project([tmp_path / "suites"], root=tmp_path)
    assert error.value.instead.endswith(str(there))


@pytest.mark.parametrize("count", [0, 1])
def test_no_project_found(tmp_path: Path, count: int) -> None:
    """The message says which file to write, with the least that it must hold."""
    with pytest.raises(SetupError, match="no project found") as error:
        find_project([tmp_path] * count, root=tmp_path)
    assert "suites/evalkit.yaml" in error.value.instead
    assert "role: candidate" in error.value.instead


def test_paths_of_two_projects_are_refused(tmp_path: Path) -> None:
    """A run has one project; the same one twice is one."""
    a, b = write(tmp_path / "a", {}), write(tmp_path / "b", {})
    with pytest.raises(SetupError, match="one run for each project"):
        find_project([a, b], root=tmp_path)
    assert find_project([a, a], root=tmp_path) == (a / "evalkit.yaml").resolve()


def test_only_suites_are_suites(tmp_path: Path) -> None:
    """Other YAML files, hidden folders and files, the project and the policy are left alone."""
    other = SUITE.replace("suite: sums", "suite: other")
    found = loaded(
        tmp_path,
        {
            "sums/sums.yaml": SUITE,
            "deep/er/other.yml": other,
            "notes.yaml": "a: !strange {b: 1, b: 2}\n",
            "list.yaml": "- suite: x\n",
            "empty.yaml": "",
            "sums/readme.txt": "suite: [",
            ".hidden/bad.yaml": "a: [",
            ".bad.yaml": "a: [",
        },
    )
    assert [suite.name for suite in found.suites] == ["other", "sums"]
