"""What happened to a pair."""

from __future__ import annotations

import pytest

from evalkit.model import Case, Failure, Pair, Record, Reply
from evalkit.pipeline.status import case_status, pair_status

PAIR = Pair("base", "tuned")


def records(base: float | None, tuned: float | None, *more: Record) -> list[Record]:
    """Return one answer of each model with these scores."""
    scores = {"base": base, "tuned": tuned}
    return [Record("s", "c", m, 0, Reply("x"), score=x) for m, x in scores.items()] + list(more)


@pytest.mark.parametrize(
    ("base", "tuned", "status"),
    [
        (1, 1, "passed"),
        (0, 0, "missed"),
        (0.4, 0.5, "fixed"),
        (0.5, 0.4, "broken"),
        (None, 1, "error"),
        (1, None, "error"),
    ],
)
def test_a_pair_has_one_of_five_statuses(
    base: float | None, tuned: float | None, status: str
) -> None:
    """A mean score of one half is right; a missing score is an error, not a wrong answer."""
    assert pair_status(records(base, tuned), PAIR) == status


def test_samples_are_averaged() -> None:
    """Two wrong answers of three make a case wrong; one that failed has no say."""
    more = [Record("s", "c", "tuned", i, Reply("x"), score=0.0) for i in (1, 2)]
    assert pair_status(records(1, 1, *more), PAIR) == "broken"
    failed = Record("s", "c", "tuned", 1, Failure("server", "down"))
    assert pair_status(records(1, 1, failed), PAIR) == "passed"


def test_the_most_severe_status_of_all_comparisons_counts() -> None:
    """A case fixed for one candidate and broken for another is broken."""
    other = Record("s", "c", "other", 0, Reply("x"), score=0.0)
    found = records(1, 1, other)
    case = Case("s", "c", ())
    assert case_status(case, found, [PAIR, Pair("base", "other")]) == "broken"


def test_a_train_case_concerns_only_who_was_trained_on_it() -> None:
    """Another candidate, which was not asked, does not make it an error."""
    case = Case("s", "c", (), split="train", trained=frozenset({"tuned"}))
    assert case_status(case, records(0, 1), [PAIR, Pair("base", "other")]) == "fixed"
