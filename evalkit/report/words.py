"""The words of verdicts: size by certainty, and never "no difference".

A plain phrase says that the 95 % interval settles the matter; "probably" that only the narrower
interval of the gate does; "cannot tell" that neither does. Whole sentences come from
`evalkit.decide.words`; here are the phrases that follow a suite's name in a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from evalkit.decide.decision import Interval, Outcome, OverfitClass, SuiteResult, Verdict
from evalkit.decide.words import certainty
from evalkit.report.numerals import ABSENT, count, digits_for, many, points, trimmed
from evalkit.report.safe import one_line

Tone = Literal["good", "bad", "unsure", "even"]
ZoneKey = Literal["worse", "unknown", "held", "better"]


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """A decision in words. ``deck`` is a format with ``{base}`` and ``{candidate}``."""

    key: Outcome
    title: str
    deck: str
    deck_many: str
    glyph: str
    tone: Tone


OUTCOMES: dict[Outcome, OutcomeWords] = {
    "promote": OutcomeWords(
        "promote",
        "Promote",
        "{candidate} may replace {base}.",
        "Each of the {n} candidates may replace its base.",
        "✓",
        "good",
    ),
    "do_not_promote": OutcomeWords(
        "do_not_promote",
        "Do not promote",
        "{candidate} should not replace {base}.",
        "At least one of the {n} candidates should not replace its base.",
        "✕",
        "bad",
    ),
    "not_enough_evidence": OutcomeWords(
        "not_enough_evidence",
        "Not enough evidence",
        "This run cannot show whether {candidate} may replace {base}.",
        "For at least one of the {n} candidates this run cannot show enough.",
        "?",
        "unsure",
    ),
    "incomplete": OutcomeWords(
        "incomplete",
        "Run incomplete",
        "Too much is missing to decide whether {candidate} may replace {base}.",
        "For at least one of the {n} candidates too much is missing to decide.",
        "…",
        "even",
    ),
}


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A suite's verdict: the zone it is listed in, its words, and a glyph that needs no colour."""

    zone: ZoneKey
    label: str
    glyph: str
    tone: Tone


VERDICTS: dict[Verdict, VerdictWords] = {
    "regressed_beyond_margin": VerdictWords("worse", "worse", "▼", "bad"),
    "regressed": VerdictWords("worse", "probably worse", "▼", "bad"),
    "regressed_within_margin": VerdictWords("worse", "worse, within limit", "▽", "unsure"),
    "inconclusive": VerdictWords("unknown", "cannot tell", "?", "unsure"),
    "non_inferior": VerdictWords("held", "no important loss", "=", "even"),
    "improved": VerdictWords("better", "better", "▲", "good"),
}

ZONES: dict[ZoneKey, str] = {
    "worse": "Got worse",
    "unknown": "We cannot tell",
    "held": "No important loss",
    "better": "Got better",
}

OVERFITTING: dict[OverfitClass, tuple[str, Tone]] = {
    "sound": ("carries over", "good"),
    "mostly_memorised": ("mostly memorised", "bad"),
    "no_transfer": ("does not carry over", "bad"),
    "harmful": ("harmful", "bad"),
    "inconclusive": ("cannot tell", "unsure"),
}


def phrase(result: SuiteResult) -> str:
    """Return what follows a suite's name in the lists of the first screen."""
    said = _PHRASES[result.verdict](result)
    critical = len(result.broken_critical)
    return f"{said}. {many(critical, 'critical case')} broke." if critical else f"{said}."


def point_words(number: str) -> str:
    """Return a number of points with its noun."""
    return f"{number} point" if number == "1" else f"{number} points"


def interval_words(interval: Interval | None, *, lower: bool = False, margin: float = 0.0) -> str:
    """Return "95 % interval 2.4 to 6.0"; ``lower`` counts losses as positive numbers.

    An interval on both sides of 0 says which end is which.
    """
    if interval is None:
        return "interval not estimable"
    low, high = interval.low, interval.high
    digits = digits_for((low, high), (0.0, -margin))
    name = f"{points(interval.level, 0)} % interval"
    if low < 0 < high:
        return f"{name} {points(-low, digits)} lower to {points(high, digits)} higher"
    if lower:
        low, high = -high, -low
    return f"{name} {points(low, digits)} to {points(high, digits)}"


def _worse(result: SuiteResult) -> str:
    if result.rule == "superior":
        return _worse_target(result)
    sure = certainty(result, below=-result.margin)
    return f"{sure}{_lower(result)}; the limit is {trimmed(result.margin)}"


def _probably_worse(result: SuiteResult) -> str:
    if result.rule == "superior":
        return _worse_target(result)
    limit = trimmed(result.margin)
    return f"probably {_lower(result)}; it may or may not be within the limit of {limit}"


def _worse_within(result: SuiteResult) -> str:
    if result.rule == "superior":
        return _worse_target(result)
    sure = certainty(result, above=-result.margin)
    limit = trimmed(result.margin)
    return f"{_lower(result)}, {sure}within the limit of {limit}"


def _worse_target(result: SuiteResult) -> str:
    return f"{certainty(result, below=0.0)}{_lower(result)}{_HAS_TO_IMPROVE}"


def _unknown(result: SuiteResult) -> str:
    if result.bounds and result.bounds.decisive:
        answers = many(result.bounds.missing, "case")
        return f"{answers} without a score could overturn what the others show"
    if result.stopping and result.stopping.early:
        asked, planned = count(result.stopping.asked), count(result.stopping.planned)
        return f"after {asked} of {planned} cases the rest could not make it pass"
    if result.difference is None or result.smallest_margin is None:
        return one_line(result.note).rstrip(".") or "too few cases to estimate anything"
    shows = (
        f"with {many(result.n, 'case')} only changes above "
        f"{point_words(points(result.smallest_margin))} would show"
    )
    needed, sought = result.cases_needed, result.change_sought or result.margin
    if needed is None or needed <= result.n or not sought:
        return shows
    return f"{shows}; about {count(needed)} cases are needed for {trimmed(sought)}"


def _held(result: SuiteResult) -> str:
    limit = point_words(trimmed(result.margin))
    way = "lower" if (result.difference or 0.0) < 0 else "higher"
    sure = certainty(result, above=-result.margin)
    said = (
        f"{sure}did not get worse by more than {limit} "
        f"({_amount(result)} {way}; {interval_words(result.interval)})"
    )
    return said + _HAS_TO_IMPROVE if result.rule == "superior" else said


def _better(result: SuiteResult) -> str:
    said = (
        f"{certainty(result, above=0.0)}{point_words(_amount(result))} higher "
        f"({interval_words(result.interval)})"
    )
    short = result.difference is not None and result.difference < result.min_gain
    return f"{said}; the gain asked for is {trimmed(result.min_gain)}" if short else said


_HAS_TO_IMPROVE = "; as a target it has to improve"


def _lower(result: SuiteResult) -> str:
    inside = interval_words(result.interval, lower=True, margin=result.margin)
    return f"{point_words(_amount(result))} lower ({inside})"


def _amount(result: SuiteResult) -> str:
    return ABSENT if result.difference is None else points(abs(result.difference))


_PHRASES: dict[Verdict, Callable[[SuiteResult], str]] = {
    "regressed_beyond_margin": _worse,
    "regressed": _probably_worse,
    "regressed_within_margin": _worse_within,
    "inconclusive": _unknown,
    "non_inferior": _held,
    "improved": _better,
}
