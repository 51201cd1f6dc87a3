"""Files come into a folder all together, over nothing, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import SetupError
from evalkit.starter.place import refuse_present, staged, write_texts

TEXTS = {"a.txt": "one\n", "sub/deep/b.txt": "two\n"}


def files(folder: Path) -> dict[str, str]:
    """Return the texts of all files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def test_files_come_to_a_new_folder_or_beside_others(tmp_path: Path) -> None:
    """What is there stays; the stage is gone."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    for name, more in (("new/one", {}), ("there", {"mine.txt": "mine"})):
        with staged(tmp_path / name) as stage:
            write_texts(stage, TEXTS)
        assert files(tmp_path / name) == TEXTS | more
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "there"]


def test_a_fault_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    """Neither files nor folders."""

    def write_and_fail() -> None:
        with staged(tmp_path / "new") as stage:
            write_texts(stage, TEXTS)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_a_fault_while_moving_takes_back_what_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first file is away again when the second cannot be moved."""
    rename = Path.rename

    def fail_second(self: Path, target: Path) -> Path:
        if self.name == "b.txt":
            raise OSError("no room")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_second)
    with pytest.raises(SetupError, match="no room"), staged(tmp_path / "new") as stage:
        write_texts(stage, TEXTS)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A file that came meanwhile stops the move; one that is there before is listed."""
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(SetupError, match=r"a\.txt"), staged(tmp_path) as stage:
        write_texts(stage, TEXTS)
    assert files(tmp_path) == {"a.txt": "mine"}
    with pytest.raises(SetupError, match=r"a\.txt in"):
        refuse_present(tmp_path, [*TEXTS])


def test_a_folder_of_other_suites_is_in_the_way(tmp_path: Path) -> None:
    """The project would hold them too; an empty folder is in nobody's way."""
    (tmp_path / "suites").mkdir()
    refuse_present(tmp_path, ["suites/evalkit.yaml"])
    (tmp_path / "suites" / "old.yaml").touch()
    with pytest.raises(SetupError, match=r"suites/old\.yaml"):
        refuse_present(tmp_path, ["suites/evalkit.yaml"])


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """The file is told, not an error of the system."""
    (tmp_path / "x").touch()
    with pytest.raises(SetupError, match="x in"):
        refuse_present(tmp_path / "x", ["suites/evalkit.yaml"])
