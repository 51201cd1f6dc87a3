"""Counterfactual fairness: the same template filled with terms that should make no difference.

Tables hold templates x terms of scores in [0, 1] (the mean over the cases of a template and term);
the template is the unit, since its cases share everything but the term. ``clusters`` holds a label
per template: templates of one cluster may depend on each other and are one unit
(`evalkit.stats.template_units`), so that copies within a cluster narrow nothing. A template that
lacks a term is left out.

| question | function |
|---|---|
| does term A score as term B? | `term_difference` |
| do any of k terms differ? which? | `term_gap`, `term_deviations` |
| did the candidate widen or narrow the difference? | `difference_change`, `deviation_changes` |
| is the difference shown to be small enough? | `evalkit.stats.equivalence`, `terms_equivalent` |
| do two slices, or any slice and the rest, differ in gain? | `evalkit.stats.slices` |

"Fair" needs the third kind of answer: a difference that is not significant is not shown to be 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.equivalence import Equivalence, Equivalent, tost
from evalkit.stats.max_t import MaxT, max_t
from evalkit.stats.mover import Scaled
from evalkit.stats.paired import PairedComparison, choose_procedure, compare, is_binary
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.swaps import summed
from evalkit.stats.template_units import independent_rows, units_of
from evalkit.stats.values import Interval, NotEstimable, Procedure, PValue

SMALLEST = 20
"""Units below which a percentage says nothing and should not be shown; tests still count them."""

_CHUNK = 1 << 21
_BLOCKS = 5_000


@dataclass(frozen=True, slots=True)
class SwapTable:
    """Mean scores of ``templates`` (rows) by ``terms`` (columns); nan where there is no case."""

    scores: FloatArray
    templates: tuple[object, ...]
    terms: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class TermGap:
    """The largest minus the smallest mean score of a term, over ``templates`` complete templates.

    ``p_value`` permutes the terms within each of the ``units``: templates, or clusters of them.
    ``friedman`` is Friedman's rank test beside it, for scores of 0 and 1 equal to Cochran's Q.
    ``None`` without a template.
    """

    gap: float | None
    means: tuple[float, ...]
    p_value: PValue | NotEstimable
    friedman: PValue | NotEstimable
    templates: int
    units: int

    @property
    def shown(self) -> bool:
        """Whether there are enough units to show percentages."""
        return self.units >= SMALLEST


@dataclass(frozen=True, slots=True)
class DifferenceChange:
    """How the difference of two terms changed: candidate's minus base's, from -2 to 2.

    ``exact`` is the sign-flip test. ``None`` without a template.
    """

    base: float | None
    candidate: float | None
    change: float | None
    procedure: Procedure | NotEstimable
    exact: PValue | NotEstimable
    templates: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """One term against the mean of all terms, from the ``joint`` test of all of them (max-T).

    ``adjusted`` allows for testing all terms. The joint test is of values divided by ``bound``, the
    farthest from 0 that one can lie.
    """

    term: int
    estimate: float
    adjusted: PValue | NotEstimable
    bound: float
    joint: MaxT = field(repr=False, compare=False)

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return limits that hold for all terms at once.

        They leave out 0 exactly where ``adjusted`` is at most 1 - ``level``.
        """
        found = self.joint.interval(self.term, level=level)
        if isinstance(found, NotEstimable):
            return found
        return replace(found, low=found.low * self.bound, high=found.high * self.bound)


@dataclass(frozen=True, slots=True)
class TermsEquivalent:
    """Whether all pairs of terms are equivalent; ``worst`` is the pair that decides.

    That is the widest apart of those shown beyond the margin; where none is, the one with the
    largest p-value, of equal ones the widest apart.
    """

    verdict: Equivalent
    p_value: PValue | NotEstimable
    worst: tuple[int, int] | None
    pairs: tuple[Equivalence, ...]


def swap_table(scores: ArrayLike, templates: ArrayLike, *, terms: ArrayLike) -> SwapTable:
    """Return the mean score per template and term from one score, template and term per case.

    Scores that are nan are left out.
    """
    values = np.atleast_1d(np.asarray(scores, dtype=np.float64)).reshape(-1)
    rows, row = np.unique(np.asarray(templates).reshape(-1), return_inverse=True)
    columns, column = np.unique(np.asarray(terms).reshape(-1), return_inverse=True)
    known = np.isfinite(values)
    cell = (row.reshape(-1) * len(columns) + column.reshape(-1))[known]
    size = len(rows) * len(columns)
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, weights=values[known], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    shape = (len(rows), len(columns))
    return SwapTable(mean.reshape(shape), tuple(rows.tolist()), tuple(columns.tolist()))


def term_difference(
    table: ArrayLike,
    first: int,
    *,
    second: int,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
) -> PairedComparison:
    """Compare two terms over the templates: ``difference`` is column ``first`` minus ``second``.

    A paired comparison with the template as the case, or the cluster where all have one size; the
    table's other terms may be missing.
    """
    both, label = independent_rows(_table(table)[:, [first, second]], clusters)
    return compare(both[:, 1], both[:, 0], clusters=label, rng=rng)


def term_gap(
    table: ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    resamples: int = 9_999,
) -> TermGap:
    """Return the largest difference of terms' means, and whether chance explains it.

    Exact under the hypothesis that the terms of a unit are exchangeable. The gap itself is never
    negative and grows with the number of terms, so it has no interval of its own; see
    `term_deviations` and `terms_equivalent`. Of more than 5,000 units random blocks are permuted
    alike, which is as exact.
    """
    scores = _table(table)
    n, k = int(np.isfinite(scores).all(axis=1).sum()), scores.shape[1]
    if not n or k < 2:
        none = NotEstimable("no template has all terms" if k > 1 else "there is one term")
        return TermGap(None, (), none, none, n, n)
    rows, label = independent_rows(scores, clusters)
    blocks = summed(rows, label)
    means = rows.mean(axis=0)
    gap = float(np.ptp(means))
    hits = sum(
        int(np.count_nonzero(np.ptp(total, axis=1) >= (gap - TIE) * len(rows)))
        for total in _permuted_sums(blocks, resamples=resamples, rng=rng)
    )
    where = "template" if len(blocks) == n else "cluster"
    p = PValue((1 + hits) / (1 + resamples), f"terms permuted in {where}, {resamples:,} times")
    return TermGap(gap, tuple(means.tolist()), p, _friedman(blocks), n, len(blocks))


def term_deviations(
    table: ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    resamples: int = 9_999,
) -> tuple[Deviation, ...]:
    """Return each term's mean score minus the mean of all terms, for every term at once.

    By `evalkit.stats.max_t`, whose p-values and limits agree. Empty without a complete template or
    a second term.
    """
    scores = _table(table)
    return _deviations(scores, clusters, width=1.0, rng=rng, resamples=resamples)


def difference_change(
    base: ArrayLike,
    candidate: ArrayLike,
    *,
    first: int,
    second: int,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
) -> DifferenceChange:
    """Return how the difference of two terms changed from base to candidate.

    Both tables have the same rows and columns. Per template (first - second) of the candidate minus
    that of the base, then a paired comparison: a difference in differences, in which whatever makes
    one term's templates harder for both models cancels. The sign tells whether ``first`` gained;
    whether the disparity grew depends on which side the base's difference was.
    """
    x, y = (_table(t)[:, [first, second]] for t in (base, candidate))
    known = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    if not known.any():
        none = NotEstimable("no template has both terms for both models")
        return DifferenceChange(None, None, None, none, none, 0)
    before, after = (t[:, 0] - t[:, 1] for t in (x, y))
    rows, label = independent_rows((after - before)[:, None], clusters)
    units = units_of(rows[:, 0] / 2, label)
    halved = choose_procedure(units, binary=False, rng=rng)
    return DifferenceChange(
        base=float(before[known].mean()),
        candidate=float(after[known].mean()),
        change=float((after - before)[known].mean()),
        procedure=halved if isinstance(halved, NotEstimable) else Scaled(halved, 2.0),
        exact=sign_flip(units.sums, rng=rng),
        templates=int(known.sum()),
    )


def deviation_changes(
    base: ArrayLike,
    candidate: ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    resamples: int = 9_999,
) -> tuple[Deviation, ...]:
    """Return how each term's deviation from the mean of all terms changed, for every term at once.

    As `term_deviations`, from the candidate's scores minus the base's. What raises a template for
    all terms alike cancels. Empty without a template complete in both or a second term.
    """
    change = _table(candidate) - _table(base)
    return _deviations(change, clusters, width=2.0, rng=rng, resamples=resamples)


def terms_equivalent(
    table: ArrayLike,
    *,
    margin: float,
    alpha: float = 0.05,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
) -> TermsEquivalent:
    """Return whether no two terms differ by ``margin`` or more.

    "equivalent" needs every pair to be shown within the margin, each at ``alpha``: an intersection
    of claims needs no correction [Berger 1982]. "not equivalent" needs one pair beyond it, which is
    a union, so at ``alpha`` over the number of pairs. Pairs stand in the order of
    ``itertools.combinations``.
    """
    scores = _table(table)
    names = list(combinations(range(scores.shape[1]), 2))
    if not names:
        return TermsEquivalent("can't tell", NotEstimable("there is one term"), None, ())
    pairs, order = [], []
    for name in names:
        procedure, gap = _pair(scores[:, name], clusters, rng=rng)
        own = tost(procedure, margin=margin, alpha=alpha)
        strict = tost(procedure, margin=margin, alpha=alpha / len(names))
        beyond = strict.verdict == "not equivalent"
        p = own.p_value.value if isinstance(own.p_value, PValue) else 2.0
        pairs.append(own)
        order.append((beyond, gap if beyond else p, gap))
    worst = order.index(max(order))
    verdict: Equivalent = "can't tell"
    if order[worst][0]:
        verdict = "not equivalent"
    elif all(e.verdict == "equivalent" for e in pairs):
        verdict = "equivalent"
    return TermsEquivalent(verdict, pairs[worst].p_value, names[worst], tuple(pairs))


def _pair(
    columns: FloatArray, clusters: ArrayLike | None, *, rng: np.random.Generator
) -> tuple[Procedure | NotEstimable, float]:
    """Return the procedure of a pair of terms, and how far apart their means are."""
    rows, label = independent_rows(columns, clusters)
    if not len(rows):
        return NotEstimable("no template has both terms"), 0.0
    units = units_of(rows[:, 0] - rows[:, 1], label)
    return choose_procedure(units, binary=is_binary(rows), rng=rng), abs(units.mean)


def _table(table: ArrayLike) -> FloatArray:
    scores = np.asarray(table, dtype=np.float64)
    if scores.ndim != 2:
        raise ValueError("needed an array templates x terms")
    return scores


def _permuted_sums(
    blocks: FloatArray, *, resamples: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Yield sums (resamples x terms) of the rows with the terms of each in random order."""
    k = blocks.shape[1]
    alike = np.ptp(blocks, axis=1) <= TIE
    fixed, varied = blocks[alike].sum(axis=0), blocks[~alike]
    if len(varied) > _BLOCKS:
        merged = np.zeros((_BLOCKS, k))
        np.add.at(merged, rng.permutation(len(varied)) % _BLOCKS, varied)
        varied = merged
    rows = max(1, _CHUNK // max(varied.size, 1))
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), *varied.shape)
        yield rng.permuted(np.broadcast_to(varied, shape), axis=2).sum(axis=1) + fixed


def _friedman(scores: FloatArray) -> PValue | NotEstimable:
    """Return Friedman's test with his correction for ties [Conover 1999, sec. 5.8]."""
    k = scores.shape[1]
    if k < 3:
        return NotEstimable("Friedman's test needs 3 terms")
    # Rounded, because scores that differ by rounding alone would be ranked.
    rounded = np.round(scores, 12)
    # Ranks about their mean: how many of a template's terms lie below, less how many above, halved.
    ranks = np.zeros_like(rounded)
    for term in range(k):
        ranks += np.sign(rounded - rounded[:, [term]]) / 2
    squares = float((ranks * ranks).sum())
    if not squares:
        return NotEstimable("within every template all terms have the same score")
    statistic = (k - 1) * float((ranks.sum(axis=0) ** 2).sum()) / squares
    return PValue(float(chdtrc(k - 1, statistic)), "Friedman, chi-squared")


def _deviations(
    values: FloatArray,
    clusters: ArrayLike | None,
    *,
    width: float,
    rng: np.random.Generator,
    resamples: int,
) -> tuple[Deviation, ...]:
    """Return the deviations from each row's mean of values that lie within ``width``."""
    k = values.shape[1]
    rows, label = independent_rows(values - values.mean(axis=1, keepdims=True), clusters)
    if not len(rows) or k < 2:
        return ()
    rows = np.where(np.abs(rows) > TIE, rows, 0.0)
    bound = width * (k - 1) / k
    joint = max_t(rows / bound, rng=rng, clusters=label, side="two-sided", resamples=resamples)
    return tuple(
        Deviation(j, mean, _adjusted(joint, j), bound, joint)
        for j, mean in enumerate(rows.mean(axis=0).tolist())
    )


def _adjusted(joint: MaxT, term: int) -> PValue | NotEstimable:
    p, alone = joint.single_step.values[term], joint.alone[term]
    if isinstance(alone, NotEstimable) or p is None:
        return NotEstimable(alone.why if isinstance(alone, NotEstimable) else "it was not tested")
    return PValue(p, joint.method)
