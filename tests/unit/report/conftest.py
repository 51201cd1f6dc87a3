"""Made-up runs and their views, each built once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from evalkit.report import View, build_view, render_html
from tests.unit.report.builder import MadeRun
from tests.unit.report.scenarios import SCENARIOS

ViewOf = Callable[[str], View]
PageOf = Callable[[str], str]


def view_of_run(made: MadeRun) -> View:
    """Return the view of a run."""
    return build_view(
        made.decision, manifest=made.manifest, suites=made.suites, records=made.records
    )


@cache
def _view(name: str) -> View:
    return view_of_run(SCENARIOS[name]())


@cache
def _page(name: str) -> str:
    return render_html(_view(name))


@pytest.fixture
def view_of() -> ViewOf:
    """Return the view of a named run."""
    return _view


@pytest.fixture
def page_of() -> PageOf:
    """Return the HTML of a named run."""
    return _page


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Path]:
    """Write the HTML of a named run to a file and return its path."""

    def save(name: str) -> Path:
        path = tmp_path / f"{name}.html"
        path.write_text(_page(name), encoding="utf-8")
        return path

    return save
