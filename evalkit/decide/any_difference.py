"""Do the models of a choice differ at all? Cochran's Q, with the base and without it.

With the base it answers if training changed anything, without it if the checkpoints differ among
themselves: after a training that worked the first is as good as certain and says nothing about the
second. Right and wrong scores of independent cases only.
"""

from __future__ import annotations

import numpy as np

from evalkit.decide.selection_result import AnyDifference, CochranTest
from evalkit.stats.arrays import FloatArray
from evalkit.stats.paired import is_binary
from evalkit.stats.several_models import cochran_q
from evalkit.stats.values import NotEstimable


def any_difference(
    base: FloatArray, contenders: FloatArray, *, clustered: bool, rng: np.random.Generator
) -> AnyDifference:
    """Test whether any of the models is right more often than another.

    ``base`` has an entry per case, ``contenders`` a row per case and a column per model; nan = no
    score, which leaves the case out.
    """
    scores = np.column_stack([base, contenders])
    shared = scores[~np.isnan(scores).any(axis=1)]
    why = ""
    if clustered:
        why = "cases of one cluster are not independent"
    elif not is_binary(shared):
        why = "scores between right and wrong"
    if why:
        return AnyDifference(None, None, why)
    every, alone = (_test(models, rng) for models in (shared, shared[:, 1:]))
    return AnyDifference(
        all_models=None if isinstance(every, NotEstimable) else every,
        contenders=None if isinstance(alone, NotEstimable) else alone,
        note=alone.why if isinstance(alone, NotEstimable) else "",
    )


def _test(outcomes: FloatArray, rng: np.random.Generator) -> CochranTest | NotEstimable:
    found = cochran_q(outcomes, rng=rng, shuffled="few")
    if isinstance(found, NotEstimable):
        return found
    p = found.preferred
    if isinstance(found.statistic, NotEstimable) or isinstance(p, NotEstimable):
        return NotEstimable("every case was answered alike by all models")
    return CochranTest(found.df + 1, found.n, found.mixed, found.statistic, p.value, p.method)
