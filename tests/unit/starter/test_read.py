"""Training files read: the format is told by the rows, faults by file and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli.starting import FORMATS
from evalkit.errors import FileFaults, SetupError
from evalkit.starter.detect import TRAINING, format_of
from evalkit.starter.read import Training, read_training

USER = {"role": "user", "content": "hi"}
BOT = {"role": "assistant", "content": "yes"}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "openai-chat": {"messages": [USER, BOT]},
    "openai-rft": {"messages": [USER], "reference_answer": "yes"},
    "openai-dpo": {
        "input": {"messages": [USER]},
        "preferred_output": [BOT],
        "non_preferred_output": [BOT],
    },
    "openai-evals": {"input": "hi", "ideal": "yes"},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yes"}]
    },
    "prompt-completion": {"prompt": "hi", "completion": "yes"},
}


def written(folder: Path, *rows: Mapping[str, Any], **how: Any) -> Training:
    """Write rows to a file and read it."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_training(path, **how)


def faults_of(folder: Path, *rows: Mapping[str, Any], **how: Any) -> str:
    """Return what is said of a file with faults."""
    with pytest.raises(FileFaults) as caught:
        written(folder, *rows, **how)
    return str(caught.value)


def test_there_is_an_example_of_each_format() -> None:
    """The table above leaves no format out, nor does the command line."""
    assert set(EXAMPLES) == set(TRAINING) == set(FORMATS)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_format_is_told(tmp_path: Path, kind: str) -> None:
    """The fields of a row name its format, and question and answer are found in it."""
    row = EXAMPLES[kind]
    assert format_of(row) == kind
    found = written(tmp_path, row)
    assert (found.format, found.rows[0].answer) == (kind, "yes")
    assert found.rows[0].asks.words == ("hi",)


def test_csv_is_read_too(tmp_path: Path) -> None:
    """The container is told by the name, the format by the columns."""
    path = tmp_path / "rows.csv"
    path.write_text("prompt,completion\nhi,yes\n")
    assert read_training(path).format == "prompt-completion"


def test_mixed_rows_are_told_with_their_line(tmp_path: Path) -> None:
    """The first row of another format than most."""
    chat, other = EXAMPLES["openai-chat"], EXAMPLES["prompt-completion"]
    said = faults_of(tmp_path, chat, chat, other)
    assert "rows.jsonl:3" in said
    assert "openai-chat, as in line 1" in said
    assert "got: prompt-completion" in said


def test_unknown_rows_are_told_with_their_fields(tmp_path: Path) -> None:
    """Nothing is guessed from fields that no format has."""
    said = faults_of(tmp_path, {"instruction": "hi", "output": "yes"})
    assert "rows.jsonl:1" in said
    assert "fields instruction, output" in said


def test_a_format_that_is_said_is_held_to(tmp_path: Path) -> None:
    """With `kind` a row of another format is a fault of its own."""
    said = faults_of(tmp_path, EXAMPLES["prompt-completion"], kind="openai-chat")
    assert "a list 'messages'" in said


def test_a_reference_needs_a_name_that_every_row_has(tmp_path: Path) -> None:
    """Reinforcement rows without a known field ask for `--expected`, and take it."""
    rows = [{"messages": [USER], "gold": "yes"}]
    assert "--expected FIELD" in faults_of(tmp_path, *rows)
    found = written(tmp_path, *rows, expected="gold")
    assert found.rows[0].answer == "yes"
    assert found.map == {"expected": "gold"}


def test_a_group_field_is_needed_in_every_row(tmp_path: Path) -> None:
    """A row without it is told; values of any kind group."""
    one, other = ({**EXAMPLES["openai-chat"], "meta": {"user": n}} for n in (1, 2))
    found = written(tmp_path, one, one, other, group="meta.user")
    groups = [row.asks.group for row in found.rows]
    assert groups[0] == groups[1] != groups[2]
    assert "rows.jsonl:2" in faults_of(tmp_path, one, EXAMPLES["openai-chat"], group="meta.user")


def test_an_id_names_one_question(tmp_path: Path) -> None:
    """The same id at another question would be two cases of one id."""
    other = {"messages": [{"role": "user", "content": "no?"}, BOT], "id": 7}
    said = faults_of(tmp_path, {**EXAMPLES["openai-chat"], "id": 7}, other)
    assert "rows.jsonl:2" in said
    assert "also in line 1" in said


def test_pictures_make_questions_differ(tmp_path: Path) -> None:
    """One text about two images is two questions."""
    rows = [
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what is it"},
                        {"type": "image_url", "image_url": {"url": f"https://x.test/{name}.png"}},
                    ],
                },
                BOT,
            ]
        }
        for name in ("cat", "dog")
    ]
    first, second = written(tmp_path, *rows).rows
    assert first.asks.words != second.asks.words


def test_no_file_and_no_row(tmp_path: Path) -> None:
    """Both are said before anything else."""
    with pytest.raises(SetupError, match="no file"):
        read_training(tmp_path / "none.jsonl")
    assert "a file with rows" in faults_of(tmp_path)
