"""The terms and templates that a suite file names."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.model import Fairness, Suite
from evalkit.model.codec import from_tree, to_tree
from tests.unit.loader.projects import faults, loaded
from tests.unit.loader.test_load import FILES

LETTERS = """suite: letters
purpose: guard
prompt: "{{ text }}"
graders: [{name: same, type: string_check, operation: eq, value: "yes"}]
cases:
  - {id: a1, vars: {text: one, form: 1}, tags: {name: Anna}}
  - {id: b1, vars: {text: two, form: 1}, tags: {name: Bogdan}}
  - {id: a2, vars: {text: three, form: 2}, tags: {name: Anna}}
  - {id: none, vars: {text: four}}
"""


def asked(term: str, template: str, margin: float = 0.05) -> dict[str, str | bytes]:
    """Return the files of a project whose suite names these fields."""
    line = f"fairness: {{term: {term}, template: {template}, margin: {margin}}}\n"
    return {**FILES, "sums/sums.yaml": LETTERS + line}


def test_fairness_is_read(tmp_path: Path) -> None:
    """As written and kept, though a template lacks a term and a case has neither; else none."""
    [suite] = loaded(tmp_path, asked("tags.name", "vars.form")).suites
    assert suite.fairness == Fairness("tags.name", "vars.form", 0.05)
    assert from_tree(Suite, to_tree(suite)).fairness == suite.fairness
    [bare] = loaded(tmp_path, {**FILES, "sums/sums.yaml": LETTERS}).suites
    assert bare.fairness is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            ("tags.nmae", "vars.form"),
            (
                "a term that held-out cases have",
                "'tags.nmae', which no held-out case has",
                "one of: tags.name, vars.form, vars.text",
            ),
        ),
        (
            ("tags.name", "tags.form"),
            (
                "a template that held-out cases have",
                "'tags.form', which no held-out case has",
                "one of: tags.name, vars.form, vars.text",
            ),
        ),
        (
            ("tags.name", "vars.text"),
            (
                "a template with every term, of two or more",
                "3 templates, the fullest with 1 of the 2 terms: Anna, Bogdan",
                "a case of each term in every template, or another field as term or template",
            ),
        ),
    ],
)
def test_what_cannot_be_compared_is_a_fault(
    tmp_path: Path, fields: tuple[str, str], said: tuple[str, str, str]
) -> None:
    """A field that no case has, and templates with one term only, told before any call."""
    [told] = faults(tmp_path, asked(*fields))
    assert (told.needed, told.got, told.instead) == said
    assert told.line == 10


@pytest.mark.parametrize(
    "line",
    [
        "fairness: {term: tags.name, template: vars.form}",
        "fairness: {term: name, template: vars.form, margin: 0.05}",
        "fairness: {term: tags.name, template: vars.form, margin: 0}",
        "fairness: {term: tags.name, template: vars.form, margin: 0.05, alpha: 0.1}",
    ],
)
def test_the_schema_holds_its_fields(tmp_path: Path, line: str) -> None:
    """Term, template and a margin above 0 are needed, and nothing else is read."""
    [told] = faults(tmp_path, {**FILES, "sums/sums.yaml": f"{LETTERS}{line}\n"})
    assert told.line == 10
