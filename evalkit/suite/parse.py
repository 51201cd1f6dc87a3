"""A checked suite file to a `SuiteDraft`: settings, graders, data sets and inline cases.

Only sound parts are read, so that a fault in one part hides no fault of another.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.errors import Fault
from evalkit.model import GraderSpec, Sampling
from evalkit.suite.document import Document
from evalkit.suite.draft import TRAINED_ON, Dataset, SuiteDraft
from evalkit.suite.prompt import compile_prompt
from evalkit.suite.rows import make_draft
from evalkit.suite.validate import Checked

_FORMULA_WORDS = ("min", "max")


def parse_suite(checked: Checked, sampling: Sampling) -> tuple[SuiteDraft, list[Fault]]:
    """Return what the sound parts of a suite file say, and the faults beyond its schema's.

    ``sampling`` is the project's; the suite may say otherwise field by field.
    """
    document = checked.document
    prompt, faults = None, list[Fault]()
    if checked.get("prompt"):
        prompt, faults = compile_prompt(document, checked.get("prompt"))
    graders = tuple(_grader(document, n, entry) for n, entry in checked.entries("graders"))
    faults += _name_faults(graders)
    score, score_faults = _score(checked, graders)
    datasets = tuple(_dataset(document, n, entry) for n, entry in checked.entries("datasets"))
    faults += score_faults + _split_faults(datasets)
    draft = SuiteDraft(
        document=document,
        name=checked.get("suite", ""),
        purpose=checked.get("purpose", "report"),
        graders=graders,
        score=score,
        sampling=_sampling(checked, sampling),
        prompt=prompt,
        rows_ask=checked.sound("prompt") and not checked.get("prompt"),
        cases=tuple(
            make_draft(entry, document.source("cases", n)) for n, entry in checked.entries("cases")
        ),
        datasets=datasets,
        margin=None if checked.get("margin") is None else float(checked.get("margin")),
        description=checked.get("description", ""),
        slices=tuple(checked.get("slices", ())),
        cluster=checked.get("cluster"),
    )
    return draft, faults


def read_sampling(fields: Mapping[str, Any], default: Sampling) -> Sampling:
    """Return ``default`` with what ``fields`` says otherwise; ``extra`` is merged by key."""
    known = dict(fields)
    if "temperature" in known:
        # 0 and 0.0 are one temperature but two request bodies, hence two stored answers.
        known["temperature"] = float(known["temperature"])
    if "extra" in known:
        known["extra"] = {**default.extra, **known["extra"]}
    return replace(default, **known)


def _sampling(checked: Checked, default: Sampling) -> Sampling:
    sampling = read_sampling(checked.get("sampling", {}), default)
    response_format = checked.get("response_format")
    if response_format is None:
        return sampling
    return replace(sampling, extra={**sampling.extra, "response_format": response_format})


def _grader(document: Document, number: int, entry: Mapping[str, Any]) -> GraderSpec:
    options = {key: value for key, value in entry.items() if key not in ("name", "type")}
    return GraderSpec(entry["name"], entry["type"], options, document.source("graders", number))


def _name_faults(graders: tuple[GraderSpec, ...]) -> list[Fault]:
    faults = []
    first: dict[str, int] = {}
    for grader in graders:
        path, line = grader.source.path, grader.source.line
        if grader.name in first:
            got = f"a second '{grader.name}', the first in line {first[grader.name]}"
            faults.append(Fault(path, line, "one grader of each name", got, "another name"))
        if keyword.iskeyword(grader.name) or grader.name in _FORMULA_WORDS:
            got = f"'{grader.name}', which means something else there"
            faults.append(
                Fault(path, line, "a name that the score formula can use", got, "another name")
            )
        first.setdefault(grader.name, line)
    return faults


def _score(checked: Checked, graders: tuple[GraderSpec, ...]) -> tuple[str, list[Fault]]:
    """Return the score formula: as written, or the name of the only grader."""
    written = checked.get("score")
    if written is not None:
        return str(written), []
    if len(graders) <= 1 or not (checked.sound("graders") and checked.sound("score")):
        return graders[0].name if graders else "", []
    fault = checked.document.fault(
        ("graders",),
        "a field 'score' that says which of several graders gates",
        got="graders " + ", ".join(g.name for g in graders),
        instead=f"score: {graders[0].name}",
    )
    return "", [fault]


def _dataset(document: Document, number: int, entry: Mapping[str, Any]) -> Dataset:
    split = entry.get("split", "train" if entry["path"] == TRAINED_ON else "heldout")
    return Dataset(**{**entry, "split": split, "source": document.source("datasets", number)})


def _split_faults(datasets: tuple[Dataset, ...]) -> list[Fault]:
    return [
        Fault(
            dataset.source.path,
            dataset.source.line,
            f"split: train for {TRAINED_ON}",
            "split: heldout, but the candidates have seen these rows",
            "split: train",
        )
        for dataset in datasets
        if dataset.path == TRAINED_ON and dataset.split == "heldout"
    ]
