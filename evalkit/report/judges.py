"""Judges in the report: who they were, what they were asked, and whether people agree with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.decide.decision import (
    ComparisonDecision,
    Corrected,
    Decision,
    JudgeResult,
    PeopleAgreement,
    SuiteResult,
)
from evalkit.graders.judge.base import JudgeGrader
from evalkit.graders.registry import JUDGES, make
from evalkit.model import Suite
from evalkit.report.numerals import (
    ABSENT,
    count,
    decimals,
    many,
    percent,
    points,
    probability,
    signed,
    span,
    span_plain,
)
from evalkit.report.safe import one_line, visible
from evalkit.report.tables import Column, Table
from evalkit.report.words import VERDICTS

NOBODY = "no labels: nobody has checked this judge"

_CHANCE = 0.05
_LEAN = 0.1
"""The mean difference from people's scores from which a judge is called mild or strict."""

_DATED = re.compile(r"\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True, slots=True)
class Judges:
    """The section. ``prompts`` are what each grader tells its judge, under its name."""

    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    prompts: tuple[tuple[str, str], ...]


def describe_judges(decision: Decision, suites: Sequence[Suite]) -> Judges | None:
    """Return what is known of the judges; ``None`` where no grader asked one."""
    compared = [c for c in decision.comparisons if any(s.judges for s in c.suites)]
    if not compared:
        return None
    several = len(decision.comparisons) > 1
    notes = (note for c in compared for s in c.suites for j in s.judges for note in _notes(s, j))
    return Judges(
        notes=tuple(dict.fromkeys(notes)),
        tables=tuple(_table(c, several=several) for c in compared),
        prompts=tuple(prompt for suite in suites for prompt in _prompts(suite)),
    )


def judge_warnings(decision: Decision) -> Iterator[str]:
    """Yield what has to stand beside the decision: judges that changed, or that people correct."""
    for c in decision.comparisons:
        for suite in c.suites:
            for judge in suite.judges:
                name = _name(suite, judge)
                if len(judge.answered_as) > 1:
                    yield (
                        f"{name}: the judge answered under {count(len(judge.answered_as))} names "
                        f"({_listed(judge.answered_as)}): it is not pinned, and its scores may be "
                        "on two scales."
                    )
                if judge.corrected and judge.corrected.agrees is False:
                    yield _disagreement(name, suite, judge.corrected)


def _disagreement(name: str, suite: SuiteResult, found: Corrected) -> str:
    alone = suite.bounds.observed if suite.bounds else suite.verdict
    verdict = VERDICTS[found.verdict].label if found.verdict else ABSENT
    return (
        f'{name}: the scores of the judge alone say "{VERDICTS[alone].label}" '
        f'({signed(suite.difference)}); corrected by labels of people they say "{verdict}" '
        f"({_change(found)}). The decision rests on the judge alone."
    )


def _notes(suite: SuiteResult, judge: JudgeResult) -> Iterator[str]:
    """Yield in sentences what the reader of a judge's scores has to know."""
    name, people, place = _name(suite, judge), judge.people, judge.position
    if len(judge.answered_as) == 1 and _is_alias(judge.asked_as, judge.answered_as[0]):
        asked, answered = one_line(judge.asked_as, 60), one_line(judge.answered_as[0], 60)
        yield (
            f"{name}: {asked} is an alias, which {answered} answered and another may tomorrow. "
            f"model: {answered} pins the judge."
        )
    if place and place.p_value <= _CHANCE:
        which = "second" if place.estimate > 0 else "first"
        yield (
            f"{name}: the judge prefers the answer that stands {which}, whichever it is "
            f"({signed(place.estimate)} points, p {probability(place.p_value)}). Where both orders "
            "are asked this makes ties, not wins."
        )
    if people and people.skew:
        yield f"{name}: {one_line(people.skew, 300)}. Read AC1 instead of kappa."
    if people and people.lean is not None and abs(people.lean) >= _LEAN:
        than = "milder" if people.lean > 0 else "stricter"
        yield f"{name}: the judge is {than} than people by {points(abs(people.lean))} points."
    if people and people.stale:
        yield (
            f"{name}: {many(people.stale, 'label is', 'labels are')} of other answers than those "
            "of this run and did not count."
        )
    if judge.corrected and not judge.corrected.interval and judge.corrected.note:
        yield f"{name}: no corrected change: {one_line(judge.corrected.note, 200)}."


def _is_alias(asked: str, answered: str) -> bool:
    """Return whether a name without a date was answered by one with a date."""
    return (
        not _DATED.search(asked)
        and answered.startswith(asked)
        and bool(_DATED.search(answered.removeprefix(asked)))
    )


def _table(comparison: ComparisonDecision, *, several: bool) -> Table:
    rows = (_row(s, j) for s in comparison.suites for j in s.judges)
    against = f": {one_line(comparison.candidate, 60)}" if several else ""
    return Table(f"Judges, by held-out answers{against}", _HEAD, tuple(rows))


_HEAD = (
    Column("Grader"),
    Column("Judge, as it answered"),
    Column("Judged", number=True),
    Column("No verdict"),
    Column("Agreement with people"),
    Column("Spread of repeats"),
    Column("Position bias"),
    Column("Corrected change"),
)


def _row(suite: SuiteResult, judge: JudgeResult) -> tuple[str, ...]:
    return (
        _name(suite, judge),
        _listed(judge.answered_as) or f"{one_line(judge.asked_as, 60)}, no name given",
        count(judge.judged),
        "; ".join(f"{count(no.n)} {one_line(no.why, 60)}" for no in judge.no_verdict) or "none",
        _agreement(judge.people),
        _spread(judge),
        _position(judge),
        _corrected(judge.corrected),
    )


def _agreement(people: PeopleAgreement | None) -> str:
    if people is None:
        return NOBODY
    if people.raw is None:
        return f"no label that counts, {count(people.stale)} stale"
    within = people.interval
    ends = f" ({span_plain(within.low, within.high)})" if within else ""
    parts = [f"{percent(people.raw)} of {count(people.n)}{ends}"]
    parts += [
        f"{word} {decimals(value, 2)}"
        for word, value in (("kappa", people.kappa), ("AC1", people.ac1))
        if value is not None
    ]
    parts += [f"scores {points(people.gap)} apart"] * (people.gap is not None)
    return ", ".join(parts)


def _spread(judge: JudgeResult) -> str:
    noise = judge.noise
    if noise is None:
        return "asked once"
    share = "" if noise.share is None else f", {percent(noise.share)} of the variance"
    return f"{points(noise.spread)} points{share}"


def _position(judge: JudgeResult) -> str:
    place = judge.position
    if place is None:
        return ABSENT
    return (
        f"{signed(place.estimate)} to the second, p {probability(place.p_value)}; "
        f"{percent(place.consistent)} of pairs alike in both orders"
    )


def _corrected(found: Corrected | None) -> str:
    if found is None:
        return ABSENT
    if found.difference is None:
        return f"none, {count(found.labelled)} of {count(found.cases)} labelled"
    return f"{_change(found)}, {count(found.labelled)} of {count(found.cases)} labelled"


def _change(found: Corrected) -> str:
    ends = found.interval
    limits = f", 95 % interval {span(ends.low, ends.high)}" if ends else ""
    return f"{signed(found.difference)}{limits}"


def _name(suite: SuiteResult, judge: JudgeResult) -> str:
    return f"{one_line(suite.suite, 60)}/{one_line(judge.grader, 60)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(one_line(name, 60) for name in names)


def _prompts(suite: Suite) -> Iterator[tuple[str, str]]:
    for spec in suite.graders:
        grader = make(spec, allow_code=False) if spec.type in JUDGES else None
        if isinstance(grader, JudgeGrader):
            asks = f"{spec.type}, judge {grader.judge}"
            title = f"{suite.name}/{spec.name}: what the judge is told ({asks})"
            yield one_line(title, 200), visible(grader.shown)
