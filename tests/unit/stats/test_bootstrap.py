"""Bootstrap laws of a mean: published limits, their own p-values, mirrors, and data too thin."""

from __future__ import annotations

import time
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.bootstrap import (
    Kind,
    Resamples,
    acceleration,
    bootstrap,
    bootstrap_interval,
)
from evalkit.stats.units import Units, case_units, cluster_units
from evalkit.stats.values import Interval, NotEstimable

KINDS: tuple[Kind, ...] = get_args(Kind)
SCORE = st.floats(-1, 1).map(lambda x: round(x, 2))


def drawn(units: Units, *, resamples: int = 999, seed: int = 3) -> Resamples:
    """Return resamples that must exist."""
    found = bootstrap(units, rng=np.random.default_rng(seed), resamples=resamples)
    assert isinstance(found, Resamples)
    return found


def limits(units: Units, kind: Kind, *, level: float = 0.95, resamples: int = 999) -> Interval:
    """Return limits that must exist."""
    found = drawn(units, resamples=resamples).law(kind).interval(level=level)
    assert isinstance(found, Interval)
    return found


def test_limits_of_r_boot(reference: dict[str, dict[str, Any]]) -> None:
    """R's boot.ci on 16 values: percentile and BCa limits, and basic ones as their mirror image."""
    entry = reference["bootstrap_R_boot"]
    x = np.array(entry["inputs"]["x"])
    percentile = limits(case_units(x), "percentile", resamples=199_999)
    bca = limits(case_units(x), "BCa", resamples=199_999)
    found = {
        "percentile": (percentile.low, percentile.high),
        "bca": (bca.low, bca.high),
        "basic": (2 * x.mean() - percentile.high, 2 * x.mean() - percentile.low),
    }
    for name, expected in entry["expected"].items():
        assert found[name] == pytest.approx(expected, abs=entry["tolerance"]), entry["source"]


def test_acceleration_of_two_samples(reference: dict[str, dict[str, Any]]) -> None:
    """Efron's mice: the form scaled by each sample's size; exchanged samples change its sign."""
    entry = reference["bca_acceleration_two_sample"]
    z, y = (case_units(entry["inputs"][k]) for k in ("z", "y"))
    found = acceleration(z, y)
    assert found == pytest.approx(entry["expected"][0], abs=entry["tolerance"])
    assert isinstance(found, float)
    assert acceleration(y, z) == pytest.approx(-found)


def test_acceleration_of_one_sample_is_skewness() -> None:
    """For a plain mean a = skewness / (6 sqrt(n)) [Efron 1987]."""
    x = np.array([0.0, 0.1, 0.1, 0.3, 0.9, 0.5])
    assert acceleration(case_units(x)) == pytest.approx(float(stats.skew(x)) / 6 / np.sqrt(6))


def test_bca_agrees_with_scipy() -> None:
    """`scipy.stats.bootstrap` gives the same BCa limits, within what the draws differ."""
    x = np.random.default_rng(0).exponential(1, 40)
    theirs = stats.bootstrap(
        (x,), np.mean, n_resamples=50_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = limits(case_units(x), "BCa", resamples=49_999)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_bootstrap_t_by_hand() -> None:
    """Limits are mean - t* quantile x standard error, t* being (mean* - mean) / error*."""
    x = np.random.default_rng(0).normal(0, 1, 12)
    rng = np.random.default_rng(1)
    rows = rng.choice(x, size=(40_000, 12))
    t = (rows.mean(axis=1) - x.mean()) / (rows.std(axis=1, ddof=1) / np.sqrt(12))
    low, high = x.mean() - np.quantile(t, [0.975, 0.025]) * x.std(ddof=1) / np.sqrt(12)
    found = limits(case_units(x), "bootstrap-t", resamples=39_999)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)


def test_clusters_are_drawn_whole() -> None:
    """A thousand copies of each case inside its cluster are worth no more than one."""
    x = np.random.default_rng(0).normal(0, 1, 20)
    copies = cluster_units(np.repeat(x, 1000), np.repeat(np.arange(20), 1000))
    for kind in KINDS:
        one, other = limits(case_units(x), kind), limits(copies, kind)
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


@given(st.lists(SCORE, min_size=3, max_size=40), st.sampled_from(KINDS))
def test_interval_excludes_zero_exactly_when_its_test_rejects(d: list[float], kind: Kind) -> None:
    """Interval and p-value of one law are one statement."""
    found = bootstrap(case_units(d), rng=np.random.default_rng(1), resamples=399)
    assume(isinstance(found, Resamples))
    assert isinstance(found, Resamples)
    interval = found.law(kind).interval(level=0.9)
    assume(isinstance(interval, Interval))
    assert isinstance(interval, Interval)
    rejects = found.law(kind).p_value().value <= 0.1 + 1e-12
    tie = min(abs(interval.low), abs(interval.high)) < 1e-9
    assert tie or (interval.low > 0 or interval.high < 0) == rejects


@given(
    st.lists(st.tuples(SCORE, st.integers(1, 4)), min_size=3, max_size=25),
    st.sampled_from(KINDS),
    st.randoms(use_true_random=False),
)
def test_mirrors_and_ignores_order(
    rows: list[tuple[float, int]], kind: Kind, random: object
) -> None:
    """Swapping the models mirrors limits and p-values, and order changes nothing."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        Units(np.array([s for s, _ in r]), np.array([float(n) for _, n in r]))
        for r in (rows, shuffled)
    )
    mirror = Units(-one.sums, one.sizes)
    assume(one.mean != 0)  # a sample that is its own mirror cannot be drawn both ways
    found = [
        bootstrap(u, rng=np.random.default_rng(1), resamples=199) for u in (one, other, mirror)
    ]
    assume(all(isinstance(f, Resamples) for f in found))
    plain, again, swapped = (f.law(kind) for f in found if isinstance(f, Resamples))
    assert again.p_value(side="greater").value == pytest.approx(plain.p_value(side="greater").value)
    assert swapped.p_value(side="less").value == pytest.approx(plain.p_value(side="greater").value)
    a, b, c = (law.interval(level=0.9) for law in (plain, again, swapped))
    if isinstance(a, NotEstimable):
        assert isinstance(b, NotEstimable)
        assert isinstance(c, NotEstimable)
        return
    assert isinstance(b, Interval)
    assert isinstance(c, Interval)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-12)
    assert (a.low, a.high) == pytest.approx((-c.high, -c.low), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_higher_levels_are_wider(kind: Kind) -> None:
    """Intervals of one law nest."""
    law = drawn(case_units(np.random.default_rng(0).exponential(1, 30))).law(kind)
    wide, narrow = (law.interval(level=level) for level in (0.95, 0.8))
    assert isinstance(wide, Interval)
    assert isinstance(narrow, Interval)
    assert wide.low <= narrow.low < narrow.high <= wide.high


def test_one_sided_tails() -> None:
    """The tail towards the data is small, the other near 1, two-sided twice the smaller."""
    law = drawn(case_units(np.random.default_rng(0).normal(0.5, 1, 40))).law("BCa")
    above, below = law.p_value(side="greater").value, law.p_value(side="less").value
    assert above < 0.05
    assert below > 0.9
    assert law.p_value().value == pytest.approx(2 * above)
    assert law.p_value(null=99.0, side="greater").value == 1.0
    assert 1 / 1000 <= law.p_value(null=-99.0, side="greater").value < 2 / 1000


@pytest.mark.parametrize(
    ("d", "why"),
    [
        ([], "there are none"),
        ([0.5], "there is 1"),
        ([0.1] * 5, "same difference"),
        ([0.0] * 100, "same difference"),
        ([0.5, float("nan")], "not a finite number"),
        ([0.5, float("inf"), float("-inf")], "not a finite number"),
        ([0.1, 0.2], "too few"),
        ([0.1, 0.2, 0.3], "too few"),
        ([0.0] * 19 + [1.0], "too few"),
        ([0.0] * 98 + [0.5] * 2, "too few"),
    ],
)
@pytest.mark.parametrize("kind", ["percentile", "BCa"])
def test_thin_data_has_no_limits(d: list[float], why: str, kind: Kind) -> None:
    """Constant, tiny or one-sided samples say why instead of giving nan or no width."""
    found = bootstrap_interval(case_units(d), rng=np.random.default_rng(0), kind=kind)
    assert isinstance(found, NotEstimable)
    assert why in found.why


@pytest.mark.parametrize("d", [[0.1, 0.2], [0.0] * 19 + [1.0], [0.0] * 97 + [0.5] * 3])
def test_bootstrap_t_needs_a_spread(d: list[float]) -> None:
    """Where many resamples have no spread, t has no quantile."""
    found = bootstrap_interval(case_units(d), rng=np.random.default_rng(0))
    assert found == NotEstimable("too many resamples have no spread to divide by")


def test_too_few_resamples() -> None:
    """A 99 % limit cannot be read off 99 draws."""
    law = drawn(case_units(np.arange(30.0)), resamples=99).law("percentile")
    assert law.interval(level=0.99) == NotEstimable("too few resamples for this level")


@pytest.mark.parametrize("units", [case_units([0.5]), case_units([0.5, 0.5])])
def test_acceleration_without_a_spread(units: Units) -> None:
    """One unit and equal units have no acceleration."""
    assert isinstance(acceleration(units), NotEstimable)
    assert isinstance(acceleration(case_units([0.1, 0.7]), case_units([])), NotEstimable)


@pytest.mark.parametrize("law", ["normal", "heavy", "two outliers"])
def test_many_units_are_drawn_from_classes(law: str) -> None:
    """Classes of nearly equal values keep the variance of the resampled mean."""
    rng = np.random.default_rng(0)
    d = rng.normal(0, 1e-3 if law == "two outliers" else 0.2, 50_000)
    if law == "heavy":
        d = np.exp(5 * d)
    elif law == "two outliers":
        d[:2] = 1, -1
    found = drawn(case_units(d), resamples=4_999)
    error = float(d.std()) / np.sqrt(len(d))
    assert float(found.means.std()) == pytest.approx(error, rel=0.05)
    assert float(found.t.std()) == pytest.approx(1, rel=0.05)


@pytest.mark.slow
def test_a_million_cases_take_seconds() -> None:
    """A million different values, 9,999 resamples, under half a minute and in bounded memory."""
    d = np.random.default_rng(0).normal(0.01, 0.2, 1_000_000)
    start = time.perf_counter()
    found = bootstrap_interval(case_units(d), rng=np.random.default_rng(1))
    assert isinstance(found, Interval)
    assert found.low < 0.01 < found.high
    assert time.perf_counter() - start < 30
