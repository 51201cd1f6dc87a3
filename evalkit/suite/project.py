"""A checked project file to a `Project`: models, comparisons, sampling."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Budget, Judge, Limits, ModelSpec, Pair, Price, Project, Sampling
from evalkit.suite.parse import read_sampling
from evalkit.suite.validate import Checked, did_you_mean

Entries = Mapping[str, Mapping[str, Any]]
WEIGHTS = ".gguf"
JUDGED = Sampling(max_tokens=1024)
"""How a judge's answers are drawn where the project does not say: room for its reasoning."""


def parse_project(checked: Checked, root: Path) -> tuple[Project | None, list[Fault]]:
    """Return the project and the faults beyond its schema's; no project if there is any fault.

    ``root`` is the absolute folder that the project's paths are relative to.
    """
    models: Entries = checked.get("models", {})
    faults = [*_of_faults(checked, models), *_comparison_faults(checked, models)]
    if faults or checked.findings or not models:
        return None, faults
    project = Project(
        root=root,
        models={name: _model(name, entry, root) for name, entry in models.items()},
        comparisons=_comparisons(checked, models),
        sampling=project_sampling(checked),
        allow_code=allows_code(checked),
        budget=Budget(**checked.get("budget", {})),
        judges={
            name: _judge(name, entry, root) for name, entry in checked.get("judges", {}).items()
        },
    )
    return project, []


def project_sampling(checked: Checked) -> Sampling:
    """Return the project's sampling, the default if the file's is not sound."""
    return read_sampling(checked.get("sampling", {}), Sampling())


def allows_code(checked: Checked) -> bool:
    """Return whether graders may run code of the repository."""
    return bool(checked.get("allow_code", False))


def _model(name: str, entry: Mapping[str, Any], root: Path) -> ModelSpec:
    fields = dict(entry)
    for key in ("adapter", "training_log"):
        if key in fields:
            fields[key] = absolute(root, fields[key])
    fields["answers_as"] = tuple(fields.get("answers_as", ()))
    fields["trained_on"] = tuple(absolute(root, p) for p in fields.get("trained_on", ()))
    if fields["model"].endswith(WEIGHTS):
        fields["model"] = str(absolute(root, fields["model"]))
    options = fields.get("options", {})
    if fields["client"] == "replay" and "path" in options:
        fields["options"] = {**options, "path": str(absolute(root, options["path"]))}
    fields["limits"] = _limits(fields)
    if "price" in fields:
        fields["price"] = Price(**{key: float(money) for key, money in fields["price"].items()})
    return ModelSpec(name=name, **fields)


def _judge(name: str, entry: Mapping[str, Any], root: Path) -> Judge:
    about = {key: entry[key] for key in ("repeats", "structured", "itself") if key in entry}
    fields = {key: value for key, value in entry.items() if key not in {*about, "sampling"}}
    sampling = read_sampling(entry.get("sampling", {}), JUDGED)
    model = _model(judge_name(name), {**fields, "role": "judge"}, root)
    return Judge(model, sampling, **about)


def judge_name(name: str) -> str:
    """Return what the model of the judge ``name`` is called beside the models under test."""
    return f"judge {name}"


def _limits(fields: Mapping[str, Any]) -> Limits:
    # The embedded model answers one request at a time: more in flight would only wait.
    default = {"concurrency": 1} if fields["client"] == "local" else {}
    limits = {**default, **fields.get("limits", {})}
    for key in ("timeout_s", "requests_per_minute", "tokens_per_minute"):
        if key in limits:
            limits[key] = float(limits[key])
    return Limits(**limits)


def absolute(root: Path, path: str) -> Path:
    """Return a path of the project file, which is relative to its folder, without any ``..``."""
    return Path(os.path.normpath(root / path))


def _with_role(models: Entries, role: str) -> list[str]:
    return [name for name, entry in models.items() if entry["role"] == role]


def _of_faults(checked: Checked, models: Entries) -> Iterator[Fault]:
    candidates = _with_role(models, "candidate")
    for name, entry in models.items():
        of = entry.get("of")
        if of is not None and of not in candidates:
            otherwise = f"of: {candidates[0]}" if candidates else "a model with role: candidate"
            yield checked.document.fault(
                ("models", name, "of"),
                "the name of a model with role candidate",
                got=f"'{of}'",
                instead=did_you_mean(of, candidates, otherwise=otherwise),
            )


def _comparisons(checked: Checked, models: Entries) -> tuple[Pair, ...]:
    written = checked.get("comparisons")
    if written is not None:
        return tuple(Pair(**entry) for entry in written)
    base = _with_role(models, "base")[0]
    return tuple(Pair(base, candidate) for candidate in _with_role(models, "candidate"))


def _comparison_faults(checked: Checked, models: Entries) -> Iterator[Fault]:
    if not models or not checked.sound("comparisons"):
        return
    if checked.get("comparisons") is None:
        yield from _default_faults(checked, models)
    for number, pair in checked.entries("comparisons"):
        if pair["base"] == pair["candidate"]:
            yield checked.document.fault(
                ("comparisons", number),
                "two models to compare",
                got=f"'{pair['base']}' against itself",
                instead="the name of another model as base or candidate",
            )
        for role, name in pair.items():
            if name not in models:
                yield checked.document.fault(
                    ("comparisons", number, role),
                    "the name of a model: " + ", ".join(models),
                    got=f"'{name}'",
                    instead=did_you_mean(name, models, otherwise=f"{role}: {next(iter(models))}"),
                )


def _default_faults(checked: Checked, models: Entries) -> Iterator[Fault]:
    """Without comparisons: exactly one base and at least one candidate must be there."""
    bases = _with_role(models, "base")
    if len(bases) != 1:
        yield checked.document.fault(
            ("models",),
            "one model with role base, or a list 'comparisons'",
            got=f"{len(bases)} of them" + (f": {', '.join(bases)}" if bases else ""),
            instead="comparisons: [{base: NAME, candidate: NAME}]" if bases else "role: base",
        )
    if not _with_role(models, "candidate"):
        yield checked.document.fault(
            ("models",),
            "at least one model with role candidate",
            got="models " + ", ".join(models),
            instead="role: candidate for the fine-tuned model",
        )
