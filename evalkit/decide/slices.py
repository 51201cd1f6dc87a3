"""Slices: a test for a loss in each, corrected over their family. Alarms, never gates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalkit.decide.decision import Interval, SliceResult
from evalkit.decide.pairs import Membership, Pairs
from evalkit.decide.policy import Correction, Policy
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.slice_correction import Corrected, correct_slices
from evalkit.stats.arrays import FloatArray
from evalkit.stats.by_group import GroupTests, binary_by_group, scores_by_group
from evalkit.stats.paired import is_binary

SMALL = 20
"""Cases below which a slice's numbers come with a warning."""


def slice_results(
    suites: Sequence[Pairs], policy: Policy, *, rng: np.random.Generator
) -> list[tuple[SliceResult, ...]]:
    """Return every slice of each suite's compared cases, by field and value."""
    tests = [_test(pairs) for pairs in suites]
    families = [(pairs, found.p_value) for pairs, found in zip(suites, tests, strict=True)]
    corrected = correct_slices(families, policy, rng=rng)
    return [
        _results(*parts, alpha=policy.alpha) for parts in zip(suites, tests, corrected, strict=True)
    ]


def slice_family(name: str, slices: Sequence[SliceResult], policy: Policy) -> str:
    """Return in words which tests were corrected together, and how."""
    tested = sum(s.p_value is not None for s in slices)
    left_out = f"; {len(slices) - tested} without a test left out" if tested < len(slices) else ""
    how = _HOW[policy.slice_correction]
    return f"Slices of {name}: {tested} one-sided tests for a loss, {how}{left_out}."


_HOW: dict[Correction, str] = {
    "holm": "corrected together by Holm",
    "hochberg": "corrected together by Hochberg",
    "hommel": "corrected together by Hommel",
    "bonferroni": "corrected together by Bonferroni",
    "tarone": "corrected together by Tarone and Holm",
    "min_p": "corrected together by the joint sign-flip of the smallest p-value",
    "max_t": "corrected together by the joint sign-flip of the largest statistic",
    "bh": "with the share of false alarms bounded by Benjamini and Hochberg",
    "by": "with the share of false alarms bounded by Benjamini and Yekutieli",
    "none": "not corrected",
}


def _results(
    pairs: Pairs, tests: GroupTests, corrected: Corrected, *, alpha: float
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
            p_value=corrected.p_values[i],
            p_adjusted=corrected.adjusted[i],
            alarm=_alarm(corrected.adjusted[i], alpha),
            note=_note(tests, i),
        )
        for i, (field, value) in enumerate(pairs.slices.names)
    )


def _test(pairs: Pairs) -> GroupTests:
    members = pairs.slices
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
