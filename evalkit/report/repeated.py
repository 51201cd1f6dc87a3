"""Suites of which a case has several samples: where the uncertainty comes from, what helps next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from evalkit.decide.decision import (
    ComparisonDecision,
    NextPurchase,
    PassRates,
    RepeatedSamples,
    SuiteResult,
    VarianceParts,
)
from evalkit.report.numerals import (
    ABSENT,
    count,
    percent,
    points,
    probability,
    signed,
    span,
)
from evalkit.report.safe import one_line
from evalkit.report.tables import Column, Table

_HARDLY = 0.1
"""The removable share of the variance below which more samples are said to be of no use."""

_ALIKE = 0.05
"""The saving below which cases and samples are said to be worth about the same."""

Help = Literal["cases", "samples", "either"]


def repeats_notes(suites: Sequence[SuiteResult]) -> Iterator[str]:
    """Yield where the uncertainty comes from and what helps, with the suites it holds for."""
    said = {s.suite: _origin(s.repeats) for s in suites if s.repeats}
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
