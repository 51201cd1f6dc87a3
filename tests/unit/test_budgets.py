"""The size budgets of ARCHITECTURE.md, read off the tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "evalkit"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_BODY, MEAN_BODY = 400, 40, 12


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """Yield each function's place and its length in lines, docstring not counted."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            yield f"{module}:{node.lineno} {node.name}", (node.end_lineno or 0) - first.lineno + 1


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_file_stays_within_its_budget(module: Path) -> None:
    """No module is longer than 400 lines."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_no_function_body_is_longer_than_forty_lines() -> None:
    """Every function body fits on a screen."""
    assert [f for m in MODULES for f in functions(m) if f[1] > MOST_BODY] == []


def test_the_mean_function_body_stays_small() -> None:
    """The mean body has at most twelve lines."""
    lengths = [length for m in MODULES for _, length in functions(m)]
    assert sum(lengths) / len(lengths) <= MEAN_BODY


def test_every_module_says_its_job() -> None:
    """Every module starts with a docstring."""
    assert [m for m in MODULES if not ast.get_docstring(ast.parse(m.read_text()))] == []
