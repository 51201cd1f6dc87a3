"""Scores of a judge that errs, corrected by a labelled random sample of the same cases.

| what there is | function |
|---|---|
| a pass/fail judge, its sensitivity and specificity counted elsewhere | `rogan_gladen` |
| judge's scores of all cases, true labels of a random part of them | `prediction_powered` |

For base against candidate give `prediction_powered` the paired differences, true and judged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from evalkit.stats.arrays import FloatArray, IntArray, floats, normal_quantile
from evalkit.stats.assumptions import Assuming
from evalkit.stats.clusters import CR1
from evalkit.stats.paired import is_thin
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side

_BISECTIONS = 60
_GRID = 201
_ROUNDS = 6
_SCORE = "score, Rogan-Gladen"


@dataclass(frozen=True, slots=True)
class JudgeCounts:
    """``positive`` of ``n`` cases the judge passed; of truly good and bad ones it judged right."""

    positive: int
    n: int
    right_of_good: int
    good: int
    right_of_bad: int
    bad: int

    @property
    def sensitivity(self) -> float:
        """The share of the good cases that the judge passes."""
        return self.right_of_good / self.good

    @property
    def specificity(self) -> float:
        """The share of the bad cases that the judge fails."""
        return self.right_of_bad / self.bad


@dataclass(frozen=True, slots=True)
class RoganGladen(Assuming):
    """The share of truly good cases: an estimate within [0, 1], its score test and interval.

    ``unclipped`` is the estimate before it was cut to [0, 1]; ``clipped`` says whether it was.
    """

    estimate: float
    unclipped: float
    counts: JudgeCounts
    method: str = _SCORE

    @property
    def clipped(self) -> bool:
        """Whether sampling error carried the plain estimate out of [0, 1]."""
        return self.estimate != self.unclipped

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return every share in [0, 1] that the two-sided score test at 1 - ``level`` keeps.

        Not estimable where it keeps none: then the judge's pass rate is beyond what its sensitivity
        and specificity allow for any share, so the labelled cases are not like these.
        """
        z = normal_quantile(level)
        grid = np.append(np.linspace(0, 1, _GRID), self.estimate)
        grid.sort()
        kept = np.flatnonzero(np.abs(_score(self.counts, grid)) <= z)
        if not len(kept):
            why = "the judge's pass rate fits none: the labelled cases are not like these"
            return NotEstimable(why)
        low, high = (self._edge(grid, int(kept[i]), step, z) for i, step in ((0, -1), (-1, 1)))
        return Interval(low, high, level, self.method)

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value of the score test that the share is ``null``, which lies in [0, 1]."""
        z = float(_score(self.counts, np.array([null]))[0])
        tails = {"greater": ndtr(-z), "less": ndtr(z), "two-sided": 2 * ndtr(-abs(z))}
        return PValue(float(tails[side]), self.method)

    def _edge(self, grid: FloatArray, kept: int, step: int, z: float) -> float:
        inside, beyond = float(grid[kept]), kept + step
        if not 0 <= beyond < len(grid):
            return inside
        outside = float(grid[beyond])
        for _ in range(_ROUNDS):
            points = np.linspace(inside, outside, _GRID)
            # At least the last point is outside, and the first stays inside whatever rounding does.
            first = max(int(np.argmax(np.abs(_score(self.counts, points)) > z)), 1)
            inside, outside = float(points[first - 1]), float(points[first])
        return inside


def rogan_gladen(counts: JudgeCounts) -> RoganGladen | NotEstimable:
    """Return the share of good cases, p = (q + t - 1) / (s + t - 1) [Rogan & Gladen 1978].

    q is the judge's pass rate, s and t its sensitivity and specificity, whose uncertainty the
    interval carries. It inverts the score test of q = p s + (1 - p)(1 - t), the variance taken at
    the restricted maximum likelihood estimates of the three proportions. Coverage of 95 % intervals
    in 1,500 runs made to choose (this / delta method / Lang & Reiczigel 2014): 20 good and 20 bad
    labelled, s = .95, t = .9, p = .9: .963 / .871 / .987; 50 each, s = .99, p = .98: .948 / .881 /
    .997; 200 each, s = .7, t = .6, p = .8: .949 / .949 / .959. A bootstrap has no width where every
    labelled case was judged right. `evalkit.validation.judges` measures it anew.

    Assumes that sensitivity and specificity are the same on the labelled cases and on these, and
    independent samples. Not estimable where the judge is no better than chance (s + t <= 1).
    """
    c = counts
    if not c.n:
        return NotEstimable("no case was judged")
    if not c.good or not c.bad:
        return NotEstimable(f"no {'good' if not c.good else 'bad'} case was labelled")
    power = c.sensitivity + c.specificity - 1
    if power <= 0:
        return NotEstimable("the judge is no better than chance on the labelled cases")
    raw = (c.positive / c.n + c.specificity - 1) / power
    return RoganGladen(min(max(raw, 0.0), 1.0), raw, c)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Cases with a true score and the judge's, and their clusters if they are not independent."""

    true: ArrayLike
    judge: ArrayLike
    clusters: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Cases that only the judge scored, and their clusters if they are not independent."""

    judge: ArrayLike
    clusters: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class PredictionPowered:
    """The mean true score of the cases, from the judge's scores and ``labelled`` true ones.

    ``weight`` is the lambda given to the judge: 0 ignores it, 1 takes it at its word and corrects
    its bias. ``classical`` is the mean of the labels alone, to show what the judge is worth.
    ``variances`` are those of the judge's part and of the correction.
    """

    estimate: float
    procedure: Estimate | NotEstimable
    classical: Estimate | NotEstimable
    weight: float
    variances: tuple[float, float]
    labelled: int
    judged: int


def prediction_powered(
    labelled: Labelled,
    unlabelled: Unlabelled,
    *,
    weight: float | Literal["tuned"] = "tuned",
    bounds: tuple[float, float] = (0.0, 1.0),
) -> PredictionPowered | NotEstimable:
    """Return lambda mean_N(f) + mean_n(Y - lambda f) [Angelopoulos et al. 2023, Science 382:669].

    Y are true and f judged scores of the n labelled cases, a random sample of the suite, and f of
    the other N; all within ``bounds``. For base against candidate Y and f are paired differences,
    within (-1, 1). The tuned lambda has the least variance, cov(Y, f) / ((1 + n/N) var f), cut to
    [0, 1] [Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453]. As it is read off the same cases,
    the correction's variance loses a degree of freedom and t has n - 2 (n - 1 for a given lambda):
    coverage of 95 % limits at n = 10 and N = 200 is then .952 in 8,000 runs, with ddof 1 .937.

    Of clustered cases whole clusters are the units, also those that lie in both parts, and Kish's
    number of them counts, as sizes may differ. Where few labelled cases carry the corrections
    (`evalkit.stats.paired`: a judge that erred once in 40),
    two are added that lie the whole bound off, one each way, as Bonett and Price [2012] add two
    pairs. In 6,000 runs at n = 50 and N = 500, with 1 % losses, 2 % gains and a judge that guesses
    in three of ten cases, plain 95 % limits cover .756 and these 1.000; with 8 % losses, 12 % gains
    and a judge that guesses in 2 % these cover .992 at half the width of the labels alone. Below 30
    labels a judge that errs one way only can still make them cover less (.906 at n = 10). Figure
    and limits can lie beyond ``bounds`` and are not cut. Rows with nan are left out.
    """
    y, f, own = _rows(labelled.true, labelled.judge, clusters=labelled.clusters)
    g, _, others = _rows(unlabelled.judge, unlabelled.judge, clusters=unlabelled.clusters)
    if not len(y) or not len(g):
        return NotEstimable(f"no {'labelled' if not len(y) else 'unlabelled'} case")
    parts = _Parts(y, f, g, *_numbered(own, others, sizes=(len(y), len(g))))
    lam, lost = (parts.tuned(), 2) if weight == "tuned" else (float(weight), 1)
    value = lam * float(g.mean()) + float((y - lam * f).mean())
    size = max(map(abs, bounds))
    variances, total = parts.variances(lam, lost=lost, size=size)
    name, df = "prediction-powered t", parts.units(y).kish - lost
    if own is not None or others is not None:
        name = f"prediction-powered {CR1}"
    return PredictionPowered(
        estimate=value,
        procedure=NotEstimable(f"a correction needs {lost + 1} independent labelled cases")
        if df < 1
        else Estimate(value, math.sqrt(total), df, name),
        classical=estimate(parts.units(y), method="t" if own is None else CR1),
        weight=lam,
        variances=variances,
        labelled=len(y),
        judged=len(g),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Labelled cases' true and judged scores, the others' judged scores, and cluster labels."""

    true: FloatArray
    judge: FloatArray
    more: FloatArray
    own: IntArray | None
    others: IntArray | None

    def units(self, values: FloatArray) -> Units:
        return case_units(values) if self.own is None else cluster_units(values, self.own)

    def more_units(self) -> Units:
        return (
            case_units(self.more) if self.others is None else cluster_units(self.more, self.others)
        )

    def pull(self, values: FloatArray, more: FloatArray) -> FloatArray:
        """Return what each unit adds to mean(values) + mean(more), as sums of centred shares."""
        one, other = (v - v.mean() for v in (values, more))
        shares = np.concatenate([one / len(one), other / len(other)])
        if self.own is None or self.others is None:
            return shares
        label = np.concatenate([self.own, self.others])
        return np.asarray(np.bincount(label, weights=shares), dtype=np.float64)

    def tuned(self) -> float:
        none = np.zeros_like(self.more)
        truth, gain = self.pull(self.true, none), self.pull(-self.judge, self.more)
        size = float(gain @ gain)
        return float(np.clip(-(truth @ gain) / size, 0, 1)) if size > 0 else 0.0

    def variances(self, lam: float, *, lost: int, size: float) -> tuple[tuple[float, float], float]:
        """Return the variances of the judge's part, of the correction, and of their sum."""
        rest = self.true - lam * self.judge
        scale, extra = _freedom(self.units(rest), lost=lost, size=size)
        more_scale, more_extra = _freedom(self.more_units(), lost=1, size=size)
        left = self.pull(rest * scale, np.zeros_like(self.more))
        right = self.pull(np.zeros_like(rest), self.more * lam * more_scale)
        both, more_extra = left + right, lam * lam * more_extra
        ours, theirs = float(right @ right) + more_extra, float(left @ left) + extra
        return (ours, theirs), float(both @ both) + extra + more_extra


def _freedom(units: Units, *, lost: int, size: float) -> tuple[float, float]:
    """Return what to multiply centred shares by for an unbiased variance, and what to add to it."""
    # Kish's number for clusters whose sizes differ: as many of one size would tell as much.
    n = units.kish
    alike = isinstance(estimate(units, method=""), NotEstimable)
    if n > lost and not alike and not is_thin(units):
        return math.sqrt(n / (n - lost)), 0.0
    scale = n / math.sqrt((n + 2) * max(n + 2 - lost, 1))
    return scale, 2 * (scale * size / n) ** 2


def _rows(
    one: ArrayLike, other: ArrayLike, *, clusters: ArrayLike | None
) -> tuple[FloatArray, FloatArray, NDArray[Any] | None]:
    x, y = floats(one).reshape(-1), floats(other).reshape(-1)
    if x.shape != y.shape:
        raise ValueError("true and judged scores need one entry per case")
    known = np.isfinite(x) & np.isfinite(y)
    label = None if clusters is None else np.asarray(clusters).reshape(-1)[known]
    return x[known], y[known], label


def _numbered(
    own: NDArray[Any] | None, others: NDArray[Any] | None, *, sizes: tuple[int, int]
) -> tuple[IntArray | None, IntArray | None]:
    """Return the labels of both parts as numbers; a part without labels has one case a cluster."""
    if own is None and others is None:
        return None, None
    found = []
    known = [label for label in (own, others) if label is not None]
    _, codes = np.unique(np.concatenate(known), return_inverse=True)
    codes = codes.reshape(-1)
    next_free = int(codes.max(initial=-1)) + 1
    for label, size in zip((own, others), sizes, strict=True):
        if label is None:
            found.append(np.arange(next_free, next_free + size))
        else:
            found.append(codes[:size])
            codes = codes[size:]
    return found[0], found[1]


def _score(counts: JudgeCounts, null: FloatArray) -> FloatArray:
    """Return (q - p s - (1 - p)(1 - t)) / standard error at each share p in ``null``."""
    c = counts
    right = np.array([c.positive, c.right_of_good, c.right_of_bad], dtype=np.float64)[:, None]
    n = np.array([c.n, c.good, c.bad], dtype=np.float64)[:, None]
    slope = np.stack([np.ones_like(null), -null, 1 - null])
    at = _restricted(right, n, slope, target=1 - null)
    variance = (slope * slope * at * (1 - at) / n).sum(axis=0)
    distance = (slope * right / n).sum(axis=0) - (1 - null)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance / np.sqrt(variance)
    return np.where(np.abs(distance) < 1e-12, 0.0, z)


def _restricted(
    right: FloatArray, n: FloatArray, slope: FloatArray, *, target: FloatArray
) -> FloatArray:
    """Return the likeliest proportions (3 x nulls) with sum slope * proportion = ``target``.

    With a multiplier g = lambda slope each solves x / p - (n - x) / (1 - p) = g, a quadratic, and
    the sum falls monotonely in lambda, which is bisected on a scale without end.
    """
    low, high = np.full_like(target, -1.0), np.full_like(target, 1.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        pull = n.sum() * middle / np.maximum(1 - np.abs(middle), 1e-15)
        above = (slope * _likeliest(right, n, pull * slope)).sum(axis=0) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    pull = n.sum() * low / np.maximum(1 - np.abs(low), 1e-15)
    return _likeliest(right, n, pull * slope)


def _likeliest(right: FloatArray, n: FloatArray, pull: FloatArray) -> FloatArray:
    total = n + pull
    root = np.sqrt(np.maximum(total * total - 4 * pull * right, 0))
    # Two forms of one root: each loses all digits where the other is good.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(total >= 0, 2 * right / (total + root), (total - root) / (2 * pull))
    return np.asarray(np.clip(np.nan_to_num(found, nan=0.0), 0.0, 1.0), dtype=np.float64)
