"""From files on disk to a plan: everything that can be wrong is found here, before any call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.decide.policy import Policy
from evalkit.decide.read_policy import policy_from
from evalkit.errors import SetupError
from evalkit.loader import Loaded, find_project, load, load_policy
from evalkit.model import CLIENTS, Project, Suite
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan, narrow


def prepare(
    paths: Sequence[Path], options: Options, *, root: Path | None = None, environ: Mapping[str, str]
) -> Plan:
    """Read the project that ``paths`` belong to and return what a run of it would do.

    Raises `FileFaults` with every fault of every file, or `SetupError`.
    """
    project_file = found_project(paths, options, root=root)
    loaded = load(project_file, policy_file=options.policy, environ=environ)
    return plan_of(loaded, options, project_file=project_file)


def found_project(paths: Sequence[Path], options: Options, *, root: Path | None = None) -> Path:
    """Return the project file of ``paths``; raise `SetupError` if there is none to be run."""
    if options.offline and options.rerun:
        raise SetupError(
            "stored answers only, or all of them asked again",
            got="both: offline and rerun",
            instead="one of the two",
        )
    return find_project(paths, root=root)


def plan_of(loaded: Loaded, options: Options, *, project_file: Path) -> Plan:
    """Return what a run of ``loaded`` would do."""
    policy = _policy(loaded.policy_tree, loaded.policy_digest)
    _check_clients(loaded.project)
    project, suites = narrow(loaded.project, loaded.suites, options)
    limited = f"only the first {options.limit} cases of each suite" if options.limit else ""
    return Plan(
        project,
        suites,
        policy,
        loaded.digests,
        project_file=project_file,
        limited=limited,
        aa=options.aa,
        stop_early=options.stop_early,
    )


def _check_clients(project: Project) -> None:
    asked = (*project.models.values(), *(judge.model for judge in project.judges.values()))
    for model in asked:
        if model.client not in CLIENTS:
            from evalkit.clients import factory_of  # takes half a second, for few projects

            factory_of(model)


def policy_of(file: Path, *, suites: Sequence[Suite] = (), of: str = "") -> Policy:
    """Read one policy file; raise `FileFaults` with all its faults, as `load_policy` does."""
    return _policy(*load_policy(file, suites=suites, of=of))


def _policy(tree: Mapping[str, Any] | None, digest: str) -> Policy:
    return Policy() if tree is None else policy_from(tree, digest=digest)
