"""A judge that compares two answers: position bias, preference from both orders, length bias.

Scores are the candidate's: 1 it wins, 0.5 a tie, 0 it loses; nan where the judge gave no verdict.
Preferences are net: wins minus losses per case, from -1 to 1; 0 is none, and the win rate (ties
half) is (1 + net) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from evalkit.stats.arrays import FloatArray, floats
from evalkit.stats.paired import choose_procedure
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.units import Units, both_known, case_units, cluster_units
from evalkit.stats.values import NotEstimable, Procedure, PValue


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How far the judge prefers the second answer shown, whichever it is: from -1 to 1, 0 is none.

    ``estimate`` is verdicts for the second place minus verdicts for the first, per verdict.
    ``sign_test`` is the exact test that either place is preferred in as many cases, or clusters
    where cases come in such; ``second`` and ``first`` are their numbers. ``n`` counts cases.
    """

    estimate: float | None
    procedure: Procedure | NotEstimable
    sign_test: PValue | NotEstimable
    second: int
    first: int
    n: int


@dataclass(frozen=True, slots=True)
class Preference:
    """The net preference for the candidate over ``n`` cases; ``clusters`` as in a comparison.

    ``consistent`` is the share of cases in which both orders gave the same verdict; ``None``
    without a case.
    """

    net: float | None
    procedure: Procedure | NotEstimable
    consistent: float | None
    n: int

    @property
    def win_rate(self) -> float | None:
        """The share of cases that the candidate wins, ties as half."""
        return None if self.net is None else (1 + self.net) / 2


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """The net preference at equal length, and how much a longer answer gains.

    ``slope`` is the change in net preference for an answer longer by one standard deviation of the
    length differences, at its steepest. ``raw`` is the net preference without the correction.
    """

    raw: float
    procedure: Estimate
    slope: Estimate
    n: int

    @property
    def win_rate(self) -> float:
        """The share of cases that the candidate would win at equal length, ties as half."""
        return min(max((1 + self.procedure.mean) / 2, 0.0), 1.0)


def position_bias(
    candidate_second: ArrayLike,
    candidate_first: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    rng: np.random.Generator,
) -> PositionBias:
    """Return the position bias from the candidate's scores shown second and shown first, by case.

    Per case it is the difference of the two. Its interval is that of a paired comparison
    (`evalkit.stats.paired`); of clusters the sign test counts each as one.
    """
    second, first, labels = both_known(candidate_second, candidate_first, clusters=clusters)
    return _bias(second - first, labels, rng=rng)


def identical_pairs_bias(
    second_wins: ArrayLike, *, clusters: ArrayLike | None = None, rng: np.random.Generator
) -> PositionBias:
    """Return the position bias from identical answers: 1 if the second was preferred, 0.5 a tie."""
    score = floats(second_wins).reshape(-1)
    second, mirrored, labels = both_known(score, 1 - score, clusters=clusters)
    return _bias(second - mirrored, labels, rng=rng)


def preference(
    candidate_second: ArrayLike,
    candidate_first: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    rng: np.random.Generator,
) -> Preference:
    """Return the net preference from both orders; a case whose orders disagree is a tie.

    So a judge that only looks at the place prefers nobody. A case without a verdict in either order
    is left out.
    """
    second, first, labels = both_known(candidate_second, candidate_first, clusters=clusters)
    if not len(second):
        none = NotEstimable("no case was judged in both orders")
        return Preference(None, none, None, 0)
    same = second == first
    net = 2 * both_orders(second, first) - 1
    return Preference(float(net.mean()), _net(net, labels, rng), float(same.mean()), len(net))


def both_orders(candidate_second: FloatArray, candidate_first: FloatArray) -> FloatArray:
    """Return the candidate's score per case: the common verdict, 0.5 where the orders disagree."""
    same = candidate_second == candidate_first
    return np.asarray(np.where(same, candidate_second, 0.5), dtype=np.float64)


def length_controlled(
    scores: ArrayLike, extra_length: ArrayLike, *, clusters: ArrayLike | None = None
) -> LengthControlled | NotEstimable:
    """Return the preference that is left when both answers are of one length.

    ``extra_length`` is the candidate's length minus the base's, by case, in any unit. Least squares
    of the net preference on tanh(difference / standard deviation), which lets no single long answer
    pull the line [Dubois et al. 2024, arXiv:2404.04475, who fit a logistic model]; the intercept is
    the figure. Standard errors are robust: HC3 [MacKinnon & White 1985] with t of n - 2 degrees of
    freedom, or CR1 with clusters - 1. It takes away what length explains, wanted or not: where
    longer answers are better, part of the quality goes too. Not estimable below 3 cases or without
    two lengths.
    """
    y, x, labels = both_known(scores, extra_length, clusters=clusters)
    n = len(y)
    if n < 3:
        return NotEstimable(f"a regression on length needs 3 cases, there are {n}")
    spread = float(x.std(ddof=1))
    if spread <= 1e-12 * float(np.abs(x).max()):
        return NotEstimable("all cases have the same length difference")
    net = 2 * y - 1
    design = np.stack([np.ones(n), np.tanh(x / spread)], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ (design.T @ net)
    sandwich = _sandwich(design, net - design @ beta, inverse, labels=labels)
    if isinstance(sandwich, NotEstimable):
        return sandwich
    errors, df, name = sandwich
    equal = Estimate(float(beta[0]), errors[0], df, name)
    slope = Estimate(float(beta[1]), errors[1], df, name)
    return LengthControlled(float(net.mean()), equal, slope, n)


def _sandwich(
    design: FloatArray,
    residual: FloatArray,
    inverse: FloatArray,
    *,
    labels: NDArray[np.int64] | None,
) -> tuple[list[float], int, str] | NotEstimable:
    n = len(design)
    if labels is None:
        leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
        pull = design * (residual / np.maximum(1 - leverage, 1e-12))[:, None]
        scale, df, name = 1.0, n - 2, "length-controlled, HC3"
    else:
        groups = int(labels.max()) + 1
        if groups < 3:
            return NotEstimable(f"a regression on length needs 3 clusters, there are {groups}")
        pull = np.zeros((groups, 2))
        np.add.at(pull, labels, design * residual[:, None])
        scale = groups / (groups - 1) * (n - 1) / (n - 2)
        df, name = groups - 1, "length-controlled, CR1"
    variance = scale * np.diag(inverse @ (pull.T @ pull) @ inverse)
    if variance.min() <= 1e-24:
        return NotEstimable("length explains every verdict, so nothing shows the spread")
    return np.sqrt(variance).tolist(), df, name


def _bias(
    bias: FloatArray, labels: NDArray[np.int64] | None, *, rng: np.random.Generator
) -> PositionBias:
    if not len(bias):
        none = NotEstimable("no case was judged in both orders")
        return PositionBias(None, none, none, 0, 0, 0)
    sums = _units(bias, labels).sums
    second, first = int(np.count_nonzero(sums > 0)), int(np.count_nonzero(sums < 0))
    tail = float(bdtr(min(second, first), second + first, 0.5)) if second + first else 1.0
    name = "exact sign test" if labels is None else "exact sign test on clusters"
    test = PValue(min(1.0, 2 * tail), name)
    mean = float(bias.mean())
    return PositionBias(mean, _net(bias, labels, rng), test, second, first, len(bias))


def _net(
    net: FloatArray, labels: NDArray[np.int64] | None, rng: np.random.Generator
) -> Procedure | NotEstimable:
    whole = bool(np.isin(net, (-1.0, 0.0, 1.0)).all())
    return choose_procedure(_units(net, labels), binary=whole, rng=rng)


def _units(values: FloatArray, labels: NDArray[np.int64] | None) -> Units:
    return case_units(values) if labels is None else cluster_units(values, labels)
