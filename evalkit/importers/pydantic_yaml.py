"""Data sets of pydantic-evals in YAML or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.build import Check, Question, build
from evalkit.importers.found import Definitions, Note
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, read_json, read_tree
from evalkit.loader.faults import shown

_SHORT = {
    "Contains": "value",
    "Equals": "value",
    "IsInstance": "type_name",
    "MaxDuration": "seconds",
    "LLMJudge": "rubric",
}
"""The argument that an evaluator written as ``Name: value`` is given."""


def read_dataset(path: Path) -> Definitions:
    """Return the cases, those with evaluators alike in one suite."""
    part, faults = (read_json(path), []) if path.suffix == ".json" else read_tree(path)
    if faults:
        raise FileFaults(faults)
    notes: list[Note] = []
    for key, value in part.members():
        if key not in ("name", "cases", "evaluators", "$schema") and value.value:
            notes.append(Note(f"{shown(path)}, {key}", "has no counterpart"))
    name = part.text("name") or path.stem
    shared = part.each("evaluators")
    questions = [
        _question(case, number, shared, notes) for number, case in enumerate(part["cases"].items())
    ]
    built = build(name, questions, settings={"description": f"{name}, from pydantic-evals."})
    notes += built.notes
    if not built.suites:
        got = "; ".join(map(str, notes[:8])) or "none"
        needed, instead = "evaluators that have a counterpart", "EqualsExpected, or Contains: text"
        raise FileFaults([Fault(shown(path), 0, needed, got, instead)])
    return Definitions(built.suites, tuple(dict.fromkeys(notes)))


def _question(case: Part, number: int, shared: list[Part], notes: list[Note]) -> Question:
    name = case.text("name") or str(number)
    where = f"{case.document.path}:{case.source.line}, {name}"
    checks = []
    for evaluator in (*shared, *case.each("evaluators")):
        kind, made = _check(evaluator, case)
        if isinstance(made, Check):
            checks.append(made)
        else:
            place = f"{evaluator.document.path}:{evaluator.source.line}, {kind}"
            notes.append(Note(place, made))
    asked = case.value.get("inputs")
    metadata = case.value.get("metadata")
    scalars = metadata if isinstance(metadata, dict) else {}
    return Question(
        "{{ inputs }}",
        {"inputs": as_text(asked)},
        tuple(checks),
        id=name,
        tags={k: as_text(v) for k, v in scalars.items() if isinstance(v, str | int | float)},
        where=where,
    )


def _check(evaluator: Part, case: Part) -> tuple[str, Check | str]:
    """Return an evaluator's name, and its check for a case or why there is none."""
    if isinstance(evaluator.value, str):
        return evaluator.value, _made(evaluator.value, {}, case)
    kind, value = next(iter(evaluator.mapping().items()), ("", None))
    arguments = value if isinstance(value, dict) else {_SHORT.get(kind, "value"): value}
    return kind, _made(kind, arguments, case)


def _made(kind: str, arguments: dict[str, Any], case: Part) -> Check | str:
    maker = _EVALUATORS.get(kind)
    return maker(arguments, case) if maker else "no counterpart: code of one's own is never run"


def _expected(_: dict[str, Any], case: Part) -> Check | str:
    value = case.value.get("expected_output")
    return "the case expects nothing" if value is None else _equal(value)


def _duration(arguments: dict[str, Any], _: Part) -> Check | str:
    seconds = arguments.get("seconds")
    if not isinstance(seconds, int | float):
        return "no number of seconds"
    return Check("latency", {"max_s": seconds}, name="duration")


def _instance(arguments: dict[str, Any], _: Part) -> Check | str:
    if arguments.get("type_name") == "str":
        return "every answer is a text: nothing to check"
    return "every answer is a text, which is never of that type"


def _equal(value: Any) -> Check:  # noqa: ANN401  (any value of a case)
    if isinstance(value, dict | list):
        return Check("json_diff", {"threshold": 1}, value, name="equals")
    return Check("string_check", {"operation": "eq"}, as_text(value), name="equals")


def _contains(arguments: dict[str, Any], _: Part) -> Check | str:
    value = arguments.get("value")
    if not isinstance(value, str) or not value:
        return "only a text can be looked for"
    operation = "like" if arguments.get("case_sensitive", True) else "ilike"
    return Check("string_check", {"operation": operation, "value": value}, name="contains")


def _judge(arguments: dict[str, Any], _: Part) -> Check | str:
    rubric = arguments.get("rubric")
    if not isinstance(rubric, str) or not rubric:
        return "no rubric in words"
    reference = bool(arguments.get("include_expected_output"))
    options = {"rubric": rubric, "scale": [0, 1], "reference": reference}
    return Check("rubric", options, name="judge")


_EVALUATORS: Mapping[str, Callable[[dict[str, Any], Part], Check | str]] = {
    "EqualsExpected": _expected,
    "Equals": lambda arguments, _: _equal(arguments.get("value")),
    "Contains": _contains,
    "LLMJudge": _judge,
    "MaxDuration": _duration,
    "IsInstance": _instance,
}


def is_report(path: Path) -> bool:
    """Return whether a file is a report, not a data set: its cases have outputs."""
    if path.suffix != ".json":
        return False
    content = read_json(path).mapping()
    return "failures" in content or "report_evaluator_failures" in content
