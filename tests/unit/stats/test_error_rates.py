"""Simulated error rates: every p-value's type I error, every interval's coverage, the gate's error.

Each test prints nominal against measured (`pytest -m slow -s`). Seeds are fixed, so a measured rate
is a fact about the code, not a draw.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evalkit.stats.arrays import FloatArray
from evalkit.stats.by_group import binary_by_group, scores_by_group
from evalkit.stats.gap import generalisation_gap
from evalkit.stats.means import mean_interval
from evalkit.stats.multiplicity import holm
from evalkit.stats.paired import choose_procedure
from evalkit.stats.paired_binary import (
    Limits,
    PairedTable,
    bonett_price_interval,
    mcnemar_asymptotic,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe_interval,
    tango_interval,
    tango_statistic,
)
from evalkit.stats.paired_scores import Estimate, paired_t
from evalkit.stats.proportions import clopper_pearson, wilson
from evalkit.stats.sign_flip import sign_flip, subset_means
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable, PValue

pytestmark = pytest.mark.slow

Say = Callable[[str], None]
RUNS = 40_000


def tell(say: Say, what: str, *, nominal: float, measured: float) -> float:
    """Print nominal against measured, and return what was measured."""
    say(f"{what}: nominal {nominal:.3f}, measured {measured:.4f}")
    return measured


def flips(
    rng: np.random.Generator, n: int, gained: float, lost: float
) -> tuple[FloatArray, FloatArray]:
    """Draw (gained, lost) counts of many runs."""
    drawn = rng.multinomial(n, [gained, lost, 1 - gained - lost], size=RUNS)
    return drawn[:, 0].astype(np.float64), drawn[:, 1].astype(np.float64)


def covers(interval: object, truth: float) -> bool:
    """Return whether an interval that must exist holds ``truth``."""
    assert isinstance(interval, Interval)
    return interval.low <= truth <= interval.high


@pytest.mark.parametrize(("n", "churn"), [(100, 0.05), (100, 0.2), (500, 0.05), (1000, 0.1)])
def test_mcnemar_type_one_error(n: int, churn: float, rng: np.random.Generator, say: Say) -> None:
    """Exact stays below 5 %, mid-p practically so, and the asymptotic test is close to it."""
    b, c = flips(rng, n, churn / 2, churn / 2)
    limits = {mcnemar_exact: 0.05, mcnemar_mid_p: 0.052, mcnemar_asymptotic: 0.06}
    for test, limit in limits.items():
        rate = float((test(b, c) <= 0.05).mean())
        what = f"{test.__name__} n={n} churn={churn}"
        assert tell(say, what, nominal=0.05, measured=rate) <= limit
        for side in ("greater", "less"):
            one = float((test(b, c, side=side) <= 0.05).mean())
            assert tell(say, f"{what} {side}", nominal=0.05, measured=one) <= limit + 0.012


@pytest.mark.parametrize(
    "table", [(50, 0.10, 0.05), (100, 0.03, 0.01), (200, 0.02, 0.04), (50, 0.0, 0.04)]
)
def test_coverage_of_binary_differences(
    table: tuple[int, float, float], rng: np.random.Generator, say: Say
) -> None:
    """Tango, Newcombe and Bonett-Price hold the truth in 95 %, where Wald's fell to 87 %."""
    n, gained, lost = table
    b, c = flips(rng, n, gained, lost)
    both = rng.binomial((n - b - c).astype(np.int64), 0.6)
    methods: dict[str, Limits] = {
        "Tango": tango_interval(b, c, n),
        "Newcombe": newcombe_interval(PairedTable(both, b, c, n - b - c - both)),
        "Bonett-Price": bonett_price_interval(b, c, n),
    }
    truth = gained - lost
    for name, limits in methods.items():
        rate = float(((limits.low <= truth) & (truth <= limits.high)).mean())
        assert tell(say, f"{name} n={n} {gained}/{lost}", nominal=0.95, measured=rate) >= 0.94


@pytest.mark.parametrize(
    "table", [(50, 0.0, 0.04), (200, 0.02, 0.04), (500, 0.02, 0.03), (1000, 0.05, 0.07)]
)
def test_binary_gate_at_the_boundary(
    table: tuple[int, float, float], rng: np.random.Generator, say: Say
) -> None:
    """A model exactly at the margin is promoted in about 5 % of runs at most; Wald: 12.9 %."""
    n, gained, lost = table
    b, c = flips(rng, n, gained, lost)
    low = tango_interval(b, c, n, level=0.9).low
    rate = float((low > gained - lost).mean())
    by_test = float((tango_statistic(b, c, n, null=gained - lost) > 1.6448536269514722).mean())
    assert rate == pytest.approx(by_test, abs=1e-3)
    assert tell(say, f"promotions at the margin n={n}", nominal=0.05, measured=rate) <= 0.056


def _losses(rng: np.random.Generator, n: int, share: float, sizes: list[float]) -> FloatArray:
    return np.where(rng.random(n) < share, -rng.choice(sizes, n), 0.0)


SCORES: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "normal": lambda rng, n: rng.normal(-0.05, 0.3, n).clip(-1, 1),
    "10 % lose .5": lambda rng, n: _losses(rng, n, 0.1, [0.5]),
    "4 % lose .5": lambda rng, n: _losses(rng, n, 0.04, [0.5]),
    "6 % lose .25, .5 or 1": lambda rng, n: _losses(rng, n, 0.06, [0.25, 0.5, 1.0]),
    "12 % lose, 8 % gain .5": lambda rng, n: rng.choice([-0.5, 0.5, 0.0], n, p=[0.12, 0.08, 0.8]),
}
TRUTH = {
    "normal": -0.05,
    "10 % lose .5": -0.05,
    "4 % lose .5": -0.02,
    "6 % lose .25, .5 or 1": -0.035,
    "12 % lose, 8 % gain .5": -0.02,
}


@pytest.mark.parametrize("n", [12, 25, 50, 200, 500])
@pytest.mark.parametrize("kind", SCORES)
def test_score_gate_at_the_boundary(kind: str, n: int, rng: np.random.Generator, say: Say) -> None:
    """Few or lopsided differences do not let a model at the margin pass more often than others."""
    runs = 200 if 20 < n < 30 else 1_500
    promoted = 0
    for _ in range(runs):
        procedure = choose_procedure(case_units(SCORES[kind](rng, n)), binary=False, rng=rng)
        assert not isinstance(procedure, NotEstimable)
        promoted += procedure.p_value(null=TRUTH[kind], side="greater").value <= 0.05
    rate = tell(say, f"{kind} n={n} at the margin", nominal=0.05, measured=promoted / runs)
    assert rate <= 0.075


@pytest.mark.parametrize("n", [8, 12, 40])
@pytest.mark.parametrize("kind", ["normal", "grid", "long tails"])
def test_sign_flip_type_one_error(kind: str, n: int, rng: np.random.Generator, say: Say) -> None:
    """Under exchangeable models the sign-flip test keeps its level, listed, convolved or drawn."""
    draw: Callable[[], FloatArray] = {
        "normal": lambda: rng.normal(0, 0.2, n),
        "grid": lambda: rng.integers(-4, 5, n) / 4,
        "long tails": lambda: rng.standard_t(2, n).clip(-9, 9) / 9,
    }[kind]
    runs = 2_000
    rejected = sum(sign_flip(draw(), rng=rng, resamples=199).value <= 0.05 for _ in range(runs))
    assert tell(say, f"sign-flip {kind} n={n}", nominal=0.05, measured=rejected / runs) <= 0.06


@pytest.mark.parametrize("n", [8, 15, 24])
def test_sign_flip_interval_coverage(n: int, rng: np.random.Generator, say: Say) -> None:
    """The inverted test holds the mean of a symmetric law in at least 90 %."""
    runs = 1_500
    held = sum(
        covers(
            subset_means(case_units(rng.normal(0.1, 0.2, n)), rng=rng, resamples=999).interval(
                level=0.9
            ),
            0.1,
        )
        for _ in range(runs)
    )
    assert tell(say, f"inverted sign-flip n={n}", nominal=0.9, measured=held / runs) >= 0.88


@pytest.mark.parametrize("n", [10, 40])
def test_paired_t(n: int, rng: np.random.Generator, say: Say) -> None:
    """Student's t on normal differences: exact level and coverage."""
    runs = 4_000
    found = [paired_t(rng.normal(0, 0.2, n)) for _ in range(runs)]
    estimates = [f for f in found if isinstance(f, Estimate)]
    rejected = sum(e.p_value().value <= 0.05 for e in estimates) / runs
    held = sum(covers(e.interval(level=0.95), 0.0) for e in estimates) / runs
    assert tell(say, f"paired t n={n}", nominal=0.05, measured=rejected) == pytest.approx(
        0.05, abs=0.012
    )
    assert held == pytest.approx(1 - rejected)


def clustered(rng: np.random.Generator, groups: int, size: int) -> Units:
    """Draw differences with mean 0 and intra-cluster correlation .2."""
    shared = np.repeat(rng.normal(0, np.sqrt(0.2), groups), size)
    d = (shared + rng.normal(0, np.sqrt(0.8), groups * size)) / 5
    return cluster_units(d, np.repeat(np.arange(groups), size))


@pytest.mark.parametrize("groups", [8, 16, 60])
def test_clusters(groups: int, rng: np.random.Generator, say: Say) -> None:
    """CR1 with t(G-1) covers 95 % where the case-wise interval covers half; sign-flip keeps 5 %."""
    runs, held, rejected = 1_000, 0, 0
    for _ in range(runs):
        units = clustered(rng, groups, 25)
        procedure = choose_procedure(units, binary=False, rng=rng)
        assert not isinstance(procedure, NotEstimable)
        held += covers(procedure.interval(level=0.95), 0.0)
        rejected += sign_flip(units.sums, rng=rng, resamples=199).value <= 0.05
    assert tell(say, f"CR1 + t, {groups} clusters", nominal=0.95, measured=held / runs) >= 0.925
    assert tell(say, "cluster sign-flip", nominal=0.05, measured=rejected / runs) <= 0.065


@pytest.mark.parametrize("kind", ["normal", "binary", "memorised"])
def test_gap(kind: str, rng: np.random.Generator, say: Say) -> None:
    """The gap's interval covers, and its permutation test keeps its level under unequal spreads."""

    def draw(n: int, gain: float, spread: float) -> FloatArray:
        if kind == "normal":
            return rng.normal(gain, spread, n)
        u = rng.random(n)
        return np.where(u < gain + 0.05, 1.0, np.where(u > 0.95, -1.0, 0.0))

    gain = 0.93 if kind == "memorised" else 0.3
    held_gain = 0.02 if kind == "memorised" else 0.3
    runs, held, rejected = 600, 0, 0
    for _ in range(runs):
        sides = case_units(draw(60, gain, 0.1)), case_units(draw(150, held_gain, 0.3))
        found = generalisation_gap(*sides, rng=rng, resamples=199)
        assert not isinstance(found.procedure, NotEstimable)
        assert isinstance(found.permutation, PValue)
        held += covers(found.procedure.interval(level=0.95), gain - held_gain)
        rejected += found.permutation.value <= 0.05
    assert tell(say, f"gap {kind}", nominal=0.95, measured=held / runs) >= 0.93
    rate = tell(say, f"permutation {kind}", nominal=0.05, measured=rejected / runs)
    assert rate <= 0.07 if gain == held_gain else rate > 0.99


@pytest.mark.parametrize("kind", ["binary", "scores"])
def test_family_of_slices(kind: str, rng: np.random.Generator, say: Say) -> None:
    """With 20 slices and no loss anywhere, some alarm sounds in at most 5 % of runs."""
    runs, raw, corrected = 800, 0, 0
    group = np.repeat(np.arange(20), 30)
    for _ in range(runs):
        if kind == "binary":
            d = rng.choice([-1.0, 0.0, 1.0], p=[0.15, 0.7, 0.15], size=600)
            p = binary_by_group(d, group, groups=20).p_value
        else:
            p = scores_by_group(rng.normal(0, 0.2, 600), group, groups=20).p_value
        raw += bool((p <= 0.05).any())
        corrected += any(a is not None and a <= 0.05 for a in holm(p.tolist()).values)
    tell(say, f"20 slices uncorrected, {kind}", nominal=0.05, measured=raw / runs)
    rate = tell(say, f"20 slices by Holm, {kind}", nominal=0.05, measured=corrected / runs)
    assert rate <= 0.06
    assert raw > corrected


@pytest.mark.parametrize(("n", "share"), [(20, 0.1), (60, 0.5), (200, 0.98)])
def test_coverage_of_proportions(n: int, share: float, rng: np.random.Generator, say: Say) -> None:
    """Clopper-Pearson never covers less than 95 %, Wilson about 95 %."""
    counts, runs = np.unique(rng.binomial(n, share, 20_000), return_counts=True)
    for method, least in ((clopper_pearson, 0.95), (wilson, 0.93)):
        held = sum(r for x, r in zip(counts, runs, strict=True) if covers(method(int(x), n), share))
        rate = tell(say, f"{method.__name__} n={n} p={share}", nominal=0.95, measured=held / 20_000)
        assert rate >= least - 0.003


@pytest.mark.parametrize("n", [6, 40, 200])
def test_coverage_of_a_mean(n: int, rng: np.random.Generator, say: Say) -> None:
    """The mean score of one model, between rubric steps of a quarter."""
    runs = 2_000
    held = sum(
        covers(
            mean_interval(rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], n, p=[0.1, 0.2, 0.2, 0.2, 0.3])),
            0.6,
        )
        for _ in range(runs)
    )
    assert tell(say, f"mean n={n}", nominal=0.95, measured=held / runs) >= 0.925
