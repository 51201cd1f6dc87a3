"""What a suite says that was judged while it was asked: intervals that hold wherever it stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalkit.decide.bounds import bounds_of
from evalkit.decide.claims import Sides, Track, agreed, claims, combined, gain_plan, gate_plan
from evalkit.decide.decision import Bounds, Interval, StopAnswer, StopCause, Stopping
from evalkit.decide.pairs import Pairs
from evalkit.decide.reading import READING_LEVEL, Reading
from evalkit.decide.rules import AppliedRule
from evalkit.decide.verdict import verdict_of
from evalkit.decide.watched import Watched
from evalkit.stats.paired import PairedComparison, compare
from evalkit.stats.stopping import Stop
from evalkit.stats.values import NotEstimable

_NO_P = "judged while asked, so no p-value of a number of cases fixed in advance"


@dataclass(frozen=True, slots=True)
class WatchedReading:
    """A suite's reading, its bounds if an answer is missing, and how it came to its end."""

    found: Reading
    bounds: Bounds | None
    stopping: Stopping


@dataclass(frozen=True, slots=True)
class _View:
    reading: Reading
    answer: StopAnswer
    by: StopCause
    width_ratio: float | None


def read_watched(
    pairs: Pairs, seen: Watched, *, rule: AppliedRule, alpha: float, rng: np.random.Generator
) -> WatchedReading:
    """Return what the asked cases say, by the sequential test that ended the asking."""
    planned = max(seen.planned, 1)
    found = [_read(sides, planned, rule=rule, alpha=alpha, rng=rng) for sides in seen.views]
    readings = [view.reading for view in found]
    bounds = None
    if pairs.extremes is not None and len(readings) > 1:
        observed, worst, best = readings
        bounds = bounds_of(pairs.extremes, observed, worst=worst, best=best)
    first = found[0]
    stopping = Stopping(
        planned=seen.planned,
        asked=seen.asked,
        answer=agreed([view.answer for view in found]),
        by=first.by,
        width_ratio=first.width_ratio,
    )
    return WatchedReading(first.reading, bounds, stopping)


def _read(
    sides: Sides, planned: int, *, rule: AppliedRule, alpha: float, rng: np.random.Generator
) -> _View:
    compared = compare(sides.base, sides.candidate, rng=rng)
    gate = gate_plan(rule, planned=planned, alpha=alpha)
    reading = replace(gate, alpha=(1 - READING_LEVEL) / 2)
    plans = (
        *claims(rule, planned=planned, alpha=alpha),
        gain_plan(planned=planned, alpha=alpha),
        reading,
    )
    stops = Track.begin(plans).after(sides).stops()
    *claimed, gain, read = stops
    answer, by = combined(claimed)
    return _View(
        _reading(compared, claimed[0], read, margin=rule.margin, gained=gain.answer == "proven"),
        answer,
        by,
        claimed[0].width_ratio,
    )


def _reading(
    compared: PairedComparison, gate: Stop, read: Stop, *, margin: float, gained: bool
) -> Reading:
    if isinstance(compared.procedure, NotEstimable):
        why = compared.procedure.why
        return Reading(compared, None, None, None, None, "not estimable", "inconclusive", why)
    found = _interval(gate)
    return Reading(
        compared=compared,
        interval=_interval(read),
        gate=found,
        p_value=None,
        p_exact=None,
        method=f"betting and curtailed {compared.procedure.method}",
        verdict=verdict_of(found, margin=margin, gain_confirmed=gained),
        note=_NO_P,
    )


def _interval(stop: Stop) -> Interval | None:
    if isinstance(stop.interval, NotEstimable):
        return None
    return replace(stop.interval, method="betting, curtailed")
