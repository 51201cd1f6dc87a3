"""Projects to run: the example that answers by rule, and one behind a counting endpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Loaded here once, or each in-process run would load (and half unload) them anew.
import evalkit.decide.comparison
import evalkit.pipeline.follow
import evalkit.plugin.session  # noqa: F401
from tests.integration.endpoint import Endpoint, serving

EXAMPLE = Path(__file__).parents[1] / "example"


@pytest.fixture
def example(pytester: pytest.Pytester) -> Path:
    """Copy the example project to the current folder."""
    shutil.copytree(EXAMPLE / "suites", pytester.path / "suites")
    return pytester.path


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Serve a counting endpoint."""
    with serving() as running:
        yield running


@pytest.fixture
def sums(pytester: pytest.Pytester) -> Callable[[Endpoint, int], Path]:
    """Return a function that writes a project of ``n`` sums behind an endpoint."""

    def write(endpoint: Endpoint, n: int) -> Path:
        folder = pytester.path / "suites" / "sums"
        folder.mkdir(parents=True)
        reach = f"client: openai, base_url: '{endpoint.url}', api_key_env: SUMS_KEY"
        (folder.parent / "evalkit.yaml").write_text(
            "version: 1\nmodels:\n"
            f"  base: {{role: base, model: base, {reach}}}\n"
            f"  tuned: {{role: candidate, model: tuned, {reach}}}\n"
        )
        (folder / "sums.yaml").write_text(
            "suite: sums\npurpose: target\nprompt: '{{ sum }}'\n"
            "datasets: [{path: sums.jsonl, format: jsonl}]\n"
            "graders: [{name: total, type: numeric}]\nscore: total\n"
        )
        rows = (
            {"id": f"s{i}", "vars": {"sum": f"{i} + {2 * i}"}, "expected": str(3 * i)}
            for i in range(n)
        )
        (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return pytester.path

    return write
