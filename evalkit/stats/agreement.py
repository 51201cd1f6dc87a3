"""Agreement of two raters (a judge and a human, or a judge and itself), corrected for chance.

| figure | says | weakness |
|---|---|---|
| raw agreement | how often the labels are the same | high by chance where one label is frequent |
| Cohen's kappa | how far beyond raters that keep their own frequencies | collapses under skew |
| Gwet's AC1 | how far beyond raters that guess on the hard items only | depends on the label set |

Intervals invert a score test: the variance is that of a table which has the coefficient asked
about, not that of the table seen, so they have width even where every label agrees. Coverage of
95 % intervals of kappa, 3,000 runs of `evalkit.validation.judges` (score / Wald): kappa .6 at even
labels and n = 20: .946 / .915; .6 with 90 % of one label, n = 50: .951 / .863; .9 with 90 %, n =
50: .948 / .600, and n = 20: .910 / .278. So with few items and one frequent label both are short.
More than two raters: `fleiss_kappa` here, `evalkit.stats.krippendorff` with ratings missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from evalkit.stats.arrays import FloatArray, normal_quantile
from evalkit.stats.assumptions import Assuming
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.proportions import wilson
from evalkit.stats.units import case_units
from evalkit.stats.values import Interval, NotEstimable, PValue, Side

Weights = Literal["nominal", "linear", "quadratic"]
"""What a disagreement costs: all alike, its distance, or its squared distance in categories."""

_BISECTIONS = 50
_HIGH, _COLLAPSED = 0.6, 0.2

Chance = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""Takes tables of shares and weights to the agreement by chance and its slope in each cell."""


@dataclass(frozen=True, slots=True)
class AgreementTable:
    """Items by the label of the first rater (row) and of the second (column).

    ``excluded`` items lack a label.
    """

    counts: FloatArray
    categories: tuple[object, ...]
    excluded: int = 0

    @property
    def n(self) -> int:
        """The number of items with both labels."""
        return int(self.counts.sum())


@dataclass(frozen=True, slots=True)
class ChanceCorrected(Assuming):
    """A coefficient (1 = full agreement, 0 = that of chance) with its score test and interval.

    ``standard_error`` is the delta method's at the estimate, for Wald's interval, which is too
    short with few items or a frequent label. ``chance`` is the agreement expected by chance.
    """

    estimate: float
    standard_error: float
    chance: float
    n: int
    method: str
    table: FloatArray
    weights: FloatArray
    by_chance: Chance

    def interval(self, *, level: float) -> Interval:
        """Return every value that the two-sided score test at 1 - ``level`` keeps."""
        tables = self.table[None]
        low, high = score_limits(tables, self.weights, self.by_chance, n=self.n, level=level)
        return Interval(float(low[0]), float(high[0]), level, f"score, {self.method}")

    def wald(self, *, level: float) -> Interval:
        """Return estimate +- z standard errors [Fleiss, Cohen & Everitt 1969], to compare with."""
        reach = normal_quantile(level) * self.standard_error
        low, high = self.estimate - reach, self.estimate + reach
        return Interval(low, high, level, f"Wald, {self.method}")

    def p_value(self, *, null: float = 0.0, side: Side = "two-sided") -> PValue:
        """Return the p-value of the score test that the coefficient is ``null``."""
        up = null > self.estimate
        near, far = 0.0, 1.0 if up else 2.0
        for _ in range(_BISECTIONS):
            middle = (near + far) / 2
            value, _ = self._at(middle, up=up)
            near, far = (near, middle) if (value > null) == up else (middle, far)
        value, variance = self._at(far, up=up)
        distance = self.estimate - (null if abs(value - null) < 1e-6 else value)
        error = math.sqrt(variance / self.n)
        z = distance / error if error > 0 else math.copysign(math.inf, distance) if distance else 0
        tails = {"greater": ndtr(-z), "less": ndtr(z), "two-sided": 2 * ndtr(-abs(z))}
        return PValue(float(tails[side]), f"score, {self.method}")

    def _at(self, step: float, *, up: bool) -> tuple[float, float]:
        there = _path(self.table[None], np.array([step]), self.weights, up=up)
        value, variance = _moments(there, self.weights, self.by_chance)
        return float(value[0]), float(variance[0])


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two raters compared on ``n`` items; ``excluded`` items lack a label.

    ``skew`` warns, in words, where kappa is low only because nearly all items have one label: the
    agreement would be good at even frequencies. Read AC1 there.
    """

    n: int
    excluded: int
    raw: float | None
    raw_interval: Interval | NotEstimable
    kappa: ChanceCorrected | NotEstimable
    ac1: ChanceCorrected | NotEstimable
    skew: str | None


def agreement_table(
    first: Sequence[object], second: Sequence[object], *, categories: Sequence[object] | None = None
) -> AgreementTable:
    """Count the labels of two raters, aligned by item; ``None`` and nan are no label.

    ``categories`` lists the labels in order (weights need it) and may name some that nobody used;
    else the labels used, sorted. A label outside it is a ValueError.
    """
    if len(first) != len(second):
        raise ValueError("both raters need one entry per item")
    pairs = [p for p in zip(first, second, strict=True) if not any(map(_missing, p))]
    seen = {label for pair in pairs for label in pair}
    order = tuple(_sorted(seen)) if categories is None else tuple(categories)
    if unknown := seen.difference(order):
        raise ValueError(f"labels outside the categories: {sorted(map(repr, unknown))}")
    place = {label: i for i, label in enumerate(order)}
    counts = np.zeros((len(order), len(order)))
    index = np.array([(place[a], place[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    np.add.at(counts, (index[:, 0], index[:, 1]), 1)
    return AgreementTable(counts, order, len(first) - len(pairs))


def agreement(table: AgreementTable, *, level: float = 0.95) -> Agreement:
    """Return raw agreement (Wilson's interval), kappa and AC1 side by side, with the skew warning.

    The warning is given where the agreement beyond even guessing, (k raw - 1) / (k - 1), is at
    least .6 [Byrt, Bishop & Carlin 1993] and kappa lies .2 or more below it.
    """
    kappa, ac1 = cohen_kappa(table), gwet_ac1(table)
    if not table.n:
        none = NotEstimable("no item has both labels")
        return Agreement(0, table.excluded, None, none, kappa, ac1, None)
    same = float(np.trace(table.counts))
    interval = wilson(same, table.n, level=level)
    skew = None if isinstance(kappa, NotEstimable) else _skew(table, kappa, raw=same / table.n)
    return Agreement(table.n, table.excluded, same / table.n, interval, kappa, ac1, skew)


def cohen_kappa(
    table: AgreementTable, *, weights: Weights = "nominal"
) -> ChanceCorrected | NotEstimable:
    """Return (p_o - p_e) / (1 - p_e), p_e from the product of the raters' own frequencies.

    [Cohen 1960; weighted: Cohen 1968]. ``weights`` other than nominal take the categories as
    equally spaced in their order; quadratic ones give nearly an intraclass correlation. Assumes
    independent items. Not estimable where both raters use one label throughout.
    """
    name = "Cohen's kappa" if weights == "nominal" else f"Cohen's kappa, {weights} weights"
    return _coefficient(table, weight_matrix(len(table.categories), weights), product_chance, name)


def gwet_ac1(table: AgreementTable) -> ChanceCorrected | NotEstimable:
    """Return (p_o - p_e) / (1 - p_e) with p_e = sum pi (1 - pi) / (k - 1), pi the mean frequencies.

    [Gwet 2008, Br J Math Stat Psychol 61:29]. k counts the table's categories, so name all that the
    raters could have used. Not estimable with fewer than two.
    """
    weights = weight_matrix(len(table.categories), "nominal")
    return _coefficient(table, weights, even_chance, "Gwet's AC1")


def fleiss_kappa(counts: ArrayLike) -> Estimate | NotEstimable:
    """Return Fleiss' kappa [1971] of an array items x categories of how many raters chose each.

    All items need the same number of raters, at least 2; which raters does not matter. Standard
    error over items by linearisation [Gwet 2021], t with items - 1 degrees of freedom; like every
    such interval it is too short near 1 with few items.
    """
    x = np.asarray(counts, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError("needed an array items x categories")
    raters = x.sum(axis=1)
    if len(x) == 0:
        return NotEstimable("no item was rated")
    if not np.isfinite(x).all() or raters[0] < 2 or (raters != raters[0]).any():
        return NotEstimable("every item needs the same number of ratings, at least 2")
    m = raters[0]
    share = x.mean(axis=0) / m
    chance = float(share @ share)
    if chance > 1 - 1e-12:
        return NotEstimable("every rating is the same label, so chance alone would agree")
    same = (x * (x - 1)).sum(axis=1) / (m * (m - 1))
    kappa = (float(same.mean()) - chance) / (1 - chance)
    pull = x @ share / m - chance
    influence = kappa + (same - same.mean() - 2 * (1 - kappa) * pull) / (1 - chance)
    spread = estimate(case_units(influence), method="Fleiss' kappa")
    if isinstance(spread, NotEstimable):
        return NotEstimable(f"kappa is {kappa:.3g}, but its spread over {len(x)} items is unknown")
    return Estimate(kappa, spread.standard_error, spread.df, spread.method, bound=1.0)


def weight_matrix(categories: int, weights: Weights) -> FloatArray:
    """Return what each pair of categories counts: 1 on the diagonal, down to 0 far from it."""
    place = np.arange(categories, dtype=np.float64)
    apart = np.abs(place[:, None] - place) / max(categories - 1, 1)
    cost = {"nominal": (apart > 0).astype(float), "linear": apart, "quadratic": apart**2}
    return np.asarray(1 - cost[weights], dtype=np.float64)


def product_chance(tables: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return kappa's agreement by chance: the raters' own frequencies, multiplied."""
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    by_row, by_column = columns @ weights.T, rows @ weights
    return (rows * by_row).sum(axis=1), by_row[:, :, None] + by_column[:, None, :]


def even_chance(tables: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return AC1's agreement by chance; its weights are nominal."""
    share = (tables.sum(axis=2) + tables.sum(axis=1)) / 2
    others = len(weights) - 1
    slope = (1 - 2 * share) / (2 * others)
    return (share * (1 - share)).sum(axis=1) / others, slope[:, :, None] + slope[:, None, :]


def score_limits(
    tables: FloatArray, weights: FloatArray, by_chance: Chance, *, n: int, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of the score interval of many tables of shares (tables x k x k) at once.

    -1 where even no agreement at all is kept.
    """
    seen, _ = _moments(tables, weights, by_chance)
    z = normal_quantile(level)

    def outside(step: FloatArray, *, up: bool) -> tuple[FloatArray, NDArray[np.bool_]]:
        value, variance = _moments(_path(tables, step, weights, up=up), weights, by_chance)
        return value, np.asarray(np.abs(seen - value) > z * np.sqrt(variance / n))

    limits = []
    for up, end in ((False, 2.0), (True, 1.0)):
        near, far = np.zeros(len(tables)), np.full(len(tables), end)
        _, reached = outside(far, up=up)
        for _ in range(_BISECTIONS):
            middle = (near + far) / 2
            _, beyond = outside(middle, up=up)
            near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
        value, _ = outside(far, up=up)
        limits.append(np.where(reached, value, 1.0 if up else -1.0))
    return limits[0], limits[1]


def _moments(
    tables: FloatArray, weights: FloatArray, by_chance: Chance
) -> tuple[FloatArray, FloatArray]:
    """Return the coefficient and n times its variance per table, by the delta method.

    For kappa equal to Fleiss, Cohen & Everitt [1969].
    """
    chance, slope = by_chance(tables, weights)
    beyond = np.maximum(1 - chance, 1e-300)
    value = ((tables * weights).sum(axis=(1, 2)) - chance) / beyond
    influence = (weights - (1 - value)[:, None, None] * slope) / beyond[:, None, None]
    mean = (tables * influence).sum(axis=(1, 2))
    variance = (tables * (influence - mean[:, None, None]) ** 2).sum(axis=(1, 2))
    return value, variance


def _path(tables: FloatArray, step: FloatArray, weights: FloatArray, *, up: bool) -> FloatArray:
    """Return tables on the way from the one seen: up to full agreement, or down past chance.

    Up (0 to 1) towards the mean frequencies on the diagonal; down towards the product of the
    frequencies (0 to 1, which keeps them) and on to no agreement at all (1 to 2). A table that is
    below chance already goes down by losing what its diagonal holds.
    """
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    eye = np.eye(len(weights))
    t = step[:, None, None]
    if up:
        return np.asarray((1 - t) * tables + t * ((rows + columns) / 2)[:, :, None] * eye)
    product = rows[:, :, None] * columns[:, None, :]
    apart = _apart(product, eye)
    via_chance = np.where(
        t <= 1, (1 - t) * tables + t * product, (2 - t) * product + (t - 1) * apart
    )
    straight = (1 - t / 2) * tables + t / 2 * _apart(tables, eye)
    beyond = ((tables - product) * weights).sum(axis=(1, 2), keepdims=True) > 1e-12
    return np.asarray(np.where(beyond, via_chance, straight))


def _apart(tables: FloatArray, eye: FloatArray) -> FloatArray:
    """Return the tables without their diagonals; all disagreements alike where there are none."""
    off = tables * (1 - eye)
    mass = off.sum(axis=(1, 2), keepdims=True)
    even = (1 - eye) / max(eye.size - len(eye), 1)
    return np.asarray(np.where(mass > 1e-12, off / np.maximum(mass, 1e-12), even))


def _coefficient(
    table: AgreementTable, weights: FloatArray, by_chance: Chance, name: str
) -> ChanceCorrected | NotEstimable:
    n = table.n
    if not n:
        return NotEstimable("no item has both labels")
    if len(weights) < 2:
        return NotEstimable("there is one category, so the raters could not disagree")
    shares = table.counts / n
    chance = float(by_chance(shares[None], weights)[0][0])
    if chance > 1 - 1e-12:
        return NotEstimable("both raters use one label throughout, as chance alone would")
    value, variance = (float(v[0]) for v in _moments(shares[None], weights, by_chance))
    error = math.sqrt(variance / n)
    return ChanceCorrected(value, error, chance, n, name, shares, weights, by_chance)


def _skew(table: AgreementTable, kappa: ChanceCorrected, *, raw: float) -> str | None:
    k = len(table.categories)
    even = (k * raw - 1) / (k - 1)
    if even < _HIGH or even - kappa.estimate < _COLLAPSED:
        return None
    labels = table.counts.sum(axis=0) + table.counts.sum(axis=1)
    share, label = labels.max() / labels.sum(), table.categories[int(labels.argmax())]
    return (
        f"raw agreement is {raw:.1%} and kappa {kappa.estimate:.2f}, because {share:.0%} of all "
        f"labels are {label!r} and chance alone would agree in {kappa.chance:.0%}"
    )


def _missing(label: object) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def _sorted(labels: set[object]) -> list[object]:
    """Sort numbers by size and everything else by its text, numbers first."""

    def key(label: object) -> tuple[int, float, str]:
        number = isinstance(label, (int, float, np.number))
        return (0, float(label), "") if number else (1, 0.0, str(label))  # type: ignore[arg-type]

    return sorted(labels, key=key)
