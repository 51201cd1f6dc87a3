"""Suites that were judged while they were asked: where each stopped, and what that cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.decide.decision import ComparisonDecision, Decision, StopAnswer, SuiteResult
from evalkit.decide.words import settled_sentence
from evalkit.report.numerals import ABSENT, count, decimals, typeset
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table

_MOST_NAMED = 4

_HEAD = (
    Column("Suite"),
    Column("Planned", number=True),
    Column("Asked", number=True),
    Column("Result"),
    Column("Settled by"),
    Column("Interval against a fixed plan", number=True),
)
_ANSWERS: dict[StopAnswer, str] = {
    "go_on": "open",
    "proven": "proven",
    "refuted": "refuted",
    "futile": "could not pass any more",
}


def not_asked(comparison: ComparisonDecision) -> int:
    """Return how many cases early stopping left unasked."""
    ends = [s.stopping for s in comparison.suites if s.stopping]
    return sum(end.planned - end.asked for end in ends)


def settled_words(comparison: ComparisonDecision) -> str:
    """Return which suites stopped early and what that cost; empty if none did."""
    early = [s for s in comparison.suites if s.stopping and s.stopping.early]
    if len(early) <= 1:
        return typeset(one_line(settled_sentence(early[0]), 300)) if early else ""
    ends = [(one_line(s.suite, 60), s.stopping) for s in early if s.stopping]
    where = [f"{name} after {count(end.asked)} of {count(end.planned)}" for name, end in ends]
    where[0] += " cases"
    ratios = [end.width_ratio for _, end in ends if end.width_ratio]
    return f"{len(early)} suites stopped early: {_listed(where)}.{_wider(ratios)}"


def _wider(ratios: Sequence[float]) -> str:
    if not ratios:
        return ""
    low, high = (decimals(ratio, 1) for ratio in (min(ratios), max(ratios)))
    times = low if low == high else f"{low} to {high}"
    return f" Their intervals are {times} times as wide as for as many cases fixed in advance."


def stopping_tables(comparison: ComparisonDecision, suffix: str) -> Iterator[Table]:
    """Yield the table of suites that were judged while they were asked, if any were."""
    rows = tuple(_cells(s) for s in comparison.suites if s.stopping)
    if rows:
        yield Table(f"Early stopping{suffix}", _HEAD, rows)


def early_limits(decision: Decision) -> Iterator[str]:
    """Yield what a suite that stopped early cannot show."""
    found = [s for c in decision.comparisons for s in c.suites if s.stopping and s.stopping.early]
    names = _listed(list(dict.fromkeys(one_line(s.suite, 60) for s in found)))
    if names:
        yield (
            f"A suite that stops early ({names}) overstates on average what it stopped for, since "
            "its first cases looked clear. Its interval and verdict allow for that; its slices and "
            "shares of flips do not."
        )


def _cells(result: SuiteResult) -> tuple[str, ...]:
    end = result.stopping
    if end is None:
        return ()
    return (
        one_line(result.suite, 60),
        count(end.planned),
        count(end.asked),
        _ANSWERS[end.answer],
        end.by,
        ABSENT if end.width_ratio is None else f"{decimals(end.width_ratio, 2)} times",
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
