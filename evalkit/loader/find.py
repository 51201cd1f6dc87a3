"""Where a project is, and which files below it are suites."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from evalkit.errors import SetupError

PROJECT_FILE = "evalkit.yaml"

_SMALLEST = """a file suites/evalkit.yaml, at least:

        version: 1
        models:
          base: {role: base, client: openai, model: gpt-4.1-mini, api_key_env: OPENAI_API_KEY}
          tuned: {role: candidate, client: openai, model: "ft:...", api_key_env: OPENAI_API_KEY}
"""


def find_project(paths: Sequence[Path], *, root: Path | None = None) -> Path:
    """Return the `evalkit.yaml` in a folder of ``paths``, or the nearest above it.

    Where ``root`` is given nothing above that counts.

    Raises `SetupError` if there is none, or if the paths belong to different projects.
    """
    found = {file for path in paths for file in _nearest(path, root)}
    if not found:
        below = sorted({file for path in paths for file in _below(path)})
        raise SetupError(
            f"a project, that is a file {PROJECT_FILE}",
            got=f"no project found in or above {', '.join(map(str, paths)) or 'nothing'}",
            instead=f"the folder of one further down: {below[0].parent}" if below else _SMALLEST,
        )
    if len(found) > 1:
        raise SetupError(
            "paths of one project",
            got="projects " + ", ".join(map(str, sorted(found))),
            instead="one run for each project",
        )
    return found.pop()


def suite_files(folder: Path, *, aside: Sequence[Path]) -> Iterator[Path]:
    """Yield every YAML file below ``folder`` in order, but hidden ones and those ``aside``.

    The package's own guard packs, which an environment in the folder holds, are no suites of it.
    """
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if Path(here).parts[-1:] == ("evalkit",):
            folders[:] = [name for name in folders if name != "guards"]
        for path in (Path(here, name) for name in sorted(names) if not name.startswith(".")):
            if path.suffix in (".yaml", ".yml") and path not in aside:
                yield path


def _below(path: Path) -> Iterator[Path]:
    """Yield the project files one and two folders below ``path``, where imports are put."""
    for pattern in (f"*/{PROJECT_FILE}", f"*/*/{PROJECT_FILE}"):
        yield from path.glob(pattern) if path.is_dir() else ()


def _nearest(path: Path, root: Path | None) -> list[Path]:
    """Return the nearest project file at or above ``path``, as a list of one or none."""
    given = path.resolve()
    top = root.resolve() if root else Path(given.anchor)
    start = given if given.is_dir() else given.parent
    above = [start, *start.parents] if start.is_relative_to(top) else [start]
    within = [folder for folder in above if folder == start or folder.is_relative_to(top)]
    return [f for folder in within if (f := folder / PROJECT_FILE).is_file()][:1]
