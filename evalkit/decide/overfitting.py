"""Overfitting of one suite: did trained cases gain more than held-out ones?"""

from __future__ import annotations

import numpy as np

from evalkit.decide.decision import Interval, OverfitClass, OverfitResult, Verdict
from evalkit.decide.pairs import Pairs
from evalkit.decide.policy import Policy
from evalkit.stats.arrays import FloatArray, exact_mean
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.gap import Gap, generalisation_gap
from evalkit.stats.paired import paired_units
from evalkit.stats.units import Units
from evalkit.stats.values import NotEstimable, PValue

_FLAGGED: dict[Verdict, OverfitClass] = {
    "improved": "mostly_memorised",
    "non_inferior": "no_transfer",
    "regressed_within_margin": "harmful",
    "regressed": "harmful",
    "regressed_beyond_margin": "harmful",
    "inconclusive": "inconclusive",
}


def overfit_result(
    suite: str,
    train: Pairs,
    *,
    heldout: Pairs,
    verdict: Verdict,
    policy: Policy,
    rng: np.random.Generator,
) -> OverfitResult:
    """Return the generalisation gap of ``suite``; ``verdict`` is that of its held-out cases."""
    gap = generalisation_gap(_units(train), _units(heldout), rng=rng)
    interval, p_value, note = _numbers(gap, level=1 - 2 * policy.alpha)
    flagged = interval is not None and interval.low > policy.max_gap
    permutation = gap.permutation if isinstance(gap.permutation, PValue) else None
    names = [found.method for found in (p_value, permutation) if found]
    return OverfitResult(
        suite=suite,
        n_train=train.n,
        n_heldout=heldout.n,
        base_train=_mean(train.base),
        candidate_train=_mean(train.candidate),
        base_heldout=_mean(heldout.base),
        candidate_heldout=_mean(heldout.candidate),
        gap=gap.gap,
        interval=interval,
        p_value=p_value.value if p_value else None,
        max_gap=float(policy.max_gap),
        flagged=flagged,
        classification=_classify(interval, policy.max_gap, verdict=verdict, flagged=flagged),
        note=note,
        expected_train=train.expected,
        p_permutation=permutation.value if permutation else None,
        assumptions=assumptions_of(*names, clustered=_clustered(train, heldout)),
    )


def _classify(
    interval: Interval | None, max_gap: float, *, verdict: Verdict, flagged: bool
) -> OverfitClass:
    if flagged:
        return _FLAGGED[verdict]
    within = interval is not None and interval.high <= max_gap
    return "sound" if within else "inconclusive"


def _numbers(gap: Gap, *, level: float) -> tuple[Interval | None, PValue | None, str]:
    if isinstance(gap.procedure, NotEstimable):
        return None, None, gap.procedure.why
    return gap.procedure.interval(level=level), gap.procedure.p_value(), ""


def _units(pairs: Pairs) -> Units:
    return paired_units(pairs.base, pairs.candidate, clusters=pairs.clusters)


def _clustered(*sides: Pairs) -> bool:
    return any(side.clusters is not None for side in sides)


def _mean(scores: FloatArray) -> float | None:
    return exact_mean(scores) if len(scores) else None
