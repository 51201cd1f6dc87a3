"""Values written as YAML are read back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.loader.yamlfile import read_yaml
from evalkit.loader.yamltext import yaml_inline, yaml_text

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
LEAF = TEXT | st.integers(-999, 999) | st.booleans() | st.none()
TREE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file to write to."""
    return tmp_path_factory.mktemp("yaml") / "tree.yaml"


@given(TREE)
def test_a_value_behind_a_key_is_one_line_and_means_the_same(file: Path, tree: Any) -> None:
    """Whatever it holds: numbers as texts, words that some readers take for booleans, marks."""
    line = yaml_inline(tree)
    assert "\n" not in line
    file.write_text(f"key: {line}\n", encoding="utf-8", newline="")
    document, faults = read_yaml(file)
    assert faults == []
    assert document is not None
    assert document.tree == {"key": tree}


@given(TREE)
def test_a_document_means_the_same(file: Path, tree: Any) -> None:
    """Written over several lines."""
    file.write_text(yaml_text({"key": tree}), encoding="utf-8", newline="")
    document, faults = read_yaml(file)
    assert faults == []
    assert document is not None
    assert document.tree == {"key": tree}
