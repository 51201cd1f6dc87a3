"""A whole project: project file, policy, suites and data files, or all of their faults at once."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.decide.rules import BY_PURPOSE
from evalkit.errors import Fault, SetupError
from evalkit.loader.arrowfile import is_data, splits_of
from evalkit.loader.datafile import file_digest
from evalkit.loader.datasets import Training
from evalkit.loader.expand import expand
from evalkit.loader.faults import Faults, shown
from evalkit.loader.guards import included_packs, twin_packs
from evalkit.loader.schemas import read_schema
from evalkit.loader.suites import Setting, load_suite, suite_documents
from evalkit.loader.yamlfile import read_yaml
from evalkit.model import Project, Suite
from evalkit.suite.document import Document, Place
from evalkit.suite.project import absolute, allows_code, parse_project, project_sampling
from evalkit.suite.validate import Checked, check, did_you_mean

NO_POLICY = "default"
"""The digest that stands for the rules that hold without a policy file."""

POLICY_FILE = "policy.yaml"

CHATTING = ("openai", "azure", "local")
"""Clients that ask by chat where a model's options do not say otherwise."""


SuiteReader = Callable[[Path, Document, Setting, Faults], Suite]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project as its files say. Without a policy its tree is ``None``, its digest `NO_POLICY`.

    ``digests`` holds the sha256 of "project", "policy", each "suite:<name>" (over its files) and
    each "training:<file>".
    """

    project: Project
    suites: tuple[Suite, ...]
    policy_tree: Mapping[str, Any] | None
    policy_digest: str
    digests: Mapping[str, str]


def load(
    project_file: Path,
    *,
    policy_file: Path | None,
    environ: Mapping[str, str],
    read_suite: SuiteReader = load_suite,
) -> Loaded:
    """Read a project and everything it names.

    ``policy_file`` goes before the policy that the project names. ``read_suite`` may leave the
    cases of a suite out. Raises `FileFaults` with every fault of every file, and `SetupError` for a
    project without suites.
    """
    file = project_file.resolve()
    faults = Faults()
    checked = _check_project(file, environ, faults)
    project, more = parse_project(checked, file.parent)
    policy, missing = _policy_path(checked, file.parent, policy_file)
    faults.add([*more, *missing, *_missing_files(checked, file.parent)])
    rules = _read_policy(policy, faults) if policy else None
    setting = Setting(
        sampling=project_sampling(checked),
        allow_code=allows_code(checked),
        training=_training(project) if project else None,
        continues=_continuing(project) if project else "",
        judges=_judges(project) if project else None,
        root=file.parent,
    )
    aside = [file, *([policy] if policy else [])]
    found = list(suite_documents(file.parent, aside=aside, faults=faults))
    own = tuple(read_suite(path, tree, setting, faults) for path, tree in found if tree)
    packed = {
        pack.number: replace(read_suite(pack.path, pack.document, setting, faults), pack=pack.name)
        for pack in included_packs(checked, faults)
    }
    suites = (*own, *packed.values())
    unread = [path.stem for path, tree in found if not tree]
    names = [*(s.name for s in suites), *unread]
    faults.add([*_twin_suites(own), *twin_packs(checked, packed, own)])
    faults.add(_ruled_suites(rules, names, of="this project"))
    faults.add(_idle_gains(rules, suites))
    faults.raise_any()
    if project is None or not suites:
        raise _no_suite(file)
    digest = file_digest(policy) if policy else NO_POLICY
    digests = _digests(project, suites, file) | {"policy": digest}
    return Loaded(project, suites, rules.tree if rules else None, digest, digests)


def load_project(project_file: Path, *, environ: Mapping[str, str]) -> Project:
    """Read a project file alone, for what needs its models only; raise `FileFaults`."""
    file, faults = project_file.resolve(), Faults()
    checked = _check_project(file, environ, faults)
    project, more = parse_project(checked, file.parent)
    faults.add(more)
    faults.raise_any()
    if project is None:
        raise RuntimeError(f"{file} holds no project and no fault")
    return project


def load_policy(
    file: Path, *, suites: Sequence[Suite] = (), of: str = ""
) -> tuple[Mapping[str, Any], str]:
    """Return the content and the digest of one policy file; raise `FileFaults` with its faults.

    ``suites`` are those it is to hold for. If ``of`` says what they belong to, a rule for any other
    suite is a fault.
    """
    faults = Faults()
    document = None
    if file.is_file():
        document = _read_policy(file, faults)
        faults.add(_idle_gains(document, suites))
        if of:
            faults.add(_ruled_suites(document, [suite.name for suite in suites], of=of))
    else:
        faults.add([_no_policy(file)])
    faults.raise_any()
    return (document.tree if document else {}), file_digest(file)


def _check_project(file: Path, environ: Mapping[str, str], faults: Faults) -> Checked:
    document, found = read_yaml(file)
    faults.add(found)
    if document is None:
        return Checked(Document(shown(file), None))
    document, found = expand(document, environ)
    checked = check(document, read_schema("project"))
    faults.add([*found, *checked.faults])
    return checked


def _missing_files(checked: Checked, root: Path) -> Iterator[Fault]:
    for name, entry in checked.get("models", {}).items():
        named: list[tuple[Place, str]] = [
            (("models", name, key), entry[key])
            for key in ("adapter", "training_log")
            if key in entry
        ]
        for number, path in enumerate(entry.get("trained_on", ())):
            named.append((("models", name, "trained_on", number), path))
        for place, name_of_file in named:
            path = absolute(root, name_of_file)
            unset = "${" in name_of_file  # a variable without a value is a fault of its own
            if not unset and not (is_data(path) if "trained_on" in place[2:3] else path.is_file()):
                yield _missing(checked.document, place, path)


def _missing(document: Document, place: Place, path: Path) -> Fault:
    splits = splits_of(path)
    got = f"{shown(path)}, with splits" if splits else f"no file {shown(path)}"
    instead = f"{path / splits[0]}" if splits else f"a path relative to {document.path}"
    return document.fault(place, "a file that is there", got=got, instead=instead)


def _policy_path(
    checked: Checked, root: Path, override: Path | None
) -> tuple[Path | None, list[Fault]]:
    """Return the policy file in force, if any, and the fault if it is not there.

    One called `POLICY_FILE` beside the project file holds without being named: rules that someone
    wrote and that silently do not count are worse than none.
    """
    named = checked.get("policy")
    beside = root / POLICY_FILE
    if override is None and named is None:
        return (beside.resolve() if beside.is_file() else None), []
    path = (override or root / named).resolve()
    if path.is_file():
        return path, []
    if override is None:
        return None, [_missing(checked.document, ("policy",), path)]
    return None, [_no_policy(path)]


def _no_policy(path: Path) -> Fault:
    got, instead = "no such file", "the path of a policy.yaml"
    return Fault(shown(path), 0, "a policy file that is there", got, instead)


def _read_policy(path: Path, faults: Faults) -> Document | None:
    document, found = read_yaml(path)
    faults.add(found)
    if document is not None:
        faults.add(check(document, read_schema("policy")).faults)
    return document


def _ruled_suites(rules: Document | None, names: Sequence[str], *, of: str) -> Iterator[Fault]:
    """Yield a fault for each suite of the policy that is not there: it would never count."""
    if rules is None or not isinstance(rules.tree, dict):
        return
    for place, name in _suites_named(rules.tree):
        if name not in names:
            yield rules.fault(
                place,
                f"rules for suites of {of}: " + ", ".join(names),
                got=f"'{name}'",
                instead=did_you_mean(name, names, otherwise=f"one of these, not '{name}'"),
            )


def _idle_gains(rules: Document | None, suites: Sequence[Suite]) -> Iterator[Fault]:
    """Yield a fault for each gain asked of a suite whose rule asks for none: it would not count."""
    tree = rules.tree if rules else None
    ruled = tree.get("suites") if isinstance(tree, dict) else None
    if rules is None or not isinstance(ruled, dict):
        return
    for suite in suites:
        said = ruled.get(suite.name)
        if not isinstance(said, dict) or not said.get("min_gain"):
            continue
        rule = said.get("rule") or BY_PURPOSE.get(suite.purpose)
        if rule != "superior":
            yield rules.fault(
                ("suites", suite.name, "min_gain"),
                "min_gain only where a suite has to gain, by rule: superior",
                got=f"rule: {rule}" + ("" if "rule" in said else f", as a {suite.purpose}"),
                instead="rule: superior beside it, or no min_gain",
            )


def _suites_named(policy: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield each suite that a policy names and its place; of parts that are malformed, none."""
    ruled, checkpoints = policy.get("suites"), policy.get("checkpoints")
    for name in ruled if isinstance(ruled, dict) else ():
        yield ("suites", name), name
    choosing = checkpoints.get("suites") if isinstance(checkpoints, dict) else None
    for number, name in enumerate(choosing if isinstance(choosing, list) else ()):
        if isinstance(name, str):
            yield ("checkpoints", "suites", number), name


def _twin_suites(suites: Sequence[Suite]) -> Iterator[Fault]:
    first: dict[str, Suite] = {}
    for suite in suites:
        twin = first.setdefault(suite.name, suite)
        if twin is not suite and suite.name:
            got = f"'{suite.name}', which is also {twin.source.path}"
            where = suite.source
            yield Fault(where.path, where.line, "one suite of each name", got, "another name")


def _training(project: Project) -> Training:
    files: dict[Path, frozenset[str]] = {}
    for model in project.models.values():
        for path in model.trained_on if model.role == "candidate" else ():
            real = path.resolve()
            files[real] = files.get(real, frozenset()) | {model.name}
    return files


def _continuing(project: Project) -> str:
    """Return the name of a model that only continues a text, empty if there is none."""
    models = project.models.values()
    return next((m.name for m in models if m.options.get("endpoint") == "completions"), "")


def _judges(project: Project) -> dict[str, str]:
    """Return the kind of requests that each judge is sent, empty where nothing says it."""
    models = {name: judge.model for name, judge in project.judges.items()}
    otherwise = {n: "chat" if model.client in CHATTING else "" for n, model in models.items()}
    return {n: model.options.get("endpoint", otherwise[n]) for n, model in models.items()}


def _digests(project: Project, suites: Sequence[Suite], file: Path) -> dict[str, str]:
    training = {path for model in project.models.values() for path in model.trained_on}
    return {
        "project": file_digest(file),
        **{f"suite:{suite.name}": suite.digest for suite in suites},
        **{
            f"training:{os.path.relpath(path, project.root)}": file_digest(path)
            for path in sorted(training)
        },
    }


def _no_suite(file: Path) -> SetupError:
    folder = shown(file.parent)
    return SetupError(
        "at least one suite beside the project file",
        got=f"no suite found: no YAML file below {folder} has a key 'suite' at its top",
        instead=f"{folder}/triage/triage.yaml, that begins with\n\n        suite: triage\n"
        "        purpose: target\n",
    )
