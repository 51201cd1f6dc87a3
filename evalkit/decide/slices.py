"""Slices: a test for a loss in each, corrected over their family. Alarms, never gates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalkit.decide.decision import Interval, SliceResult
from evalkit.decide.pairs import Membership, Pairs
from evalkit.decide.policy import Policy
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.run_words import CORRECTIONS
from evalkit.decide.slice_correction import Adjusted, correct_slices, correction_name
from evalkit.stats.arrays import FloatArray
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.by_group import GroupTests, binary_by_group, scores_by_group
from evalkit.stats.paired import is_binary

SMALL = 20
"""Cases below which a slice's numbers come with a warning."""


def slice_results(
    suites: Sequence[Pairs], policy: Policy, *, rng: np.random.Generator
) -> list[tuple[SliceResult, ...]]:
    """Return every slice of each suite's compared cases, by field and value."""
    tests = [_test(pairs, rng) for pairs in suites]
    families = [(pairs, found.p_alarm) for pairs, found in zip(suites, tests, strict=True)]
    corrected = correct_slices(families, policy, rng=rng)
    return [
        _results(*parts, alpha=policy.alpha) for parts in zip(suites, tests, corrected, strict=True)
    ]


def slice_family(name: str, slices: Sequence[SliceResult], policy: Policy) -> str:
    """Return in words which tests were corrected together, and how."""
    tested = sum(s.p_value is not None for s in slices)
    left_out = f"; {len(slices) - tested} without a test left out" if tested < len(slices) else ""
    how = CORRECTIONS[policy.slice_correction]
    return f"Slices of {name}: {tested} one-sided tests for a loss, {how}{left_out}."


def slice_assumptions(
    slices: Sequence[SliceResult], policy: Policy, *, binary: bool, clustered: bool
) -> tuple[str, ...]:
    """Return what the tests of a suite's slices and their correction take for granted.

    ``binary``: all scores are 0 or 1. Empty without a slice.
    """
    if not slices:
        return ()
    exact = "exact McNemar" if binary and not clustered else "sign-flip"
    names = [s.interval.method for s in slices if s.interval]
    names += [exact] * any(s.p_exact is not None for s in slices)
    return assumptions_of(*names, correction_name(policy), clustered=clustered)


def _results(
    pairs: Pairs, tests: GroupTests, corrected: Adjusted, *, alpha: float
) -> tuple[SliceResult, ...]:
    base, candidate = (_means(scores, pairs.slices) for scores in (pairs.base, pairs.candidate))
    return tuple(
        SliceResult(
            field=field,
            value=value,
            n=int(tests.n[i]),
            base_mean=float(base[i]),
            candidate_mean=float(candidate[i]),
            difference=float(tests.difference[i]),
            interval=_interval(tests, i),
            p_value=_number(tests.p_value[i]),
            p_adjusted=corrected[i],
            alarm=_alarm(corrected[i], alpha),
            note=_note(tests, i),
            p_exact=_number(tests.p_exact[i]),
        )
        for i, (field, value) in enumerate(pairs.slices.names)
    )


def _test(pairs: Pairs, rng: np.random.Generator) -> GroupTests:
    members = pairs.slices
    d = (pairs.candidate - pairs.base)[members.case]
    groups, clusters = len(members.names), pairs.clusters
    if clusters is None and is_binary(pairs.base, pairs.candidate):
        return binary_by_group(d, members.group, groups=groups, level=READING_LEVEL)
    labels = None if clusters is None else clusters[members.case]
    return scores_by_group(
        d, members.group, groups=groups, rng=rng, clusters=labels, level=READING_LEVEL
    )


def _number(p: float) -> float | None:
    return None if math.isnan(p) else float(p)


def _means(scores: FloatArray, members: Membership) -> FloatArray:
    sums = np.bincount(members.group, weights=scores[members.case])
    return np.asarray(sums / np.bincount(members.group), dtype=np.float64)


def _interval(tests: GroupTests, i: int) -> Interval | None:
    low, high = float(tests.low[i]), float(tests.high[i])
    return None if math.isnan(low) else Interval(low, high, tests.level, tests.method[i])


def _alarm(p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha


def _note(tests: GroupTests, i: int) -> str:
    if math.isnan(tests.low[i]):
        return "all cases of the slice are in one cluster, two are needed"
    return f"fewer than {SMALL} cases" if tests.n[i] < SMALL else ""
