"""One suite of one comparison: from paired scores to a verdict with its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.decide.decision import FlipRates, Flips, Interval, SliceResult, SuiteResult
from evalkit.decide.rules import AppliedRule
from evalkit.decide.tabulate import Pairs
from evalkit.decide.verdict import verdict_of
from evalkit.model import Suite
from evalkit.stats.flips import flip_rates
from evalkit.stats.paired import PairedComparison, compare, is_binary
from evalkit.stats.power import (
    Cases,
    cases_for_binary_gain,
    cases_for_gain,
    cases_for_margin,
    smallest_margin,
)
from evalkit.stats.values import NotEstimable, PValue

READING_LEVEL = 0.95
_RIGHT = 0.5


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What the procedures of one comparison give; ``None`` where they give nothing."""

    reading: Interval | None
    gate: Interval | None
    p_value: PValue | None
    p_exact: PValue | None
    method: str
    note: str


def suite_result(
    suite: Suite,
    pairs: Pairs,
    *,
    rule: AppliedRule,
    alpha: float,
    rng: np.random.Generator,
    slices: tuple[SliceResult, ...] = (),
) -> SuiteResult:
    """Return the verdict on the held-out ``pairs`` of ``suite``, with everything that backs it."""
    compared = compare(pairs.base, pairs.candidate, clusters=pairs.clusters, rng=rng)
    numbers = _numbers(compared, alpha)
    confirmed = all(p and p.value <= alpha for p in (numbers.p_value, numbers.p_exact))
    needed = _cases_needed(compared, pairs, rule=rule, alpha=alpha)
    variance = compared.variance
    flips = _flips(pairs)
    return SuiteResult(
        suite=suite.name,
        purpose=suite.purpose,
        rule=rule.rule,
        margin=rule.margin,
        min_gain=rule.min_gain,
        n=compared.n,
        clusters=compared.clusters,
        base_mean=compared.base_mean,
        candidate_mean=compared.candidate_mean,
        difference=compared.difference,
        interval=numbers.reading,
        gate_interval=numbers.gate,
        p_value=numbers.p_value.value if numbers.p_value else None,
        p_exact=numbers.p_exact.value if numbers.p_exact else None,
        method=numbers.method,
        verdict=verdict_of(numbers.gate, margin=rule.margin, gain_confirmed=confirmed),
        flips=flips,
        broken_critical=broken_critical(pairs),
        errors=pairs.errors,
        ungraded=pairs.ungraded,
        expected_cases=pairs.expected,
        smallest_margin=variance and smallest_margin(compared.n, variance, alpha=alpha),
        cases_needed=needed.n if needed else None,
        slices=slices,
        note=numbers.note,
        change_sought=rule.change_sought,
        flip_rates=_flip_rates(flips),
    )


def broken_critical(pairs: Pairs) -> tuple[str, ...]:
    """Return the ids of the critical cases that the base gets right and the candidate does not."""
    broken = (pairs.base >= _RIGHT) & (pairs.candidate < _RIGHT)
    return tuple(c.id for c, b in zip(pairs.cases, broken, strict=True) if c.critical and b)


def critical_at_risk(pairs: Pairs) -> int:
    """Return how many critical cases the base gets right."""
    return sum(c.critical and b >= _RIGHT for c, b in zip(pairs.cases, pairs.base, strict=True))


def _numbers(compared: PairedComparison, alpha: float) -> _Numbers:
    procedure, exact = compared.procedure, compared.exact
    if isinstance(procedure, NotEstimable) or isinstance(exact, NotEstimable):
        why = procedure.why if isinstance(procedure, NotEstimable) else ""
        return _Numbers(None, None, None, None, "not estimable", why)
    reading = procedure.interval(level=READING_LEVEL)
    gate = procedure.interval(level=1 - 2 * alpha)
    return _Numbers(
        reading=None if isinstance(reading, NotEstimable) else reading,
        gate=None if isinstance(gate, NotEstimable) else gate,
        p_value=procedure.p_value(),
        p_exact=exact,
        method=f"{procedure.method}; {exact.method}",
        note=next((i.why for i in (gate, reading) if isinstance(i, NotEstimable)), ""),
    )


def _cases_needed(
    compared: PairedComparison, pairs: Pairs, *, rule: AppliedRule, alpha: float
) -> Cases | None:
    if compared.variance is None:
        return None
    if rule.rule != "superior":
        return cases_for_margin(rule.change_sought, compared.variance, alpha=alpha)
    independent = compared.clusters is None and is_binary(pairs.base, pairs.candidate)
    search = cases_for_binary_gain if independent else cases_for_gain
    return search(rule.change_sought, compared.variance, alpha=alpha)


def _flips(pairs: Pairs) -> Flips:
    base, candidate = pairs.base >= _RIGHT, pairs.candidate >= _RIGHT
    return Flips(
        both_right=int(np.count_nonzero(base & candidate)),
        fixed=int(np.count_nonzero(~base & candidate)),
        broken=int(np.count_nonzero(base & ~candidate)),
        both_wrong=int(np.count_nonzero(~base & ~candidate)),
    )


def _flip_rates(flips: Flips) -> FlipRates | None:
    rates = flip_rates(flips.both_right, flips.fixed, lost=flips.broken, neither=flips.both_wrong)
    return None if isinstance(rates, NotEstimable) else rates
