"""Change points: published series, the exact partition, levels of error, short histories."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.stats.arrays import FloatArray
from evalkit.stats.change_points import (
    Change,
    Segments,
    _partition,
    change_points,
    pettitt,
    single_change,
)
from evalkit.stats.values import NotEstimable

Reference = dict[str, dict[str, Any]]

# Annual flow of the Nile at Aswan 1871 to 1970, 10^8 m^3: statsmodels 0.15.0,
# datasets.nile.load_pandas(), first analysed by Cobb 1978, Biometrika 65:243.
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180,
    799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833,
    701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845,
    864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649,
    846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815,
    1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip
VALUES = st.lists(st.floats(-3, 3).map(lambda x: round(x, 2)), min_size=10, max_size=40)


def rng() -> np.random.Generator:
    """Return a seeded generator."""
    return np.random.default_rng(7)


def found(result: Change | NotEstimable) -> Change:
    """Return a change that must have been computed."""
    assert isinstance(result, Change)
    return result


def levels(result: Segments | NotEstimable) -> Segments:
    """Return segments that must have been computed."""
    assert isinstance(result, Segments)
    return result


def test_pettitts_example(reference: Reference) -> None:
    """K, place and p of the series in Pettitt's paper."""
    entry = reference["pettitt1979"]
    change = found(pettitt(entry["inputs"]["x"]))
    expected = entry["expected"]
    assert (change.statistic, change.before) == (expected["K"], expected["change_point"])
    assert change.p_value.value == pytest.approx(expected["p"], abs=entry["tolerance"])


def test_the_nile_fell_in_1898(reference: Reference) -> None:
    """Every method puts the change after 28 years [Cobb 1978; R strucchange]."""
    expected = reference["l2_changepoint_nile"]["expected"][0]
    assert found(single_change(NILE, rng=rng())).before == expected
    assert found(pettitt(NILE)).before == expected
    segments = levels(change_points(NILE, rng=rng()))
    assert segments.starts == (0, expected)
    assert segments.means == pytest.approx((1097.75, 849.9722), abs=1e-4)
    assert segments.p_value.value == 1 / 2_000


def test_partition_of_another_program() -> None:
    """Same cuts as ruptures 1.1.10, Pelt(model="l2", min_size=3, jump=1), pen = 50000, 100000."""
    x = np.array(NILE, dtype=np.float64)
    assert _partition(x, 50_000.0) == [0, 7, 10, 19, 28, 37, 40, 45, 48, 83, 95]
    assert _partition(x, 100_000.0) == [0, 28]


@settings(max_examples=40)
@given(
    st.lists(st.integers(-3, 3).map(float), min_size=10, max_size=13),
    st.sampled_from([0.5, 2.0, 8.0]),
)
def test_the_partition_is_the_best_of_all(x: list[float], price: float) -> None:
    """No way to cut the history into levels of three runs or more costs less."""
    values = np.array(x)

    def cost(starts: tuple[int, ...]) -> float:
        parts = np.split(values, starts)
        return sum(float(((p - p.mean()) ** 2).sum()) for p in parts) + price * len(starts)

    allowed = [
        cuts
        for k in range(len(x) // 3)
        for cuts in itertools.combinations(range(3, len(x) - 2), k)
        if all(b - a >= 3 for a, b in itertools.pairwise((0, *cuts, len(x))))
    ]
    best = min(cost(cuts) for cuts in allowed)
    assert cost(tuple(_partition(values, price)[1:])) == pytest.approx(best, abs=1e-9)


@given(VALUES)
def test_pettitt_is_its_double_sum(x: list[float]) -> None:
    """U_k is the sum of signs of all differences across the split, ties counting 0."""
    change = found(pettitt(x))
    values = np.array(x)
    signs = np.sign(values[:, None] - values[None, :])
    u = [abs(signs[:k, k:].sum()) for k in range(1, len(x))]
    assert change.statistic == pytest.approx(max(u))
    assert u[change.before - 1] == pytest.approx(max(u))


@given(VALUES, st.sampled_from([-1.0, 0.5, 3.0]), st.floats(-5, 5))
def test_units_and_sign_change_nothing(x: list[float], scale: float, shift: float) -> None:
    """Another unit, origin or direction moves neither place nor p-value."""
    moved = [scale * v + shift for v in x]
    one, other = found(pettitt(np.round(x, 6))), found(pettitt(np.round(moved, 6)))
    assert (one.before, one.statistic) == (other.before, other.statistic)
    first, second = (found(single_change(v, rng=rng(), resamples=99)) for v in (x, moved))
    if len(set(x)) > 1:
        assert second.statistic == pytest.approx(first.statistic, rel=1e-6)
        assert second.p_value.value == pytest.approx(first.p_value.value, abs=0.011)


@given(VALUES, st.integers(0, 2**32 - 1))
def test_without_a_change_there_is_one_level(x: list[float], seed: int) -> None:
    """More than one level is named exactly when the shuffle test rejects."""
    segments = levels(change_points(x, rng=np.random.default_rng(seed), alpha=0.05, resamples=99))
    assert (len(segments.starts) > 1) == (segments.p_value.value <= 0.05)
    assert len(segments.starts) == len(segments.means)
    edges = (*segments.starts, len(x))
    assert all(b - a >= 3 for a, b in itertools.pairwise(edges))


def steps(levels_and_lengths: list[tuple[float, int]], sd: float = 1.0) -> FloatArray:
    """Return a noisy history with the given levels."""
    flat = np.concatenate([np.full(n, level) for level, n in levels_and_lengths])
    return flat + rng().normal(0, sd, len(flat))


def test_a_change_that_was_undone_is_found() -> None:
    """Up for twenty runs and down again: both changes, which a single split would miss."""
    x = steps([(0, 20), (2, 20), (0, 20)])
    segments = levels(change_points(x, rng=rng()))
    assert len(segments.starts) == 3
    assert abs(segments.starts[1] - 20) <= 1
    assert abs(segments.starts[2] - 40) <= 1


def test_one_odd_run_is_no_level() -> None:
    """A single outlier among forty equal runs is left to the control chart."""
    x = np.zeros(40)
    x[17] = 10.0
    segments = levels(change_points(x, rng=rng(), resamples=499))
    assert all(b - a >= 3 for a, b in itertools.pairwise((*segments.starts, 40)))
    assert segments.p_value.value > 0.05


def test_a_known_spread_sets_the_price() -> None:
    """With the noise of reruns given, the price is 3 s^2 log n, and a tiny step is found."""
    x = steps([(0.0, 30), (0.004, 30)], sd=0.001)
    segments = levels(change_points(x, rng=rng(), sigma=0.001))
    assert segments.penalty == pytest.approx(3 * 1e-6 * math.log(60))
    assert segments.starts == (0, 30)


def test_a_change_too_dear_is_still_named() -> None:
    """When the test finds a change but no partition pays, the stretch of the test stands."""
    x = steps([(0, 20), (2, 20)])
    segments = levels(change_points(x, rng=rng(), sigma=100.0))
    assert len(segments.starts) == 2
    assert abs(segments.starts[1] - 20) <= 2


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_too_little_history(n: int) -> None:
    """Below ten runs nothing is said about changes."""
    x = np.arange(float(n))
    for result in (pettitt(x), single_change(x, rng=rng()), change_points(x, rng=rng())):
        assert isinstance(result, NotEstimable)
        assert "too little history" in result.why


def test_a_run_without_a_number() -> None:
    """A gap in the history is named."""
    x = [*np.zeros(12), math.nan]
    for result in (pettitt(x), single_change(x, rng=rng()), change_points(x, rng=rng())):
        assert isinstance(result, NotEstimable)
        assert "no number" in result.why


def test_equal_runs_never_changed() -> None:
    """Without any spread there is no change, no nan, and p = 1."""
    x = np.full(20, 0.1)
    assert found(pettitt(x)).p_value.value == 1.0
    assert found(single_change(x, rng=rng())).p_value.value == 1.0
    segments = levels(change_points(x, rng=rng()))
    assert (segments.starts, segments.p_value.value) == ((0,), 1.0)


def test_two_values_only() -> None:
    """Nine equal steps between neighbours of ten leave a spread, and a clean step is found."""
    x = [0.0] * 10 + [1.0] * 10
    segments = levels(change_points(x, rng=rng()))
    assert segments.starts == (0, 10)
