"""Imported suites as files: all of them, or none."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from evalkit.errors import SetupError
from evalkit.importers.found import Definitions
from evalkit.importers.text import CASES, cases_text, project_text, suite_text
from evalkit.loader.find import PROJECT_FILE
from evalkit.store.folder import writing


def write_definitions(
    found: Definitions, out: Path, *, title: str, has_project: bool
) -> tuple[Path, ...]:
    """Write the suites below ``out``, and a project file unless there is one; return the files.

    ``title`` says what was imported. Nothing that is there already is written over, and nothing is
    left behind where one of the files cannot be written.
    """
    texts: dict[Path, str] = {}
    for suite in found.suites:
        folder = out / suite.name
        texts[folder / f"{suite.name}.yaml"] = suite_text(suite, title, found.notes)
        texts[folder / CASES] = cases_text(suite)
    if not has_project:
        texts[out / PROJECT_FILE] = project_text(found, title)
    there = [path for path in texts if path.exists()]
    if there:
        raise SetupError(
            "a folder without the files to be written",
            got=f"{there[0]}, which is there",
            instead="another --out DIR, or move what is there away",
        )
    made: list[Path] = []
    try:
        for path, content in {path: text.encode() for path, text in texts.items()}.items():
            with writing(path.parent):
                _make_folders(path.parent, made)
                made.append(path)
                path.write_bytes(content)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # a folder that holds something else by now
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        raise
    return tuple(texts)


def _make_folders(folder: Path, made: list[Path]) -> None:
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir()
            made.append(each)
