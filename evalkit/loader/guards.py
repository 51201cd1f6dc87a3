"""Guard packs: suites that ship with the package and that a project includes by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from evalkit.errors import Fault
from evalkit.loader.faults import Faults, shown
from evalkit.loader.yamlfile import read_yaml
from evalkit.model import Suite
from evalkit.suite.document import Document
from evalkit.suite.validate import Checked, did_you_mean

PREFIX = "evalkit/guards/"


@dataclass(frozen=True, slots=True)
class Included:
    """A pack as a project includes it: its file, and what that says with the project's changes.

    ``number`` is its place in the project's list; ``name`` is how it is included.
    """

    number: int
    name: str
    path: Path
    document: Document


@cache
def packs() -> Mapping[str, Path]:
    """Return the file of every pack by the name that includes it."""
    folder = Path(str(resources.files("evalkit"))) / "guards"
    files = sorted(path for path in folder.glob("*/*.yaml") if path.stem == path.parent.name)
    return {PREFIX + path.stem: path for path in files}


def included_packs(project: Checked, faults: Faults) -> Iterator[Included]:
    """Yield the packs that a project includes; a name that is no pack's goes to ``faults``."""
    for number, entry in project.entries("include"):
        said = {"pack": entry} if isinstance(entry, str) else entry
        name = said["pack"]
        path = packs().get(name)
        if path is None:
            faults.add([_unknown(project, number, name)])
            continue
        document, found = read_yaml(path)
        faults.add(found)
        if document is not None:
            yield Included(number, name, path, _changed(document, said))


def twin_packs(
    project: Checked, packed: Mapping[int, Suite], suites: Iterable[Suite]
) -> Iterator[Fault]:
    """Yield a fault for each included pack whose name another suite of the project has.

    ``packed`` are the packs by their place in the list, ``suites`` the project's own.
    """
    first = {suite.name: shown(Path(suite.source.path)) for suite in suites}
    for number, suite in packed.items():
        other = first.setdefault(suite.name, suite.pack)
        if other is not suite.pack:
            yield project.document.fault(
                ("include", number),
                "one suite of each name",
                got=f"{suite.pack}, a suite named '{suite.name}', as is {other}",
                instead="one of the two" if other == suite.pack else f"another name in {other}",
            )


def _changed(document: Document, said: Mapping[str, Any]) -> Document:
    """Return a pack's document with what the project says otherwise."""
    tree = dict(document.tree)
    tree |= {key: said[key] for key in ("margin", "purpose") if key in said}
    drawn = {key: said[key] for key in ("sample", "seed") if key in said}
    tree["datasets"] = [{**dataset, **drawn} for dataset in tree["datasets"]]
    return replace(document, tree=tree)


def _unknown(project: Checked, number: int, name: str) -> Fault:
    known = list(packs())
    return project.document.fault(
        ("include", number),
        "the name of a guard pack: " + ", ".join(known),
        got=f"'{name}'",
        instead=did_you_mean(name, known, otherwise=known[0]),
    )
