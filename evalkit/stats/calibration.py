"""Proper scores of stated confidences: Brier score and log loss, per attempt and compared.

All arrays hold attempts, one confidence in [0, 1] with the outcome (0 or 1) of the same attempt;
several attempts at a case stand in the columns of cases x attempts, nan where there is none. Never
give averages over attempts: a model that is sure and right in half of its attempts has a mean
confidence and a mean outcome that can agree perfectly. Averaged outcomes are refused (they are not
0 or 1); averaged confidences cannot be told from others.

A proper score is best when the confidence is the true chance of being right, so it sees both how
honest and how sharp confidences are: decide by it. The distance from calibration alone, binned and
biased, is `evalkit.stats.calibration_error`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import FloatArray, exact_mean
from evalkit.stats.mover import Scaled
from evalkit.stats.paired import PairedComparison, compare
from evalkit.stats.values import NotEstimable, Procedure

Rule = Literal["brier", "log"]

CERTAIN = 0.005
"""Log loss cuts confidences to 0.005 and 0.995: models say whole percents."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """One model's attempts: ``confidence`` and ``correct``, both cases or cases x attempts."""

    confidence: ArrayLike
    correct: ArrayLike


@dataclass(frozen=True, slots=True)
class LossDifference:
    """How much lower the candidate's loss is, by case: base minus candidate, so higher = better.

    ``comparison`` is that of scores 1 - loss / ``scale``, which lie in [0, 1]; ``procedure`` speaks
    about the difference of losses itself. ``None`` without a case.
    """

    base: float | None
    candidate: float | None
    difference: float | None
    procedure: Procedure | NotEstimable
    comparison: PairedComparison
    scale: float


def brier_scores(attempts: Attempts) -> FloatArray | NotEstimable:
    """Return (confidence - outcome)^2 as cases x attempts [Brier 1950]: 0 is best, 1 worst."""
    found = checked(attempts)
    return found if isinstance(found, NotEstimable) else (found[0] - found[1]) ** 2


def log_losses(attempts: Attempts, *, certain: float = CERTAIN) -> FloatArray | NotEstimable:
    """Return -log of the probability given to the outcome, as cases x attempts.

    A wrong answer given with confidence 1 would cost infinitely much, so confidences are cut to
    [``certain``, 1 - ``certain``]; losses lie between -log(1 - certain) and -log(certain), 5.3.
    """
    if not 0 < certain < 0.5:
        raise ValueError("confidences are cut to between 0 and 0.5 from either end")
    found = checked(attempts)
    if isinstance(found, NotEstimable):
        return found
    p = np.clip(found[0], certain, 1 - certain)
    return np.asarray(-np.log(np.where(found[1] > 0.5, p, 1 - p)), dtype=np.float64)


def loss_difference(
    base: Attempts,
    candidate: Attempts,
    *,
    rule: Rule = "brier",
    clusters: ArrayLike | None = None,
    rng: np.random.Generator,
) -> LossDifference | NotEstimable:
    """Compare a proper score of two models case by case, attempts averaged within the case.

    Losses are taken per attempt and averaged, never the other way. A Brier difference lies in
    [-1, 1] and goes to `evalkit.stats.paired` as it is. Log loss as such has no bound, so that no
    test could say what rare confident errors may still cost; with confidences cut (`log_losses`) it
    has, and the difference is compared in units of the largest loss, then scaled back.
    """
    scorer, scale = (brier_scores, 1.0) if rule == "brier" else (log_losses, -math.log(CERTAIN))
    losses = scorer(base), scorer(candidate)
    for found in losses:
        if isinstance(found, NotEstimable):
            return found
    x, y = (case_means(found) for found in losses if not isinstance(found, NotEstimable))
    if x.shape != y.shape:
        raise ValueError("both models need one row per case")
    known = np.isfinite(x) & np.isfinite(y)
    labels = None if clusters is None else np.asarray(clusters).reshape(-1)[known]
    x, y = x[known], y[known]
    compared = compare(1 - x / scale, 1 - y / scale, clusters=labels, rng=rng)
    inner = compared.procedure
    procedure = inner if isinstance(inner, NotEstimable) or scale == 1 else Scaled(inner, scale)
    if not len(x):
        return LossDifference(None, None, None, procedure, compared, scale)
    one, other = exact_mean(x), exact_mean(y)
    return LossDifference(one, other, exact_mean(x - y), procedure, compared, scale)


def checked(attempts: Attempts) -> tuple[FloatArray, FloatArray] | NotEstimable:
    """Return confidences and outcomes as cases x attempts, nan in both where either lacks.

    Not estimable without any attempt, with a confidence outside [0, 1], or with outcomes other than
    0 and 1, which are averages.
    """
    p, y = (np.asarray(v, dtype=np.float64) for v in (attempts.confidence, attempts.correct))
    if p.shape != y.shape:
        raise ValueError("needed one outcome per confidence")
    p, y = (v if v.ndim == 2 else v.reshape(-1, 1) for v in (p, y))
    there = np.isfinite(p) & np.isfinite(y)
    if not there.any():
        return NotEstimable("no attempt has a confidence and an outcome")
    if p[there].min() < 0 or p[there].max() > 1:
        return NotEstimable("a confidence lies outside 0 to 1")
    if not np.isin(y[there], (0.0, 1.0)).all():
        return NotEstimable(
            "an outcome is neither 0 nor 1: averages over attempts hide calibration"
        )
    return np.where(there, p, np.nan), np.where(there, y, np.nan)


def case_means(values: FloatArray) -> FloatArray:
    """Return the mean over the attempts of each case; nan for a case without one."""
    there = np.isfinite(values)
    total = np.where(there, values, 0.0).sum(axis=1)
    count = there.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
