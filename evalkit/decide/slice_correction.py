"""The p-values of a family of slices, corrected for their number as the policy says.

A family is all slices of one suite, or of all suites of a comparison. Corrections of p-values work
on the slices' own tests; "min_p" and "max_t" flip the sign of each case in all its slices at once
and so use that slices share cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from evalkit.decide.pairs import Pairs
from evalkit.decide.policy import Correction, Policy
from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.joint import Memberships, Statistic, joint_sign_flip
from evalkit.stats.multiplicity import TITLES, Method, adjust, smallest_sign_p
from evalkit.stats.paired import is_binary

P = float | None
Adjusted = tuple[P, ...]
"""One suite's p-values of a loss, corrected over the family; ``None`` where there was no test."""

_PLAIN: dict[Correction, Method] = {
    "holm": "holm",
    "hochberg": "hochberg",
    "hommel": "hommel",
    "bonferroni": "bonferroni",
    "bh": "bh",
    "by": "by",
    "tarone": "tarone-holm",
}
_JOINT: dict[Correction, Statistic] = {"min_p": "min-p", "max_t": "max-t"}


def correct_slices(
    suites: Sequence[tuple[Pairs, FloatArray]], policy: Policy, *, rng: np.random.Generator
) -> list[Adjusted]:
    """Return each suite's corrected p-values, given its pairs and its raw ones (nan: none).

    The families are those of the policy.
    """
    if policy.slice_family == "comparison":
        return _split(_corrected(suites, policy, rng), suites)
    return [_corrected([suite], policy, rng) for suite in suites]


def correction_name(policy: Policy) -> str:
    """Return the name of the policy's correction; empty without one."""
    correction = policy.slice_correction
    plain = TITLES[_PLAIN[correction]] if correction in _PLAIN else ""
    return _JOINT.get(correction, plain)


def _corrected(
    family: Sequence[tuple[Pairs, FloatArray]], policy: Policy, rng: np.random.Generator
) -> Adjusted:
    raw = tuple(_or_none(p) for _, values in family for p in values.tolist())
    correction = policy.slice_correction
    if correction == "none" or not raw:
        return raw
    if correction in _JOINT:
        found = joint_sign_flip(_members(family), rng=rng, statistic=_JOINT[correction])
        return tuple(map(_at_least, raw, found.step_down.values))
    smallest = [p for pairs, _ in family for p in _smallest(pairs)]
    return adjust(raw, method=_PLAIN[correction], smallest=smallest).values


def _split(whole: Adjusted, suites: Sequence[tuple[Pairs, FloatArray]]) -> list[Adjusted]:
    ends = np.cumsum([0, *(len(values) for _, values in suites)]).tolist()
    return [whole[start:end] for start, end in pairwise(ends)]


def _members(family: Sequence[tuple[Pairs, FloatArray]]) -> Memberships:
    """Return the memberships of all suites of a family, their slices and units numbered through."""
    parts = list(_numbered(family))
    return Memberships(
        differences=np.concatenate([d for d, _, _ in parts]),
        group=np.concatenate([group for _, group, _ in parts]),
        unit=np.concatenate([unit for _, _, unit in parts]),
        groups=sum(len(pairs.slices.names) for pairs, _ in family),
    )


def _numbered(
    family: Sequence[tuple[Pairs, FloatArray]],
) -> Iterator[tuple[FloatArray, IntArray, IntArray]]:
    groups = units = 0
    for pairs, _ in family:
        members = pairs.slices
        unit = np.arange(pairs.n) if pairs.clusters is None else pairs.clusters
        d = (pairs.candidate - pairs.base)[members.case]
        yield d, members.group + groups, unit[members.case] + units
        groups += len(members.names)
        units += int(unit.max(initial=-1)) + 1


def _smallest(pairs: Pairs) -> list[P]:
    """Return the least p-value that each slice's test can give; ``None`` where it has no floor."""
    members = pairs.slices
    if pairs.clusters is not None or not is_binary(pairs.base, pairs.candidate):
        return [None] * len(members.names)
    differs = (pairs.candidate != pairs.base)[members.case]
    counts = np.bincount(members.group[differs], minlength=len(members.names))
    return [smallest_sign_p(units) for units in counts.tolist()]


def _at_least(raw: P, adjusted: P) -> P:
    """Return the adjusted p-value; one from random flips may fall below the exact one by chance."""
    return None if raw is None or adjusted is None else max(raw, adjusted)


def _or_none(p: float) -> P:
    return None if math.isnan(p) else p
