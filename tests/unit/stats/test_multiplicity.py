"""Corrections of one family: published numbers, the order among them, and discrete p-values."""

from __future__ import annotations

import itertools
import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import combine_pvalues, false_discovery_control

from evalkit.stats.multiplicity import Adjusted, Method, adjust, combine, holm, smallest_sign_p
from evalkit.stats.paired_binary import mcnemar_exact
from evalkit.stats.values import NotEstimable, PValue, Side

METHODS: tuple[Method, ...] = get_args(Method)
families = st.lists(st.floats(0, 1), min_size=1, max_size=25)
pairs = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=25)


def values(p: list[float], method: Method, smallest: list[float] | None = None) -> np.ndarray:
    """Return the adjusted p-values as an array."""
    return np.array(adjust(p, method=method, smallest=smallest).values, dtype=np.float64)


@pytest.mark.parametrize("method", ["holm", "hochberg", "bh", "by"])
def test_six_p_values(method: Method, reference: dict[str, Any]) -> None:
    """Six p-values of R's multtest, where Holm, Hochberg and BH differ."""
    entry = reference["holm_hochberg_bh_six"]
    found = adjust(entry["inputs"]["p"], method=method)
    assert found.values == pytest.approx(entry["expected"][method], abs=entry["tolerance"])


def test_benjamini_and_hochbergs_example(reference: dict[str, Any]) -> None:
    """Fifteen cardiac hypotheses: BH rejects four, Bonferroni and Holm three."""
    entry = reference["bh1995"]
    counts = [
        sum(adjust(entry["inputs"]["p"], method=m).rejected(entry["inputs"]["alpha"]))
        for m in ("bh", "bonferroni", "holm")
    ]
    assert counts == entry["expected"]


# statsmodels 0.15.0, multipletests(p, method="hommel")[1].
HOMMEL = {
    (0.01, 0.02, 0.022, 0.09, 0.04, 0.3, 0.041): (0.06, 0.08, 0.082, 0.18, 0.12, 0.3, 0.123),
    (
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
        *(0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0),
    ): (
        *(0.0015, 0.0056, 0.0247, 0.095, 0.1608, 0.1946, 0.2086, 0.2408, 0.3213),
        *(1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    ),
}


@pytest.mark.parametrize("p", HOMMEL)
def test_hommel_by_statsmodels(p: tuple[float, ...]) -> None:
    """The same adjusted p-values as statsmodels', in another way."""
    assert adjust(p, method="hommel").values == pytest.approx(HOMMEL[p])


def test_real_slices(reference: dict[str, Any], bbh: dict[str, tuple[int, int, int, int]]) -> None:
    """27 real slices by BH: the adjusted losses, and 19 gains as against 15 by Holm."""
    tables = np.array(list(bbh.values()))
    p = mcnemar_exact(tables[:, 1], tables[:, 2])
    adjusted = adjust(p.tolist(), method="bh").values
    expected = reference["data_bbh_family"]
    for task, entry in expected["expected"].items():
        found = adjusted[list(bbh).index(task)]
        assert found == pytest.approx(entry["bh_exact"], abs=expected["tolerance"])
    gains = tables[:, 1] > tables[:, 2]
    counts = [
        int((np.array(a)[gains] < 0.05).sum()) for a in (p, holm(p.tolist()).values, adjusted)
    ]
    assert counts == reference["data_bbh_counts"]["expected"]


@given(families)
def test_order_of_the_methods(p: list[float]) -> None:
    """Each step keeps or gains power: Hommel, Hochberg, Holm, Bonferroni; BH below BY."""
    ordered = [values(p, m) for m in ("hommel", "hochberg", "holm", "bonferroni")]
    for better, worse in itertools.pairwise(ordered):
        assert (better <= worse + 1e-12).all()
    assert (values(p, "bh") <= values(p, "by") + 1e-12).all()
    assert (values(p, "bh") <= values(p, "hommel") + 1e-12).all()


@given(families)
def test_scipy_agrees_on_false_discovery(p: list[float]) -> None:
    """`scipy.stats.false_discovery_control` gives the same BH and BY."""
    for method in ("bh", "by"):
        theirs = false_discovery_control(p, method=method)
        assert values(p, method) == pytest.approx(theirs, abs=1e-14)


@given(families)
def test_hommel_is_the_closed_test(p: list[float]) -> None:
    """By definition: the largest Simes p-value of all sets that hold the hypothesis."""
    p = p[:7]
    closed = np.zeros(len(p))
    for chosen in range(1, 2 ** len(p)):
        inside = [i for i in range(len(p)) if chosen >> i & 1]
        ranked = sorted(p[i] for i in inside)
        simes = min(len(ranked) * q / (j + 1) for j, q in enumerate(ranked))
        closed[inside] = np.maximum(closed[inside], simes)
    assert values(p, "hommel") == pytest.approx(closed)


@pytest.mark.parametrize("method", METHODS)
@given(family=families, seed=st.integers(0, 99))
def test_order_of_the_tests_does_not_matter(method: Method, family: list[float], seed: int) -> None:
    """Adjusted p-values move with their tests, and never lie below the raw ones."""
    smallest = [p / 3 for p in family]
    found = values(family, method, smallest)
    order = np.random.default_rng(seed).permutation(len(family))
    moved = values([family[i] for i in order], method, [smallest[i] for i in order])
    assert moved == pytest.approx(found[order], abs=1e-14)
    assert (found >= np.array(family) - 1e-15).all()
    assert (found <= 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_missing_tests_leave_the_family_and_are_counted(method: Method) -> None:
    """``None`` and nan change nothing for the others."""
    found = adjust([0.01, None, 0.03, math.nan], method=method)
    assert (found.tested, found.excluded) == (2, 2)
    assert found.values[1] is found.values[3] is None
    assert found.values[0::2] == adjust([0.01, 0.03], method=method).values
    assert found.rejected(0.05) == (True, False, found.values[2] <= 0.05, False)  # type: ignore[operator]


@pytest.mark.parametrize("method", METHODS)
def test_small_families(method: Method) -> None:
    """No test, no answer; one test needs no correction."""
    assert adjust([], method=method).values == ()
    assert adjust([None], method=method).values == (None,)
    assert adjust([0.04], method=method).values == (0.04,)
    assert adjust([0.0, 1.0], method=method).values == (0.0, 1.0)


def test_holm_keeps_its_name() -> None:
    """The short form is the same as the dispatcher's."""
    assert (
        holm([0.01, 0.02])
        == adjust([0.01, 0.02], method="holm")
        == Adjusted((0.02, 0.02), 2, 0, "Holm")
    )


@pytest.mark.parametrize("p", [[-0.1], [1.1], [2.0, None]])
def test_what_is_no_p_value_is_refused(p: list[float | None]) -> None:
    """Outside [0, 1] something else was handed over."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust(p, method="holm")


def test_smallest_needs_an_entry_per_test() -> None:
    """A missing entry would shift all others."""
    with pytest.raises(ValueError, match="one smallest"):
        adjust([0.1, 0.2], method="tarone", smallest=[0.1])


def test_tarone_by_hand() -> None:
    """Four of six slices cannot reach .03, so the family of that p-value has two tests."""
    p, smallest = [0.03, 0.04, 0.5, 0.5, 0.5, 1.0], [0.01, 0.02, 0.5, 0.5, 0.25, 1.0]
    assert values(p, "tarone", smallest)[:2] == pytest.approx([0.06, 0.08])
    assert values(p, "tarone-holm", smallest)[:2] == pytest.approx([0.06, 0.06])
    assert values(p, "holm")[0] == pytest.approx(0.18)


@given(pairs, st.sampled_from(["less", "greater", "two-sided"]))
def test_tarone_only_gains(tables: list[tuple[int, int]], side: Side) -> None:
    """On discrete p-values Tarone is below Bonferroni, and Tarone-Holm below Tarone and Holm."""
    b, c = np.array(tables).T
    p = mcnemar_exact(b, c, side=side).tolist()
    smallest = [smallest_sign_p(int(m), side=side) for m in b + c]
    tarone, stepwise = (values(p, m, smallest) for m in ("tarone", "tarone-holm"))
    assert (tarone <= values(p, "bonferroni") + 1e-12).all()
    assert (stepwise <= tarone + 1e-12).all()
    assert (stepwise <= values(p, "holm") + 1e-12).all()


@given(pairs, st.floats(0.001, 0.5))
def test_tarones_own_search_rejects_no_more(tables: list[tuple[int, int]], alpha: float) -> None:
    """K = the least k with at most k tests able to reach alpha / k; those at alpha / K fall too."""
    b, c = np.array(tables).T
    p = mcnemar_exact(b, c, side="less")
    smallest = 0.5 ** (b + c).astype(float)
    k = next(k for k in range(1, len(p) + 1) if (smallest <= alpha / k).sum() <= k)
    fallen = (p <= alpha / k) & (smallest <= alpha / k)
    assert (values(p.tolist(), "tarone", smallest.tolist())[fallen] <= alpha * (1 + 1e-9)).all()


@given(families)
def test_tarone_without_smallest_is_bonferroni(p: list[float]) -> None:
    """Tests able to attain anything are all counted."""
    assert values(p, "tarone") == pytest.approx(values(p, "bonferroni"))
    assert values(p, "tarone-holm") == pytest.approx(values(p, "holm"))


@pytest.mark.parametrize("m", [0, 1, 2, 7])
def test_smallest_p_of_a_sign_test(m: int) -> None:
    """What exact McNemar gives when all discordant pairs are losses."""
    for side in ("less", "two-sided"):
        assert smallest_sign_p(m, side=side) == mcnemar_exact(0, m, side=side)[0]


def test_combinations(reference: dict[str, Any]) -> None:
    """Fisher, Stouffer and weighted Stouffer by R's metap; Tippett's is not offered."""
    entry = reference["combine_pvalues"]
    p = entry["inputs"]["p"]
    _, fisher, _, stouffer, _tippett, _, weighted = entry["expected"]
    found = [
        combine(p, method="fisher"),
        combine(p, method="stouffer"),
        combine(p, weights=[1, 4, 9]),
    ]
    values = [f.value for f in found if isinstance(f, PValue)]
    assert values == pytest.approx([fisher, stouffer, weighted], abs=entry["tolerance"])


@given(families)
def test_scipy_agrees_on_combinations(p: list[float]) -> None:
    """`scipy.stats.combine_pvalues` gives the same, where no p-value is 0 or 1."""
    inner = [0.001 + 0.998 * q for q in p]
    weights = [1.0 + i for i in range(len(p))]
    theirs = [
        combine_pvalues(inner, method="fisher").pvalue,
        combine_pvalues(inner, method="stouffer", weights=weights).pvalue,
    ]
    found = [combine(inner, method="fisher"), combine(inner, weights=weights)]
    ours = [f.value for f in found if isinstance(f, PValue)]
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-15)


@given(families)
def test_combination_ignores_order_and_missing_tests(p: list[float]) -> None:
    """Independent evidence has no order; certainty on both sides is no crash."""
    for method in ("fisher", "stouffer"):
        found = combine(p, method=method)
        again = combine([None, *reversed(p), math.nan], method=method)
        assert isinstance(found, PValue)
        assert isinstance(again, PValue)
        assert 0 <= found.value <= 1
        assert again.value == pytest.approx(found.value, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("p", "weights"), [([], None), ([None], None), ([0.5], [0.0])])
def test_nothing_to_combine(p: list[float | None], weights: list[float] | None) -> None:
    """Without a test, or without weight, there is no p-value."""
    assert isinstance(combine(p, weights=weights), NotEstimable)
