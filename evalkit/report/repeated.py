"""Suites of which a case has several samples: where the uncertainty comes from, what helps next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from evalkit.decide.decision import (
    ComparisonDecision,
    NextPurchase,
    PassRates,
    RegressedCases,
    RepeatedSamples,
    SuiteResult,
    VarianceParts,
)
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
    typeset,
)
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table

_HARDLY = 0.1
"""The removable share of the variance below which more samples are said to be of no use."""

MOST_REGRESSED = 20
"""Cases of a suite that are listed as regressed."""

_ALIKE = 0.05
"""The saving below which cases and samples are said to be worth about the same."""

Help = Literal["cases", "samples", "either"]


def repeats_notes(suites: Sequence[SuiteResult]) -> Iterator[str]:
    """Yield what the samples show and what helps, with the suites it holds for."""
    known = [(s.suite, s.repeats) for s in suites if s.repeats]
    for say in (_origin, _regressed):
        said = {suite: say(found) for suite, found in known}
        for sentence in dict.fromkeys(filter(None, said.values())):
            names = ", ".join(one_line(name, 60) for name, own in said.items() if own == sentence)
            yield f"{names}: {sentence}"


def samples_instead(found: RepeatedSamples | None) -> str:
    """Return what more samples would do where more cases are needed; empty if that is unknown."""
    if not found or not found.variance or not found.next_purchase:
        return ""
    bought = found.next_purchase
    helps = _help(bought)
    if helps == "cases":
        less = "not do" if found.variance.removable < _HARDLY else "help less"
        return f"More samples of the same cases would {less}."
    if helps == "either":
        return "More samples of each case would help about as much for the same cost."
    if bought.base_samples is None or bought.candidate_samples is None:
        return "Cheaper at first: more samples of each case."
    return (
        f"Cheaper at first: more samples of each case, about {count(bought.base_samples)} of the "
        f"base and {count(bought.candidate_samples)} of the candidate."
    )


def repeats_tables(comparison: ComparisonDecision, suffix: str) -> Iterator[Table]:
    """Yield the tables of suites with several samples a case, if there are any."""
    found = [(one_line(s.suite, 60), s.repeats) for s in comparison.suites if s.repeats]
    judged = any(r.variance and r.variance.judge is not None for _, r in found)
    if found:
        cost = next((r.next_purchase.case_cost for _, r in found if r.next_purchase), None)
        counted = f" (a new case counts as {cost:g} samples beside its own)" if cost else ""
        rows = tuple(_row(name, repeats, judged=judged) for name, repeats in found)
        yield Table(f"Repeated samples{counted}{suffix}", _head(judged=judged), rows)
    passes = tuple(_rates_row(name, p) for name, r in found for p in r.passes)
    if passes:
        yield Table(f"{_RATES_CAPTION}{suffix}", _RATES_HEAD, passes)
    regressed = tuple(row for name, r in found for row in _regressed_rows(name, r.regressed))
    if regressed:
        yield Table(f"{_REGRESSED_CAPTION}{suffix}", _REGRESSED_HEAD, regressed)


def _origin(found: RepeatedSamples) -> str:
    """Return in a sentence where the uncertainty comes from; empty if that is not known."""
    if not found.variance or not found.next_purchase:
        return ""
    removable, helps = found.variance.removable, _help(found.next_purchase)
    noisy = removable >= 0.5
    start = "most of the uncertainty comes from "
    start += "cases that do not score the same each time" if noisy else "the choice of cases"
    if helps == "cases" and removable < _HARDLY:
        return f"{start}: more cases help, more samples do not."
    return f"{start}{_HELPS[helps, noisy]}."


def _regressed(found: RepeatedSamples) -> str:
    """Return in a sentence how many cases regressed by their samples; empty if none was tested."""
    cases = found.regressed
    if cases is None or cases.note:
        return ""
    if not cases.tested:
        return "no case has samples enough to show by itself that it regressed."
    able = f"{many(cases.tested, 'case')} whose samples could show it"
    if not cases.cases:
        return f"of {able}, none can be said to have regressed."
    chance = f"on average at most {trimmed(cases.rate)} % of such a list is chance"
    return typeset(f"of {able}, {count(len(cases.cases))} regressed ({chance}).")


def _help(bought: NextPurchase) -> Help:
    return "either" if bought.buy == "samples" and bought.saving < _ALIKE else bought.buy


_HELPS: dict[tuple[Help, bool], str] = {
    ("cases", False): ": more cases help, more samples help less",
    ("cases", True): ", but each has samples enough: new cases help more for the same cost",
    ("samples", False): ", but more samples of each case help more for the same cost",
    ("samples", True): ": more samples of each case help, and cost less than new cases",
    ("either", False): ", but more samples of each case help as much for the same cost",
    ("either", True): ": more samples of each case and new cases help alike for the same cost",
}
"""What helps, by that and by whether most of the variance is noise."""


def _head(*, judged: bool) -> tuple[Column, ...]:
    return (
        Column("Suite"),
        Column("Samples", number=True),
        Column("Variance from cases", number=True),
        Column("From base", number=True),
        Column("From candidate", number=True),
        *[Column("From the judge", number=True)] * judged,
        Column("Removable by samples", number=True),
        Column("Best samples", number=True),
        Column("Saves", number=True),
        Column("Buy next"),
    )


def _row(name: str, found: RepeatedSamples, *, judged: bool) -> tuple[str, ...]:
    bought = found.next_purchase
    return (
        name,
        f"{found.base_samples:.3g} and {found.candidate_samples:.3g}",
        *_shares(found.variance, judged=judged),
        _best(bought),
        percent(bought.saving) if bought else ABSENT,
        bought.buy if bought else one_line(found.note, 120),
    )


def _shares(parts: VarianceParts | None, *, judged: bool) -> Iterator[str]:
    """Yield the parts of the variance as shares of it, then what more samples could remove."""
    if parts is None:
        yield from [ABSENT] * (5 if judged else 4)
        return
    total = parts.cases + parts.base + parts.candidate + (parts.judge or 0.0)
    yield from (percent(part / total) for part in (parts.cases, parts.base, parts.candidate))
    if judged:
        yield percent(None if parts.judge is None else parts.judge / total)
    yield percent(parts.removable)


def _best(bought: NextPurchase | None) -> str:
    if bought is None:
        return ABSENT
    if bought.base_samples is None or bought.candidate_samples is None:
        return "no limit"
    return f"{count(bought.base_samples)} and {count(bought.candidate_samples)}"


_RATES_CAPTION = "Any of k samples right (pass@k), all of them (pass^k): for reading only"
_RATES_HEAD = (
    Column("Suite"),
    Column("Measure"),
    Column("Cases", number=True),
    Column("Left out", number=True),
    Column("Base", number=True),
    Column("Candidate", number=True),
    Column("Difference", number=True),
    Column("95 % interval", number=True),
    Column("p", number=True),
    Column("Interval"),
)


def _rates_row(name: str, rates: PassRates) -> tuple[str, ...]:
    ends = rates.interval
    return (
        name,
        rates.measure,
        count(rates.n),
        count(rates.dropped),
        points(rates.base),
        points(rates.candidate),
        signed(rates.difference),
        span(ends.low, ends.high) if ends else ABSENT,
        probability(rates.p_value),
        one_line(ends.method if ends else rates.note, 120),
    )


_REGRESSED_CAPTION = "Cases that regressed, by their samples alone: for reading only"
_REGRESSED_HEAD = (
    Column("Suite"),
    Column("Case"),
    Column("Base right", number=True),
    Column("Candidate right", number=True),
    Column("p", number=True),
    Column("p, adjusted", number=True),
)


def _regressed_rows(name: str, found: RegressedCases | None) -> Iterator[tuple[str, ...]]:
    cases = found.cases if found else ()
    for case in cases[:MOST_REGRESSED]:
        yield (
            name,
            one_line(case.case, 80),
            f"{count(case.base_right)} of {count(case.base_samples)}",
            f"{count(case.candidate_right)} of {count(case.candidate_samples)}",
            probability(case.p_value),
            probability(case.p_adjusted),
        )
    if (rest := len(cases) - MOST_REGRESSED) > 0:
        yield (name, f"{many(rest, 'more case')} in decision.json", *[""] * 4)
