"""Tasks of lm-evaluation-harness in YAML: text to be generated, and multiple choice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.build import Check, Question, build
from evalkit.importers.found import Defined, Definitions, Note
from evalkit.importers.part import Part, read_tree
from evalkit.importers.rowfile import below, find_file, read_data
from evalkit.loader.faults import shown
from evalkit.suite.document import Document
from evalkit.suite.prompt import PromptError, compile_prompt

_GENERATE, _CHOICE = "generate_until", "multiple_choice"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBER = re.compile(r"(?=.*(?:\\d|0-9))[\\\[\](){}dsS0-9.,?+*$^#:|%/=! -]+")
"""A pattern that takes nothing but a number out of an answer."""

_KNOWN = frozenset(
    {
        *("task", "task_alias", "tag", "group", "include", "metadata", "output_type", "repeats"),
        *("dataset_path", "dataset_name", "dataset_kwargs", "description", "generation_kwargs"),
        *("test_split", "validation_split", "training_split", "should_decontaminate"),
        *("doc_to_text", "doc_to_target", "doc_to_choice", "target_delimiter"),
        *("fewshot_delimiter", "filter_list", "metric_list"),
    }
)
_SPLITS = ("test_split", "validation_split", "training_split")
_MOST_STOPS = 4
_SIMILAR = {"bleu": "bleu", "chrf": "chrf", "rouge1": "rouge_1", "rougeL": "rouge_l"}


@dataclass(frozen=True, slots=True)
class _Task:
    """One task: its merged tree, where it stands, and its rows."""

    part: Part
    file: Path
    name: str
    rows: Sequence[tuple[int, Mapping[str, Any]]]
    data: str


def read_tasks(path: Path, data: Path | None) -> Definitions:
    """Return the tasks of a YAML file, or of those in a folder; ``data`` holds rows for a task."""
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    tree = (path if path.is_dir() else path.parent, Path.cwd())
    notes: list[Note] = []
    suites: list[Defined] = []
    for file in files:
        part = _merged(file, notes, tree)
        names = part.get("task")
        if names is None or isinstance(names.value, list):
            if len(files) == 1:
                raise part.fault("a task", got="a group or a part", instead="the file of one task")
            notes.append(Note(shown(file), "no task of its own: a group, or a part of others"))
            continue
        task = _Task(part, file, names.scalar(), *_rows(part, tree, data))
        suites += _suites(task, notes)
    if not suites:
        got = "; ".join(map(str, notes[:8])) or "no file with a key 'task'"
        needed, instead = "a task that evalkit has graders for", "another task"
        raise FileFaults([Fault(shown(path), 0, needed, got, instead)])
    return Definitions(tuple(suites), tuple(dict.fromkeys(notes)))


def _merged(
    file: Path, notes: list[Note], tree: Sequence[Path], above: tuple[Path, ...] = ()
) -> Part:
    """Return a file over what it includes, which has to lie below one of the folders ``tree``.

    Python that it names is never run, but noted.
    """
    part, faults = read_tree(file)
    for fault in faults:
        if "!function" not in fault.got:
            raise FileFaults([fault])
        notes.append(Note(f"{fault.path}:{fault.line}", "!function names Python, which is not run"))
    included = part.get("include")
    if included is None:
        return part
    other = below(file.parent / included.scalar(), tree)
    if other is None:
        raise included.fault(
            "a file below the folder that is imported, or below the current one",
            got=included.scalar()[:200],
            instead="the import from a folder that holds all files of the task",
        )
    if other in (*above, file.resolve()):
        raise included.fault("files that end", got="one that includes itself", instead="no include")
    under = _merged(other, notes, tree, (*above, file.resolve()))
    return Part(part.document, {**under.mapping(), **part.mapping()})


def _rows(
    part: Part, tree: Sequence[Path], data: Path | None
) -> tuple[Sequence[tuple[int, Mapping[str, Any]]], str]:
    if data is not None:
        return list(read_data(data)), shown(data)
    settings = part.get("dataset_kwargs")
    files = settings.get("data_files") if settings else None
    split = next((part.text(key) for key in _SPLITS if part.get(key)), "test")
    named = files.get(split) if files and isinstance(files.value, dict) else files
    if named is None:
        raise part.fault(
            "rows on this machine, as dataset_kwargs: data_files: names them",
            got=f"dataset_path: {part.text('dataset_path') or 'nothing'}",
            instead="--data FILE with the rows as JSON lines",
        )
    name = named.value[0] if isinstance(named.value, list) and named.value else named.value
    found = find_file(str(name), tree)
    if found is None:
        raise named.fault(
            "a data file below the folder that is imported, or below the current one",
            got=str(name)[:200],
            instead="--data FILE",
        )
    return list(read_data(found)), shown(found)


def _suites(task: _Task, notes: list[Note]) -> tuple[Defined, ...]:
    part = task.part
    kind = part.text("output_type", _GENERATE)
    where = f"{shown(task.file)}, {task.name}"
    unknown = [key for key in part.mapping() if key not in _KNOWN]
    notes += [Note(f"{where}, {key}", "has no counterpart") for key in unknown]
    if kind not in (_GENERATE, _CHOICE):
        notes.append(Note(f"{where}, output_type", f"{kind}: only generated text is graded"))
        return ()
    questions = _choices(task, notes) if kind == _CHOICE else _generated(task, notes)
    settings = {"description": f"{task.name} of lm-evaluation-harness."}
    sampling = _sampling(part, f"{where}, generation_kwargs", notes)
    built = build(task.name, questions, settings={**settings, **sampling})
    notes += built.notes
    return built.suites


def _sampling(part: Part, where: str, notes: list[Note]) -> Mapping[str, Any]:
    given = dict(part.value.get("generation_kwargs") or {})
    sampling: dict[str, Any] = {}
    stops = given.pop("until", [])
    stops = [stops] if isinstance(stops, str) else stops
    if len(stops) > _MOST_STOPS:
        notes.append(Note(f"{where}.until", f"only the first {_MOST_STOPS} stop texts"))
    if not given.pop("do_sample", False):
        given["temperature"] = 0
    for ours, names in {
        "temperature": ("temperature",),
        "max_tokens": ("max_gen_toks", "max_tokens"),
    }.items():
        for name in names:
            if name in given:
                sampling[ours] = given.pop(name)
    extra = {"stop": stops[:_MOST_STOPS]} if stops else {}
    if "top_p" in given:
        extra["top_p"] = given.pop("top_p")
    notes += [Note(f"{where}.{name}", "has no counterpart") for name in given]
    repeats = part.value.get("repeats", 1)
    if repeats > 1:
        sampling["samples"] = repeats
    return {"sampling": {**sampling, **({"extra": extra} if extra else {})}}


def _generated(task: _Task, notes: list[Note]) -> Iterator[Question]:
    prompt = _template(task, "doc_to_text")
    if prompt is None:
        notes.append(Note(f"{shown(task.file)}, doc_to_text", "is no template"))
        return
    checks = _metric_checks(task, notes)
    for number, (line, row) in enumerate(task.rows):
        target = _value(task, "doc_to_target", row)
        where = f"{task.data}:{line}"
        if target is None:
            notes.append(Note(where, "the case: doc_to_target gives nothing"))
            continue
        found = tuple(_with(check, target) for check in checks)
        yield Question(prompt, row, found, id=str(number), where=where)


def _with(check: Check, target: Any) -> Check:  # noqa: ANN401  (a text or texts)
    several = isinstance(target, list)
    if check.type == "string_check" and several:
        options = {"metric": "levenshtein", "threshold": 1}
        return replace(check, type="text_similarity", options=options, reference=target)
    return replace(check, reference=target)


def _metric_checks(task: _Task, notes: list[Note]) -> list[Check]:
    """Return a check for each metric and filter; the first is the score, the others tell more."""
    where = shown(task.file)
    filters: list[Part | None] = [*task.part.each("filter_list")] or [None]
    checks: list[Check] = []
    for metric in task.part.each("metric_list"):
        for chosen in filters:
            called = metric["metric"].scalar()
            called += "" if chosen is None else f"_{chosen.text('name')}"
            found = _check(metric, chosen, f"{where}, {called}", notes)
            if found and any((found.type, found.options) == (c.type, c.options) for c in checks):
                notes.append(Note(f"{where}, {called}", "is graded like one before it: left out"))
            elif found:
                checks.append(replace(found, name=called, weight=0.0 if checks else 1.0))
    return checks


def _check(metric: Part, chosen: Part | None, where: str, notes: list[Note]) -> Check | None:
    name = metric["metric"].scalar()
    notes += [
        Note(f"{where}, {option}", "has no counterpart: answers count as written")
        for option in ("ignore_punctuation", "ignore_numbers", "regexes_to_ignore")
        if metric.value.get(option)
    ]
    steps = [] if chosen is None else chosen.each("filter")
    kinds = [_filter(step) for step in steps]
    if unknown := [k for k in kinds if k not in ("number", "fold", "")]:
        notes.append(Note(where, f"the filter {unknown[0]} has no counterpart"))
        return None
    if name in _SIMILAR:
        notes.append(Note(where, "each answer is scored alone, not the whole task together"))
        return Check("text_similarity", {"metric": _SIMILAR[name], "threshold": 0.5})
    if name != "exact_match":
        notes.append(Note(where, "the metric has no counterpart"))
        return None
    if "number" in kinds:
        notes.append(Note(where, "the filter takes a number out: numeric takes the last one"))
        return Check("numeric")
    if "fold" in kinds or metric.value.get("ignore_case"):
        options = {"metric": "levenshtein", "threshold": 1, "ignore_case": True}
        return Check("text_similarity", options)
    return Check("string_check", {"operation": "eq"})


def _filter(step: Part) -> str:
    """Return what a filter does: takes a number out, folds case, nothing (""), or its name."""
    kind = step["function"].scalar()
    if kind == "regex" and _NUMBER.fullmatch(step.text("regex_pattern", "(-?[0-9.]+)")):
        return "number"
    if kind in ("lowercase", "uppercase"):
        return "fold"
    return "" if kind in ("take_first", "remove_whitespace") else kind


def _choices(task: _Task, notes: list[Note]) -> Iterator[Question]:
    """Yield questions with the choices as letters: the letter is generated, not its likelihood."""
    where = f"{shown(task.file)}, {task.name}"
    prompt = _template(task, "doc_to_text")
    if prompt is None:
        notes.append(Note(f"{where}, doc_to_text", "is no template"))
        return
    what = "the letter of a choice is generated and read; lm-eval compares the choices' likelihoods"
    notes.append(Note(f"{where}, output_type", what))
    most = 0
    found = []
    for number, (line, row) in enumerate(task.rows):
        choices, target = _value(task, "doc_to_choice", row), _value(task, "doc_to_target", row)
        right = _index(choices, target)
        if right is None:
            notes.append(Note(f"{task.data}:{line}", "the case: no choice, or none that is right"))
            continue
        most = max(most, len(choices))
        found.append((number, line, {**row, "choices_": choices}, right))
    letters = list(_LETTERS[: max(most, 2)])
    asked = (
        f"{prompt}\n{{% for choice in choices_ %}}\n"
        f"{{{{ '{_LETTERS}'[loop.index0] }}}}. {{{{ choice }}}}{{% endfor %}}\n\n"
        "Answer with the letter alone."
    )
    for number, line, row, right in found:
        check = Check("choice", {"choices": letters}, _LETTERS[right], name="acc")
        yield Question(asked, row, (check,), id=str(number), where=f"{task.data}:{line}")


def _index(choices: Any, target: Any) -> int | None:  # noqa: ANN401  (what a row holds)
    if not isinstance(choices, list) or not 1 < len(choices) <= len(_LETTERS):
        return None
    if target in choices:
        return choices.index(target)
    text = str(target).strip()
    if text.isdigit() and int(text) < len(choices):
        return int(text)
    return choices.index(text) if text in choices else None


def _template(task: _Task, key: str) -> str | None:
    """Return the prompt: the description and ``doc_to_text``, a template or a field's name."""
    text = task.part.value.get(key)
    if not isinstance(text, str):
        return None
    if task.rows and text in task.rows[0][1]:
        text = f"{{{{ {text} }}}}"
    return f"{task.part.text('description')}{text}".rstrip()


def _value(task: _Task, key: str, row: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a row's value)
    """Return what a field's name, a list or a template gives for a row; ``None`` if nothing."""
    said = task.part.value.get(key)
    if isinstance(said, str) and said in row:
        return row[said]
    if isinstance(said, list):
        return [_filled(text, row) for text in said]
    if not isinstance(said, str):
        return said
    whole = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", said)
    if whole and whole[1] in row:
        value = row[whole[1]]
        return value if isinstance(value, list) or key == "doc_to_choice" else str(value)
    return _filled(said, row)


def _filled(text: Any, row: Mapping[str, Any]) -> str | None:  # noqa: ANN401  (a list's item)
    prompt, _ = compile_prompt(Document("", None), str(text))
    try:
        return str(prompt.render(row)[0]["content"]) if prompt else None
    except PromptError:
        return None
