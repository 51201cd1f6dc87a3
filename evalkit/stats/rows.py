"""Several candidates scored on the same cases: a row per independent unit, a column each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.units import Units, kish


@dataclass(frozen=True, slots=True)
class Rows:
    """Cases that every candidate has answered, as independent units.

    ``sums`` has a row per unit and a column per candidate in ``present``, ``sizes`` the cases of
    each unit. ``candidates`` counts all, also those that answered nothing and are not in
    ``present``; ``excluded`` counts the cases left out because some other answer is missing.
    ``step`` is how far apart two candidates' means are at least, if they differ: 1/n for scores of
    0 and 1, about 0 for continuous ones.
    """

    sums: FloatArray
    sizes: FloatArray
    present: tuple[int, ...]
    candidates: int
    excluded: int
    clustered: bool
    binary: bool
    step: float

    @property
    def n(self) -> int:
        """The number of cases."""
        return int(self.sizes.sum())

    @property
    def means(self) -> FloatArray:
        """The mean difference of each present candidate; of a non-empty sample only."""
        return np.asarray(self.sums.sum(axis=0) / self.sizes.sum(), dtype=np.float64)

    @property
    def residuals(self) -> FloatArray:
        """Each unit's sum less its cases times the mean; of a non-empty sample only."""
        return np.asarray(self.sums - self.sizes[:, None] * self.means, dtype=np.float64)

    @property
    def covariance(self) -> FloatArray:
        """The covariance of the means from whole units (CR2, as `evalkit.stats.clusters` has it).

        Of at least two units only; for those of one size it is CR1.
        """
        leverage = np.sqrt(1 - self.sizes / self.sizes.sum())
        residuals = self.residuals / leverage[:, None]
        return np.asarray(residuals.T @ residuals / self.n**2, dtype=np.float64)

    @property
    def kish(self) -> float:
        """How many units of one size would tell as much; 0 without any."""
        return kish(self.sizes)

    def column(self, position: int) -> Units:
        """Return one present candidate's units."""
        return Units(self.sums[:, position], self.sizes, clustered=self.clustered)


def complete_rows(differences: ArrayLike, *, clusters: ArrayLike | None = None) -> Rows:
    """Return the complete cases of a matrix with a row per case and a column per candidate.

    nan is a missing answer. ``clusters`` labels the cases that are not independent of each other.
    Differences of -1, 0 and 1 alone are taken for those of scores 0 and 1.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 2:
        raise ValueError("needed a matrix: a row per case, a column per candidate")
    missing = np.isnan(d)
    present = np.flatnonzero(~missing.all(axis=0)) if len(d) else np.arange(d.shape[1])
    complete = ~missing[:, present].any(axis=1) & (len(present) > 0)
    kept = d[np.ix_(complete, present)]
    binary = bool(np.isin(kept, (-1.0, 0.0, 1.0)).all())
    sums, sizes = kept, np.ones(len(kept))
    if clusters is not None:
        sums, sizes = _by_cluster(kept, np.asarray(clusters)[complete])
    return Rows(
        sums=sums,
        sizes=sizes,
        present=tuple(int(i) for i in present),
        candidates=d.shape[1],
        excluded=int(len(d) - complete.sum()),
        clustered=clusters is not None,
        binary=binary,
        step=_finest(kept) / max(len(kept), 1),
    )


def _finest(values: FloatArray) -> float:
    """Return the smallest distance between different values; 0 if all are equal."""
    gaps = np.diff(np.unique(values))
    return float(gaps[gaps > TIE].min(initial=np.inf)) if np.any(gaps > TIE) else 0.0


def _by_cluster(
    cases: FloatArray, clusters: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> tuple[FloatArray, FloatArray]:
    kinds, label = np.unique(clusters, return_inverse=True)
    label = label.reshape(-1)
    sums = np.zeros((len(kinds), cases.shape[1]))
    for column, values in enumerate(cases.T):
        sums[:, column] = np.bincount(label, weights=values, minlength=len(kinds))
    return sums, np.bincount(label, minlength=len(kinds)).astype(np.float64)
