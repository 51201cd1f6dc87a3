"""Slices of one suite: a test for a loss in each, corrected over all. Alarms, never gates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalkit.decide.decision import Interval, SliceResult
from evalkit.decide.pairs import Membership, Pairs
from evalkit.decide.policy import Policy
from evalkit.decide.reading import READING_LEVEL
from evalkit.stats.arrays import FloatArray
from evalkit.stats.by_group import GroupTests, binary_by_group, scores_by_group
from evalkit.stats.multiplicity import holm
from evalkit.stats.paired import is_binary

SMALL = 20
"""Cases below which a slice's numbers come with a warning."""


def slice_results(pairs: Pairs, policy: Policy) -> tuple[SliceResult, ...]:
    """Return every slice of the compared cases, by field and value."""
    members = pairs.slices
    if not members.names:
        return ()
    tests = _test(pairs, members)
    raw = [None if math.isnan(p) else float(p) for p in tests.p_value]
    adjusted = holm(raw).values if policy.slice_correction == "holm" else tuple(raw)
    base = _means(pairs.base, members)
    candidate = _means(pairs.candidate, members)
    return tuple(
        SliceResult(
            field=field,
            value=value,
            n=int(tests.n[i]),
            base_mean=float(base[i]),
            candidate_mean=float(candidate[i]),
            difference=float(tests.difference[i]),
            interval=_interval(tests, i),
            p_value=raw[i],
            p_adjusted=adjusted[i],
            alarm=_alarm(adjusted[i], policy.alpha),
            note=_note(tests, i),
        )
        for i, (field, value) in enumerate(members.names)
    )


def slice_family(suite: str, slices: Sequence[SliceResult], policy: Policy) -> str:
    """Return in words which tests of ``suite`` were corrected together, and how."""
    tested = sum(s.p_value is not None for s in slices)
    how = "corrected together by Holm" if policy.slice_correction == "holm" else "not corrected"
    left_out = f"; {len(slices) - tested} without a test left out" if tested < len(slices) else ""
    return f"Slices of {suite}: {tested} one-sided tests for a loss, {how}{left_out}."


def _test(pairs: Pairs, members: Membership) -> GroupTests:
    d = (pairs.candidate - pairs.base)[members.case]
    groups, clusters = len(members.names), pairs.clusters
    if clusters is None and is_binary(pairs.base, pairs.candidate):
        return binary_by_group(d, members.group, groups=groups, level=READING_LEVEL)
    labels = None if clusters is None else clusters[members.case]
    return scores_by_group(d, members.group, groups=groups, clusters=labels, level=READING_LEVEL)


def _means(scores: FloatArray, members: Membership) -> FloatArray:
    sums = np.bincount(members.group, weights=scores[members.case])
    return np.asarray(sums / np.bincount(members.group), dtype=np.float64)


def _interval(tests: GroupTests, i: int) -> Interval | None:
    low, high = float(tests.low[i]), float(tests.high[i])
    return None if math.isnan(low) else Interval(low, high, tests.level, tests.method)


def _alarm(p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha


def _note(tests: GroupTests, i: int) -> str:
    if math.isnan(tests.low[i]):
        return "all independent units of the slice changed alike, so no interval can be given"
    return f"fewer than {SMALL} cases" if tests.n[i] < SMALL else ""
