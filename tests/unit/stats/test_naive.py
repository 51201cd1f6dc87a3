"""Other tools' figures: published numbers, what makes them mislead, and data without an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.naive import (
    OtherTool,
    agresti_min_interval,
    mcnemar_corrected_p,
    mcnemar_corrected_statistic,
    others_on_scores,
    others_on_table,
    unpaired_interval,
    unpaired_welch,
    unpaired_z_p,
    wald_interval,
    wilson_corrected_interval,
)
from evalkit.stats.paired_binary import PairedTable, mcnemar_asymptotic, mcnemar_exact
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.values import Interval, NotEstimable, PValue

Reference = dict[str, dict[str, Any]]
COUNT = st.integers(0, 40)


def by_name(found: tuple[OtherTool, ...], method: str, rule: str = "") -> OtherTool:
    """Return the one answer of a method."""
    (one,) = [f for f in found if f.method == method and rule in f.rule]
    return one


@pytest.mark.parametrize(
    ("name", "method"), [("wald_cavo", wald_interval), ("agresti_min_cavo", agresti_min_interval)]
)
def test_cavo(name: str, method: Any, reference: Reference) -> None:
    """161 patients of Cavo et al. 2012 in the contingencytables package."""
    entry = reference[name]
    i = entry["inputs"]
    found = method(i["b"], i["c"], i["n"]).at()
    assert (found.low, found.high) == pytest.approx(entry["expected"], abs=entry["tolerance"]), (
        entry["source"]
    )


def test_corrected_z_of_statpsych(reference: Reference) -> None:
    """The z with continuity correction and its p-value."""
    entry = reference["mcnemar_z_statpsych"]
    b, c = entry["inputs"]["f10"], entry["inputs"]["f01"]
    found = float(mcnemar_corrected_statistic(b, c)[0]), float(mcnemar_corrected_p(b, c)[0])
    assert found == pytest.approx(entry["expected"], abs=entry["tolerance"]), entry["source"]


@pytest.mark.parametrize(
    "name", ["mcnemar_ahr", "mcnemar_exact2x2_vignette", "mcnemar_chi2_R_1", "mcnemar_chi2_R_2"]
)
def test_corrected_mcnemar(name: str, reference: Reference) -> None:
    """The corrected columns of four published tables."""
    entry = reference[name]
    i, expected = entry["inputs"], entry["expected"]
    b, c = (i["n12"], i["n21"]) if "n12" in i else (i["b"], i["c"])
    p = float(mcnemar_corrected_p(b, c)[0])
    assert p == pytest.approx(expected.get("cc", expected.get("p_cc")), abs=entry["tolerance"])
    if "chi2cc" in expected:
        chi2 = float(mcnemar_corrected_statistic(b, c)[0]) ** 2
        assert chi2 == pytest.approx(expected["chi2cc"], abs=entry["tolerance"])


def test_corrected_wilson(reference: Reference) -> None:
    """The interval in statpsych of 120 in 300."""
    entry = reference["wilson_cc"]
    found = wilson_corrected_interval(entry["inputs"]["x"], entry["inputs"]["n"]).at()
    assert (found.low, found.high) == pytest.approx(entry["expected"], abs=entry["tolerance"]), (
        entry["source"]
    )


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_corrected_wilson_is_scipys(counts: tuple[int, int]) -> None:
    """`binomtest(...).proportion_ci(method="wilsoncc")`, at the edges too."""
    x, n = counts
    found = wilson_corrected_interval(x, n).at()
    theirs = stats.binomtest(x, n).proportion_ci(method="wilsoncc")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(COUNT, COUNT)
def test_correction_only_weakens(b: int, c: int) -> None:
    """The corrected p is never below the plain one, and 1 where one pair makes the difference."""
    corrected = float(mcnemar_corrected_p(b, c)[0])
    assert corrected >= float(mcnemar_asymptotic(b, c)[0]) - 1e-12
    if abs(b - c) <= 1:
        assert corrected == 1.0
    if b + c >= 1:
        assert corrected == pytest.approx(float(mcnemar_exact(b, c)[0]), abs=0.13)


@given(COUNT, COUNT, COUNT, COUNT)
def test_swapped_models_mirror_everything(a: int, b: int, c: int, d: int) -> None:
    """Gains and losses exchanged give mirrored limits and the other side's p-value."""
    one, other = PairedTable(a, b, c, d), PairedTable(a, c, b, d)
    n = a + b + c + d
    pairs = [
        (unpaired_interval(one), unpaired_interval(other)),
        (wald_interval(b, c, n), wald_interval(c, b, n)),
        (agresti_min_interval(b, c, n), agresti_min_interval(c, b, n)),
    ]
    for found, mirror in pairs:
        assert found.low == pytest.approx(-mirror.high)
    assert unpaired_z_p(one, side="greater") == pytest.approx(unpaired_z_p(other, side="less"))
    assert unpaired_z_p(one) == pytest.approx(unpaired_z_p(other))


def test_unpaired_z_by_hand() -> None:
    """80 against 70 of 100: pooled .75, error sqrt(2 x .1875 / 100), z 1.633, p .1025."""
    found = unpaired_z_p(PairedTable(65, 15, 5, 15))
    assert found[0] == pytest.approx(2 * stats.norm.sf(0.1 / np.sqrt(2 * 0.1875 / 100)))


def test_unpaired_welch_is_scipys() -> None:
    """`ttest_ind(equal_var=False)`, with its interval."""
    rng = np.random.default_rng(0)
    x, y = rng.random(20), rng.random(20) + 0.1
    found = unpaired_welch(x, y)
    theirs = stats.ttest_ind(y, x, equal_var=False)
    assert isinstance(found, Estimate)
    assert found.p_value().value == pytest.approx(theirs.pvalue)
    limits, known = found.interval(level=0.9), theirs.confidence_interval(0.9)
    assert (limits.low, limits.high) == pytest.approx((known.low, known.high))


def test_wald_has_no_width_without_discordant_pairs() -> None:
    """Five pairs alike "prove" that nothing is lost, which is why it decides nothing."""
    found = others_on_table(PairedTable(4, 0, 0, 1), margin=0.01, threshold=0.9)
    wald = by_name(found, "paired Wald")
    assert isinstance(wald.interval, Interval)
    assert wald.interval.low == wald.interval.high == 0
    assert wald.promotes


def test_each_rule_on_a_clear_loss() -> None:
    """A loss of 20 points in 400 pairs: no interval rule promotes, the flat rate does."""
    found = others_on_table(PairedTable(300, 0, 80, 20), margin=0.02, threshold=0.7)
    assert len(found) == 7
    promoted = {f.method for f in found if f.promotes}
    assert promoted == {"flat pass rate", "Wilson with continuity correction"}
    assert {f.n for f in found} == {400}
    assert by_name(found, "flat pass rate").estimate == 0.75
    assert by_name(found, "paired Wald").estimate == -0.2
    z = by_name(found, "unpaired z").p_value
    assert isinstance(z, PValue)
    assert z.value < 1e-3


def test_no_significance_is_taken_for_no_loss() -> None:
    """Four losses in twenty, none gained: both tests let it pass, far beyond the margin."""
    found = others_on_table(PairedTable(12, 0, 4, 4), margin=0.02, threshold=0.9)
    for method in ("unpaired z", "McNemar with continuity correction"):
        assert by_name(found, method, "significant").promotes
    assert not by_name(found, "flat pass rate").promotes


def test_scores() -> None:
    """Welch's t on scores that rise and fall together sees no loss that every case shows."""
    x = np.linspace(0.1, 0.9, 30)
    found = others_on_scores(x, x - 0.05, margin=0.02, threshold=0.5)
    assert by_name(found, "unpaired Welch t", "significant").promotes
    assert not by_name(found, "unpaired Welch t", "limit").promotes
    assert not by_name(found, "flat pass rate").promotes


@pytest.mark.parametrize("x", [[0.5], [0.5, 0.5], [0.5] * 9])
def test_scores_without_a_spread(x: list[float]) -> None:
    """Where a side does not vary there is no t, and the flat rate stands alone."""
    found = others_on_scores(x, x, margin=0.02, threshold=0.5)
    assert [f.method for f in found] == ["flat pass rate"]
    assert found[0].promotes
    assert isinstance(found[0].interval, NotEstimable)


def test_without_a_pair() -> None:
    """Nothing compared, nothing said."""
    assert others_on_table(PairedTable(0, 0, 0, 0), margin=0.02, threshold=0.5) == ()
    assert others_on_scores([], [], margin=0.02, threshold=0.5) == ()


@pytest.mark.parametrize("table", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), (1, 0, 0, 1)])
def test_one_or_two_pairs_give_numbers(table: tuple[int, int, int, int]) -> None:
    """No cell of a tiny table makes a division by zero."""
    for found in others_on_table(PairedTable(*table), margin=0.02, threshold=0.5):
        if isinstance(found.interval, Interval):
            assert -1 <= found.interval.low <= found.interval.high <= 1
        if isinstance(found.p_value, PValue):
            assert 0 < found.p_value.value <= 1
