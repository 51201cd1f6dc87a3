"""Configurations of promptfoo in YAML or JSON: prompts, tests and assertions to suites."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults
from evalkit.importers.build import Check, Question, Template, build
from evalkit.importers.found import Defined, Definitions, Note
from evalkit.importers.part import Part, read_json, read_tree
from evalkit.importers.promptfoo_asserts import check_of
from evalkit.importers.promptfoo_tests import (
    FILE,
    combinations,
    expanded,
    load_value,
    local,
    tests_of,
)
from evalkit.loader.faults import shown
from evalkit.suite.document import Document
from evalkit.suite.prompt import PromptError, compile_prompt

_TOP = frozenset(
    {"description", "prompts", "providers", "targets", "tests", "defaultTest", "assertionTemplates"}
)
_TEST = frozenset({"description", "vars", "assert", "threshold", "metadata"})
_OPENAI = re.compile(r"openai:(?:(?:chat|responses|completion):)?(?P<model>[^:].*)")
MOST_CASES = 100_000
"""How many cases the lists of variables and the prompts of a configuration may make."""
_FEWER = f"at most {MOST_CASES:,} cases in one configuration"

_SEPARATOR = "\n---\n"
_TEXTS = (".txt", ".md", ".j2", ".json", ".yaml", ".yml")


@dataclass(slots=True)
class _Config:
    """One configuration while it is read."""

    part: Part
    folder: Path
    notes: list[Note] = field(default_factory=list)

    def note(self, part: Part, what: str, where: str = "") -> None:
        """Remember what of ``part`` is not imported."""
        place = (
            f"{part.document.path}:{part.source.line}" if part.source.line else part.document.path
        )
        self.notes.append(Note(f"{place}{', ' if where else ''}{where}", what))


def read_config(path: Path) -> Definitions:
    """Return a suite for each prompt and each set of assertions alike."""
    part, faults = (read_json(path), []) if path.suffix == ".json" else read_tree(path)
    if faults:
        raise FileFaults(faults)
    config = _Config(part, path.resolve().parent)
    for key, value in part.members():
        if key not in _TOP:
            config.note(value, "has no counterpart", key)
    name = part.text("description") or "promptfoo"
    tests = list(_questions(config))
    suites: list[Defined] = []
    prompts = list(_prompts(config))
    if not prompts:
        raise _nothing(path, "prompts that are texts", config)
    if len(prompts) * len(tests) > MOST_CASES:
        got = f"{len(prompts):,} prompts and {len(tests):,} tests"
        raise part["prompts"].fault(_FEWER, got=got, instead="fewer of either")
    for number, prompt in enumerate(prompts, 1):
        called = name if len(prompts) == 1 else f"{name}-{number}"
        asked = [Question(prompt, **test) for test in tests]
        built = build(called, asked, settings={"description": f"{called}, from promptfoo."})
        suites += built.suites
        config.notes += built.notes
    if not suites:
        raise _nothing(path, "tests with assertions that have a counterpart", config)
    models = _models(config)
    return Definitions(tuple(suites), tuple(dict.fromkeys(config.notes)), models)


def _nothing(path: Path, needed: str, config: _Config) -> FileFaults:
    got = "; ".join(map(str, config.notes[:8])) or "none"
    return FileFaults([Fault(shown(path), 0, needed, got, "such as {type: contains, value: x}")])


def _prompts(config: _Config) -> Iterator[Template]:
    found = config.part.get("prompts")
    for entry in (
        found.items() if found and isinstance(found.value, list) else [found or config.part]
    ):
        if isinstance(entry.value, dict):
            entry = entry.get("raw") or entry.get("id") or entry  # noqa: PLW2901  (one of its fields)
        if not isinstance(entry.value, str):
            config.note(entry, "no prompt in words", "prompts")
            continue
        yield from _prompt(entry, config)


def _prompt(entry: Part, config: _Config) -> Iterator[Template]:
    text = entry.scalar()
    path = Path(text)
    found = local(text, config.folder)
    if not text.startswith(FILE) and ("\n" in text or path.suffix not in _TEXTS):
        yield _messages(text)
    elif path.suffix in _TEXTS and found is not None:
        content = found.read_text(encoding="utf-8")
        if path.suffix in (".yaml", ".yml"):
            content = json.dumps(read_tree(found)[0].value)
        for part in content.split(_SEPARATOR) if path.suffix == ".txt" else [content]:
            yield _messages(part.strip())
    else:
        config.note(entry, "a prompt that is code, or a file that is not there", text)


def _messages(text: str) -> Template:
    """Return a prompt as messages if it is JSON of a chat, else as it is."""
    try:
        tree = json.loads(text)
    except ValueError:
        return text
    if isinstance(tree, list) and all(isinstance(m, dict) and "content" in m for m in tree):
        return [{"role": str(m.get("role", "user")), "content": str(m["content"])} for m in tree]
    return text


def _questions(config: _Config) -> Iterator[dict[str, Any]]:
    """Yield the fields of a question for each test, and each combination of its variables."""
    part = config.part
    default = part.get("defaultTest")
    if default is not None and isinstance(default.value, str):
        config.note(default, "a file; write it into the configuration", "defaultTest")
        default = None
    number = 0
    for test in tests_of(part, config.folder, config.notes):
        for key, value in test.members():
            if key not in _TEST:
                config.note(value, "has no counterpart", f"test {number}, {key}")
        shared = dict(default.value.get("vars") or {}) if default else {}
        own = test.value.get("vars") or {}
        if number + combinations({**shared, **own}) > MOST_CASES:
            raise test.fault(
                _FEWER,
                got=f"{number + combinations({**shared, **own}):,}, lists of variables combined",
                instead="shorter lists, or fewer of them",
            )
        for variables in expanded({**shared, **own}, config.folder):
            case, number = str(number), number + 1
            if isinstance(variables, str):
                config.note(test, f"the case: {variables}", f"test {case}")
                continue
            checks = [c for t in (default, test) if t for c in _checks(t, case, variables, config)]
            threshold = test.get("threshold") or (default and default.get("threshold"))
            yield {
                "vars": variables,
                "checks": tuple(checks),
                "id": case,
                "tags": {"description": d} if (d := test.text("description")) else {},
                "threshold": threshold.number() if threshold else None,
                "where": f"{test.document.path}:{test.source.line}, test {case}",
            }


def _checks(
    test: Part, case: str, variables: Mapping[str, Any], config: _Config
) -> Iterator[Check]:
    for assertion in _flat(test, config):
        kind = assertion["type"].scalar()
        value = _filled(load_value(assertion.value.get("value"), config.folder), variables)
        made = check_of(assertion, value)
        if isinstance(made, str):
            config.note(assertion, made, f"test {case}, {kind}")
        else:
            yield made


def _flat(test: Part, config: _Config) -> Iterator[Part]:
    """Yield the assertions, those of sets one by one, templates in their places."""
    for assertion in test.each("assert"):
        if isinstance(assertion.value, str):
            config.note(assertion, "no assertion of its own", assertion.scalar())
            continue
        reference = assertion.text("$ref")
        if reference:
            name = reference.rpartition("/")[2]
            yield config.part["assertionTemplates"][name]
        elif assertion.text("type") == "assert-set":
            if assertion.get("threshold"):
                config.note(assertion, "a threshold of a set: all of it has to hold", "assert-set")
            yield from _flat(assertion, config)
        else:
            yield assertion


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  (any value)
    """Return a value with its templates filled in; as it is where that fails."""
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    prompt, _ = compile_prompt(Document("", None), value)
    try:
        return str(prompt.render(variables)[0]["content"]) if prompt else value
    except PromptError:
        return value


def _models(config: _Config) -> Mapping[str, Mapping[str, Any]]:
    """Return the OpenAI models among the providers: the first as base, the others as candidates."""
    found = config.part.get("providers") or config.part.get("targets")
    models: dict[str, Mapping[str, Any]] = {}
    entries = found.items() if found and isinstance(found.value, list) else [found] if found else []
    for entry in entries:
        name = entry.scalar() if isinstance(entry.value, str) else entry.text("id")
        label = name if isinstance(entry.value, str) else entry.text("label", name)
        match = _OPENAI.fullmatch(name)
        if match is None:
            config.note(entry, "name this model in evalkit.yaml", f"provider {label or '?'}")
            continue
        key = re.sub(r"[^A-Za-z0-9._-]+", "-", label.removeprefix("openai:")).strip("-")
        role = "candidate" if models else "base"
        models[key] = {"role": role, "client": "openai", "model": match["model"]}
    return models
