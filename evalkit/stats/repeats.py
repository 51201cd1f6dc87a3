"""K samples a case: case means with equal weight, where the noise comes from, what more would buy.

The unit is the case. The spread of the case means already holds the noise of sampling, whatever K
is, so `evalkit.stats.paired.compare` is right on case means; n x K rows taken as independent are
pseudo-replication (with K = 5 and half of the variance between cases a nominal 95 % interval covers
74 %, see `evalkit.validation.scores`). The parts of that spread are for planning alone:

    Var(mean) = (case + sampling / K + judge / (K R)) / n        [Miller 2024, arXiv:2411.00640]

found by the method of moments, each case with the same weight whatever its K.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.stats.arrays import TIE, FloatArray, IntArray, floats
from evalkit.stats.assumptions import Assuming
from evalkit.stats.clusters import spread_of
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import NotEstimable

Labels = NDArray[Any]

_MOST_SAMPLES = 1e6


@dataclass(frozen=True, slots=True)
class Repeats:
    """The samples of one model, a case an entry, in the order of the sorted labels ``cases``.

    ``means`` weigh a case's ``samples`` alike, and a sample's judgements. ``spread`` is the
    variance between a case's samples and ``judge_spread`` the mean variance between judgements of
    one sample, nan where there is only one. ``per_judgement`` is the mean of 1 / judgements over a
    case's samples. ``lost`` are the cases of which no sample has a score.
    """

    cases: Labels
    means: FloatArray
    samples: IntArray
    spread: FloatArray
    judge_spread: FloatArray
    per_judgement: FloatArray
    lost: Labels

    @property
    def typical(self) -> float:
        """The harmonic mean of ``samples``, which the noise of the mean goes by; of cases only."""
        return 1 / float((1 / self.samples).mean())


@dataclass(frozen=True, slots=True)
class SampleNoise:
    """How much one model's samples scatter about their case.

    ``judged`` is the variance of one sample's score as it was judged; ``sampling`` its part without
    the judge, never below 0, and ``judge`` the variance of one judgement, ``None`` where no sample
    was judged twice (then ``sampling`` holds both). ``samples`` is the harmonic mean of K.
    """

    judged: float
    sampling: float
    judge: float | None
    samples: float


@dataclass(frozen=True, slots=True)
class Components(Assuming):
    """The variance of a mean over cases, or of a mean difference, taken apart.

    ``case`` is the variance of what the cases (their differences) would have without noise, never
    below 0; for clusters times what clustering costs. ``noise`` has one entry for one model, (base,
    candidate) for two. ``share`` is the part of the mean's variance that more and more samples
    would remove. ``n`` counts the cases used, ``dropped`` those left out because a model has no
    score of them.
    """

    estimate: Estimate
    case: float
    noise: tuple[SampleNoise, ...]
    share: float
    n: int
    dropped: int
    method: str = "method of moments on case means"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to buy next, and the samples a case that give the smallest error for the same cost.

    ``samples`` has one entry a model; ``None`` where cases do not differ but by noise, so that no
    number is too many. ``saving`` is the part of the cost saved by going there at equal precision.
    """

    buy: Literal["cases", "samples"]
    samples: tuple[int, ...] | None
    saving: float


def repeats(values: ArrayLike, cases: ArrayLike, *, samples: ArrayLike | None = None) -> Repeats:
    """Return the samples of one model by case.

    ``values`` has a score a row, ``cases`` the label of its case, of any type. ``samples`` labels
    the case's sample that a row judges, where samples are judged more than once; without it every
    row is a sample. A value that is not finite is no score: it is left out, and does not change
    its case's weight.
    """
    score = floats(values).reshape(-1)
    known = np.isfinite(score)
    labels, case = np.unique(np.asarray(cases), return_inverse=True)
    case = case.reshape(-1)
    if samples is None:
        sample = np.arange(len(score))
    else:
        _, name = np.unique(np.asarray(samples), return_inverse=True)
        sample = case * (int(name.max(initial=0)) + 1) + name.reshape(-1)
    judged = _grouped(score[known], sample[known])
    first = np.unique(sample[known], return_index=True)[1]
    owner = case[known][first]
    answered = np.unique(owner)
    owner = np.searchsorted(answered, owner)
    by_case = _grouped(judged.means, owner)
    return Repeats(
        cases=labels[answered],
        means=by_case.means,
        samples=by_case.sizes,
        spread=by_case.variances,
        judge_spread=_means_of_known(judged.variances, owner, groups=len(answered)),
        per_judgement=_grouped(1 / judged.sizes, owner).means,
        lost=np.delete(labels, answered),
    )


def components(model: Repeats) -> Components | NotEstimable:
    """Return the parts of the variance of one model's mean.

    case = max(0, Var(case means) - mean of s_i^2 / K_i), s_i^2 being the variance between a case's
    samples; a case of one sample has the mean s^2. sampling = max(0, mean s_i^2 - judge x mean of
    1 / judgements). Not estimable below two cases, without a case of two samples, or if all scores
    are alike. Cases must be independent of each other.
    """
    return _taken_apart((model,), case_units(model.means), dropped=len(model.lost))


def paired_components(
    base: Repeats, candidate: Repeats, *, clusters: ArrayLike | None = None
) -> Components | NotEstimable:
    """Return the parts of the variance of the mean difference, candidate minus base, by case.

    Only cases that both models answered are used. K may differ between models and cases. As for
    one model, with both models' noise taken off the variance of the differences of case means.
    ``clusters`` labels the cases that are not independent of each other, in the order in which
    `matched` gives them: their samples are independent all the same, so the noise is taken off the
    variance between clusters.
    """
    ours, theirs, dropped = matched(base, candidate)
    d = theirs.means - ours.means
    units = case_units(d) if clusters is None else cluster_units(d, clusters)
    return _taken_apart((ours, theirs), units, dropped=dropped)


def matched(base: Repeats, candidate: Repeats) -> tuple[Repeats, Repeats, int]:
    """Return both models' samples of the cases they share, aligned, and how many cases dropped."""
    shared, ours, theirs = np.intersect1d(
        base.cases, candidate.cases, assume_unique=True, return_indices=True
    )
    asked = [base.cases, base.lost, candidate.cases, candidate.lost]
    every = np.unique(np.concatenate([labels for labels in asked if len(labels)] or [shared]))
    return _chosen(base, ours), _chosen(candidate, theirs), len(every) - len(shared)


def advise(found: Components, *, case_cost: float) -> Advice:
    """Return whether the next money goes to cases or to samples.

    ``case_cost`` is what a new case costs (to write, label, check) in units of one sample. For
    cost n (c + sum K) the variance (case + sum judged / K) / n is least at
    K = sqrt(c judged / case) [Cochran 1977, sec. 10.6], of which the cheapest whole numbers of at
    least 1 are given. At that K, and above it, cases are the better buy. Where cases come in
    clusters, new ones are taken to come in clusters of the same sizes.
    """
    noise = found.noise
    if found.case <= TIE * sum(part.judged for part in noise):
        return Advice("samples", None, _saving(found, None, case_cost=case_cost))
    samples = _cheapest(found, case_cost=case_cost)
    more = any(k > round(part.samples) for k, part in zip(samples, noise, strict=True))
    saving = _saving(found, samples, case_cost=case_cost)
    return Advice("samples" if more else "cases", samples, saving)


def _cheapest(found: Components, *, case_cost: float) -> tuple[int, ...]:
    """Return the best whole numbers of samples: given the first model's, the last one's is known.

    A model that wants less than one sample gets one, which adds to the cost and to the noise that
    the other one's number is chosen by.
    """
    judged = [part.judged for part in found.noise]
    first, noise = np.zeros(1), np.zeros(1)
    if len(judged) == 2:
        alone = math.sqrt((case_cost + 1) * judged[0] / found.case)
        first = np.arange(1.0, min(2 * alone + 10, _MOST_SAMPLES))
        noise = judged[0] / first
    best = np.sqrt((case_cost + first) * judged[-1] / (found.case + noise))
    last = np.maximum(np.stack([np.floor(best), np.ceil(best)]), 1)
    price = (found.case + noise + judged[-1] / last) * (case_cost + first + last)
    row, column = np.unravel_index(int(price.argmin()), price.shape)
    return (int(first[column]), int(last[row, column]))[-len(judged) :]


def _price(found: Components, samples: tuple[float, ...], *, case_cost: float) -> float:
    """Return variance times cost of one case: what a given precision costs, but for a factor."""
    noise = sum(part.judged / k for part, k in zip(found.noise, samples, strict=True))
    return (found.case + noise) * (case_cost + sum(samples))


def _saving(found: Components, samples: tuple[int, ...] | None, *, case_cost: float) -> float:
    present = _price(found, tuple(part.samples for part in found.noise), case_cost=case_cost)
    if samples is None:
        best = sum(math.sqrt(part.judged) for part in found.noise) ** 2
    else:
        best = _price(found, samples, case_cost=case_cost)
    return max(1 - best / present, 0.0)


def _taken_apart(
    models: tuple[Repeats, ...], units: Units, *, dropped: int
) -> Components | NotEstimable:
    found = spread_of(units, method="t on case means")
    if isinstance(found, NotEstimable):
        return found
    if any((model.samples < 2).all() for model in models):
        return NotEstimable("no case has two samples of one model, so their spread is unknown")
    n = len(models[0].means)
    total = found.standard_error**2 * n
    noise = tuple(_noise(model) for model in models)
    removable = math.fsum(float((_filled(model.spread) / model.samples).mean()) for model in models)
    case, share = max(total - removable, 0.0), min(removable / total, 1.0)
    return Components(found, case, noise, share, n, dropped)


def _noise(model: Repeats) -> SampleNoise:
    judged = float(_filled(model.spread).mean())
    if np.isnan(model.judge_spread).all():
        return SampleNoise(judged, judged, None, model.typical)
    judge = float(np.nanmean(model.judge_spread))
    several = model.samples >= 2
    share = judge * float(model.per_judgement[several].mean())
    return SampleNoise(judged, max(judged - share, 0.0), judge, model.typical)


def _filled(spread: FloatArray) -> FloatArray:
    """Return the variances with their mean where a case has none; some case has one."""
    return np.where(np.isnan(spread), np.nanmean(spread), spread)


def _chosen(model: Repeats, index: NDArray[np.intp]) -> Repeats:
    return Repeats(
        cases=model.cases[index],
        means=model.means[index],
        samples=model.samples[index],
        spread=model.spread[index],
        judge_spread=model.judge_spread[index],
        per_judgement=model.per_judgement[index],
        lost=model.lost,
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """Per group: size, mean, and variance, nan for a single value."""

    sizes: IntArray
    means: FloatArray
    variances: FloatArray


def _grouped(values: FloatArray, labels: NDArray[np.intp]) -> _Groups:
    """Return the groups of ``values`` in the order of their ``labels``."""
    _, label, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.bincount(label, weights=values, minlength=len(sizes)) / sizes
    deviations = values - means[label]
    deviations[np.abs(deviations) <= TIE * np.abs(values).max(initial=0.0)] = 0.0
    squares = np.bincount(label, weights=deviations**2, minlength=len(sizes))
    variances = np.where(sizes > 1, squares / np.maximum(sizes - 1, 1), np.nan)
    return _Groups(sizes.astype(np.int64), means, variances)


def _means_of_known(values: FloatArray, owner: NDArray[np.intp], *, groups: int) -> FloatArray:
    """Return each group's mean of the values that are not nan, nan without any."""
    known = ~np.isnan(values)
    counts = np.bincount(owner[known], minlength=groups)
    sums = np.bincount(owner[known], weights=values[known], minlength=groups)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
