"""Files into a folder: all of them or none, and never over one that is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from evalkit.errors import SetupError
from evalkit.store.folder import writing

MOST_TOLD = 12
"""How many files that are in the way are named."""


def refuse_present(folder: Path, names: Sequence[str]) -> None:
    """Raise `SetupError` that lists what is there of ``names``; a full folder of suites counts."""
    suites = folder / "suites"
    own = sorted(path.name for path in suites.iterdir()) if suites.is_dir() else []
    if folder.exists() and not folder.is_dir():
        _refuse(folder.parent, [folder.name])
    others = [name for name in names if not name.startswith("suites/")]
    _refuse(folder, [n for n in others if (folder / n).exists()] + [f"suites/{n}" for n in own])


def _refuse(folder: Path, there: Sequence[str]) -> None:
    if there:
        more = f" and {len(there) - MOST_TOLD} more" if len(there) > MOST_TOLD else ""
        raise SetupError(
            "a folder without the files that init writes",
            got=f"{', '.join(there[:MOST_TOLD])}{more} in {folder}",
            instead="evalkit init TRAIN ANOTHER_FOLDER, or move these away",
        )


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a folder beside ``folder`` to write to, and move its files there at the end.

    If anything fails, nothing of it is left.
    """
    above = next(f for f in (folder.absolute(), *folder.absolute().parents) if f.is_dir())
    with writing(folder):
        stage = Path(mkdtemp(prefix=".evalkit-init-", dir=above))
    try:
        yield stage
        with writing(folder):
            _move(stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write texts to their paths below ``folder``."""
    for name, text in texts.items():
        with writing(folder):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _move(stage: Path, folder: Path) -> None:
    files = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    folders = {folder / parent for file in files for parent in file.parents}
    new = sorted((path for path in folders if not path.exists()), reverse=True)
    moved: list[Path] = []
    _refuse(folder, [str(file) for file in files if (folder / file).exists()])
    try:
        for path in reversed(new):
            path.mkdir(parents=True, exist_ok=True)
        for file in files:
            (stage / file).rename(folder / file)
            moved.append(folder / file)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        for path in new:
            with suppress(OSError):
                path.rmdir()
        raise
