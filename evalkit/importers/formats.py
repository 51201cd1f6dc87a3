"""Every format by its name on the command line, and which of its files are results."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import Fault, FileFaults, SetupError
from evalkit.importers import (
    inspect_log,
    lm_eval_log,
    lm_eval_task,
    mlflow_table,
    openai_api,
    openai_registry,
    part,
    promptfoo_config,
    promptfoo_log,
    pydantic_yaml,
    reports,
)
from evalkit.importers.found import Definitions, Log
from evalkit.importers.part import mended
from evalkit.loader.faults import shown


@dataclass(frozen=True, slots=True)
class Request:
    """What to read: a path, the name of its model (empty: as it says itself), and rows for it.

    ``data`` is a file of rows for definitions whose own rows are not on this machine.
    """

    path: Path
    model: str = ""
    data: Path | None = None


Importer = Callable[[Request], Definitions | Log]


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is, in a few words, and what reads it."""

    what: str
    read: Importer


_MISFITS = (
    *(ArithmeticError, AttributeError, LookupError, OSError),
    *(RecursionError, TypeError, ValueError),
)
"""What reading raises where a file holds a text in place of an object, and the like."""


def read(name: str, request: Request) -> Definitions | Log:
    """Return what ``request.path`` holds; raise `FileFaults` for what is not of the format."""
    for text in (str(request.path), request.model):
        if mended(text) != text:
            needed, instead = "names of files and models in UTF-8", "another name"
            raise SetupError(needed, got=ascii(text), instead=instead)
    if not os.path.exists(request.path):  # noqa: PTH110  (false, where a name is too long)
        raise SetupError(
            f"a file or folder to import as {name}",
            got=f"nothing at {request.path}",
            instead="another path",
        )
    try:
        return FORMATS[name].read(request)
    except _MISFITS as error:
        what = f"{type(error).__name__}: {error}"
        instead = f"the file as the tool wrote it, or another FORMAT than {name}"
        fault = Fault(shown(request.path), 0, f"a file of {name}", what[:300], instead)
        raise FileFaults([fault]) from error


def _lm_eval(request: Request) -> Definitions | Log:
    """Read sample logs, or tasks: a folder with samples below it is a log."""
    path = request.path
    is_log = path.is_dir() and next(path.rglob("samples_*.jsonl"), None) is not None
    if path.suffix == ".jsonl" or is_log:
        return lm_eval_log.read_log(path, request.model)
    return lm_eval_task.read_tasks(path, request.data)


def _pydantic(request: Request) -> Definitions | Log:
    """Read a report, or a data set."""
    if pydantic_yaml.is_report(request.path):
        return reports.read_pydantic_report(request.path, request.model)
    return pydantic_yaml.read_dataset(request.path)


def _openai(request: Request) -> Definitions | Log:
    return openai_api.read_openai(request.path, request.model, request.data)


def _registry(request: Request) -> Definitions | Log:
    """Read a log, which is JSON lines, or a registry's file."""
    if request.path.suffix == ".jsonl":
        return openai_registry.read_log(request.path, request.model)
    return openai_registry.read_registry(request.path)


def _promptfoo(request: Request) -> Definitions | Log:
    """Read results, which hold ``results.results``, or a configuration."""
    path = request.path
    if path.suffix == ".json" and "results" in part.read_json(path).mapping():
        return promptfoo_log.read_log(path, request.model)
    return promptfoo_config.read_config(path)


FORMATS: Mapping[str, Format] = {
    "lm-eval": Format("lm-evaluation-harness: tasks (.yaml), sample logs", _lm_eval),
    "inspect": Format(
        "Inspect: logs (.eval, .json)", lambda r: inspect_log.read_log(r.path, r.model)
    ),
    "promptfoo": Format("promptfoo: configurations, results (.json)", _promptfoo),
    "openai-evals": Format("OpenAI's Evals API: evals, runs, output items (JSON)", _openai),
    "openai-evals-registry": Format("openai/evals: registry (.yaml), logs (.jsonl)", _registry),
    "pydantic-evals": Format("pydantic-evals: data sets (.yaml), reports (.json)", _pydantic),
    "deepeval": Format("deepeval: test runs", lambda r: reports.read_deepeval(r.path, r.model)),
    "mlflow": Format("MLflow: evaluation tables", lambda r: mlflow_table.read_log(r.path, r.model)),
}
