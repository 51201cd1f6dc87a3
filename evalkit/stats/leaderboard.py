"""Several models on the same cases: every pair compared, and which ranks the data allow.

All pairs are tested together by max-T (`evalkit.stats.max_t`), so that with 95 % no difference of
the table is called real that is not. A model's rank then lies between 1 + the models shown to be
better and k - the models shown to be worse, for all models at once [Mogstad, Romano, Shaikh &
Wilhelm 2024, Review of Economic Studies 91:476].
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.assumptions import Assuming
from evalkit.stats.max_t import max_t
from evalkit.stats.values import Interval, NotEstimable


@dataclass(frozen=True, slots=True)
class PairOfModels:
    """The mean of ``first`` minus that of ``second``, its simultaneous interval, its p-value.

    ``p_value`` is single-step and agrees with the interval; ``p_step_down`` is never larger.
    ``None`` where there was no test.
    """

    first: int
    second: int
    difference: float | None
    interval: Interval | NotEstimable
    p_value: float | None
    p_step_down: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One model: its mean on the common cases, and the best and worst rank it may have.

    ``mean`` is ``None`` for a model that answered nothing; its rank may be any.
    """

    mean: float | None
    best_rank: int
    worst_rank: int


@dataclass(frozen=True, slots=True)
class Leaderboard(Assuming):
    """All models and all pairs of them; ``n`` counts the cases that all answered."""

    models: tuple[Standing, ...]
    pairs: tuple[PairOfModels, ...]
    n: int
    excluded: int
    level: float
    method: str


def leaderboard(
    scores: ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 9_999,
) -> Leaderboard:
    """Compare the columns of ``scores`` (a row per case, a column per model, nan = missing).

    Scores lie in [0, 1], higher is better. A model that answered nothing is left out; of the others
    only the cases that all of them answered count, and ``excluded`` counts the rest.
    """
    s = np.asarray(scores, dtype=np.float64)
    if s.ndim != 2:
        raise ValueError("needed a matrix: a row per case, a column per model")
    missing = np.isnan(s)
    answered = np.asarray(~missing.all(axis=0) & (len(s) > 0), dtype=np.bool_)
    complete = ~missing[:, answered].any(axis=1)
    kept = s[complete]
    pairs = list(combinations(range(s.shape[1]), 2))
    first, second = (np.array([p[i] for p in pairs], dtype=np.int64) for i in (0, 1))
    labels = None if clusters is None else np.asarray(clusters)[complete]
    tested = max_t(
        kept[:, first] - kept[:, second],
        rng=rng,
        clusters=labels,
        side="two-sided",
        resamples=resamples,
    )
    intervals = tested.intervals(level=level)
    found = tuple(
        PairOfModels(
            *pair,
            difference=tested.estimates[i],
            interval=intervals[i],
            p_value=tested.single_step.values[i],
            p_step_down=tested.step_down.values[i],
        )
        for i, pair in enumerate(pairs)
    )
    means = [
        float(c.mean()) if len(c) and a else None
        for c, a in zip(kept.T, answered.tolist(), strict=True)
    ]
    models = _standings(means, found)
    return Leaderboard(models, found, len(kept), len(s) - len(kept), level, tested.method)


def _standings(means: list[float | None], pairs: tuple[PairOfModels, ...]) -> tuple[Standing, ...]:
    above, below = [0] * len(means), [0] * len(means)
    for pair in pairs:
        if isinstance(pair.interval, NotEstimable):
            continue
        better, worse = pair.first, pair.second
        if pair.interval.high < 0:
            better, worse = worse, better
        elif pair.interval.low <= 0:
            continue
        above[worse] += 1
        below[better] += 1
    k = len(means)
    return tuple(
        Standing(mean, 1 + up, k - down) for mean, up, down in zip(means, above, below, strict=True)
    )
