"""OpenAI's Evals API as JSON: an eval with its graders, its runs, and their output items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.build import NO_REFERENCE, Check, Question, Template, build
from evalkit.importers.found import Defined, Definitions, Figure, Log, Mark, Note, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, read_json, read_lines
from evalkit.importers.rowfile import read_data
from evalkit.loader.faults import shown
from evalkit.model import Failure, Message, Outcome, Reply, Usage
from evalkit.suite.document import Document
from evalkit.suite.prompt import PromptError, compile_prompt

TOOL = "openai-evals"

_ITEM = re.compile(r"\{\{\s*item\.")
_OUTPUT = re.compile(r"\{\{\s*sample\.output_text\s*\}\}")
_OUTPUT_JSON = re.compile(r"\{\{\s*sample\.output_json\.([\w.]+)\s*\}\}")
_ITEM_FIELD = re.compile(r"\{\{\s*item\.(\w+)\s*\}\}")


def read_openai(path: Path, model: str, data: Path | None) -> Definitions | Log:
    """Return the suite of an eval, or the scored answers of a run's output items.

    A file holds one object of the API, a list or page of them, or one in each line. An eval comes
    with its runs, from which its prompt and rows are taken, or with the rows in ``data``.
    """
    parts = list(_objects(path))
    kinds = {part.text("object", _guess(part)) for part in parts}
    if "eval.run.output_item" in kinds:
        return _log(path, parts, model)
    evals = [part for part in parts if part.text("object", _guess(part)) == "eval"]
    if not evals:
        needed, instead = "an eval, or output items of a run", "the JSON that the API returns"
        raise FileFaults([Fault(shown(path), 0, needed, f"{', '.join(sorted(kinds))}", instead)])
    runs = [part for part in parts if part.text("object") == "eval.run"]
    return _definitions(evals, runs, data)


def _objects(path: Path) -> Iterator[Part]:
    content = list(read_lines(path)) if path.suffix == ".jsonl" else [read_json(path)]
    for part in content:
        if isinstance(part.value, list):
            yield from part.items()
        elif part.text("object") in ("list", "page") or isinstance(part.value.get("data"), list):
            yield from part.each("data")
        else:
            yield part


def _guess(part: Part) -> str:
    return "eval" if "testing_criteria" in part.mapping() else ""


def _definitions(evals: Sequence[Part], runs: Sequence[Part], data: Path | None) -> Definitions:
    suites: list[Defined] = []
    notes: list[Note] = []
    for found in evals:
        name = found.text("name") or found.text("id") or "openai-eval"
        mine = [run for run in runs if run.text("eval_id") in ("", found.text("id"))]
        prompt, rows = _asked(found, mine, data, notes)
        criteria = found["testing_criteria"].items()
        questions = [
            Question(
                prompt,
                item,
                tuple(_checks(criteria, item, notes)),
                id=str(item.get("id", "")),
                where=where,
            )
            for where, item in rows
        ]
        built = build(
            name, questions, settings={"description": f"{name}, from OpenAI's Evals API."}
        )
        suites += built.suites
        notes += built.notes
    if not suites:
        got = "; ".join(map(str, notes[:8])) or "no rows"
        needed, instead = "graders that have a counterpart, and rows", "an eval with its run"
        raise FileFaults([Fault(evals[0].document.path, 0, needed, got, instead)])
    return Definitions(tuple(suites), tuple(dict.fromkeys(notes)))


def _asked(
    found: Part, runs: Sequence[Part], data: Path | None, notes: list[Note]
) -> tuple[Template, list[tuple[str, Mapping[str, Any]]]]:
    """Return the prompt and the rows, each with its place."""
    prompt: Template = ""
    rows: list[tuple[str, Mapping[str, Any]]] = []
    for run in runs:
        source = run["data_source"]
        prompt = prompt or _prompt(source, notes)
        rows = rows or list(_content(source, notes))
    if data is not None:
        rows = [(f"{shown(data)}:{line}", _item(row)) for line, row in read_data(data)]
    if not prompt:
        notes.append(Note(found.document.path, "no run says what is asked: the prompt is a guess"))
        prompt = "{{ item }}" if not rows else "\n".join(f"{{{{ {key} }}}}" for key in rows[0][1])
    if not rows:
        raise found.fault(
            "rows: a run whose data source holds them, in the same file, or --data FILE",
            got="an eval without rows",
            instead="--data FILE with an object {item: ...} in each line",
        )
    return prompt, rows


def _item(row: Mapping[str, Any]) -> Mapping[str, Any]:
    inside = row.get("item")
    return inside if isinstance(inside, dict) else row


def _prompt(source: Part, notes: list[Note]) -> Template:
    messages = source.get("input_messages")
    if messages is None or messages.text("type") != "template":
        return ""
    found = []
    for message in messages["template"].items():
        content = message.value.get("content")
        text = content.get("text") if isinstance(content, dict) else content
        if isinstance(text, str):
            found.append({"role": message.text("role", "user"), "content": _variables(text)})
        else:
            notes.append(Note(f"{message.document.path}, {message.where}", "no message in words"))
    return found


def _variables(text: str) -> str:
    """Return a template of the API as one of a suite: ``{{item.x}}`` is its variable x."""
    return _ITEM.sub("{{ ", text)


def _content(source: Part, notes: list[Note]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    inner = source.get("source")
    if inner is None or inner.text("type") != "file_content":
        what = f"rows of type {inner.text('type') if inner else 'none'} are elsewhere: --data FILE"
        notes.append(Note(f"{source.document.path}, {source.where}", what))
        return
    for row in inner["content"].items():
        yield f"{row.document.path}, {row.where}", _item(row.mapping())


def _checks(
    criteria: Sequence[Part], item: Mapping[str, Any], notes: list[Note]
) -> Iterator[Check]:
    for grader in criteria:
        made = _check(grader, item)
        if isinstance(made, Check):
            yield replace(made, name=grader.text("name"))
        else:
            place = f"{grader.document.path}, {grader.where}, {grader.text('name')}"
            notes.append(Note(place, f"{grader.text('type')}: {made}"))


def _check(grader: Part, item: Mapping[str, Any]) -> Check | str:
    """Return the check of a grader for one row, or why there is none."""
    kind = grader["type"].scalar()
    maker = _GRADERS.get(kind)
    return maker(grader, item) if maker else "no counterpart"


def _string_check(grader: Part, item: Mapping[str, Any]) -> Check | str:
    asked = grader["input"].scalar()
    operation = grader["operation"].scalar()
    field = _OUTPUT_JSON.fullmatch(asked)
    if field and operation == "eq":
        return _field_check(field[1], grader.text("reference"), item)
    reference = _filled(grader.text("reference"), item)
    return _on_output(asked, reference) or Check(
        "string_check", {"operation": operation}, reference
    )


def _field_check(path: str, template: str, item: Mapping[str, Any]) -> Check | str:
    """Return the check of a field of the answer, which the API compares as a text."""
    options = {"path": f"$.{path}", "as_text": True}
    whole = _ITEM_FIELD.fullmatch(template)
    value = item.get(whole[1]) if whole else None
    if isinstance(value, bool | int | float):
        return Check("json_match", options, value)
    reference = _filled(template, item)
    if reference is None:
        return "its reference cannot be filled in"
    if reference.strip().lower() in ("true", "false"):
        return f"how the API writes {reference.strip().lower()} as a text is not known"
    if reference.lstrip().startswith(("{", "[")):
        return "a reference that is no plain text"
    return Check("json_match", options, reference)


def _text_similarity(grader: Part, item: Mapping[str, Any]) -> Check | str:
    metric = grader["evaluation_metric"].scalar()
    threshold = grader.get("pass_threshold")
    reference = _filled(grader.text("reference"), item)
    options = {"metric": metric, "threshold": threshold.number() if threshold else 0.5}
    return _on_output(grader["input"].scalar(), reference) or Check(
        "text_similarity", options, reference
    )


def _on_output(asked: str, reference: str | None) -> str:
    """Return why a grader of texts has no counterpart; empty if it has."""
    if not _OUTPUT.fullmatch(asked):
        return f"its input is {asked[:60]}, not the answer"
    return "its reference cannot be filled in" if reference is None else ""


def _label_model(grader: Part, _: Mapping[str, Any]) -> Check | str:
    labels = [label.scalar() for label in grader["labels"].items()]
    passing = [label.scalar() for label in grader["passing_labels"].items()]
    messages = _judge_input(grader)
    if isinstance(messages, str):
        return messages
    return Check("label_model", {"input": messages, "labels": labels, "passing_labels": passing})


def _score_model(grader: Part, _: Mapping[str, Any]) -> Check | str:
    messages = _judge_input(grader)
    if isinstance(messages, str):
        return messages
    options: dict[str, Any] = {"input": messages}
    for key in ("range", "pass_threshold"):
        if (found := grader.get(key)) is not None:
            options[key] = found.value
    return Check("score_model", options)


def _judge_input(grader: Part) -> list[Mapping[str, str]] | str:
    found: list[Mapping[str, str]] = []
    for message in grader["input"].items():
        content = message.value.get("content")
        text = content.get("text") if isinstance(content, dict) else content
        if not isinstance(text, str) or not text:
            return "a message that is no text"
        found.append({"role": message.text("role", "user"), "content": text})
    return found


def _python(_grader: Part, _item: Mapping[str, Any]) -> str:
    return "code of an imported file is never run"


def _multi(grader: Part, item: Mapping[str, Any]) -> Check | str:
    """Return a grader with the graders inside it, their references as values."""
    inner = []
    found = grader["graders"]
    members = (
        found.members()
        if isinstance(found.value, dict)
        else ((part["name"].scalar(), part) for part in found.items())
    )
    for name, part in members:
        made = _check(part, item)
        if isinstance(made, str):
            return f"{name}: {made}"
        value = {} if made.reference is NO_REFERENCE else {"value": made.reference}
        inner.append({"name": name, "type": made.type, **made.options, **value})
    return Check("multi", {"graders": inner, "formula": grader["calculate_output"].scalar()})


_GRADERS = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "label_model": _label_model,
    "score_model": _score_model,
    "python": _python,
    "multi": _multi,
}


def _filled(text: str, item: Mapping[str, Any]) -> str | None:
    prompt, _ = compile_prompt(Document("", None), text)
    try:
        return str(prompt.render({"item": item})[0]["content"]) if prompt else None
    except PromptError:
        return None


def _log(path: Path, parts: Sequence[Part], model: str) -> Log:
    """Return the output items as rows; a case is the row of the data that was asked."""
    runs = {part.text("id"): part for part in parts if part.text("object") == "eval.run"}
    items = [part for part in parts if part.text("object") == "eval.run.output_item"]
    names = {part.text("id"): part.text("name") for part in parts if part.text("object") == "eval"}
    rows = []
    for item in items:
        task = names.get(item.text("eval_id")) or item.text("eval_id", TOOL)
        run = runs.get(item.text("run_id"))
        who = model or (run.text("model") if run else "") or item["sample"].text("model")
        rows.append(_row(item, task, who))
    figures = [f for run in runs.values() for f in _figures(run, names, model)]
    return Log(TOOL, tuple(rows), (path,), tuple(figures))


def _row(item: Part, task: str, model: str) -> Scored:
    sample, asked = item["sample"], item.value.get("datasource_item") or {}
    inside = _item(asked)
    marks = {}
    for result in item.each("results"):
        score, passed = result.get("score"), result.get("passed")
        name = re.sub(r"-[0-9a-f-]{36}$", "", result["name"].scalar())
        ok = bool(passed.value) if passed else None
        marks[name] = Mark(score.number() if score else None, passed=ok)
    return Scored(
        task=task,
        case=str(inside.get("id") or item["datasource_item_id"].scalar()),
        model=model,
        outcome=_outcome(sample),
        marks=marks,
        messages=_messages(sample),
        expected=inside,
        source=item.source,
    )


def _outcome(sample: Part) -> Outcome:
    error = sample.get("error")
    output = sample.each("output")
    why = (error.text("message") or error.text("code")) if error else ""
    if why:
        return Failure("bad_response", why[:300])
    usage = sample.get("usage") or sample.at({})
    return Reply(
        as_text(output[-1].value.get("content")) if output else "",
        finish_reason=sample.text("finish_reason", "stop"),
        model=sample.text("model"),
        usage=Usage(usage.count("prompt_tokens"), usage.count("completion_tokens")),
    )


def _messages(sample: Part) -> tuple[Message, ...]:
    return tuple(
        {"role": turn.text("role", "user"), "content": as_text(turn.value.get("content"))}
        for turn in sample.each("input")
    )


def _figures(run: Part, names: Mapping[str, str], model: str) -> Iterator[Figure]:
    """Yield the share that passed each criterion, as the run reports it."""
    task = names.get(run.text("eval_id")) or run.text("eval_id", TOOL)
    for result in run.each("per_testing_criteria_results"):
        passed, failed = result["passed"].number(), result["failed"].number()
        name = re.sub(r"-[0-9a-f-]{36}$", "", result["testing_criteria"].scalar())
        if passed + failed:
            yield Figure(task, name, model or run.text("model"), passed / (passed + failed))
