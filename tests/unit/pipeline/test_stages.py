"""What a run leaves on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit.decide import Policy
from evalkit.model import ModelSpec
from evalkit.pipeline.stages import Stored, write_run
from evalkit.store import RunFolder
from tests.unit.report.scenarios import SCENARIOS

SECRETIVE = ModelSpec(
    "base",
    "base",
    "openai",
    "m",
    base_url="https://me:pw-1@host/v1?token=pw-2",
    options={"headers": {"X-Key": "pw-3"}, "threads": 2},
)


def test_what_is_public_of_a_model_holds_no_secret() -> None:
    """Headers and the address's user, password and query are left out, and nothing else."""
    public = replace(SECRETIVE, base_url="https://host/v1", options={"threads": 2})
    assert SECRETIVE.public() == public
    assert public.public() == public
    assert replace(public, base_url=None).public().base_url is None


def test_no_file_of_a_run_holds_a_secret(tmp_path: Path) -> None:
    """A run folder can be handed on: it holds the model, but not what opens its endpoint."""
    made = SCENARIOS["inconclusive"]()
    project = replace(made.project, models={**made.project.models, "base": SECRETIVE})
    stored = Stored(project, made.suites, Policy(), made.records, made.manifest, made.decision)
    write_run(RunFolder.create(tmp_path, "run"), stored)
    files = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert b"https://host/v1" in files["inputs.json"]
    assert [name for name, content in files.items() if b"pw-" in content] == []
