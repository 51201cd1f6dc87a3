"""A project of sums behind an endpoint."""

from __future__ import annotations

import json
from pathlib import Path


def write_sums(root: Path, url: str, n: int) -> Path:
    """Write a project of ``n`` sums behind the endpoint at ``url``; return ``root``."""
    folder = root / "suites" / "sums"
    folder.mkdir(parents=True)
    reach = f"client: openai, base_url: '{url}', api_key_env: SUMS_KEY"
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
        {"id": f"s{i}", "vars": {"sum": f"{i} + {2 * i}"}, "expected": str(3 * i)} for i in range(n)
    )
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root
