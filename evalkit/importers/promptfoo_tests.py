"""promptfoo's tests: lists in the configuration, and the tables and files that it names."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.importers.found import Note
from evalkit.importers.part import Part, read_json, read_lines, read_tree
from evalkit.importers.rowfile import below, read_data
from evalkit.loader.faults import shown
from evalkit.suite.document import Document

FILE = "file://"
_CODE = (".js", ".ts", ".mjs", ".cjs", ".py", ".rb")
_SPECIAL = "__"
_WRITTEN = re.compile(
    r"(?P<type>[a-z][a-z0-9:-]*)(?:\((?P<threshold>[\d.]+)\))?(?::\s*(?P<value>.*))?", re.DOTALL
)
_SHORT = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}


def tests_of(config: Part, folder: Path, notes: list[Note]) -> Iterator[Part]:
    """Yield every test, in order; what names code, or is not there, goes to ``notes``."""
    found = config.get("tests")
    if found is None:
        return
    for entry in found.items() if isinstance(found.value, list) else [found]:
        if isinstance(entry.value, str):
            yield from _file(entry, folder, notes)
        elif "path" in entry.mapping():
            yield from _file(entry["path"], folder, notes)
        else:
            yield entry


def combinations(variables: Mapping[str, Any]) -> int:
    """Return how many combinations of its lists `expanded` makes."""
    return math.prod(len(value) for value in variables.values() if isinstance(value, list))


def expanded(variables: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, Any] | str]:
    """Yield the variables once for each combination of their lists, or why there are none.

    A text ``file://...`` stands for the file's content.
    """
    values: list[list[Any]] = []
    for name, value in variables.items():
        several = value if isinstance(value, list) else [value]
        read = [_content(item, folder) for item in several]
        if any(item is None for item in read):
            yield f"the variable {name} names code, or a file that is not there"
            return
        values.append(read)
    for chosen in itertools.product(*values):
        yield dict(zip(variables, chosen, strict=True))


def _content(value: Any, folder: Path) -> Any:  # noqa: ANN401  (any variable)
    if not isinstance(value, str) or not value.startswith(FILE):
        return value
    path = local(value, folder)
    if path is None:
        return None
    if path.suffix in (".yaml", ".yml"):
        return read_tree(path)[0].value
    return read_json(path).value if path.suffix == ".json" else path.read_text(encoding="utf-8")


def local(name: str, folder: Path) -> Path | None:
    """Return the file that a text ``file://...`` names, if it lies where one may be read.

    That is below the configuration's folder or the current one: a configuration from elsewhere must
    not carry other files of this machine into prompts.
    """
    path = below(folder / name.removeprefix(FILE), (folder, Path.cwd()))
    return path if path is not None and path.suffix not in _CODE else None


def load_value(value: Any, folder: Path) -> Any:  # noqa: ANN401  (any value of an assertion)
    """Return a value, or the content of the file that it names; ``None`` if that is code."""
    return _content(value, folder)


def _file(entry: Part, folder: Path, notes: list[Note]) -> Iterator[Part]:
    name = entry.scalar().removeprefix(FILE)
    for path in _named(name, folder):
        if path.suffix in _CODE or ".py:" in path.name or ".js:" in path.name:
            notes.append(Note(f"{entry.document.path}, {name}", "code is never run"))
        elif local(str(path), folder) is None:
            what = "a file of tests below this folder or the current one"
            raise entry.fault(what, got=name, instead="the path of a .yaml, .jsonl or .csv file")
        elif path.suffix in (".yaml", ".yml"):
            yield from read_tree(path)[0].items()
        elif path.suffix == ".jsonl":
            yield from read_lines(path)
        elif path.suffix == ".json":
            yield from read_json(path).items()
        else:
            yield from _table(path, notes)


def _named(name: str, folder: Path) -> list[Path]:
    """Return the files that a path or a pattern with * means."""
    if "*" not in name or Path(name).is_absolute():
        return [folder / name]
    return sorted(folder.glob(name))


def _table(path: Path, notes: list[Note]) -> Iterator[Part]:
    """Yield the rows of a table as tests; columns ``__expected`` hold assertions."""
    for line, row in read_data(path):
        variables = {k: v for k, v in row.items() if k and not k.startswith(_SPECIAL)}
        test: dict[str, Any] = {"vars": variables, "assert": []}
        for key, value in row.items():
            if key.startswith("__expected") and value:
                test["assert"].append(_assertion(value.strip()))
            elif key == "__description":
                test["description"] = value
            elif key == "__threshold" and value:
                test["threshold"] = float(value)
            elif key.startswith(_SPECIAL) and not key.startswith("__metadata") and value:
                notes.append(Note(f"{shown(path)}, column {key}", "has no counterpart"))
        yield Part(Document(shown(path), test, {(): line}), test)


def _assertion(text: str) -> dict[str, Any]:
    """Return the assertion that a cell writes down: ``contains: x``, ``similar(0.8): y``, ``x``."""
    match = _WRITTEN.fullmatch(text)
    known = match and (match["value"] is not None or match["type"] in ("is-json", "is-refusal"))
    if not match or not known:
        return {"type": "equals", "value": text}
    kind = _SHORT.get(match["type"], match["type"])
    found: dict[str, Any] = {"type": kind, "value": match["value"]}
    if match["threshold"]:
        found["threshold"] = float(match["threshold"])
    return found
