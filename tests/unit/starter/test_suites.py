"""Suites of a training file: their names, and which rows are theirs."""

from __future__ import annotations

import pytest

from evalkit.errors import SetupError
from evalkit.starter.suites import suite_name


@pytest.mark.parametrize(
    ("given", "stem", "name"),
    [
        ("", "tickets", "tickets"),
        ("", "Support Tickets (v2)", "support-tickets-v2"),
        ("", "train", "task"),
        ("", "training_rows", "task"),
        ("", "fine-tune", "task"),
        ("", "arithmetic", "task"),
        ("", "---", "task"),
        ("Mine.1", "tickets", "Mine.1"),
    ],
)
def test_the_name_says_what_the_file_says(given: str, stem: str, name: str) -> None:
    """A file that is called by its use, or like a guard pack, says nothing of its task."""
    assert suite_name(given, stem, taken=["arithmetic"]) == name


@pytest.mark.parametrize("given", ["a b", "-a", "arithmetic"])
def test_a_name_that_cannot_be_is_refused(given: str) -> None:
    """Names stand in files, in the policy and beside the packs'."""
    with pytest.raises(SetupError, match="--name"):
        suite_name(given, "tickets", taken=["arithmetic"])
