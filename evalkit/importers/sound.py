"""Whether `evalkit validate` would take what is imported: asked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.graders import check
from evalkit.graders.registry import make
from evalkit.importers.found import Defined, Definitions, Note
from evalkit.importers.text import CASES, cases_text, project_text, suite_text
from evalkit.loader import load_project, read_schema
from evalkit.loader.faults import Faults, shown
from evalkit.loader.find import PROJECT_FILE
from evalkit.loader.suites import Setting, load_suite
from evalkit.loader.yamlfile import read_yaml
from evalkit.model import Case, Sampling
from evalkit.suite import validate
from evalkit.suite.document import Document
from evalkit.suite.parse import parse_suite

_SETTING = Setting(Sampling(), allow_code=False, training={}, judges={"default": ""})
_MOST_FAULTS = 1_000
_ROUNDS = 20
_NAMED = 3


def option_fault(kind: str, options: Mapping[str, Any]) -> str:
    """Return what is wrong with a grader's options; empty if nothing."""
    return _option_fault(kind, json.dumps(options, sort_keys=True, default=str))


def reference_fault(kind: str, options: Mapping[str, Any], reference: Any) -> str:  # noqa: ANN401
    """Return why a grader cannot compare with ``reference``; empty if it can."""
    made = _made(kind, json.dumps(options, sort_keys=True, default=str))
    return "" if isinstance(made, Fault) else made.lacks(Case("", "", (), reference))


@lru_cache(maxsize=1_000)
def _option_fault(kind: str, options: str) -> str:
    grader = {"name": "x", "type": kind, **json.loads(options)}
    tree = {"suite": "x", "purpose": "guard", "prompt": "x", "graders": [grader], "score": "x"}
    checked = validate.check(Document("", tree), read_schema("suite"))
    draft, more = parse_suite(checked, Sampling())
    faults = [*checked.faults, *more]
    faults += [fault for spec in draft.graders for fault in check(spec, allow_code=False)]
    return _said(faults[0]) if faults else ""


@lru_cache(maxsize=1_000)
def _made(kind: str, options: str) -> Any:  # noqa: ANN401  (a grader, or a fault)
    tree = {"graders": [{"name": "x", "type": kind, **json.loads(options)}]}
    draft, _ = parse_suite(validate.Checked(Document("", tree)), Sampling())
    return make(draft.graders[0], allow_code=False)


def _said(fault: Fault) -> str:
    return f"needed {fault.needed}, got {fault.got}"


def sound(found: Definitions) -> Definitions:
    """Return what of ``found`` is valid; suites, cases and models that are not stand in its notes.

    Raises `FileFaults` if no suite is left.
    """
    notes: list[Note] = []
    with TemporaryDirectory(prefix="evalkit-") as name:
        folder = Path(name).resolve()
        suites = tuple(s for suite in found.suites if (s := _sound(suite, folder, notes)))
        models = _models(found, folder, notes)
    if not suites:
        got = "; ".join(map(str, notes[:_NAMED]))
        needed, instead = "a suite that evalkit can run", "a definition without these parts"
        raise FileFaults([Fault(notes[0].where, 0, needed, got, instead)])
    return replace(found, suites=suites, models=models, notes=(*found.notes, *notes))


def _sound(suite: Defined, folder: Path, notes: list[Note]) -> Defined | None:
    """Return the suite with those of its cases that can be graded; ``None`` if it is none."""
    file, cases = (folder / suite.name / name for name in (f"{suite.name}.yaml", CASES))
    file.parent.mkdir(exist_ok=True)
    for _ in range(_ROUNDS):
        file.write_text(suite_text(suite, "", ()), encoding="utf-8")
        cases.write_text(cases_text(suite), encoding="utf-8")
        faults = _faults(file)
        if not faults:
            return suite
        bad = {fault.line: fault for fault in faults if fault.path == shown(cases) and fault.line}
        if len(bad) < len({(fault.path, fault.line) for fault in faults}):
            other = next(f for f in faults if f.path != shown(cases) or not f.line)
            notes.append(Note(suite.name, f"the suite: {_placeless(other, folder)}"))
            return None
        notes += _left_out(suite, bad, folder)
        kept = tuple(case for line, case in enumerate(suite.cases, 1) if line not in bad)
        if not kept:
            return None
        suite = replace(suite, cases=kept)
    notes.append(Note(suite.name, "the suite: faults in thousands of its cases"))
    return None


def _faults(file: Path) -> tuple[Fault, ...]:
    faults = Faults(most=_MOST_FAULTS)
    document, unread = read_yaml(file)
    faults.add(unread)
    if document is not None:
        load_suite(file, document, _SETTING, faults)
    try:
        faults.raise_any()
    except FileFaults as error:
        return error.faults
    return ()


def _left_out(suite: Defined, bad: Mapping[int, Fault], folder: Path) -> Iterator[Note]:
    for line, case in enumerate(suite.cases, 1):
        if line in bad:
            where = f"{suite.name}, case {case.get('id') or line}"
            yield Note(where, f"the case: {_placeless(bad[line], folder)}")


def _placeless(fault: Fault, folder: Path) -> str:
    return _said(fault).replace(f"{folder}/", "")


def _models(found: Definitions, folder: Path, notes: list[Note]) -> Mapping[str, Mapping[str, Any]]:
    """Return the models, if a project file can hold them; none otherwise."""
    (folder / PROJECT_FILE).write_text(project_text(found, ""), encoding="utf-8")
    try:
        load_project(folder / PROJECT_FILE, environ={})
    except FileFaults as error:
        notes.append(Note("the models", _placeless(error.faults[0], folder)))
        return {}
    return found.models
