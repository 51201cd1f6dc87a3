"""The pages say what the files say."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from evalkit.cli.commands import COMMANDS
from evalkit.clients.endpoints import ENDPOINTS
from evalkit.importers import FORMATS
from evalkit.importers.promptfoo_asserts import ASSERTIONS
from evalkit.loader import read_schema
from evalkit.suite.document import Document
from evalkit.suite.validate import check

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


def test_every_format_and_assertion_is_described() -> None:
    """`docs/imports.md` names all formats of the command and all assertions with a counterpart."""
    page = re.sub(r"```.*?```", "", (DOCS / "imports.md").read_text(), flags=re.DOTALL)
    described = set(re.findall(r"`([^`]+)`", page))
    assert ({*FORMATS} | {*ASSERTIONS}) - described == set()


def test_every_endpoint_and_its_options_are_described() -> None:
    """`docs/endpoints.md` names all kinds of requests and all options of clients behind an API."""
    defs = read_schema("project")["$defs"]
    options = {name for client in ("openai", "azure") for name in defs[client]["properties"]}
    assert ({*ENDPOINTS} | options) - words("endpoints.md") == set()
    assert defs["endpoint"]["enum"] == list(ENDPOINTS)


def test_models_of_the_pages_fit_the_schema() -> None:
    """Each example of a model can be copied: its fields and options are known."""
    schema = read_schema("project")
    blocks = re.findall(r"```yaml\n(models:.*?)```", (DOCS / "endpoints.md").read_text(), re.DOTALL)
    assert len(blocks) > 5
    for block in blocks:
        document = Document("endpoints.md", {"version": 1, **yaml.safe_load(block)})
        assert check(document, schema).faults == []
