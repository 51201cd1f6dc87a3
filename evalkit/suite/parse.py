"""A checked suite file to a `SuiteDraft`: settings, graders, data sets and inline cases.

Only sound parts are read, so that a fault in one part hides no fault of another.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Fairness, GraderSpec, Sampling
from evalkit.suite.document import Document, Place
from evalkit.suite.draft import TRAINED_ON, Dataset, FewShot, SuiteDraft
from evalkit.suite.filters import EVERY_ROW, read_filter
from evalkit.suite.metrics import metric_faults
from evalkit.suite.prompt import NOTHING_SHARED, Prompt, Shared, compile_prompt, compile_turns
from evalkit.suite.rows import make_draft
from evalkit.suite.shapes import SEVERAL_TURNS
from evalkit.suite.validate import Checked

_FORMULA_WORDS = ("min", "max")


def parse_suite(
    checked: Checked, sampling: Sampling, shared: Mapping[str, Shared] = NOTHING_SHARED
) -> tuple[SuiteDraft, list[Fault]]:
    """Return what the sound parts of a suite file say, and the faults beyond its schema's.

    ``sampling`` is the project's; the suite may say otherwise field by field. ``shared`` are the
    templates that its prompt can include.
    """
    document = checked.document
    prompt, faults = None, list[Fault]()
    if checked.get("prompt"):
        prompt, faults = compile_prompt(document, checked.get("prompt"), shared)
    turns, unread = _turns(checked, shared)
    faults += [fault for fault in unread if fault not in faults]
    graders = tuple(
        _grader(document, ("graders", n), entry) for n, entry in checked.entries("graders")
    )
    faults += _name_faults(graders)
    score, score_faults = _score(checked, graders)
    datasets, more = _datasets(checked)
    few_shot, wrong = _few_shot(checked)
    faults += score_faults + more + wrong + metric_faults(checked)
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
        few_shot=None if wrong else few_shot,
        metrics=tuple(checked.get("metrics")) if checked.get("metrics") is not None else None,
        fairness=_fairness(checked.get("fairness")),
        turns=turns,
    )
    return draft, faults


def _turns(checked: Checked, shared: Mapping[str, Shared]) -> tuple[Prompt | None, list[Fault]]:
    written = checked.get("conversation")
    return compile_turns(checked.document, written, shared) if written else (None, [])


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
    asked = {name: checked.get(name) for name in ("response_format", "tools", "tool_choice")}
    known = {name: value for name, value in asked.items() if value is not None}
    return replace(sampling, extra={**sampling.extra, **known}) if known else sampling


def _fairness(written: Mapping[str, Any] | None) -> Fairness | None:
    if written is None:
        return None
    return Fairness(written["term"], written["template"], float(written["margin"]))


def _grader(document: Document, place: Place, entry: Mapping[str, Any]) -> GraderSpec:
    known = ("name", "type", "graders")
    options = {key: value for key, value in entry.items() if key not in known}
    inner = tuple(
        _grader(document, (*place, "graders", n), each)
        for n, each in enumerate(entry.get("graders", ()))
    )
    return GraderSpec(entry["name"], entry["type"], options, document.source(*place), inner)


def _name_faults(graders: tuple[GraderSpec, ...]) -> list[Fault]:
    faults = [fault for grader in graders for fault in _name_faults(grader.inner)]
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
    names = checked.texts("graders", "name") or []
    if len(names) <= 1 or not checked.sound("score"):
        return graders[0].name if graders else "", []
    fault = checked.document.fault(
        ("graders",),
        "a field 'score' that says which of several graders gates",
        got="graders " + ", ".join(names),
        instead=f"score: {names[0]}",
    )
    return "", [fault]


def _datasets(checked: Checked) -> tuple[tuple[Dataset, ...], list[Fault]]:
    read: list[Dataset] = []
    faults: list[Fault] = []
    for number, entry in checked.entries("datasets"):
        dataset, more = read_dataset(checked.document, ("datasets", number), entry)
        read.append(dataset)
        faults += more
    return tuple(read), faults + _split_faults(read)


def read_dataset(
    document: Document, place: Place, entry: Mapping[str, Any]
) -> tuple[Dataset, list[Fault]]:
    """Return the data set of an entry that fits the schema, and what is wrong with it."""
    split = entry.get("split", "train" if entry["path"] == TRAINED_ON else "heldout")
    faults: list[Fault] = []
    chosen = EVERY_ROW
    try:
        chosen = read_filter(entry.get("filter", {}))
    except ValueError as error:
        instead = "a pattern in Python's syntax, a literal . ( [ { \\ with \\ before it"
        where = (*place, "filter")
        faults.append(
            document.fault(where, "a regular expression", got=str(error), instead=instead)
        )
    if entry.get("turns") == "all" and entry["format"] not in SEVERAL_TURNS:
        needed = "rows of several turns for turns: all, of format " + " or ".join(SEVERAL_TURNS)
        got, instead = f"format: {entry['format']}", "turns: last"
        faults.append(document.fault((*place, "turns"), needed, got=got, instead=instead))
    settings = {**entry, "split": split, "source": document.source(*place), "filter": chosen}
    return Dataset(**settings), faults


def _few_shot(checked: Checked) -> tuple[FewShot | None, list[Fault]]:
    written = checked.get("few_shot")
    if written is None:
        return None, []
    count, seed = written.get("count", 4), written.get("seed", 0)
    entry = {name: value for name, value in written.items() if name not in ("count", "seed")}
    dataset, faults = read_dataset(checked.document, ("few_shot",), entry)
    if dataset.path == TRAINED_ON:
        needed, instead = "the path of one file for few_shot", "path: ../data/train.jsonl"
        place = ("few_shot", "path")
        faults.append(checked.document.fault(place, needed, got=TRAINED_ON, instead=instead))
    return FewShot(dataset, count, seed), faults


def _split_faults(datasets: Sequence[Dataset]) -> list[Fault]:
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
