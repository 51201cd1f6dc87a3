"""One suite of one comparison: from paired scores to a verdict with its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.decide.bounds import missing_bounds
from evalkit.decide.decision import (
    Bounds,
    FlipRates,
    Flips,
    Stopping,
    SuiteResult,
    Verdict,
)
from evalkit.decide.evidence import SuiteEvidence
from evalkit.decide.needs import needs_of
from evalkit.decide.pairs import RIGHT, Pairs
from evalkit.decide.reading import READING_LEVEL, Reading, read
from evalkit.decide.repeats import repeats_of
from evalkit.decide.rules import AppliedRule
from evalkit.decide.seeds import generator
from evalkit.decide.verdict import common
from evalkit.decide.watched_reading import read_watched
from evalkit.stats.a_a import share_of_cases
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.flips import flip_rates
from evalkit.stats.paired import is_binary
from evalkit.stats.values import NotEstimable


def suite_result(
    part: SuiteEvidence,
    *,
    rule: AppliedRule,
    alpha: float,
    rng: np.random.Generator,
) -> SuiteResult:
    """Return the verdict on the held-out cases of a suite, with what backs it but for slices."""
    suite, pairs = part.suite, part.heldout
    found, bounds, stopping = _readings(part, rule, alpha=alpha, rng=rng)
    compared, binary = found.compared, is_binary(pairs.base, pairs.candidate)
    needs, flips = needs_of(compared, rule, binary=binary, alpha=alpha), _flips(pairs)
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
        interval=found.interval,
        gate_interval=found.gate,
        p_value=found.p_value.value if found.p_value else None,
        p_exact=found.p_exact.value if found.p_exact else None,
        method=found.method,
        verdict=_verdict(found, bounds),
        flips=flips,
        broken_critical=broken_critical(critical_pairs(part, rule)),
        errors=pairs.errors,
        ungraded=pairs.ungraded,
        expected_cases=pairs.expected,
        # A number of cases that followed the answers is no design quantity.
        smallest_margin=None if stopping and stopping.early else needs.smallest_margin,
        cases_needed=needs.cases,
        note=found.note,
        change_sought=rule.change_sought,
        flip_rates=_flip_rates(flips, pairs, rng=generator("flips", part.suite.name)),
        bounds=bounds,
        binary=binary,
        variance=compared.variance,
        stopping=stopping,
        repeats=repeats_of(part, rng=rng),
        min_cases=rule.min_cases,
        assumptions=assumptions_of(found.method, clustered=compared.clusters is not None),
    )


def _readings(
    part: SuiteEvidence, rule: AppliedRule, *, alpha: float, rng: np.random.Generator
) -> tuple[Reading, Bounds | None, Stopping | None]:
    pairs, margin = part.heldout, rule.margin
    if part.watched:
        seen = read_watched(pairs, part.watched, rule=rule, alpha=alpha, rng=rng)
        return seen.found, seen.bounds, seen.stopping
    found = read(
        pairs.base,
        pairs.candidate,
        clusters=pairs.clusters,
        margin=margin,
        alpha=alpha,
        rng=rng,
    )
    return found, missing_bounds(pairs, found, margin=margin, alpha=alpha, rng=rng), None


def _verdict(found: Reading, bounds: Bounds | None) -> Verdict:
    if bounds is None:
        return found.verdict
    return common((found.verdict, bounds.worst.verdict, bounds.best.verdict))


def critical_pairs(part: SuiteEvidence, rule: AppliedRule) -> Pairs:
    """Return the pairs among which no critical case may break.

    A suite that stopped early is still asked its other critical cases, unless none blocks.
    """
    return part.watched.critical if part.watched and rule.never_break else part.heldout


def broken_critical(pairs: Pairs) -> tuple[str, ...]:
    """Return the ids of the critical cases that the base gets right and the candidate does not."""
    broken = pairs.critical & (pairs.base >= RIGHT) & (pairs.candidate < RIGHT)
    return tuple(pairs.ids[i] for i in np.flatnonzero(broken).tolist())


def critical_at_risk(pairs: Pairs) -> int:
    """Return how many critical cases the base gets right."""
    return int(np.count_nonzero(pairs.critical & (pairs.base >= RIGHT)))


def _flips(pairs: Pairs) -> Flips:
    base, candidate = pairs.base >= RIGHT, pairs.candidate >= RIGHT
    return Flips(
        both_right=int(np.count_nonzero(base & candidate)),
        fixed=int(np.count_nonzero(~base & candidate)),
        broken=int(np.count_nonzero(base & ~candidate)),
        both_wrong=int(np.count_nonzero(~base & ~candidate)),
    )


def _flip_rates(flips: Flips, pairs: Pairs, *, rng: np.random.Generator) -> FlipRates | None:
    rates = flip_rates(flips.both_right, flips.fixed, lost=flips.broken, neither=flips.both_wrong)
    if isinstance(rates, NotEstimable):
        return None
    if pairs.clusters is None:
        return rates
    broken = ((pairs.base >= RIGHT) & (pairs.candidate < RIGHT)).astype(np.float64)
    found = share_of_cases(broken, clusters=pairs.clusters, level=READING_LEVEL, rng=rng)
    interval = None if isinstance(found, NotEstimable) else found.interval
    return replace(rates, broken_interval=interval)
