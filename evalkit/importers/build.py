"""Questions with checks of their own to suites: those that are checked alike belong together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalkit.graders.registry import JUDGES
from evalkit.importers.found import Defined, Note
from evalkit.importers.gather import slug
from evalkit.importers.sound import option_fault, reference_fault
from evalkit.loader.schemas import grader_schemas
from evalkit.suite.document import Document
from evalkit.suite.prompt import Prompt, PromptError, compile_prompt

NO_REFERENCE: Any = object()
"""Stands where a check compares with nothing of the case."""

PARTIAL = frozenset({"text_similarity", "json_diff", "rubric", "score_model", "factuality"})
"""Graders whose score is no mere 0 or 1: as a condition they count as passed or not."""

Template = str | Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an answer is checked for: a grader's type and options, and what it needs.

    ``reference`` is what this case's answer is compared with. ``negate``: it must not hold.
    """

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    reference: Any = NO_REFERENCE
    name: str = ""
    negate: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """One case: what is asked with which variables, and what the answer is checked for.

    With a ``threshold`` the weighted mean of the checks has to reach it; else all have to hold.
    """

    prompt: Template
    vars: Mapping[str, Any]
    checks: tuple[Check, ...]
    id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    threshold: float | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """The suites, and what of the questions is not in them."""

    suites: tuple[Defined, ...]
    notes: tuple[Note, ...]


def has_grader(kind: str, **options: Any) -> bool:  # noqa: ANN401  (options of any grader)
    """Return whether this evalkit has the grader, and it knows these words for its options."""
    schema = grader_schemas().get(kind)
    if schema is None:
        return False
    known = schema.get("properties", {})
    return all(
        name in known and ("enum" not in known[name] or value in known[name]["enum"])
        for name, value in options.items()
    )


def build(
    name: str, questions: Iterable[Question], *, settings: Mapping[str, Any] | None = None
) -> Built:
    """Return suites called ``name``, ``name-2`` ...; ``settings`` are fields of each suite."""
    notes: list[Note] = []
    groups: dict[str, list[Question]] = {}
    for question in questions:
        usable = _usable(question, notes)
        if usable is not None:
            groups.setdefault(_signature(usable), []).append(usable)
    suites = [
        _suite(slug(name) + (f"-{n}" if n > 1 else ""), members, settings or {}, notes)
        for n, members in enumerate(groups.values(), 1)
    ]
    judged = sorted({c.type for q in groups.values() for c in q[0].checks if c.type in JUDGES})
    if judged:
        what = f"{', '.join(judged)} ask a model: name it under judges in evalkit.yaml"
        notes.append(Note("judges", what))
    return Built(tuple(suites), tuple(dict.fromkeys(notes)))


def _usable(question: Question, notes: list[Note]) -> Question | None:
    """Return the question with the checks that there are graders for; ``None`` without any."""
    checks = []
    for check in question.checks:
        why = _lacking(check)
        if why:
            notes.append(Note(question.where, f"{check.name or check.type}: {why}"))
        else:
            checks.append(_fixed(check) if check.negate else check)
    references = [check for check in checks if check.reference is not NO_REFERENCE]
    if len(references) > 1:
        checks = [_alone(check, question, notes) for check in checks]
    kept = tuple(check for check in checks if check.type)
    if not kept:
        notes.append(Note(question.where, "the case: nothing is left that it could be checked for"))
        return None
    why = _unrenderable(question)
    if why:
        notes.append(Note(question.where, f"the case: {why}"))
        return None
    return replace(question, checks=kept, id=question.id.replace("::", ":"))


def _lacking(check: Check) -> str:
    if not has_grader(check.type, **check.options):
        metric = check.options.get("metric")
        return f"no grader {check.type}" + (f" with the metric {metric}" if metric else "")
    fixed = _fixed(check) if check.negate else check
    why = option_fault(fixed.type, fixed.options)
    if why or fixed.reference is NO_REFERENCE:
        return why
    return reference_fault(fixed.type, fixed.options, fixed.reference)


def _alone(check: Check, question: Question, notes: list[Note]) -> Check:
    """Return a check whose reference can stand beside others in one expected answer."""
    known = grader_schemas()[check.type]["properties"]
    if check.reference is NO_REFERENCE or known.get("path") == {"$ref": "#/$defs/part"}:
        return check
    if "value" in known:
        return _fixed(check)
    notes.append(Note(question.where, f"{check.type}: beside other expected answers of the case"))
    return replace(check, type="")


def _fixed(check: Check) -> Check:
    """Return a check with its reference as an option, where it is nothing that is expected."""
    if check.reference is NO_REFERENCE or "value" not in grader_schemas()[check.type]["properties"]:
        return check
    options = {**check.options, "value": check.reference}
    return replace(check, options=options, reference=NO_REFERENCE)


def _unrenderable(question: Question) -> str:
    compiled = _compiled(question.prompt)
    if not isinstance(compiled, Prompt):
        return compiled
    try:
        compiled.render(question.vars)
    except PromptError as error:
        return f"its prompt cannot be filled in: {error}"
    return ""


def _compiled(prompt: Template) -> Prompt | str:
    """Return the template, or why it is none."""
    found, faults = compile_prompt(Document("", prompt), prompt)
    return found or f"its prompt is no template: {faults[0].got}"


def _signature(question: Question) -> str:
    """Return what questions of one suite have in common."""
    checks = [
        [c.type, c.options, c.reference is NO_REFERENCE, c.name, c.negate, c.weight]
        for c in question.checks
    ]
    return json.dumps([question.prompt, checks, question.threshold], sort_keys=True, default=str)


def _suite(
    name: str, questions: Sequence[Question], settings: Mapping[str, Any], notes: list[Note]
) -> Defined:
    first = questions[0]
    names = _names(first.checks)
    references = [c.reference is not NO_REFERENCE for c in first.checks]
    several = sum(references) > 1
    graders = []
    for check, called, compares in zip(first.checks, names, references, strict=True):
        part = {"path": f"$.{called}"} if several and compares else {}
        graders.append({"name": called, "type": check.type, **check.options, **part})
    tree = {
        **{k: v for k, v in settings.items() if k == "description"},
        "prompt": first.prompt,
        "graders": graders,
        "score": _score(first, names),
        **{k: v for k, v in settings.items() if k != "description"},
    }
    return Defined(name, tree, tuple(_cases(questions, names, several=several, notes=notes)))


def _names(checks: Sequence[Check]) -> list[str]:
    """Return a name for each grader that the score formula can use."""
    names: list[str] = []
    for check in checks:
        base = re.sub(r"\W+", "_", check.name or check.type, flags=re.ASCII).strip("_").lower()
        base = base if re.match(r"[a-z_]", base) and base not in _RESERVED else f"grader_{base}"
        name, number = base, 2
        while name in names:
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


_RESERVED = frozenset({"and", "or", "not", "if", "else", "min", "max", "in", "is", "all", "any"})


def _score(question: Question, names: Sequence[str]) -> str:
    checks = question.checks
    if question.threshold is not None:
        weights = sum(check.weight for check in checks) or 1.0
        terms = [_term(check, name) for check, name in zip(checks, names, strict=True)]
        return f"1 if ({' + '.join(terms)}) / {weights:g} >= {question.threshold:g} else 0"
    counted = [(c, n) for c, n in zip(checks, names, strict=True) if c.weight] or [
        (checks[0], names[0])
    ]
    if len(counted) == 1 and not counted[0][0].negate and counted[0][0].type not in PARTIAL:
        return counted[0][1]
    conditions = [f"not {name}" if check.negate else name for check, name in counted]
    return f"1 if {' and '.join(conditions)} else 0"


def _term(check: Check, name: str) -> str:
    term = f"(1 - {name})" if check.negate else name
    return term if check.weight == 1 else f"{check.weight:g} * {term}"


def _cases(
    questions: Sequence[Question], names: Sequence[str], *, several: bool, notes: list[Note]
) -> Iterable[Mapping[str, Any]]:
    seen: set[str] = set()
    for question in questions:
        if question.id and question.id in seen:
            notes.append(Note(question.where, f"the case: its id {question.id} stands twice"))
            continue
        seen.add(question.id)
        found = {
            name: check.reference
            for check, name in zip(question.checks, names, strict=True)
            if check.reference is not NO_REFERENCE
        }
        expected = found if several else next(iter(found.values()), None)
        yield {
            **({"id": question.id} if question.id else {}),
            "vars": dict(question.vars),
            **({} if expected is None else {"expected": expected}),
            **({"tags": dict(question.tags)} if question.tags else {}),
        }
