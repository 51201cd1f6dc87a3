"""What prompts take from files: templates of the folders ``prompts``, and images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from evalkit.errors import Fault
from evalkit.loader.faults import shown
from evalkit.suite.draft import RowError
from evalkit.suite.images import KNOWN, data_url
from evalkit.suite.prompt import Image, Shared

FOLDER = "prompts"
MOST_TEMPLATE = 1_000_000
"""Bytes of a template file."""
MOST_IMAGE = 20_000_000
"""Bytes of an image; what larger endpoints take differs, and most take less."""

_URL = re.compile(r"(https?://|data:)", re.IGNORECASE)


def template_files(folders: Iterable[Path]) -> dict[str, Path]:
    """Return the files below the folder ``prompts`` of each of ``folders``, the first first.

    Each has its path below ``prompts`` as name. What a link leads to outside is left out.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        root = (folder / FOLDER).resolve()
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            name = path.relative_to(root).as_posix()
            inside = path.is_file() and path.resolve().is_relative_to(root)
            if inside and not any(part.startswith(".") for part in Path(name).parts):
                found.setdefault(name, path)
    return found


def read_templates(files: Mapping[str, Path]) -> tuple[dict[str, Shared], list[Fault]]:
    """Return the templates in ``files``, and the faults of those that are no text."""
    read: dict[str, Shared] = {}
    faults: list[Fault] = []
    for name, path in files.items():
        content = path.read_bytes() if path.stat().st_size <= MOST_TEMPLATE else None
        try:
            text = (content or b"").decode("utf-8-sig")
        except UnicodeDecodeError as error:
            needed, instead = (
                "a template in UTF-8",
                "the file in UTF-8, or elsewhere than in prompts",
            )
            faults.append(Fault(shown(path), 0, needed, str(error), instead))
            continue
        if content is None:
            needed = f"a template of at most {MOST_TEMPLATE:,} bytes"
            got, instead = f"{path.stat().st_size:,}", "a smaller one, or data in vars"
            faults.append(Fault(shown(path), 0, needed, got, instead))
        read[name] = Shared(shown(path), text)
    return read, faults


def image_reader(folder: Path) -> Image:
    """Return what turns a path, relative to ``folder``, into a data URL and lets URLs pass.

    It raises `RowError` for what is no image.
    """

    def read(written: str) -> str:
        if _URL.match(written):
            return written
        path = folder / written
        try:
            size = path.stat().st_size
            url = data_url(path.read_bytes()) if size <= MOST_IMAGE else ""
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise _no_image(f"{shown(path)}: {why}") from error
        if not url:
            got = f"{size:,} bytes" if url == "" else f"a file that is none of {KNOWN}"
            raise _no_image(f"{shown(path)}: {got}")
        return url

    return read


def _no_image(got: str) -> RowError:
    needed = f"an image of {KNOWN} of at most {MOST_IMAGE:,} bytes"
    return RowError(needed, got=got, instead="a URL, or a path relative to the suite's file")
