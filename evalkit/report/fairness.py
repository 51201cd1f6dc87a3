"""Are the terms treated alike? What is told of suites whose terms should not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.decide.decision import FairnessResult, SuiteResult, TermResult
from evalkit.report.numerals import (
    ABSENT,
    count,
    many,
    percent,
    points,
    probability,
    signed,
    span,
    trimmed,
)
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table
from evalkit.stats.fairness import SMALLEST

_ALIKE = {
    "equivalent": "yes, within {}",
    "not equivalent": "no, beyond {}",
    "can't tell": "cannot tell within {}",
}


@dataclass(frozen=True, slots=True)
class Fairness:
    """A sentence a suite, a table of suites, and one of every term where there are figures."""

    sentences: tuple[str, ...]
    table: Table
    terms: Table | None


def describe_fairness(suites: Sequence[SuiteResult]) -> Fairness | None:
    """Return what is known of how terms are treated; ``None`` where no suite names any."""
    found = [(one_line(s.suite, 60), s.fairness) for s in suites if s.fairness]
    if not found:
        return None
    rows = [_term_row(name, t) for name, f in found if _shown(f) for t in f.terms]
    return Fairness(
        sentences=tuple(f"{name}: {_sentence(f)}" for name, f in found),
        table=Table("Difference between terms, in points", _HEAD, tuple(_row(*f) for f in found)),
        terms=Table("Mean score of each term", _TERM_HEAD, tuple(rows)) if rows else None,
    )


def _shown(found: FairnessResult) -> bool:
    units = found.templates if found.clusters is None else found.clusters
    return found.base is not None and units >= SMALLEST


def _sentence(found: FairnessResult) -> str:
    parts = [_gap(found)] if _shown(found) else []
    parts += [one_line(found.note, 200)] if found.note else []
    return "; ".join([*parts, _alike(found)]) + "."


def _gap(found: FairnessResult) -> str:
    """Return how the gap changed, with the p-value beside the change that it is of."""
    first, second = found.base or 0.0, found.candidate or 0.0
    before, after = (points(abs(gap)) for gap in (first, second))
    start = f"the gap between terms of {one_line(found.term, 60)}"
    if first * second < 0 and points(0.0) not in (before, after):
        change = f"{signed(found.change)} points{_p(found.p_value)}"
        return (
            f"{start} turned round: {_two(found)} was {signed(first)} and is {signed(second)} "
            f"points, a change of {change}"
        )
    more = _p(found.p_value) if len(found.terms) == 2 else _most_changed(found)
    if before == after:
        return f"{start} stayed at {after} points{more}"
    grown = abs(second) - abs(first)
    word = "grew" if grown > 0 else "shrank"
    return f"{start} {word} by {points(abs(grown))} points, from {before} to {after}{more}"


def _most_changed(found: FairnessResult) -> str:
    """Return which term changed most against all, by its p-value; nothing where none was tested."""
    tested = [t for t in found.terms if t.change is not None and t.p_adjusted is not None]
    if not tested:
        return ""
    most = min(tested, key=lambda t: (t.p_adjusted or 0.0, -abs(t.change or 0.0)))
    return (
        f"; against all terms {one_line(most.term, 40)} changed most, by {signed(most.change)} "
        f"points{_p(most.p_adjusted)}"
    )


def _p(value: float | None) -> str:
    return "" if value is None else f" (p {probability(value)})"


def _alike(found: FairnessResult) -> str:
    within = f"within {trimmed(found.margin)} points"
    if found.equivalent == "equivalent":
        return f"the candidate treats all terms alike {within}"
    if found.equivalent == "not equivalent":
        return f"the candidate does not treat all terms alike {within}"
    return f"it cannot be said that all terms are treated alike {within}"


_HEAD = (
    Column("Suite"),
    Column("Terms"),
    Column("Templates", number=True),
    Column("Left out", number=True),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Change", number=True),
    Column("95 % interval", number=True),
    Column("p", number=True),
    Column("Candidate alike"),
)


def _row(name: str, found: FairnessResult) -> tuple[str, ...]:
    shown, limits, two = _shown(found), found.interval, len(found.terms) == 2
    say = signed if two else points
    return (
        name,
        _terms(found),
        count(found.templates) + _units(found),
        count(found.left_out),
        say(found.base) if shown else ABSENT,
        say(found.candidate) if shown else ABSENT,
        signed(found.change) if shown else ABSENT,
        span(limits.low, limits.high) if shown and limits else ABSENT,
        ("" if two or found.p_value is None else "any term: ") + probability(found.p_value),
        _ALIKE[found.equivalent].format(trimmed(found.margin)),
    )


def _units(found: FairnessResult) -> str:
    return "" if found.clusters is None else f" in {many(found.clusters, 'cluster')}"


def _two(found: FairnessResult) -> str:
    first, second = (one_line(t.term, 40) for t in found.terms)
    return f"{first} minus {second}"


def _terms(found: FairnessResult) -> str:
    field = one_line(found.term, 60)
    if len(found.terms) == 2:
        return f"{field}: {_two(found)}"
    return f"{field}: highest minus lowest of {count(len(found.terms))}" if found.terms else field


_TERM_HEAD = (
    Column("Suite"),
    Column("Term"),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Change against all terms", number=True),
    Column("95 % interval, all terms at once", number=True),
    Column("p, adjusted", number=True),
)


def _term_row(name: str, term: TermResult) -> tuple[str, ...]:
    limits = term.interval
    return (
        name,
        one_line(term.term, 60),
        percent(term.base),
        percent(term.candidate),
        signed(term.change),
        span(limits.low, limits.high) if limits else ABSENT,
        probability(term.p_adjusted),
    )
