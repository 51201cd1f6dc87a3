"""Error rates of what stands beside a decision: bootstrap, sign-flip t, ranks, repeats, clusters.

Rates that are shown as a warning, not claimed, allow anything: (0, 1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.bootstrap import Kind as Bootstrap
from evalkit.stats.bootstrap import Resamples, bootstrap
from evalkit.stats.clusters import (
    CR1,
    CR2,
    Clustering,
    bias_reduced_estimate,
    cluster_estimate,
    clustering,
    macro_mean,
)
from evalkit.stats.odds_ratio import OddsLimits, conditional_odds_ratio
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.repeats import repeats
from evalkit.stats.several_models import CochranQ, cochran_q
from evalkit.stats.signed_rank import signed_rank
from evalkit.stats.studentised import studentised_sign_flip
from evalkit.stats.units import Units, case_units
from evalkit.stats.values import Interval, NotEstimable, PValue
from evalkit.validation.rates import Rate, Study

_Allowed = tuple[float, float]
_ANY: _Allowed = (0.0, 1.0)
_EXACT: _Allowed = (0.0, 0.05)
_NEAR: _Allowed = (0.04, 0.06)

_STEPS = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
_WEIGHTS = np.array([0.1, 0.2, 0.35, 0.2, 0.15])
_LAWS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "normal": lambda rng, n: rng.normal(0, 0.2, n),
    "skewed (exponential)": lambda rng, n: rng.exponential(0.2, n) - 0.2,
    "steps of a quarter": lambda rng, n: (
        rng.choice(_STEPS, n, p=_WEIGHTS) - float(_STEPS @ _WEIGHTS)
    ),
    "unequal variances": lambda rng, n: rng.normal(0, np.geomspace(0.02, 0.5, n)),
}
_EQUAL = np.full(10, 20)
_UNEQUAL = np.array([2, 2, 3, 4, 5, 8, 10, 30, 60, 120])


def _holds(interval: object, truth: float) -> bool:
    """Return whether an interval holds the truth; what is not estimable claims nothing."""
    return not isinstance(interval, Interval) or interval.low <= truth <= interval.high


def _rejects(p: object) -> bool:
    return isinstance(p, PValue) and p.value <= 0.05


def _coverage(method: str, setting: str, held: int, runs: int, *, allowed: _Allowed) -> Rate:
    return Rate(method, setting, "coverage", 0.95, held / runs, runs, allowed)


def _alarms(method: str, setting: str, rejected: int, runs: int, *, allowed: _Allowed) -> Rate:
    return Rate(method, setting, "false alarms", 0.05, rejected / runs, runs, allowed)


_BOOTSTRAP: dict[tuple[Bootstrap, int], _Allowed] = {
    ("percentile", 15): (0.88, 0.95),
    ("percentile", 30): (0.91, 0.95),
    ("percentile", 100): (0.93, 0.96),
    ("BCa", 15): (0.89, 0.95),
    ("BCa", 30): (0.92, 0.95),
    ("BCa", 100): (0.94, 0.96),
    ("bootstrap-t", 15): (0.94, 0.97),
    ("bootstrap-t", 30): (0.94, 0.97),
    ("bootstrap-t", 100): (0.94, 0.96),
}


def bootstrap_coverage(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the coverage of the three bootstrap intervals of a mean."""
    runs = 800
    for law in ("normal", "skewed (exponential)", "steps of a quarter"):
        for n in (15, 30, 100):
            held: Counter[Bootstrap] = Counter()
            for _ in range(runs):
                found = bootstrap(case_units(_LAWS[law](rng, n)), rng=rng, resamples=399)
                held.update(k for k, m in _BOOTSTRAP if m == n and _bootstrap_holds(found, k))
            for kind, m in _BOOTSTRAP:
                if m == n:
                    allowed = _BOOTSTRAP[kind, n]
                    name = kind if kind == "bootstrap-t" else f"{kind} bootstrap"
                    yield _coverage(name, f"n = {n}, {law}", held[kind], runs, allowed=allowed)


def _bootstrap_holds(found: Resamples | NotEstimable, kind: Bootstrap) -> bool:
    return isinstance(found, NotEstimable) or _holds(found.law(kind).interval(level=0.95), 0.0)


def sign_flip_t(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the false alarms of the studentised sign-flip test of cases."""
    runs = 1_000
    settings: tuple[tuple[int, str, _Allowed], ...] = (
        (15, "normal", _EXACT),
        (15, "unequal variances", _EXACT),
        (15, "skewed (exponential)", (0.0, 0.1)),
        (100, "skewed (exponential)", (0.0, 0.065)),
    )
    for n, law, allowed in settings:
        rejected = sum(
            _rejects(
                studentised_sign_flip(
                    case_units(_LAWS[law](rng, n)), rng=rng, resamples=399
                ).p_value
            )
            for _ in range(runs)
        )
        yield _alarms("studentised sign-flip", f"n = {n}, {law}", rejected, runs, allowed=allowed)


def clusters_of_unequal_size(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the false alarms of sign flips and of t for ten clusters, of one size and of many."""
    runs = 2_000
    for sizes, t_allowed in ((_EQUAL, _NEAR), (_UNEQUAL, _ANY)):
        for skewed in (False, True):
            rejected = np.zeros(3, dtype=np.int64)
            for _ in range(runs):
                units = _cluster_sums(rng, sizes, skewed=skewed)
                flips = studentised_sign_flip(units, rng=rng).p_value
                rejected += (
                    _rejects(flips),
                    _rejects(_t_test(cluster_estimate(units))),
                    _rejects(_t_test(bias_reduced_estimate(units))),
                )
            setting = f"{_words(sizes)}, {'skewed' if skewed else 'symmetric'}"
            stated = (((0.0, 0.08), _ANY, (0.0, 0.09)), (_EXACT, t_allowed, _NEAR))[not skewed]
            names = "studentised sign-flip", CR1, CR2
            for name, count, allowed in zip(names, rejected.tolist(), stated, strict=True):
                yield _alarms(name, setting, count, runs, allowed=allowed)


def _words(sizes: IntArray) -> str:
    least, most = int(sizes.min()), int(sizes.max())
    span = f"{most}" if least == most else f"{least} to {most}"
    return f"{len(sizes)} clusters of {span} cases"


def _t_test(found: Estimate | NotEstimable) -> PValue | NotEstimable:
    return found if isinstance(found, NotEstimable) else found.p_value()


def _cluster_sums(rng: np.random.Generator, sizes: IntArray, *, skewed: bool) -> Units:
    """Draw clusters with mean 0 and intra-cluster correlation .2."""
    shared = rng.exponential(0.45, len(sizes)) - 0.45 if skewed else rng.normal(0, 0.45, len(sizes))
    own = rng.normal(0, 0.9, len(sizes)) * np.sqrt(sizes)
    return Units(sizes * shared + own, sizes.astype(np.float64), clustered=True)


def intra_cluster_correlation(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the coverage of the limits of the intra-cluster correlation."""
    runs = 1_000
    for sizes in (_EQUAL, _UNEQUAL):
        label = np.repeat(np.arange(len(sizes)), sizes)
        for rho in (0.0, 0.2):
            held = 0
            for _ in range(runs):
                shared = rng.normal(0, np.sqrt(rho), len(sizes))[label]
                found = clustering(shared + rng.normal(0, np.sqrt(1 - rho), len(label)), label)
                held += isinstance(found, Clustering) and _holds(found.interval, rho)
            setting = f"{_words(sizes)}, correlation {rho}"
            name = "intra-cluster correlation"
            yield _coverage(name, setting, held, runs, allowed=(0.94, 0.96))


def macro_means(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the coverage of a macro mean's two intervals, each for its own question."""
    runs, sizes = 2_000, np.array([5, 8, 12, 20, 40, 80])
    label = np.repeat(np.arange(len(sizes)), sizes)
    spread = np.array([0.1, 0.4, 0.2, 0.3, 0.2, 0.1])[label]
    held = np.zeros(2, dtype=np.int64)
    for _ in range(runs):
        slices = rng.normal(0.2, 0.3, len(sizes))
        found = macro_mean(slices[label] + rng.normal(0, spread), label)
        for i, (kind, truth) in enumerate(((found.fixed, slices.mean()), (found.random, 0.2))):
            limits = kind if isinstance(kind, NotEstimable) else kind.interval(level=0.95)
            held[i] += _holds(limits, float(truth))
    setting = "6 slices of 5 to 80 cases"
    for name, count in zip(("fixed slices", "random slices"), held.tolist(), strict=True):
        yield _coverage(f"macro mean, {name}", setting, count, runs, allowed=(0.94, 0.97))


def signed_ranks(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the false alarms of signed ranks; under skew they answer another question."""
    runs = 1_000
    settings: tuple[tuple[int, str, Literal["exact", "asymptotic"], _Allowed], ...] = (
        (15, "normal", "exact", _EXACT),
        (30, "symmetric steps", "exact", _EXACT),
        (30, "symmetric steps", "asymptotic", (0.03, 0.06)),
        (300, "normal", "asymptotic", _NEAR),
        (100, "skewed (exponential)", "exact", _ANY),
    )
    for n, law, method, allowed in settings:
        rejected = 0
        for _ in range(runs):
            d = rng.integers(-2, 3, n) / 4 if law == "symmetric steps" else _LAWS[law](rng, n)
            rejected += _rejects(signed_rank(d, method=method).p_value)
        name = f"signed-rank, {method}"
        yield _alarms(name, f"n = {n}, {law}, mean 0", rejected, runs, allowed=allowed)


def repeated_samples(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the coverage of a mean over K samples a case: pooled rows (wrong) and case means."""
    runs, n = 1_000, 100
    for k in (2, 5, 20):
        for part in (0.2, 0.5):
            pooled = by_case = 0
            label = np.repeat(np.arange(n), k)
            for _ in range(runs):
                shared = rng.normal(0, np.sqrt(part), n)[label]
                rows = shared + rng.normal(0, np.sqrt(1 - part), n * k)
                pooled += _mean_holds(rows)
                by_case += _mean_holds(repeats(rows, label).means)
            setting = f"{n} cases, K = {k}, {part:.0%} of the variance between cases"
            yield _coverage("t on pooled rows", setting, pooled, runs, allowed=_ANY)
            yield _coverage("t on case means", setting, by_case, runs, allowed=(0.94, 0.96))


def _mean_holds(values: FloatArray) -> bool:
    found = estimate(case_units(values), method="t")
    return isinstance(found, NotEstimable) or _holds(found.interval(level=0.95), 0.0)


def odds_ratio(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the coverage of the conditional odds ratio's limits, by number of discordant pairs."""
    runs = 40_000
    methods: tuple[tuple[OddsLimits, _Allowed], ...] = (("exact", (0.95, 1)), ("mid-p", (0.93, 1)))
    for discordant, odds in ((8, 0.5), (20, 1.0), (50, 2.0)):
        gained, times = np.unique(
            rng.binomial(discordant, odds / (1 + odds), runs), return_counts=True
        )
        for limits, allowed in methods:
            held = 0
            for b, count in zip(gained.tolist(), times.tolist(), strict=True):
                found = conditional_odds_ratio(b, discordant - b, limits=limits)
                held += count * _holds(found.interval, odds)
            setting = f"{discordant} discordant pairs, odds {odds}"
            yield _coverage(f"odds ratio, {limits}", setting, held, runs, allowed=allowed)


def several_models(rng: np.random.Generator) -> Iterator[Rate]:
    """Give the false alarms of Cochran's Q among models of one ability on items of many."""
    runs = 2_000
    for items, models in ((12, 3), (60, 4)):
        by_chi2 = permuted = 0
        for _ in range(runs):
            found = cochran_q(_outcomes(rng, items, models), rng=rng, resamples=199)
            if isinstance(found, CochranQ):
                by_chi2 += _rejects(found.p_value)
                permuted += _rejects(found.permutation)
        setting = f"{items} items, {models} models"
        yield _alarms("Cochran's Q, chi-squared", setting, by_chi2, runs, allowed=(0.02, 0.06))
        yield _alarms("Cochran's Q, shuffled", setting, permuted, runs, allowed=_EXACT)


def _outcomes(rng: np.random.Generator, items: int, models: int) -> NDArray[np.bool_]:
    difficulty = rng.beta(0.7, 0.5, items)[:, None]
    return np.asarray(rng.random((items, models)) < difficulty)


STUDIES: tuple[Study, ...] = (
    bootstrap_coverage,
    sign_flip_t,
    clusters_of_unequal_size,
    intra_cluster_correlation,
    macro_means,
    signed_ranks,
    repeated_samples,
    odds_ratio,
    several_models,
)
