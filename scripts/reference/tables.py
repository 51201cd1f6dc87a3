"""JSON Schemas as Markdown: a section for each object, a row for each field."""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[2] / "evalkit" / "schemas"
Schema = Mapping[str, Any]
_TYPES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "null",
    "array": "list",
    "object": "mapping",
}
_SIGNS = re.compile(
    r"(?<![\w`$])(\$\{[^}]*\}|\$(?:\.\w+)+|\{\{.*?\}\}|\*|[a-z0-9]+_[a-z0-9_]+(?:\.\w+)*)"
)
_ELSEWHERE = {"#/$defs/format": "How the file is written: see [data formats](data-formats.md)."}
_MOST_KINDS = 2
"""More kinds of values than these are not told apart inside lists and mappings."""

_HEADS = ("field", "type", "default", "allowed", "what it is")


@dataclass(frozen=True, slots=True)
class Book:
    """A schema and where its references lead; ``beside`` is the page of its ``$defs``, if another.

    ``written`` says that it is of a file that evalkit writes: its fields have no defaults.
    """

    root: Schema
    whole: Schema
    beside: str = ""
    written: bool = False

    @classmethod
    def read(cls, name: str, *, root: Schema | None = None, beside: str = "") -> Book:
        """Return the schema of a file, or ``root`` with the references of that file's schema."""
        whole = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
        return cls(whole if root is None else root, whole, beside, written=name == "decision")

    @property
    def defs(self) -> Mapping[str, Any]:
        """What references name."""
        found: Mapping[str, Any] = self.whole["$defs"]
        return found

    def at(self, ref: str) -> Schema:
        """Return what a reference leads to."""
        found: Any = self.whole
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        schema: Schema = found
        return schema

    def seen(self, schema: Any) -> Schema:  # noqa: ANN401  (a schema may be true)
        """Return a schema with what its reference says, where that has no section of its own."""
        if not isinstance(schema, Mapping):
            return {}
        while "$ref" in schema and not self.section(schema):
            schema = {**self.at(schema["$ref"]), **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema

    def section(self, schema: Schema) -> str:
        """Return the title of the section that a reference leads to, empty if there is none."""
        ref = schema.get("$ref", "")
        if not ref or "properties" not in self.at(ref):
            return ""
        return ref.removeprefix("#/$defs/").replace("/properties/", " ")

    def link(self, title: str) -> str:
        """Return a link to the section of a definition."""
        return f"[{title}]({self.beside}#{anchor(title)})"


def anchor(title: str) -> str:
    """Return where a heading is linked to."""
    return title.lower().replace(" ", "-")


def prose(words: str) -> str:
    """Return a paragraph in lines of a readable length."""
    return textwrap.fill(words, 100, break_long_words=False, break_on_hyphens=False)


def text(schema: Schema) -> str:
    """Return what a schema says of itself; what Markdown could take for signs is code."""
    return _SIGNS.sub(r"`\1`", str(schema.get("description", "")))


def code(content: str) -> str:
    """Return code in a line of Markdown, or in a cell of a table.

    A bar in a cell is read in two ways, by GitHub and by the site, unless HTML writes it.
    """
    if "|" in content or "`" in content:
        return f"<code>{html.escape(content, quote=False).replace('|', '&#124;')}</code>"
    return f"`{content}`"


def rows(heads: Iterable[str], cells: list[list[str]]) -> str:
    """Return a table without the columns in which no cell has anything."""
    columns = [c for c in zip(heads, *cells, strict=True) if any(c[1:])]
    lines = list(zip(*columns, strict=True))
    lines.insert(1, ("---",) * len(columns))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def sections(book: Book, *, top: bool = True) -> Iterator[str]:
    """Yield heading, description and table of every object: the root's first, unless not ``top``.

    Objects inside a field are called by its name, behind that of the object if it has one.
    """
    waiting = [("Fields" if top else "", book.root)]
    named = [(name, each) for name, each in book.defs.items() if "properties" in each]
    waiting += [] if book.beside else named
    while waiting:
        title, schema = waiting.pop(0)
        if title:
            yield f"## {title}"
            yield prose(text(schema)) if schema is not book.root else ""
            yield table(book, schema, within=_within(book, schema, title))
        within = _within(book, schema, title)
        waiting[:0] = [(f"{within}{name}", each) for name, each in _inside(book, schema)]


def _within(book: Book, schema: Schema, title: str) -> str:
    return "" if schema is book.root else f"{title} "


def table(book: Book, schema: Schema, *, within: str = "") -> str:
    """Return the table of an object's fields, empty if it has none of its own.

    ``within`` is what the titles of the objects inside its fields begin with.
    """
    required = schema.get("required", ())
    cells = [
        _row(book, name, each, needed=name in required and not book.written, within=within)
        for name, each in schema.get("properties", {}).items()
        if isinstance(each, Mapping)
    ]
    return rows(_HEADS, cells) if cells else ""


def _inside(book: Book, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the objects that the fields of an object hold, each by the field's name."""
    for name, field in schema.get("properties", {}).items():
        each, depth = book.seen(field), 0
        while depth < 4:
            if "properties" in each:
                yield name, each
            deeper = each.get("items", each.get("additionalProperties"))
            if not isinstance(deeper, Mapping) or "properties" in each:
                break
            each, depth = book.seen(deeper), depth + 1


def _row(book: Book, name: str, field: Schema, *, needed: bool, within: str) -> list[str]:
    schema = book.seen(field)
    default = code(json.dumps(schema["default"])) if "default" in schema else ""
    holds = any(_inside(book, {"properties": {name: field}}))
    return [
        code(name),
        _type(book, schema, f"[{name}](#{anchor(within + name)})" if holds else ""),
        "needed" if needed else default,
        ", ".join(_allowed(book, schema)),
        _about(book, field, schema).replace("|", "\\|"),
    ]


def _about(book: Book, field: Schema, schema: Schema) -> str:
    """Return what a field is: in its own words, or in those of what it refers to."""
    if elsewhere := _ELSEWHERE.get(field.get("$ref", "")):
        return elsewhere
    referred = book.at(schema["$ref"]) if "$ref" in schema else {}
    return text(schema) or text(referred)


def _type(book: Book, schema: Schema, inner: str = "") -> str:
    """Return the words for a field's type; ``inner`` links to the section of an object in it."""
    if title := book.section(schema):
        return book.link(title)
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(_type(book, book.seen(each), inner) for each in schema["anyOf"])
    kinds = _kinds(schema)
    several = len(kinds) > _MOST_KINDS
    return " or ".join(_one(book, schema, kind, "" if several else inner) for kind in kinds)


def _kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type", _guessed(schema))
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _one(book: Book, schema: Schema, kind: str, inner: str) -> str:
    if kind == "object" and "properties" in schema:
        return inner or "mapping"
    key = {"array": "items", "object": "additionalProperties"}.get(kind, "")
    if not isinstance(schema.get(key), Mapping):
        return _TYPES.get(kind, kind)
    held = book.seen(schema[key])
    if len(_kinds(held)) <= _MOST_KINDS:
        return f"{_TYPES[kind]} of {_type(book, held, inner)}"
    return f"{_TYPES[kind]} of values" + (f": {inner}" if inner else "")


def _guessed(schema: Schema) -> str | list[str]:
    """Return the type of a constant or of one of several; anything goes if nothing is said."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if not values:
        return "any value"
    return "string" if all(isinstance(value, str) for value in values) else "integer"


def _allowed(book: Book, schema: Schema) -> Iterator[str]:
    """Yield the values, bounds and forms that a field may have."""
    if "const" in schema:
        yield code(str(schema["const"]))
    for each in (schema, *_listed(book, schema)):
        yield from (code("null" if value is None else str(value)) for value in each.get("enum", ()))
        if "pattern" in each:
            yield code(each["pattern"])
    yield from _bounds(schema)
    for each in schema.get("anyOf", ()):
        yield from _allowed(book, book.seen(each))


def _listed(book: Book, schema: Schema) -> Iterator[Schema]:
    if isinstance(schema.get("items"), Mapping):
        yield book.seen(schema["items"])


def _bounds(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
        low = high = None
    words = {"at least": low, "above": schema.get("exclusiveMinimum")}
    words |= {"at most": high, "below": schema.get("exclusiveMaximum")}
    yield from (f"{word} {limit}" for word, limit in words.items() if limit is not None)
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if most is not None:
        items = "item" if most == 1 else "items"
        yield f"{most} {items}" if least == most else f"at most {most} {items}"
    elif least > 1:
        yield f"at least {least} items"
