"""One paired comparison of scores in [0, 1]: which procedure decides, and its numbers.

| data | interval and its p-value | exact p-value beside it |
|---|---|---|
| both scores 0 or 1 | Tango score | exact McNemar |
| clusters, at least 2 | t on clusters (CR2) | sign-flip of cluster sums |
| under 30 cases | sign-flip, inverted | sign-flip |
| 30 cases and more | t | sign-flip |
| thin: see below | Tango score on sums of gains and losses | sign-flip |

*Thin*: fewer than six units, or one common difference, or differences carried by fewer than 20
units (and fewer than a quarter of all), counted as in `Units.effective`. The spread that t and
sign-flip read off such data misses what was not drawn, exactly as Wald's interval does. Promotions
at the boundary (true difference = -margin) in 20,000 simulated runs at a nominal 5 %, t against the
rule above: n = 50, 4 % of cases lose .5: 13.2 % / 0.0 %; n = 100, 10 % lose .5: 11.6 % / 0.2 %;
n = 200, 6 % lose .25, .5 or 1: 10.2 % / 1.5 %; n = 200, 20 % lose .25: 6.1 % / 6.1 %; normal
differences at any n: 5.0 % / 5.0 %. What no sample of the size can show stays unseen: noise of .03
in all cases and a collapse by .8 in 1 % of them passes at its mean loss in 34 % at n = 50, in 31 %
at 100 and 13 % at 200; in 2 % of them in 33 %, 13 % and 2 %. A bound that allowed for an unseen
collapse would refuse every suite of that size, so it is stated (`evalkit.validation.paired`) and
left to the margin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import FloatArray, exact_mean, floats
from evalkit.stats.clusters import spread_of
from evalkit.stats.paired_binary import TangoScore, mcnemar_exact
from evalkit.stats.proportions import rule_of_three
from evalkit.stats.sign_flip import sign_flip, subset_means
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import NotEstimable, Procedure, PValue

FEW_CASES = 30
FEWEST_FOR_SIGN_FLIP = 6
CARRIERS = 20
ON_SUMS = "Tango score on sums of gains and losses"


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """What the pairs say. Means and difference are over cases; ``None`` without any case.

    ``variance`` is that of one case's difference if nothing had changed on average, for planning;
    where no case differed it is the rule of three's upper limit, so that it is never 0. It holds
    the design effect of clusters; ``cluster_size`` is the mean size of a case's cluster, so that
    n / ``cluster_size`` clusters of one size are worth as many [Kish 1965].
    """

    n: int
    clusters: int | None
    base_mean: float | None
    candidate_mean: float | None
    difference: float | None
    procedure: Procedure | NotEstimable
    exact: PValue | NotEstimable
    variance: float | None
    cluster_size: float = 1.0


def compare(
    base: ArrayLike,
    candidate: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    rng: np.random.Generator,
) -> PairedComparison:
    """Compare two arrays of case means, aligned by case; scores in [0, 1].

    ``clusters`` labels the cases that are not independent of each other. With a score that is not a
    finite number nothing is estimable: leaving it out is the caller's decision.
    """
    x, y = floats(base).reshape(-1), floats(candidate).reshape(-1)
    if not len(x) or not np.isfinite(y - x).all():
        why = "a score is not a finite number" if len(x) else "no case was answered by both models"
        none = NotEstimable(why)
        return PairedComparison(len(x), None, None, None, None, none, none, None)
    units = paired_units(x, y, clusters=clusters)
    binary = is_binary(x, y)
    procedure = choose_procedure(units, binary=binary, rng=rng)
    return PairedComparison(
        n=len(x),
        clusters=units.count if units.clustered else None,
        base_mean=exact_mean(x),
        candidate_mean=exact_mean(y),
        difference=exact_mean(y - x),
        procedure=procedure,
        exact=_exact(units, procedure, binary=binary, rng=rng),
        variance=_variance(units, procedure, binary=binary),
        cluster_size=len(x) / units.kish,
    )


def paired_units(
    base: FloatArray, candidate: FloatArray, *, clusters: ArrayLike | None = None
) -> Units:
    """Return the differences as independent units."""
    d = candidate - base
    return case_units(d) if clusters is None else cluster_units(d, clusters)


def is_binary(*scores: FloatArray) -> bool:
    """Return whether every score is 0 or 1."""
    return all(bool(np.isin(s, (0.0, 1.0)).all()) for s in scores)


def choose_procedure(
    units: Units, *, binary: bool, rng: np.random.Generator
) -> Procedure | NotEstimable:
    """Return the procedure for one mean difference by the table above; ``units`` is not empty."""
    if units.clustered and units.count < 2:
        return NotEstimable("all cases are in one cluster, two are needed")
    if binary and not units.clustered:
        return bounded_tango(units, method="Tango score")
    spread = spread_of(units, method="paired t")
    if isinstance(spread, NotEstimable) or is_thin(units):
        return bounded_tango(units, method=ON_SUMS)
    if units.clustered or units.count >= FEW_CASES:
        return replace(spread, bound=1.0)
    return subset_means(units, rng=rng)


def is_thin(units: Units) -> bool:
    """Return whether too few units carry the differences to read a spread off them."""
    few = units.count < FEWEST_FOR_SIGN_FLIP and not units.clustered
    return few or units.effective < min(CARRIERS, units.count / 4)


def bounded_tango(units: Units, *, method: str) -> TangoScore:
    """Return the score procedure from the sums of gains and of losses alone.

    Clusters count as wholly alike inside, and as Kish's number of equally large ones.
    """
    gains = float(np.clip(units.shares, 0, None).sum())
    losses = float(np.clip(-units.shares, 0, None).sum())
    return TangoScore(gains * units.kish, losses * units.kish, units.kish, method)


def _exact(
    units: Units,
    procedure: Procedure | NotEstimable,
    *,
    binary: bool,
    rng: np.random.Generator,
) -> PValue | NotEstimable:
    if isinstance(procedure, NotEstimable):
        return procedure
    if binary and not units.clustered:
        gained, lost = np.count_nonzero(units.sums > 0), np.count_nonzero(units.sums < 0)
        return PValue(float(mcnemar_exact(gained, lost)[0]), "exact McNemar")
    return sign_flip(units.sums, rng=rng)


def _variance(units: Units, procedure: Procedure | NotEstimable, *, binary: bool) -> float | None:
    if isinstance(procedure, NotEstimable):
        return None
    cases = float(units.sizes.sum())
    spread = spread_of(units, method="")
    if isinstance(spread, NotEstimable) or (binary and not units.clustered) or is_thin(units):
        churn = float(np.abs(units.shares).sum()) or rule_of_three(units.count)
        return churn * cases / units.kish
    return spread.standard_error**2 * cases
