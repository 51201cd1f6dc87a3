"""Sample logs of lm-evaluation-harness (``--log_samples``), with the means of its results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.found import Figure, Log, Mark, Note, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, finite, read_json, read_lines
from evalkit.loader.faults import shown
from evalkit.model import Message, Reply

TOOL = "lm-eval"

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<when>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl")
_NO_FILTER = "none"


def read_log(path: Path, model: str) -> Log:
    """Return the samples in a file ``samples_*.jsonl``, or in all those below a folder.

    ``model`` names the model; empty: as the results file beside the samples says, else the folder.
    """
    files = sorted(path.rglob("samples_*.jsonl")) if path.is_dir() else [path]
    if not files:
        needed, got = "samples_*.jsonl, as --log_samples writes them", "none below this folder"
        instead = "lm_eval run ... --log_samples --output_path DIR, and DIR here"
        raise FileFaults([Fault(shown(path), 0, needed, got, instead)])
    rows: list[Scored] = []
    figures: list[Figure] = []
    notes: dict[Note, None] = {}
    read: list[Path] = []
    for file in files:
        results = _results(file)
        who = model or (results.text("model_name") if results else "") or file.parent.name
        task = _task(file)
        rows += _samples(file, task, who, notes)
        figures += _figures(results, task, who) if results else []
        read.append(file)
    return Log(TOOL, tuple(rows), tuple(read), tuple(figures), tuple(notes))


def _task(file: Path) -> str:
    match = _NAME.fullmatch(file.name)
    return match["task"] if match else file.stem


def _results(file: Path) -> Part | None:
    """Return the results file of the run that wrote the samples, if it is there."""
    match = _NAME.fullmatch(file.name)
    beside = file.parent / f"results_{match['when']}.json" if match and match["when"] else None
    return read_json(beside) if beside and beside.is_file() else None


def _figures(results: Part, task: str, model: str) -> Iterator[Figure]:
    found = results["results"].get(task)
    for key, value in found.members() if found else ():
        metric, _, chosen = key.partition(",")
        number = None if isinstance(value.value, str) else finite(value.value)
        if chosen and "_stderr" not in metric and number is not None:
            yield Figure(task, _scorer(metric, chosen), model, number)


def _scorer(metric: str, chosen: str) -> str:
    return metric if chosen == _NO_FILTER else f"{metric},{chosen}"


def _samples(file: Path, task: str, model: str, notes: dict[Note, None]) -> Iterator[Scored]:
    """Yield a row for each document: the lines of its filters put together."""
    found: dict[str, Scored] = {}
    for line in read_lines(file):
        case = line["doc_id"].scalar()
        marks = dict(_marks(line, task, notes))
        first = found.get(case)
        if first is None:
            found[case] = _row(line, task, model, marks)
        elif marks.keys() & first.marks.keys():
            got = f"{case} again, first in line {first.source.line}"
            raise line.fault("each doc_id once for each filter", got=got, instead="one run's log")
        else:
            found[case] = replace(first, marks={**first.marks, **marks})
    yield from found.values()


def _row(line: Part, task: str, model: str, marks: Mapping[str, Mark]) -> Scored:
    return Scored(
        task=task,
        case=line["doc_id"].scalar(),
        model=model,
        outcome=_reply(line),
        marks=marks,
        messages=_messages(line),
        expected=_expected(line),
        source=line.source,
    )


def _marks(line: Part, task: str, notes: dict[Note, None]) -> Iterator[tuple[str, Mark]]:
    chosen = line.text("filter", _NO_FILTER)
    for metric in line["metrics"].items():
        name = metric.scalar()
        value = line.value.get(name)
        if isinstance(value, bool | int | float):
            number = finite(value)
            why = "" if number is not None else f"the score {value!s:.60} is no finite number"
            yield _scorer(name, chosen), Mark(number, why)
        else:
            what = "has no score for each sample, only for the whole task"
            notes[Note(f"{task}, {_scorer(name, chosen)}", what)] = None


def _reply(line: Part) -> Reply:
    """Return the answer: the text, or of choices the one that is likeliest."""
    answers = line["resps"].value
    likelihoods = _likelihoods(answers)
    if likelihoods:
        best = max(range(len(likelihoods)), key=likelihoods.__getitem__)
        text = _argument(line, best, "arg_1")
        return Reply(as_text(text).strip(), extra={"loglikelihoods": likelihoods})
    first: Any = answers
    while isinstance(first, list) and first:
        first = first[0]
    several = answers[0] if isinstance(answers[0], list) and len(answers[0]) > 1 else None
    return Reply(as_text(first), extra={"responses": several} if several else {})


def _likelihoods(answers: Any) -> list[float]:  # noqa: ANN401  (JSON)
    """Return the log likelihood of each choice; none where the answers are texts."""
    try:
        pairs = [choice[0] for choice in answers]
        return [float(value) for value, greedy in pairs if greedy in _GREEDY]
    except (TypeError, ValueError, LookupError, OverflowError):
        return []


_GREEDY = (True, False, "True", "False")


def _argument(line: Part, number: int, name: str) -> Any:  # noqa: ANN401  (JSON)
    arguments = line.value.get("arguments")
    if isinstance(arguments, dict):
        return arguments.get(f"gen_args_{number}", {}).get(name)
    try:
        return arguments[number][int(name[-1])]  # as versions before 0.4.3 wrote them
    except (TypeError, LookupError):
        return None


def _messages(line: Part) -> tuple[Message, ...]:
    """Return what was asked: one text, or the messages of a chat, which stand there as JSON."""
    asked = _argument(line, 0, "arg_0")
    text = asked[0] if isinstance(asked, list) and len(asked) == 1 else asked
    if isinstance(text, str) and text.startswith("[{"):
        with suppress(ValueError):
            text = json.loads(text)
    if isinstance(text, list) and all(isinstance(turn, dict) for turn in text):
        return tuple(text)
    return ({"role": "user", "content": as_text(text)},)


def _expected(line: Part) -> Any:  # noqa: ANN401  (JSON)
    """Return the target; of choices, which are logged by number, the text."""
    target = line.value.get("target")
    if _likelihoods(line.value.get("resps")) and as_text(target).isdigit():
        return as_text(_argument(line, int(as_text(target)), "arg_1")).strip() or target
    return target
