"""Which checkpoint: all contenders on the cases that chose, and the chosen one on fresh ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.decide.decision import (
    CochranTest,
    ComparisonDecision,
    Contender,
    Interval,
    Selection,
    SuiteSelection,
)
from evalkit.report.numerals import (
    ABSENT,
    count,
    many,
    points,
    probability,
    signed,
    span,
    typeset,
)
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table
from evalkit.report.words import interval_words, point_words

_CHANCE = 0.05
"""The p-value from which models are said to differ."""

_HEAD = (
    Column("Model"),
    Column("Step", number=True),
    Column("Score", number=True),
    Column("Against base", number=True),
    Column("95 % interval", number=True),
    Column("p, adjusted", number=True),
    Column("Against candidate", number=True),
    Column("95 % interval", number=True),
)

_LEGEND = (
    "Score and difference from the base are those of the cases that chose, the difference from the "
    "candidate is that of all held-out cases. The intervals of a kind hold for all rows at once; "
    "where one holds 0 there may be no difference."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The part on one candidate: sentences, a table for each suite that chose, what to know."""

    findings: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def describe_choice(comparison: ComparisonDecision) -> Choice | None:
    """Return which checkpoint is the best; ``None`` for a candidate without checkpoints."""
    selection = comparison.selection
    if selection is None:
        return None
    notes = [_LEGEND] if selection.suites else []
    notes += [
        f"{one_line(s.suite, 60)}: {one_line(s.note, 200)}." for s in selection.suites if s.note
    ]
    notes += [
        f"{one_line(s.suite, 60)}: whether the models differ at all cannot be tested: "
        f"{one_line(s.any_difference.note, 200)}."
        for s in selection.suites
        if s.any_difference and not s.any_difference.all_models
    ]
    notes += [one_line(selection.note, 300)] if selection.note else []
    return Choice(
        findings=tuple(map(typeset, _findings(selection, comparison))),
        tables=tuple(_table(suite, selection) for suite in selection.suites),
        notes=tuple(notes),
    )


def checkpoint_line(comparison: ComparisonDecision) -> str:
    """Return what follows from the checkpoints, if anything does, as one sentence."""
    selection = comparison.selection
    if selection is None or not (selection.better or selection.as_good):
        return ""
    return typeset(one_line(selection.finding, 400))


def _findings(selection: Selection, comparison: ComparisonDecision) -> Iterator[str]:
    if selection.chosen is None:
        return
    yield one_line(selection.finding, 400)
    name = _named(selection, comparison)
    contenders = len(selection.suites[0].contenders)
    where = "held-out cases" if selection.method == "simultaneous" else "dev cases"
    yield f"Of {count(contenders)} models, {name} scored highest on the {where}."
    for suite in selection.suites:
        found = _judged(suite, one_line(comparison.base, 60))
        luck = (
            f"the best of {contenders} would seem to gain about {points(suite.luck)} by luck alone"
        )
        yield f"{found}; on the cases that chose, {luck}."
        yield from _differ(suite)
    if selection.corrected is not None:
        mean = "" if len(selection.suites) == 1 else ", as a mean over the suites"
        inside = interval_words(selection.corrected_interval)
        yield (
            "Without the luck of the choice the difference is "
            f"{signed(selection.corrected)} ({inside}){mean}."
        )


def _differ(suite: SuiteSelection) -> Iterator[str]:
    """Yield whether the models differ at all, with the base and without it."""
    found = suite.any_difference
    if found is None or found.all_models is None:
        return
    every, alone = found.all_models, found.contenders
    trained = count(every.models - 1)
    cases = f"the {many(every.n, 'case')} of {one_line(suite.suite, 60)} that all of them answered"
    rest = "answered every case alike" if alone is None else _by_chance(alone)
    yield (
        f"On {cases}, the base and {trained} trained models {_by_chance(every)}; the {trained} by "
        f"themselves {rest} (Cochran's Q)."
    )


def _by_chance(test: CochranTest) -> str:
    p = probability(test.p_value)
    said = "differ by more than chance" if test.p_value <= _CHANCE else "may differ by chance alone"
    return f"{said}, p {p if p.startswith('<') else f'= {p}'}"


def _judged(suite: SuiteSelection, base: str) -> str:
    cases = f"the {many(suite.n_test, 'test case')} of {one_line(suite.suite, 60)}"
    if not suite.n_test:
        cases = f"the same {many(suite.n_dev, 'case')} of {one_line(suite.suite, 60)}"
    if suite.difference is None:
        return f"On {cases} it cannot be compared with {base}"
    size = point_words(points(abs(suite.difference)))
    way, against = ("gains", "over") if suite.difference >= 0 else ("loses", "against")
    inside = interval_words(suite.interval, lower=suite.difference < 0)
    held = "" if suite.n_test else ", which allows for the choice"
    return f"On {cases} it {way} {size} {against} {base} ({inside}{held})"


def _named(selection: Selection, comparison: ComparisonDecision) -> str:
    name = one_line(selection.chosen or "", 60)
    step = "" if selection.step is None else f"step {count(selection.step)}"
    if selection.chosen == comparison.candidate:
        return f"the candidate ({step})" if step else "the candidate"
    return f"{name} ({step})" if step else name


def _table(suite: SuiteSelection, selection: Selection) -> Table:
    kind = "held-out" if selection.method == "simultaneous" else "dev"
    return Table(
        f"{one_line(suite.suite, 60)}, {many(suite.n_dev, f'{kind} case')}",
        _HEAD,
        tuple(_cells(c, chosen=c.model == selection.chosen) for c in suite.contenders),
    )


def _cells(found: Contender, *, chosen: bool) -> tuple[str, ...]:
    return (
        f"{one_line(found.model, 60)}{' (chosen)' if chosen else ''}",
        ABSENT if found.step is None else count(found.step),
        points(found.mean),
        signed(found.difference),
        _span(found.interval),
        probability(found.p_adjusted),
        signed(found.to_candidate),
        _span(found.to_candidate_interval),
    )


def _span(interval: Interval | None) -> str:
    return span(interval.low, interval.high, bounds=(0.0,)) if interval else ABSENT
