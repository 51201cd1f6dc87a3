"""Signed ranks: published p-values, the exact law listed by hand, and where scipy goes wrong."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.arrays import FloatArray, floats
from evalkit.stats.paired_binary import mcnemar_asymptotic, mcnemar_exact
from evalkit.stats.signed_rank import RankMethod, ZeroMethod, signed_rank
from evalkit.stats.values import NotEstimable, PValue, Side

Reference = dict[str, dict[str, Any]]
SIDES: tuple[Side, ...] = ("two-sided", "greater", "less")
ZEROS: tuple[ZeroMethod, ...] = get_args(ZeroMethod)
GRID = st.integers(-3, 3).map(lambda k: k / 3)


def p_of(
    d: object,
    *,
    side: Side = "two-sided",
    method: RankMethod = "auto",
    zeros: ZeroMethod = "wilcox",
) -> float:
    """Return a p-value that must exist."""
    found = signed_rank(d, side=side, method=method, zero_method=zeros).p_value  # type: ignore[arg-type]
    assert isinstance(found, PValue)
    return found.value


def differences(entry: dict[str, Any]) -> FloatArray:
    """Return the differences of a reference entry, in whichever form it holds them."""
    inputs = entry["inputs"]
    if "value_counts" in inputs:
        counts = inputs["value_counts"]
        return np.repeat([float(v) for v in counts], list(counts.values()))
    if "diffs" in inputs:
        return np.array(inputs["diffs"])
    return floats(inputs["x"]) - floats(inputs["y"])


def test_depression_scale(reference: Reference) -> None:
    """Hollander and Wolfe's nine patients: W+, exact and mid-p."""
    entry = reference["wilcoxon_depression"]
    d, expected = differences(entry), entry["expected"]
    assert signed_rank(d).positive == expected["Vplus"]
    found = p_of(d, side="greater"), p_of(d)
    assert found == pytest.approx(
        (expected["p_greater"], expected["p_two"]), abs=entry["tolerance"]
    ), entry["source"]
    mid = reference["wilcoxon_depression_midp"]
    assert p_of(d, side="greater", method="mid-p") == pytest.approx(
        mid["expected"][0], abs=mid["tolerance"]
    ), mid["source"]


@pytest.mark.parametrize("zeros", ["pratt", "wilcox"])
def test_zeros_and_ties(zeros: ZeroMethod, reference: Reference) -> None:
    """The accuracy test in scipy of the normal approximation with ties and zeros."""
    entry = reference[f"wilcoxon_zeros_{zeros}"]
    d = differences(entry)
    found = signed_rank(d, method="asymptotic", zero_method=zeros)
    assert min(found.positive, found.negative) == entry["expected"]["T"]
    assert found.zeros == 8
    p = p_of(d, method="asymptotic", zeros=zeros)
    assert p == pytest.approx(entry["expected"]["p"], abs=entry["tolerance"]), entry["source"]


@pytest.mark.parametrize("name", ["wilcoxon_R_correction", "wilcoxon_all_equal_R"])
def test_continuity_correction(name: str, reference: Reference) -> None:
    """R's wilcox.test, without and with the correction."""
    entry = reference[name]
    found = [p_of(differences(entry), method=m) for m in ("asymptotic", "corrected")]
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"]), entry["source"]


def test_exact_sides(reference: Reference) -> None:
    """R's exact p-values, two-sided and either way."""
    entry = reference["wilcoxon_R_exact"]
    found = [p_of(differences(entry), side=side) for side in ("two-sided", "less", "greater")]
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"]), entry["source"]


@given(st.lists(GRID, min_size=1, max_size=9), st.sampled_from(SIDES), st.sampled_from(ZEROS))
def test_exact_law_with_ties_and_zeros(d: list[float], side: Side, zeros: ZeroMethod) -> None:
    """Every sign of every rank listed by hand gives the same p-value."""
    x = np.array(d)
    if not x.any():
        assert isinstance(signed_rank(d).p_value, NotEstimable)
        return
    kept = x[x != 0] if zeros == "wilcox" else x
    ranks = stats.rankdata(np.abs(np.round(kept, 9)))[kept != 0]
    signs = np.array(list(itertools.product((0, 1), repeat=len(ranks))))
    sums, seen = signs @ ranks, ranks[kept[kept != 0] > 0].sum()
    above, below = float((sums >= seen - 1e-9).mean()), float((sums <= seen + 1e-9).mean())
    tails = {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}
    assert p_of(d, side=side, zeros=zeros) == pytest.approx(tails[side])


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=30, unique_by=abs), st.sampled_from(SIDES))
def test_scipy_agrees_without_ties(d: list[float], side: Side) -> None:
    """Where scipy's exact law is the right one, it is ours."""
    x = np.sign(d) * (1 + stats.rankdata(np.abs(d)))
    x = x[x != 0]
    if len(x):
        theirs = stats.wilcoxon(x, alternative=side, method="exact").pvalue
        assert p_of(x, side=side) == pytest.approx(theirs, rel=1e-9)


def test_ties_are_not_taken_for_the_law_without_ties() -> None:
    """17 gains and 3 losses of one size: exact McNemar's p, where scipy's "exact" says .00486."""
    d = [1.0] * 17 + [-1.0] * 3
    assert p_of(d) == pytest.approx(float(mcnemar_exact(17, 3)[0]))
    assert stats.wilcoxon(d, method="exact").pvalue == pytest.approx(0.00486, abs=1e-5)


def test_one_size_is_mcnemar() -> None:
    """On -1, 0 and 1 the normal approximation is McNemar's test without correction."""
    d = [1.0] * 30 + [-1.0] * 14 + [0.0] * 20
    assert p_of(d, method="asymptotic") == pytest.approx(float(mcnemar_asymptotic(30, 14)[0]))


def test_rounding_does_not_hide_ties_or_zeros() -> None:
    """Differences that only floating point parts are tied, and noise around 0 is 0."""
    noisy = np.array([0.3 - 0.2, 0.1, 0.7 - 0.6, -0.1, 0.1 + 0.2 - 0.3, 0.5])
    found, clean = signed_rank(noisy), signed_rank([0.1, 0.1, 0.1, -0.1, 0.0, 0.5])
    assert found == clean
    assert found.zeros == 1


@given(st.lists(GRID, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_mirrors_and_ignores_order(d: list[float], random: object) -> None:
    """Swapped models swap the rank sums and the sides; the order of cases changes nothing."""
    shuffled = list(d)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = signed_rank(d, side="greater"), signed_rank([-x for x in d], side="less")
    assert signed_rank(shuffled, side="greater") == one
    assert (one.positive, one.negative) == (other.negative, other.positive)
    if isinstance(one.p_value, PValue):
        assert isinstance(other.p_value, PValue)
        assert one.p_value.value == pytest.approx(other.p_value.value)


def test_direction_against_the_mean_is_flagged() -> None:
    """Many small gains and one large loss: the ranks lean to a gain, the mean is a loss."""
    d = [0.1] * 8 + [-1.0]
    found = signed_rank(d)
    assert found.warning == (
        "the ranks lean to a gain, the mean difference is a loss: read the mean"
    )
    assert found.estimate == pytest.approx((36 - 9) / 45)
    assert signed_rank([-x for x in d]).warning is not None
    assert signed_rank([0.1] * 8 + [-0.2]).warning is None


def test_zero_methods_share_ranks() -> None:
    """Dropped zeros leave ranks 1 and 2, ranked ones leave 3 and 4, split ones give 1.5 to each."""
    d = [0.0, 0.0, 0.1, -0.2]
    sums = {z: signed_rank(d, zero_method=z) for z in ZEROS}
    found = {z: (s.positive, s.negative) for z, s in sums.items()}
    assert found == {"wilcox": (1.0, 2.0), "pratt": (3.0, 4.0), "zsplit": (4.5, 5.5)}


@pytest.mark.parametrize("d", [[], [0.0], [0.0] * 50, [0.1, float("nan")], [float("inf")]])
def test_nothing_to_rank(d: list[float]) -> None:
    """No case, no difference, and values that are no numbers say why."""
    found = signed_rank(d)
    assert isinstance(found.p_value, NotEstimable)
    assert found.p_value == found.estimate
    assert found.n == len(d)


def test_one_case_proves_nothing() -> None:
    """A single difference has p = 1."""
    assert p_of([0.5]) == 1.0


def test_large_samples_say_that_they_approximate() -> None:
    """Beyond 200 differing cases the exact law is not offered, and the method says so."""
    d = np.random.default_rng(0).normal(0.02, 0.2, 100_000)
    found = signed_rank(d, method="exact").p_value
    assert isinstance(found, PValue)
    assert found.method == "signed-rank, normal approximation"
    assert found.value < 1e-6
