"""Second opinions: what other methods say of each suite. They decide nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.decide.decision import ComparisonDecision, SecondOpinion, SuiteResult
from evalkit.decide.selection_words import listed
from evalkit.report.numerals import (
    ABSENT,
    count,
    decimals,
    many,
    probability,
    signed,
    span,
)
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table
from evalkit.report.words import VERDICTS


def opinion_notes(suites: Sequence[SuiteResult]) -> Iterator[str]:
    """Yield whether other methods agree, with the suites it holds for."""
    said = {one_line(s.suite, 60): _agreement(s) for s in suites}
    for sentence in dict.fromkeys(filter(None, said.values())):
        names = ", ".join(name for name, own in said.items() if own == sentence)
        yield f"{names}: {sentence}."


def opinion_tables(comparison: ComparisonDecision, suffix: str) -> Iterator[Table]:
    """Yield the table of all second opinions, if there is any, or a reason why not."""
    rows = tuple(row for suite in comparison.suites for row in _rows(suite))
    if rows:
        yield Table(f"{_CAPTION}{suffix}", _HEAD, rows)


def _agreement(result: SuiteResult) -> str:
    """Return in a sentence who agrees and who does not; empty if none of them can."""
    asked = [o for o in result.second_opinions if o.agrees is not None]
    agree = [o for o in asked if o.agrees]
    against = list(_against(result, [o for o in asked if not o.agrees]))
    if not agree:
        return "; ".join(against)
    verb = "gives" if len(agree) == 1 else "give"
    if against:
        start = f"{count(len(agree))} of {many(len(asked), 'other method')} {verb} the same verdict"
        return "; ".join([start, *against])
    verdict = f"{verb} the same verdict"
    if {o.verdict for o in agree} != {result.verdict}:
        # Missing answers, or the number of suites, took the verdict back.
        verdict = f"{'agrees' if len(agree) == 1 else 'agree'} with the interval that decides"
    return f"{many(len(agree), 'other method')} {verdict}"


def _against(result: SuiteResult, opinions: Sequence[SecondOpinion]) -> Iterator[str]:
    """Yield what those say that disagree, methods of one opinion together."""
    said = {_name(o): _differently(o, result) for o in opinions}
    for words in dict.fromkeys(said.values()):
        yield f"{listed([name for name, own in said.items() if own == words])} {words}"


def _differently(opinion: SecondOpinion, result: SuiteResult) -> str:
    if opinion.verdict is None:
        return one_line(opinion.note, 200)
    if opinion.verdict == (result.bounds.observed if result.bounds else result.verdict):
        return f"would say otherwise whether it {_ASKED.get(result.rule, 'passes')}"
    but = f", but {one_line(opinion.note, 200)}" if opinion.note else ""
    return f'would say "{VERDICTS[opinion.verdict].label}"{but}'


_ASKED = {"superior": "gains what is asked", "equivalent": "stays within its limit"}


def _name(opinion: SecondOpinion) -> str:
    """Return a method without its details: "BCa" of "BCa, 9,999 resamples"."""
    return one_line(opinion.method.split(",")[0], 60)


_CAPTION = "Second opinions: other methods on the same cases, which decide nothing"
_HEAD = (
    Column("Suite"),
    Column("Method"),
    Column("Of"),
    Column("Estimate", number=True),
    Column("95 % interval", number=True),
    Column("p", number=True),
    Column("Verdict"),
    Column("Note"),
)


def _rows(result: SuiteResult) -> Iterator[tuple[str, ...]]:
    name, why = one_line(result.suite, 60), one_line(result.second_opinions_note, 120)
    if why:
        yield (name, *[ABSENT] * 6, why)
    for opinion in result.second_opinions:
        yield (
            name,
            one_line(opinion.method, 80),
            opinion.estimand,
            *_numbers(opinion),
            probability(opinion.p_value),
            VERDICTS[opinion.verdict].label if opinion.verdict else ABSENT,
            one_line(opinion.note, 160),
        )


def _numbers(opinion: SecondOpinion) -> tuple[str, str]:
    """Return estimate and interval: differences in points, ratios and correlations as they are."""
    ends = opinion.interval
    if opinion.estimand == "difference":
        limits = span(ends.low, ends.high, bounds=(0.0,)) if ends else ABSENT
        return signed(opinion.estimate), limits
    limits = f"{decimals(ends.low, 2)} to {decimals(ends.high, 2)}" if ends else ABSENT
    return decimals(opinion.estimate, 2), limits
