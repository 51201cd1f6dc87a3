"""Training logs of Hugging Face and of OpenAI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.errors import FileFaults
from evalkit.loader.training_log import read_training_log
from evalkit.model import TrainingPoint


def test_a_trainer_state_gives_a_point_a_step(tmp_path: Path) -> None:
    """Training and evaluation loss of one step are one point; entries without a loss are none."""
    history = [
        {"step": 20, "loss": 0.5},
        {"step": 10, "loss": 1.5, "epoch": 0.1},
        {"step": 10, "eval_loss": 1.25},
        {"step": 20, "train_runtime": 3},
        {"step": 30, "train_runtime": 3},
    ]
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps({"log_history": history}))
    assert read_training_log(path) == (TrainingPoint(10, 1.5, 1.25), TrainingPoint(20, 0.5))


def test_a_csv_gives_a_point_a_row(tmp_path: Path) -> None:
    """Empty cells are no loss; the full validation loss fills in for the sampled one."""
    path = tmp_path / "metrics.csv"
    path.write_text(
        "step,train_loss,valid_loss,full_valid_loss\n1,2.0,,\n2,1.0,1.5,\n3,0.5,,0.75\n"
    )
    assert read_training_log(path) == (
        TrainingPoint(1, 2.0),
        TrainingPoint(2, 1.0, 1.5),
        TrainingPoint(3, 0.5, 0.75),
    )


@pytest.mark.parametrize(
    ("name", "text", "got"),
    [
        ("a.json", "{", "JSONDecodeError"),
        ("a.json", "{}", "log_history"),
        ("a.json", "[]", "TypeError"),
        ("a.json", '{"log_history": [{"loss": 1}]}', "'step'"),
        ("a.csv", "epoch,train_loss\n1,2\n", "'step'"),
        ("a.csv", "step,train_loss\none,2\n", "ValueError"),
        ("gone.json", None, "FileNotFoundError"),
    ],
)
def test_what_is_no_log_is_a_fault(tmp_path: Path, name: str, text: str | None, got: str) -> None:
    """The fault names the file and says which two formats there are."""
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(FileFaults) as error:
        read_training_log(path)
    [told] = error.value.faults
    assert told.path == str(path)
    assert got in told.got
    assert "log_history" in told.instead
