"""`xml_valid` and `yaml_valid`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import Fault
from evalkit.graders.registry import make
from evalkit.model import Grade, GraderSpec, Reply, Source, Ungraded

from .grading import case, grade, graded

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="order"><xs:complexType><xs:sequence>
<xs:element name="n" type="xs:integer" maxOccurs="2"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
BOMB = "<!DOCTYPE a [<!ENTITY x 'x'><!ENTITY y '&x;&x;&x;'>]><a>&y;</a>"
OUTSIDE = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"


@pytest.mark.parametrize(
    ("text", "options", "passes"),
    [
        ("<a><b c='1'/>text</a>", {}, True),
        ("  <?xml version='1.0' encoding='utf-8'?>\n<a/>\n", {}, True),
        ("<a xmlns:p='u'><p:b/></a>", {}, True),
        ("<a/>", {"root": "a"}, True),
        ("<a/>", {"root": "b"}, False),
        ("<p:a xmlns:p='urn:x'/>", {"root": "{urn:x}a"}, True),
        ("<a xmlns='urn:x'/>", {"root": "a"}, False),
        ("```xml\n<a/>\n```", {"fenced": True}, True),
        ("```xml\n<a/>\n```", {}, False),
        ("<a>", {}, False),
        ("<a/><b/>", {}, False),
        ("<a><p:b/></a>", {}, False),
        ("<a>&lt;&#65;</a>", {}, True),
        ("<a>&nbsp;</a>", {}, False),
        (BOMB, {}, False),
        (OUTSIDE, {}, False),
        ("<!DOCTYPE html><html/>", {}, False),
        ("<a>\0</a>", {}, False),
        ("<a>\ud800</a>", {}, False),
        ("<a>\u202e</a>", {}, True),
        ("", {}, False),
        ("no", {}, False),
        ("<a>" * 500_000, {}, False),
    ],
)
def test_xml(text: str, options: dict[str, Any], *, passes: bool) -> None:
    """Well-formed with namespaces, no document type, one root."""
    result = grade("xml_valid", text, **options)
    assert (result.passed, result.score) == (passes, float(passes))


def with_schema(folder: Path, content: str = XSD) -> Any:
    """Return a grader with a schema file beside its suite, or its fault."""
    (folder / "order.xsd").write_text(content)
    source = Source(str(folder / "suite.yaml"), 5)
    return make(GraderSpec("g", "xml_valid", {"schema": "order.xsd"}, source), allow_code=False)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("<order><n>1</n></order>", True),
        ("<order><n>x</n></order>", False),
        ("<order/>", False),
        ("<other/>", False),
        ("<order><n>1</n><n>1</n><n>1</n></order>", False),
        ("<order>" * 5000 + "</order>" * 5000, False),
        ("<?xml version='1.0' encoding='utf-16'?><order><n>1</n></order>", True),
    ],
)
def test_xml_schema(tmp_path: Path, text: str, *, passes: bool) -> None:
    """The file beside the suite says what fits."""
    result = with_schema(tmp_path).grade(case(), Reply(text))
    assert isinstance(result, Grade)
    assert (result.passed, bool(result.reason)) == (passes, not passes)


def test_an_xml_schema_that_is_none_is_a_fault(tmp_path: Path) -> None:
    """Missing, or not an XSD: told before any call, at the grader's line."""
    told = with_schema(tmp_path, "<a/>")
    assert isinstance(told, Fault)
    assert told.line == 5
    gone = GraderSpec("g", "xml_valid", {"schema": "gone.xsd"}, Source(str(tmp_path / "x"), 1))
    assert isinstance(make(gone, allow_code=False), Fault)


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(8)
)
MERGES = "a: &a {x: 1}\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join(['*' + chr(97 + n)] * 9)}]}}" for n in range(8)
)


@pytest.mark.parametrize(
    ("text", "options", "passes"),
    [
        ("a: 1\nb: [x, y]\n", {}, True),
        ("- 1\n- 2", {}, True),
        ("a: &x [1]\nb: *x\n", {}, True),
        ("a: &x {n: 1}\nb: {<<: *x, m: 2}\n", {}, True),
        ("Any sentence.", {}, False),
        ("Any sentence.", {"root": "any"}, True),
        ("a: 1", {"root": "list"}, False),
        ("a: 1", {"root": "mapping"}, True),
        ("```yaml\na: 1\n```", {"fenced": True}, True),
        ("a: 1\n---\nb: 2\n", {}, False),
        ("a: 1\na: 2\n", {}, False),
        ("a: [1", {}, False),
        ("a:\tb: c", {}, False),
        ("", {}, False),
        ("a: !!python/object/apply:os.system [ls]", {}, False),
        ("a: !own x", {}, False),
        ("a: !!int x", {}, False),
        ("a: !!timestamp x", {}, False),
        ("a: 2001-99-99", {}, False),
        ("? {a: b}\n: c", {}, False),
        ("&a [*a]", {}, False),
        (ALIASES, {}, False),
        (MERGES, {}, False),
        ("[" * 90_000, {}, False),
        ("{" * 90_000, {}, False),
        ("- " * 40_000, {}, False),
        ("a: \0", {}, False),
        ("a: \ud800", {}, False),
    ],
)
def test_yaml(text: str, options: dict[str, Any], *, passes: bool) -> None:
    """Plain values in one document; no tags, twins, bombs."""
    start = time.monotonic()
    result = grade("yaml_valid", text, **options)
    assert (result.passed, result.score) == (passes, float(passes))
    assert time.monotonic() - start < 10


@given(text=st.text(alphabet="ab:-[]{}&*!#|>?,\"' \n\t0\ud800\u202e<", max_size=40))
def test_no_text_breaks_them(text: str) -> None:
    """Whatever passes as YAML, PyYAML loads too; XML is graded whatever it is."""
    if grade("yaml_valid", text, root="any").passed:
        yaml.CSafeLoader(text).get_single_data()
    assert grade("xml_valid", text).score in (0.0, 1.0)


@pytest.mark.parametrize("type_", ["xml_valid", "yaml_valid"])
def test_too_long_answers_are_ungraded(type_: str) -> None:
    """Nothing beyond the limit is parsed."""
    assert isinstance(graded(type_, "<a>" * 5_000_000), Ungraded)
