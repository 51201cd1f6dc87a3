"""YAML files to documents: safe, with lines, and strict where YAML is lax.

Scalars follow YAML 1.2 as editors do: only ``true`` and ``false`` are booleans (``no`` is a text),
dates stay texts. Keys are texts. A key that stands twice is a fault; so are tags and aliases that
blow a small file up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from evalkit.errors import Fault
from evalkit.graders.aliases import refuse_bomb
from evalkit.loader.faults import shown
from evalkit.suite.document import Document, Place

MOST_NESTED = 500
_OPENINGS = ("[", "{", "- ", "? ", ": ")
_INSTEAD = "quotes around a text with : # { } [ ] or *, spaces instead of tabs"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C if there
    """Composes nodes; which plain scalars are no texts is said below."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_SCALARS: Mapping[str, tuple[str, str, Callable[[str], Any]]] = {
    "null": (r"~|null|Null|NULL|", "~nN", lambda _text: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: text.lower() == "true"),
    "int": (r"[-+]?[0-9]{1,300}", "-+0123456789", int),
    "float": (
        r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,2})?",
        "-+.0123456789",
        float,
    ),
}
_READERS = {f"tag:yaml.org,2002:{kind}": read for kind, (_, _, read) in _SCALARS.items()}
_READERS["tag:yaml.org,2002:str"] = str
for _kind, (_pattern, _first, _) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})$"), [*_first, ""]
    )


def read_yaml(path: Path) -> tuple[Document | None, list[Fault]]:
    """Return the file as a document, or the fault that keeps it from being read.

    A document can come with faults too: keys that stand twice, unknown tags.
    """
    name = shown(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        _refuse_depth(text)
        root = yaml.compose(text, Loader=_Loader)
        if root is None:
            return Document(name, None, {(): 1}), []
        refuse_bomb(root)
        builder = _Builder(name)
        return Document(name, builder.build(root, ()), builder.lines), builder.faults
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        return None, [Fault(name, line, "YAML", str(error.problem), _INSTEAD)]
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        got = str(error).splitlines()[0]
        return None, [Fault(name, 0, "a YAML file in UTF-8", got, "the file saved as UTF-8 text")]
    except RecursionError:
        got = "lists or mappings nested hundreds deep"
        return None, [Fault(name, 0, "YAML that is not nested too deeply", got, "a flatter file")]


def _refuse_depth(text: str) -> None:
    """Raise `RecursionError` for nesting that would overflow the stack of the C parser itself.

    Looked for only where a file has that many openings at all, as it takes a second reading.
    """
    if sum(map(text.count, _OPENINGS)) < MOST_NESTED:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_NESTED:
            raise RecursionError


class _Builder:
    """Builds the plain tree of one file and gathers lines and faults on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: dict[Place, int] = {}
        self.faults: list[Fault] = []

    def build(self, node: yaml.Node, place: Place) -> Any:  # noqa: ANN401  (a tree of any shape)
        """Return ``node`` as a plain value and remember where it and its parts stand."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*place, n)) for n, item in enumerate(node.value)]
        if node.tag not in _READERS:
            self._fault(
                node, "plain YAML", got=f"the tag {node.tag}", instead="the value without !tag"
            )
            return None
        return _READERS[node.tag](node.value)

    def _mapping(self, mapping: yaml.MappingNode, place: Place) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for key, value in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(
                    key, "keys that are texts", got="a list or mapping as key", instead="a text"
                )
            elif key.value in tree:
                first = self.lines[(*place, key.value)]
                got = f"'{key.value}' again, first in line {first}"
                self._fault(key, "each key once", got=got, instead="one of the two")
            else:
                self.lines[(*place, key.value)] = key.start_mark.line + 1
                tree[key.value] = self.build(value, (*place, key.value))
        return tree

    def _fault(self, node: yaml.Node, needed: str, *, got: str, instead: str) -> None:
        self.faults.append(Fault(self.path, node.start_mark.line + 1, needed, got, instead))
