"""Sentences about a suite. Short, plain, with numbers: a "point" is 0.01 of the score's scale."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.decide.decision import (
    Interval,
    OverfitClass,
    OverfitResult,
    StopAnswer,
    SuiteResult,
    Verdict,
)
from evalkit.decide.verdict import exceeds


def points(value: float) -> str:
    """Return a share as points: 0.0421 is "4.2"."""
    return f"{round(100 * value, 1) + 0.0:.1f}"


def percent(value: float) -> str:
    """Return a share as a percentage: 0.0123 is "1.2 %"."""
    return f"{points(value)} %"


def many(count: int, noun: str) -> str:
    """Return a count with its noun: "1 case", "12 cases"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def interval_words(interval: Interval | None, *, lower: bool = False) -> str:
    """Return "95 % interval 1.0 to 3.0"; ``lower`` counts losses as positive numbers.

    An interval on both sides of 0 says which end is which.
    """
    if interval is None:
        return "no interval can be given"
    low, high = interval.low, interval.high
    name = f"{round(100 * interval.level)} % interval"
    if low < 0 < high:
        return f"{name} {points(-low)} lower to {points(high)} higher"
    if lower:
        low, high = -high, -low
    return f"{name} {points(low)} to {points(high)}"


def certainty(
    result: SuiteResult, *, above: float | None = None, below: float | None = None
) -> str:
    """Return "probably " unless the whole interval for reading lies above or below a bound.

    The gate reads a narrower one (1 - 2 alpha). A sentence that claims what only that one shows
    must not contradict the interval printed in it.
    """
    interval = result.interval
    sure = interval is not None and (
        (above is not None and exceeds(interval.low, above))
        or (below is not None and exceeds(below, interval.high))
    )
    return "" if sure else "probably "


def suite_sentence(result: SuiteResult) -> str:
    """Return what happened to a suite, against the limit its rule sets."""
    if result.difference is None:
        return f"{result.suite}: no held-out case has a score of both models."
    return _BY_VERDICT[result.verdict](result)


def gain_sentence(result: SuiteResult) -> str:
    """Return what happened to a suite that has to gain."""
    gate = result.gate_interval
    if gate is None:
        return suite_sentence(result)
    if result.verdict in _WORSE:
        inside = interval_words(result.interval, lower=True)
        start = f"{result.suite} {certainty(result, below=0.0)}got worse"
        return f"{start} by {_size(result)} points ({inside}). It has to improve."
    if result.verdict == "improved":
        return f"{_improved(result)} {_against_gain(result, gate)}".rstrip()
    asked = f"a gain of {points(result.min_gain)} points" if result.min_gain else "a gain"
    if exceeds(result.min_gain, gate.high):
        start = f"{result.suite} did not improve as asked ({_change(result)})."
        sure = certainty(result, below=result.min_gain)
        return f"{start} {asked[0].upper()}{asked[1:]} can {sure}be ruled out."
    start = f"We cannot tell if {result.suite} improved ({_change(result)}{undone(result)})."
    return f"{start} It has to show {asked}{_needed(result)}."


def overfit_sentence(result: OverfitResult) -> str:
    """Return how the gain on trained cases compares with that on held-out ones."""
    if result.gap is None or result.interval is None:
        return f"We cannot tell if {result.suite} was memorised: {result.note}."
    more = "more" if result.gap >= 0 else "less"
    start = (
        f"{result.suite} gained {points(abs(result.gap))} points {more} on trained "
        f"cases than on held-out ones ({interval_words(result.interval, lower=result.gap < 0)})"
    )
    end = _FLAGGED[result.classification] if result.flagged else _CLEAR[result.classification]
    return f"{start}{end.format(limit=points(result.max_gap))}"


def settled_sentence(result: SuiteResult) -> str:
    """Return where a suite stopped early and what that cost; empty if it was asked whole."""
    end = result.stopping
    if end is None or not end.early:
        return ""
    where = f"after {end.asked:,} of {end.planned:,} cases"
    start = f"{result.suite} {_ENDS[end.answer]} {where}"
    if end.width_ratio is None:
        return f"{start}."
    fixed = f"one for {many(end.asked, 'case')} fixed in advance"
    return f"{start}; its interval is {end.width_ratio:.1f} times as wide as {fixed}."


def _size(result: SuiteResult) -> str:
    return points(abs(result.difference or 0.0))


def _limit(result: SuiteResult) -> str:
    return f"{points(result.margin)} points"


def _improved(result: SuiteResult) -> str:
    inside = interval_words(result.interval)
    sure = certainty(result, above=0.0)
    return f"{result.suite} {sure}improved by {_size(result)} points ({inside})."


def _held(result: SuiteResult) -> str:
    sure = certainty(result, above=-result.margin)
    start = f"{result.suite} {sure}did not get worse by more than {_limit(result)}"
    return f"{start} ({_change(result)})."


def _worse_within(result: SuiteResult) -> str:
    inside = interval_words(result.interval, lower=True)
    return (
        f"{result.suite} {certainty(result, below=0.0)}got worse by "
        f"{_size(result)} points ({inside}), "
        f"{certainty(result, above=-result.margin)}within the limit of {_limit(result)}."
    )


def _worse(result: SuiteResult) -> str:
    inside = interval_words(result.interval, lower=True)
    return (
        f"{result.suite} is probably worse by {_size(result)} points ({inside}); "
        f"it may or may not be within the limit of {_limit(result)}."
    )


def _worse_beyond(result: SuiteResult) -> str:
    inside = interval_words(result.interval, lower=True)
    return (
        f"{result.suite} {certainty(result, below=-result.margin)}got worse by "
        f"{_size(result)} points ({inside}). The limit is {_limit(result)}."
    )


def equivalence_sentence(result: SuiteResult) -> str:
    """Return whether a suite that may not change either way did."""
    gate = result.gate_interval
    if gate is None or result.difference is None:
        return suite_sentence(result)
    name, margin = result.suite, result.margin
    if exceeds(gate.low, margin) or exceeds(-margin, gate.high):
        sure = certainty(result, above=margin, below=-margin)
        return f"{name} {sure}changed by more than {_limit(result)} ({_change(result)})."
    inside = exceeds(gate.low, -margin) and exceeds(margin, gate.high)
    if inside and not undone(result):
        sure = certainty(result, above=-margin) or certainty(result, below=margin)
        return f"{name} {sure}stayed within {_limit(result)} either way ({_change(result)})."
    start = f"We cannot tell if {result.suite} changed by more than {_limit(result)} either way"
    return f"{start} ({_change(result)}){undone(result)}."


def undone(result: SuiteResult) -> str:
    """Return that missing answers could overturn what the others show; empty if they cannot."""
    bounds = result.bounds
    if bounds is None or not bounds.decisive:
        return ""
    worst, best = (
        f"{points(abs(end.difference or 0.0))} points {_way(end.difference or 0.0)}"
        for end in (bounds.worst, bounds.best)
    )
    return f"; {many(bounds.missing, 'case')} without a score could make it {worst} or {best}"


def _unknown(result: SuiteResult) -> str:
    if missing := undone(result):
        start = f"We cannot tell if {result.suite} got worse by more than {_limit(result)}"
        return f"{start} ({_change(result)}{missing})."
    why = _change(result) if result.gate_interval else result.note
    start = f"We cannot tell if {result.suite} got worse by more than {_limit(result)} ({why})."
    if result.smallest_margin is None:
        return start
    shown = f"only losses above {points(result.smallest_margin)} points would show"
    return f"{start} With {many(result.n, 'case')} {shown}{_needed(result)}."


def _needed(result: SuiteResult) -> str:
    needed, sought = result.cases_needed, result.change_sought
    if needed is None or sought is None or needed <= cases_of(result):
        return ""
    return f"; about {needed:,} cases are needed for {points(sought)} points"


def cases_of(result: SuiteResult) -> int:
    """Return how many cases a suite has to show something with, also where it stopped early."""
    end = result.stopping
    return end.planned if end and end.early else result.n


def _change(result: SuiteResult) -> str:
    difference = result.difference or 0.0
    inside = interval_words(result.interval, lower=difference < 0)
    return f"{_size(result)} points {_way(difference)}, {inside}"


def _way(difference: float) -> str:
    return "higher" if difference >= 0 else "lower"


def _against_gain(result: SuiteResult, gate: Interval) -> str:
    asked = f"{points(result.min_gain)} points"
    if not result.min_gain:
        return ""
    if exceeds(gate.low, result.min_gain):
        if certainty(result, above=result.min_gain):
            return f"That is probably more than the {asked} asked for."
        return f"At least {asked} are asked for."
    if exceeds(result.min_gain, gate.high):
        return f"That is {certainty(result, below=result.min_gain)}less than the {asked} asked for."
    return f"We cannot tell if it gained the {asked} asked for{_needed(result)}."


_ENDS: dict[StopAnswer, str] = {
    "proven": "was settled",
    "refuted": "was settled",
    "futile": "could not pass any more",
    "go_on": "was stopped, by another policy than this one,",
}

_WORSE: frozenset[Verdict] = frozenset(
    {"regressed_within_margin", "regressed", "regressed_beyond_margin"}
)

_BY_VERDICT: dict[Verdict, Callable[[SuiteResult], str]] = {
    "improved": _improved,
    "non_inferior": _held,
    "regressed_within_margin": _worse_within,
    "regressed": _worse,
    "regressed_beyond_margin": _worse_beyond,
    "inconclusive": _unknown,
}

_FLAGGED: dict[OverfitClass, str] = {
    "mostly_memorised": "; the limit is {limit}. Much is memorised, though new cases improved too.",
    "no_transfer": "; the limit is {limit}. The gain does not carry over to new cases.",
    "harmful": "; the limit is {limit}. New cases got worse.",
    "inconclusive": "; the limit is {limit}. What it did to new cases is uncertain.",
}

_CLEAR: dict[OverfitClass, str] = {
    "sound": ", within the limit of {limit}.",
    "inconclusive": "; whether that is within the limit of {limit} is uncertain.",
}
