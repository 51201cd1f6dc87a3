"""The pages say what the files say."""

from __future__ import annotations

import re
from pathlib import Path

from evalkit.cli.commands import COMMANDS
from evalkit.loader import read_schema

DOCS = Path(__file__).parents[2] / "docs"


def words(page: str) -> set[str]:
    """Return every word that a page sets as code."""
    code = re.findall(r"`([^`]+)`", (DOCS / page).read_text())
    return set(re.findall(r"[\w$.-]+", " ".join(code)))


def test_every_grader_and_its_options_are_described() -> None:
    """`docs/graders.md` names all types, options and words of the suite's schema."""
    defs = read_schema("suite")["$defs"]
    types = defs["grader"]["properties"]["type"]["enum"]
    options = {name for t in types for name in defs[t]["properties"]} - {"name", "type"}
    assert (set(types) | options) - words("graders.md") == set()


def test_every_command_is_described() -> None:
    """`docs/cli.md` has a row for each command."""
    assert {command.name for command in COMMANDS} - words("cli.md") == set()
