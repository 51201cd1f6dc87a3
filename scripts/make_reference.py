"""Write the reference pages: `uv run python -m scripts.make_reference`.

Everything is read off the schemas, the docstrings of graders, and the examples in
`tests/data/reference/`, which `tests/unit/test_reference.py` runs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from evalkit.graders.registry import COMPOSED, GRADERS, TYPES
from evalkit.loader.schemas import grader_schemas
from evalkit.suite.draft import Format
from evalkit.suite.shapes import OWN
from scripts.reference.examples import ASKED, EXAMPLES, FORMATS, GRADED, answers, block
from scripts.reference.tables import Book, code, prose, sections, table, text

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
FILES = ("project", "suite", "policy", "decision")
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "Text": (
        *("string_check", "contains", "starts_with", "ends_with", "regex", "length"),
        *("text_similarity", "language", "refusal"),
    ),
    "Numbers and formulas": ("numeric", "math"),
    "Labels": ("choice", "label", "multi_label"),
    "Structure": (
        *("json_valid", "json_schema", "json_match", "json_diff"),
        *("xml_valid", "yaml_valid", "sql_equal"),
    ),
    "Tools and code": ("tool_call", "unit_tests", "python"),
    "Likelihood": ("logprob", "perplexity", "calibration"),
    "How the answer came": ("latency", "tokens", "cost", "finish_reason"),
    "Judges": ("rubric", "score_model", "label_model", "factuality", "pairwise", "cosine"),
    "Graders inside graders": ("all", "any", "not", "weighted", "multi"),
}
_LEDE = {
    "project": "`evalkit.yaml`, told in full in [Suites](../suites.md#the-project).",
    "suite": "One file a suite, told in full in [Suites](../suites.md). Each type of grader "
    "has a [page of its own](index.md) for its options.",
    "policy": "`policy.yaml`, told in full in [How evalkit decides](../decision.md#the-policy).",
    "decision": "`decision.json` of a run folder, as [the report](../report.md) shows it.",
}
_RULE = "A field that is not needed and has no default may be left out."


def pages() -> dict[str, str]:
    """Return every page by its path below `docs/reference/`.

    Raises `LookupError` for a type or format without an example.
    """
    if lacking := [*({*TYPES} - {*GRADED}), *({*get_args(Format)} - {*FORMATS})]:
        raise LookupError(f"no example in tests/data/reference/ of {', '.join(sorted(lacking))}")
    made = {"index.md": _index(), "data-formats.md": _formats()}
    made |= {f"{name}.md": _file(name) for name in FILES}
    return made | {f"graders/{name}.md": _grader(name) for name in TYPES}


def _join(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _index() -> str:
    schemas = grader_schemas()
    lists = [
        _join(
            f"## {family}",
            "\n".join(f"- [`{t}`](graders/{t}.md): {text(schemas[t])}" for t in types),
        )
        for family, types in FAMILIES.items()
    ]
    files = [f"- [{_title(name)}]({name}.md): {_about(name)}" for name in FILES]
    files.append("- [Data formats](data-formats.md): the files that cases are read from.")
    return _join(
        "# Reference",
        prose(
            "Every field of every file and every option of every grader. These pages are written "
            "from the schemas that check your files, and their examples run as tests."
        ),
        "## Files",
        "\n".join(files),
        *lists,
    )


def _title(name: str) -> str:
    return {"project": "evalkit.yaml", "policy": "policy.yaml", "decision": "decision.json"}.get(
        name, "Suite files"
    )


def _about(name: str) -> str:
    """Return what a file is; its own name need not stand there again."""
    told = text(Book.read(name).root).removeprefix(f"{_title(name)}: ")
    return told[0].upper() + told[1:]


def _file(name: str) -> str:
    book = Book.read(name)
    kind = "json" if name == "decision" else "yaml"
    example = (EXAMPLES / f"{name}.{kind}").read_text(encoding="utf-8")
    rule = (
        "Every field is always there. The example leaves its lists of results empty."
        if book.written
        else _RULE
    )
    return _join(
        f"# {_title(name)}",
        prose(f"{_about(name)} {_LEDE[name]}"),
        rule,
        "## Example",
        block(example, kind),
        *sections(book),
    )


def _formats() -> str:
    return _join(
        "# Data formats",
        prose(
            "What `format` of a [data set](suite.md#dataset) may be. `map` renames fields; what a "
            "format does not know becomes a variable of the case. Rows in JSON stand on one line "
            "each in a file; here they are broken to fit."
        ),
        *(part for name in FORMATS for part in _format(name)),
    )


def _format(name: str) -> Iterator[str]:
    example = FORMATS[name]
    yield f"## {name}"
    yield prose(described(name))
    if own := {str(key): fields for key, fields in OWN.items()}.get(name):
        yield "Its own fields: " + ", ".join(map(code, own)) + "."
    yield "In the suite:"
    yield block(example["suite"], "yaml")
    columns = ", here as JSON" if name in {"parquet", "huggingface"} else ""
    yield f"A row of `{example['path']}`{columns}:"
    yield block(example["row"], "json" if example["row"].startswith("{") else "text")
    yield "The case:"
    yield block(example["case_text"], "yaml")


def described(name: str) -> str:
    """Return what the schema of suites says of a format: the sentence that begins with its name."""
    words = text(Book.read("suite").defs["format"])
    for sentence in re.split(r"(?<=\.)\s", words):
        names, _, rest = sentence.partition(": ")
        if name in re.split(r", ", re.sub(r" \([^)]*\)", "", names)):
            note = re.search(rf"\b{name} \(([^)]*)\)", names)
            told = f"{note[1]}: {rest}" if note else rest
            return told[0].upper() + told[1:]
    raise LookupError(f"suite.json describes no format {name}")


def _grader(name: str) -> str:
    schema = grader_schemas()[name]
    book = Book.read("suite", root=schema, beside="../suite.md")
    needs = "Its options, beside `name` and `type`:"
    told = inspect.getdoc((GRADERS | COMPOSED)[name]) or ""
    options = table(book, schema)
    return _join(
        f"# {name}",
        prose(text(schema)),
        "## Example",
        block(ASKED + GRADED[name]["suite"], "yaml"),
        *(_beside(name)),
        answers(name),
        "## Options",
        f"{needs}\n\n{options}" if options else "None, beside `name` and `type`.",
        *sections(book, top=False),
        "## In detail",
        re.sub(r"``([^`]+)``", r"`\1`", told),
    )


def _beside(name: str) -> Iterator[str]:
    for path, content in GRADED[name].get("files", {}).items():
        yield f"with `{path}`:"
        yield block(content, "python" if path.endswith(".py") else "text")


def write(folder: Path) -> None:
    """Write all pages below ``folder``, and take away those that are no more."""
    made = pages()
    for path, content in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in made:
            path.unlink()


if __name__ == "__main__":
    write(FOLDER)
    print(f"{FOLDER}: {len(pages())} pages")
