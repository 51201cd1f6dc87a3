"""Graders of the form of XML and YAML answers: `xml_valid` and `yaml_valid`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.parsers import expat  # only events; a document type, and so any entity, is refused

import yaml

from evalkit.graders.aliases import refuse_bomb
from evalkit.graders.base import (
    OptionError,
    TextGrader,
    alone,
    bounded,
    clip,
    missing_package,
    verdict,
    wrong,
)
from evalkit.graders.jsontext import unfenced
from evalkit.model import Grade, GraderSpec

MOST_XML = 10_000_000
MOST_VALIDATED = 1_000_000
MOST_YAML = 100_000
"""Characters that each reads within about a second; longer answers are ungraded."""
MOST_NESTED = 100

_ROOTS: dict[str | None, tuple[str, tuple[type[yaml.Node], ...]]] = {
    None: ("a mapping or a list", (yaml.MappingNode, yaml.SequenceNode)),
    "mapping": ("a mapping", (yaml.MappingNode,)),
    "list": ("a list", (yaml.SequenceNode,)),
    "any": ("a value", (yaml.Node,)),
}


class _RefusedError(Exception):
    """An answer is not what it should be; the text says why."""


def xml_valid(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply is one well-formed XML document, with namespaces.

    ``root`` is the name that its root element must have, ``{namespace}name`` if it is in one;
    ``schema`` an XML Schema file (XSD 1.0, by lxml), relative to the suite, that it must fit. A
    document type is refused, so that no entity is expanded; nothing is fetched.
    """
    root, fenced = spec.options.get("root"), spec.options.get("fenced", False)
    breach = _xml_schema(spec) if "schema" in spec.options else None
    most = MOST_XML if breach is None else MOST_VALIDATED

    def compare(text: str) -> Grade:
        document = bounded(unfenced(text) if fenced else text, most, use="xml_valid").strip()
        try:
            found = _root_of(document)
        except (_RefusedError, ValueError) as error:
            return wrong(f"not XML: {error}")
        if root is not None and found != root:
            return wrong(f"the root element is {found}, not {root}")
        problem = breach(document) if breach else ""
        return wrong(problem) if problem else verdict(passed=True)

    return alone(compare)


def yaml_valid(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply is one YAML document of plain values (YAML 1.1, by PyYAML).

    ``root`` says what it must be: mapping, list or any; by default a mapping or a list, as any
    sentence is YAML too. Unknown tags, keys that stand twice, and aliases that add more than
    100,000 values are wrong.
    """
    needed, kinds = _ROOTS[spec.options.get("root")]
    fenced = spec.options.get("fenced", False)

    def compare(text: str) -> Grade:
        document = bounded(unfenced(text) if fenced else text, MOST_YAML, use="yaml_valid")
        try:
            node = _yaml_root(document)
        except (_RefusedError, yaml.YAMLError, RecursionError) as error:
            return wrong(f"not YAML: {_first_line(error)}")
        passed = isinstance(node, kinds)
        return verdict(passed=passed, reason="" if passed else f"not {needed}")

    return alone(compare)


def _root_of(document: str) -> str:
    """Return the name of the root element of a well-formed document."""
    names: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        if not names:
            names.append(name)

    def refuse(*_parts: object) -> None:
        raise _RefusedError("it declares a document type")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)  # noqa: FBT003  (the signature of expat)
    except expat.ExpatError as error:
        raise _RefusedError(str(error)) from error
    return "{" + names[0] if "}" in names[0] else names[0]


def _xml_schema(spec: GraderSpec) -> Callable[[str], str]:
    """Return a function that tells what breaks the schema file, empty if nothing does."""
    try:
        from lxml import etree
    except ImportError as error:
        raise missing_package("lxml", extra="xml", use="XML Schema") from error
    path = Path(spec.source.path).parent / spec.options["schema"]
    try:
        schema = etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
    except (etree.LxmlError, OSError) as error:
        got = clip(f"{path}: {_first_line(error)}")
        instead = "the path of an .xsd file, relative to the suite file"
        raise OptionError("an XML Schema", got=got, instead=instead) from error

    def breach(document: str) -> str:
        reader = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
        try:
            schema.assertValid(etree.fromstring(document.encode(), reader))
        except etree.LxmlError as error:
            return _first_line(error) or "it does not fit the schema"
        return ""

    return breach


def _yaml_root(document: str) -> yaml.Node:
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(yaml.parse(document, Loader=kind))
        loader = kind(document)
        node: yaml.Node | None = loader.get_single_node()
        if node is None:
            raise _RefusedError("nothing")
        refuse_bomb(node)
        _refuse_twins(node)
        loader.construct_document(node)
    except UnicodeError as error:
        raise _RefusedError("half a surrogate pair") from error
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        # What PyYAML raises for !!int x and the like.
        raise _RefusedError("a value that is not what its tag says") from error
    return node


def _refuse_depth(events: Iterable[yaml.Event]) -> None:
    """Raise for deep nesting, which would overflow the stack of the C parser's next step."""
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_NESTED:
            raise _RefusedError("nested too deeply")


def _refuse_twins(root: yaml.Node) -> None:
    """Raise for a key that stands twice in one mapping; merges (<<) may repeat."""
    stack, seen = [root], set[int]()
    while stack:
        node = stack.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if not isinstance(node, yaml.MappingNode):
            stack += node.value
            continue
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twin = next((key for key, count in keys.items() if count > 1 and key != "<<"), None)
        if twin is not None:
            raise _RefusedError(f"the key '{twin}' twice")
        stack += [part for pair in node.value for part in pair]


def _first_line(error: BaseException) -> str:
    text: Any = getattr(error, "problem", None) or error
    return str(text).partition("\n")[0] or type(error).__name__
