"""The registry of openai/evals: its YAML with samples, and the logs that ``oaieval`` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.build import Check, Question, build
from evalkit.importers.found import Defined, Definitions, Figure, Log, Mark, Note, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, read_lines, read_tree
from evalkit.importers.rowfile import find_file
from evalkit.loader.faults import shown
from evalkit.model import Failure, Message, Reply

TOOL = "openai-evals-registry"

_REGISTRY = "evals.elsuite.basic."
_VERSION = re.compile(r"\.[^.]+\.[^.]+$")
_ARGUMENTS = frozenset({"samples_jsonl", "ignore_case", "max_tokens"})
_ACCURACY = "accuracy"


_Asked = tuple[tuple[Message, ...], str]
"""What a sample asked, and the answer."""


def read_registry(path: Path) -> Definitions:
    """Return the evals of a registry file whose classes have a counterpart; note the others."""
    part, faults = read_tree(path)
    if faults:
        raise FileFaults(faults)
    notes: list[Note] = []
    suites: list[Defined] = []
    for name, entry in part.members():
        kind = entry.text("class")
        where = f"{shown(path)}:{entry.source.line}, {name}"
        if not kind:
            continue
        called = _VERSION.sub("", name)
        arguments = entry.get("args")
        unknown = (arguments.mapping() if arguments else {}).keys() - _ARGUMENTS
        notes += [Note(f"{where}, {key}", "has no counterpart") for key in sorted(unknown)]
        maker = _CLASSES.get(kind.removeprefix(_REGISTRY))
        if maker is None or not kind.startswith(_REGISTRY) or arguments is None:
            notes.append(Note(where, f"{kind} has no counterpart; its code is never run"))
            continue
        questions = _questions(arguments, maker, path, notes)
        built = build(called, questions, settings=_settings(called, arguments))
        suites += built.suites
        notes += built.notes
    if not suites:
        got = "; ".join(map(str, notes[:8])) or "none"
        needed = "evals of the classes " + ", ".join(_CLASSES)
        raise FileFaults([Fault(shown(path), 0, needed, got, "a file with such an eval")])
    return Definitions(tuple(suites), tuple(dict.fromkeys(notes)))


def _settings(name: str, arguments: Part) -> Mapping[str, Any]:
    longest = arguments.get("max_tokens")
    sampling: dict[str, Any] = {"temperature": 0}
    if longest is not None:
        sampling["max_tokens"] = int(longest.number())
    return {"description": f"{name}, from openai/evals.", "sampling": sampling}


def _questions(arguments: Part, maker: Any, path: Path, notes: list[Note]) -> Iterator[Question]:  # noqa: ANN401
    samples = arguments["samples_jsonl"]
    folders = [path.resolve().parent.parent / "data", path.resolve().parent, Path.cwd()]
    file = find_file(samples.scalar(), folders)
    if file is None:
        instead = f"the file below {shown(folders[0])}, the registry's folder or the current one"
        raise samples.fault("samples that are there", got=samples.scalar(), instead=instead)
    ignore_case = bool(arguments.value.get("ignore_case"))
    for line in read_lines(file):
        where = f"{shown(file)}:{line.source.line}"
        made = maker(line.value.get("ideal"), ignore_case)
        if isinstance(made, str):
            notes.append(Note(where, f"the case: {made}"))
            continue
        messages = _messages(line["input"].value)
        texts = [message["content"] for message in messages]
        prompt = [
            {"role": m["role"], "content": f"{{{{ messages[{n}] }}}}"}
            for n, m in enumerate(messages)
        ]
        yield Question(prompt, {"messages": texts}, (made,), where=where)


def _messages(asked: Any) -> tuple[Mapping[str, str], ...]:  # noqa: ANN401  (a text or messages)
    if not isinstance(asked, list):
        return ({"role": "user", "content": as_text(asked)},)
    return tuple(
        {"role": str(m.get("role", "user")), "content": as_text(m.get("content"))} for m in asked
    )


def _texts(ideal: Any) -> list[str]:  # noqa: ANN401  (a text or texts)
    return [as_text(text) for text in (ideal if isinstance(ideal, list) else [ideal])]


def _match(ideal: Any, _: bool) -> Check | str:  # noqa: ANN401, FBT001  (a sample's field)
    return Check("starts_with", {}, _texts(ideal)) if ideal else "no ideal answer"


def _includes(ideal: Any, ignore_case: bool) -> Check | str:  # noqa: ANN401, FBT001
    options = {"match": "any", **({"ignore_case": True} if ignore_case else {})}
    return Check("contains", options, _texts(ideal)) if ideal else "no ideal answer"


def _json_match(ideal: Any, _: bool) -> Check | str:  # noqa: ANN401, FBT001  (a sample's field)
    texts = _texts(ideal)
    if len(texts) != 1:
        return "several ideal answers in JSON"
    try:
        return Check("json_diff", {"threshold": 1}, json.loads(texts[0]))
    except ValueError:
        return "an ideal answer that is no JSON"


def _json_valid(_ideal: Any, _case: bool) -> Check:  # noqa: ANN401, FBT001  (a sample's field)
    return Check("json_valid")


_CLASSES = {
    "match:Match": _match,
    "includes:Includes": _includes,
    "json_match:JsonMatch": _json_match,
    "json_validator:JsonValidator": _json_valid,
}


def read_log(path: Path, model: str) -> Log:
    """Return the samples that a log of ``oaieval`` recorded matches of."""
    spec: Part | None = None
    report: Part | None = None
    asked: dict[str, _Asked] = {}
    matches: dict[str, Part] = {}
    failed: dict[str, Part] = {}
    for line in read_lines(path):
        spec = line.get("spec") or spec
        report = line.get("final_report") or report
        kind, case = line.text("type"), line.text("sample_id")
        if kind == "sampling":
            data = line["data"]
            asked[case] = (_messages(data.value.get("prompt")), _sampled(data))
        elif kind == "match":
            matches[case] = line
        elif kind == "error":
            failed[case] = line
    if spec is None:
        needed, got = "a log of oaieval, with a line 'spec'", "no such line"
        raise FileFaults([Fault(shown(path), 0, needed, got, "the file that oaieval wrote")])
    who = model or ",".join(name.scalar() for name in spec.each("completion_fns")) or path.stem
    task = spec.text("base_eval") or spec.text("eval_name", TOOL)
    rows = [_row(m, task, who, asked.get(case, ((), ""))) for case, m in matches.items()]
    for case, line in failed.items():
        if case not in matches:
            message = line["data"].text("message")[:300]
            outcome = Failure("bad_response", message or "no answer")
            rows.append(Scored(task, case, who, outcome, {}, source=line.source))
    figure = report.get(_ACCURACY) if report else None
    figures = (Figure(task, _ACCURACY, who, figure.number()),) if figure else ()
    return Log(TOOL, tuple(rows), (path,), figures)


def _sampled(data: Part) -> str:
    found = data.value.get("sampled")
    return as_text(found[0] if isinstance(found, list) and len(found) == 1 else found)


def _row(line: Part, task: str, model: str, asked: _Asked) -> Scored:
    data = line["data"]
    messages, text = asked
    return Scored(
        task=task,
        case=line["sample_id"].scalar(),
        model=model,
        outcome=Reply(as_text(data.value.get("sampled")) or text),
        marks={_ACCURACY: Mark(data["correct"].number())},
        messages=messages,
        expected=data.value.get("expected"),
        source=line.source,
    )
