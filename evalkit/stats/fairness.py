"""Counterfactual fairness: the same template filled with terms that should make no difference.

Tables hold templates x terms of scores in [0, 1] (the mean over the cases of a template and term);
the template is the unit, since its cases share everything but the term. A template that lacks a
term is left out.

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
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.equivalence import Equivalence, Equivalent, tost
from evalkit.stats.mover import Scaled
from evalkit.stats.paired import PairedComparison, choose_procedure, compare, is_binary
from evalkit.stats.sign_flip import sign_flip
from evalkit.stats.units import case_units
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

    ``p_value`` permutes the terms within each template. ``friedman`` is Friedman's rank test beside
    it, for scores of 0 and 1 equal to Cochran's Q. ``None`` without a template.
    """

    gap: float | None
    means: tuple[float, ...]
    p_value: PValue | NotEstimable
    friedman: PValue | NotEstimable
    templates: int

    @property
    def shown(self) -> bool:
        """Whether there are enough templates to show percentages."""
        return self.templates >= SMALLEST


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
    """One term against the mean of all terms; ``adjusted`` for testing all ``family`` terms."""

    term: int
    estimate: float
    procedure: Procedure | NotEstimable
    adjusted: PValue
    family: int

    def interval(self, *, level: float) -> Interval | NotEstimable:
        """Return limits that hold for all terms at once (Bonferroni)."""
        if isinstance(self.procedure, NotEstimable):
            return self.procedure
        return self.procedure.interval(level=1 - (1 - level) / self.family)


@dataclass(frozen=True, slots=True)
class TermsEquivalent:
    """Whether all pairs of terms are equivalent; ``worst`` is the pair that decides."""

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
    table: ArrayLike, first: int, *, second: int, rng: np.random.Generator
) -> PairedComparison:
    """Compare two terms over the templates: ``difference`` is column ``first`` minus ``second``.

    A paired comparison with the template as the case; the table's other terms may be missing.
    """
    scores = _table(table)[:, [first, second]]
    both = scores[np.isfinite(scores).all(axis=1)]
    return compare(both[:, 1], both[:, 0], rng=rng)


def term_gap(table: ArrayLike, *, rng: np.random.Generator, resamples: int = 9_999) -> TermGap:
    """Return the largest difference of terms' means, and whether chance explains it.

    Exact under the hypothesis that the terms of a template are exchangeable. The gap itself is
    never negative and grows with the number of terms, so it has no interval of its own; see
    `term_deviations` and `terms_equivalent`. Of more than 5,000 templates random blocks are
    permuted alike, which is as exact.
    """
    scores = _complete(table)
    n, k = scores.shape
    if not n or k < 2:
        none = NotEstimable("no template has all terms" if k > 1 else "there is one term")
        return TermGap(None, (), none, none, n)
    means = scores.mean(axis=0)
    gap = float(np.ptp(means))
    hits = sum(
        int(np.count_nonzero(np.ptp(m, axis=1) >= gap - TIE))
        for m in _permuted_means(scores, resamples=resamples, rng=rng)
    )
    p = PValue((1 + hits) / (1 + resamples), f"terms permuted in template, {resamples:,} times")
    return TermGap(gap, tuple(means.tolist()), p, _friedman(scores), n)


def term_deviations(
    table: ArrayLike, *, rng: np.random.Generator, resamples: int = 9_999
) -> tuple[Deviation, ...]:
    """Return each term's mean score minus the mean of all terms, for every term at once.

    Adjusted by the largest deviation in each permutation of terms within templates (max-T)
    [Westfall & Young 1993]: where no term matters, the chance of any false alarm is the level.
    Empty without a complete template.
    """
    scores = _complete(table)
    if not len(scores):
        return ()
    off = scores - scores.mean(axis=1, keepdims=True)
    drawn = (
        np.abs(m - m.mean(axis=1, keepdims=True)).max(axis=1)
        for m in _permuted_means(off, resamples=resamples, rng=rng)
    )
    seen = np.abs(off.mean(axis=0))
    return _deviations(off, seen, largest=np.concatenate(list(drawn)), rng=rng, factor=1.0)


def difference_change(
    base: ArrayLike, candidate: ArrayLike, *, first: int, second: int, rng: np.random.Generator
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
    before, after = x[known, 0] - x[known, 1], y[known, 0] - y[known, 1]
    change = after - before
    return DifferenceChange(
        base=float(before.mean()),
        candidate=float(after.mean()),
        change=float(change.mean()),
        procedure=_halved(change, factor=2.0, rng=rng),
        exact=sign_flip(change, rng=rng),
        templates=int(known.sum()),
    )


def deviation_changes(
    base: ArrayLike, candidate: ArrayLike, *, rng: np.random.Generator, resamples: int = 9_999
) -> tuple[Deviation, ...]:
    """Return how each term's deviation from the mean of all terms changed, for every term at once.

    Signs of whole templates are flipped together (base and candidate exchanged), and each term is
    adjusted by the largest of the terms' sums over their root sum of squares (max-T). What raises a
    template for all terms alike cancels. Empty without a template complete in both.
    """
    x, y = _table(base), _table(candidate)
    known = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    if not known.any():
        return ()
    change = y[known] - x[known]
    change = change - change.mean(axis=1, keepdims=True)
    root = np.sqrt((change * change).sum(axis=0))
    unit = np.where(root > TIE, change / np.maximum(root, TIE), 0.0)
    largest = []
    rows = max(1, _CHUNK // len(unit))
    for start in range(0, resamples, rows):
        size = (min(rows, resamples - start), len(unit))
        signs = 2.0 * rng.integers(0, 2, size=size, dtype=np.uint8) - 1
        largest.append(np.abs(signs @ unit).max(axis=1))
    seen = np.abs(unit.sum(axis=0))
    return _deviations(change, seen, largest=np.concatenate(largest), rng=rng, factor=2.0)


def terms_equivalent(
    table: ArrayLike, *, margin: float, alpha: float = 0.05, rng: np.random.Generator
) -> TermsEquivalent:
    """Return whether no two terms differ by ``margin`` or more.

    "equivalent" needs every pair to be shown within the margin, each at ``alpha``: an intersection
    of claims needs no correction [Berger 1982]. "not equivalent" needs one pair beyond it, which is
    a union, so at ``alpha`` over the number of pairs. Pairs stand in the order of
    ``itertools.combinations``.
    """
    scores = _table(table)
    names = list(combinations(range(scores.shape[1]), 2))
    found = []
    for first, second in names:
        procedure = _pair(scores[:, [first, second]], rng)
        strict = tost(procedure, margin=margin, alpha=alpha / len(names))
        own = tost(procedure, margin=margin, alpha=alpha)
        found.append((own, strict.verdict == "not equivalent"))
    pairs = tuple(own for own, _ in found)
    if not pairs:
        return TermsEquivalent("can't tell", NotEstimable("there is one term"), None, ())
    p = [2.0 if isinstance(e.p_value, NotEstimable) else e.p_value.value for e in pairs]
    worst = int(np.argmax(p))
    verdict: Equivalent = "can't tell"
    if any(beyond for _, beyond in found):
        verdict = "not equivalent"
    elif all(e.verdict == "equivalent" for e in pairs):
        verdict = "equivalent"
    return TermsEquivalent(verdict, pairs[worst].p_value, names[worst], pairs)


def _pair(columns: FloatArray, rng: np.random.Generator) -> Procedure | NotEstimable:
    both = columns[np.isfinite(columns).all(axis=1)]
    if not len(both):
        return NotEstimable("no template has both terms")
    units = case_units(both[:, 0] - both[:, 1])
    return choose_procedure(units, binary=is_binary(both), rng=rng)


def _table(table: ArrayLike) -> FloatArray:
    scores = np.asarray(table, dtype=np.float64)
    if scores.ndim != 2:
        raise ValueError("needed an array templates x terms")
    return scores


def _complete(table: ArrayLike) -> FloatArray:
    scores = _table(table)
    return scores[np.isfinite(scores).all(axis=1)]


def _permuted_means(
    scores: FloatArray, *, resamples: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Yield term means (resamples x terms) with the terms of each template in random order."""
    n, k = scores.shape
    alike = np.ptp(scores, axis=1) <= TIE
    fixed, varied = scores[alike].sum(axis=0), scores[~alike]
    if len(varied) > _BLOCKS:
        summed = np.zeros((_BLOCKS, k))
        np.add.at(summed, rng.permutation(len(varied)) % _BLOCKS, varied)
        varied = summed
    rows = max(1, _CHUNK // max(varied.size, 1))
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), *varied.shape)
        yield (rng.permuted(np.broadcast_to(varied, shape), axis=2).sum(axis=1) + fixed) / n


def _friedman(scores: FloatArray) -> PValue | NotEstimable:
    """Return Friedman's test; scipy's gives nan where every template ties, and needs 3 terms."""
    from scipy.stats import friedmanchisquare

    if scores.shape[1] < 3:
        return NotEstimable("Friedman's test needs 3 terms")
    # Rounded, because scores that differ by rounding alone would be ranked.
    rounded = np.round(scores, 12)
    if (np.ptp(rounded, axis=1) == 0).all():
        return NotEstimable("within every template all terms have the same score")
    return PValue(float(friedmanchisquare(*rounded.T).pvalue), "Friedman, chi-squared")


def _halved(
    change: FloatArray, *, factor: float, rng: np.random.Generator
) -> Procedure | NotEstimable:
    """Return the procedure of a mean that lies within +-``factor``."""
    found = choose_procedure(case_units(change / factor), binary=False, rng=rng)
    return found if isinstance(found, NotEstimable) or factor == 1 else Scaled(found, factor)


def _deviations(
    off: FloatArray,
    seen: FloatArray,
    *,
    largest: FloatArray,
    rng: np.random.Generator,
    factor: float,
) -> tuple[Deviation, ...]:
    name = f"max-T, {len(largest):,} resamples"
    found = []
    for j in range(off.shape[1]):
        hits = int(np.count_nonzero(largest >= seen[j] * (1 - TIE) - TIE))
        p = PValue((1 + hits) / (1 + len(largest)), name)
        procedure = _halved(off[:, j], factor=factor, rng=rng)
        found.append(Deviation(j, float(off[:, j].mean()), procedure, p, off.shape[1]))
    return tuple(found)
