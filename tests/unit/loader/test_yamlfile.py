"""YAML files with lines, strict where YAML is lax."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.errors import Fault
from evalkit.loader.yamlfile import read_yaml
from evalkit.suite.document import Document


def read(tmp_path: Path, text: str | bytes) -> tuple[Document | None, list[Fault]]:
    """Return what one file gives."""
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0123", 123),
        ("1.5", 1.5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("1.", 1.0),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2027-01-31", "2027-01-31"),
        ("'12'", "12"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("1" * 400, "1" * 400),
        ("0x1F", "0x1F"),
        ("1e999", "1e999"),
        ("-2E+3", -2000.0),
    ],
)
def test_scalars_are_what_they_look_like(tmp_path: Path, text: str, value: object) -> None:
    """Only true and false are booleans; dates and clock times stay texts."""
    document, faults = read(tmp_path, f"a: {text}\n")
    assert document is not None
    assert document.tree == {"a": value}
    assert type(document.tree["a"]) is type(value)
    assert faults == []


def test_lines_are_kept_for_keys_and_items(tmp_path: Path) -> None:
    """Every key and every list item knows its line; what has none takes that around it."""
    document, _ = read(tmp_path, "a:\n  b: 1\n  c:\n    - x\n    - d: 2\n")
    assert document is not None
    assert document.line("a") == 1
    assert document.line("a", "b") == 2
    assert document.line("a", "c", 1, "d") == 5
    assert document.line("a", "c", 1, "gone") == 5
    assert document.line("gone") == 1
    assert Document("x", {}).line("a") == 0


def test_aliases_stand_for_their_value(tmp_path: Path) -> None:
    """An anchor can be used again; keys are texts whatever they look like."""
    document, faults = read(tmp_path, "a: &x {n: 1}\n1: *x\ntrue: [*x, *x]\n")
    assert document is not None
    assert document.tree == {"a": {"n": 1}, "1": {"n": 1}, "true": [{"n": 1}, {"n": 1}]}
    assert faults == []


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    """A few lines that stand for a billion values are a fault, at once."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    document, [told] = read(tmp_path, "\n".join(levels))
    assert document is None
    assert "aliases that add more than 100000 values" in told.got


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    """A list cannot hold itself."""
    document, [told] = read(tmp_path, "a: 1\nb: &x [*x]\n")
    assert document is None
    assert told.line == 2
    assert "inside" in told.got


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' again, first in line 1"),
        ("x:\n  - a: 1\n    a: 1\n", 3, "'a' again, first in line 2"),
        ("a: !!python/name:os.system x\n", 1, "tag:yaml.org,2002:python/name:os.system"),
        ("a: !mine x\n", 1, "!mine"),
        ("? [a, b]\n: 1\n", 1, "a list or mapping as key"),
    ],
)
def test_what_is_no_plain_yaml_is_a_fault(tmp_path: Path, text: str, line: int, got: str) -> None:
    """Doubled keys, tags and odd keys are told, and the rest is read all the same."""
    document, [told] = read(tmp_path, text)
    assert document is not None
    assert told.line == line
    assert got in told.got


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\n", 2),
        ("a: 'x\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: *gone\n", 1),
        ("a: \x01\n", 0),
        (b"a: \xff\n", 0),
        ("[" * 900 + "]" * 900, 0),
    ],
)
def test_what_is_no_yaml_is_a_fault(tmp_path: Path, text: str | bytes, line: int) -> None:
    """Syntax, encoding, several documents and deep nesting are faults."""
    document, [told] = read(tmp_path, text)
    assert document is None
    assert told.line == line


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_endless_nesting_is_a_fault(tmp_path: Path, opening: str) -> None:
    """However much of it there is, and though the parser by itself would end the process."""
    for times in (5_000, 200_000):
        document, [told] = read(tmp_path, opening * times)
        assert document is None
        assert told.line in {0, 1, 2}


def test_a_folder_is_no_yaml_file(tmp_path: Path) -> None:
    """What cannot be opened is told as a fault too."""
    document, [told] = read_yaml(tmp_path)
    assert document is None
    assert told.line == 0


def test_an_empty_file_is_an_empty_document(tmp_path: Path) -> None:
    """It has nothing, in line 1."""
    document, faults = read(tmp_path, "# nothing\n")
    assert document == Document(str(tmp_path / "file.yaml"), None, {(): 1})
    assert faults == []


TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(tree=TREES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_yaml_writes_is_read(tmp_path: Path, tree: Any) -> None:
    """A tree dumped by PyYAML comes back as it was."""
    document, faults = read(tmp_path, yaml.safe_dump(tree))
    assert faults == []
    assert document is not None
    assert document.tree == tree
