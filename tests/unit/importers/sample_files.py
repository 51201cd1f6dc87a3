"""Files that each tool has written, by the name of their format and their path in the data."""

from __future__ import annotations

FILES = [
    ("lm-eval", "out/base/samples_sums_2026-11-24T14-18-49.536299.jsonl"),
    ("inspect", "base.json"),
    ("promptfoo", "results.json"),
    ("promptfoo", "promptfooconfig.yaml"),
    ("openai-evals", "base.json"),
    ("openai-evals", "eval.json"),
    ("openai-evals-registry", "base-queues.jsonl"),
    ("pydantic-evals", "report-tuned.json"),
    ("pydantic-evals", "capitals.yaml"),
    ("deepeval", "test_run_base.json"),
    ("mlflow", "table-base.json"),
]
