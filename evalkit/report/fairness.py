"""Are the terms treated alike? What is told of suites whose terms should not matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.decide.decision import FairnessResult, SuiteResult, TermResult
from evalkit.report.numerals import (
    ABSENT,
    count,
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
    return found.base is not None and found.templates >= SMALLEST


def _sentence(found: FairnessResult) -> str:
    parts = list(_gap(found)) if _shown(found) else []
    parts += [one_line(found.note, 200)] if found.note else []
    return "; ".join([*parts, _alike(found)]) + "."


def _gap(found: FairnessResult) -> Iterator[str]:
    """Yield how the gap changed, and of two terms whether it is on the other side now."""
    first, second = found.base or 0.0, found.candidate or 0.0
    before, after = (points(abs(gap)) for gap in (first, second))
    start = f"the gap between terms of {one_line(found.term, 60)}"
    of = "" if len(found.terms) == 2 else "change of any term: "
    p = "" if found.p_value is None else f" ({of}p {probability(found.p_value)})"
    if before == after:
        yield f"{start} stayed at {after} points{p}"
    else:
        grown = abs(second) - abs(first)
        word = "grew" if grown > 0 else "shrank"
        yield f"{start} {word} by {points(abs(grown))} points, from {before} to {after}{p}"
    if first * second < 0:
        yield "the term that scored lower scores higher now"


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
    shown, limits = _shown(found), found.interval
    say = signed if len(found.terms) == 2 else points
    return (
        name,
        _terms(found),
        count(found.templates),
        count(found.left_out),
        say(found.base) if shown else ABSENT,
        say(found.candidate) if shown else ABSENT,
        signed(found.change) if shown else ABSENT,
        span(limits.low, limits.high) if shown and limits else ABSENT,
        probability(found.p_value),
        _ALIKE[found.equivalent].format(trimmed(found.margin)),
    )


def _terms(found: FairnessResult) -> str:
    field = one_line(found.term, 60)
    if len(found.terms) == 2:
        first, second = (one_line(t.term, 40) for t in found.terms)
        return f"{field}: {first} minus {second}"
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
