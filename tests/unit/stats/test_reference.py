"""Every published number that names a method of evalkit.stats; each test prints its source."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evalkit.stats.by_group import binary_by_group
from evalkit.stats.clusters import clustered_mean
from evalkit.stats.multiplicity import combine, holm
from evalkit.stats.paired_binary import (
    PairedTable,
    bonett_price_interval,
    mcnemar_asymptotic,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe_interval,
    tango_interval,
    tango_statistic,
)
from evalkit.stats.paired_scores import Estimate, estimate, paired_t
from evalkit.stats.planned_cases import (
    PairedRates,
    cases_for_difference,
    cases_for_equivalence,
    cases_for_width,
)
from evalkit.stats.power import Cases, cases_for_gain, mcnemar_power
from evalkit.stats.proportions import clopper_pearson
from evalkit.stats.sign_flip import sign_flip, subset_means
from evalkit.stats.units import Units, case_units
from evalkit.stats.values import Interval, PValue

Entry = dict[str, Any]
Tables = dict[str, tuple[int, int, int, int]]


def both_limits(found: object) -> tuple[float, float]:
    """Return the two limits of an interval that must be one."""
    assert isinstance(found, Interval)
    return found.low, found.high


def _mcnemar(e: Entry) -> dict[str, float]:
    i = e["inputs"]
    b, c = (i["n12"], i["n21"]) if "n12" in i else (i["b"], i["c"])
    found = {
        "exact": mcnemar_exact(b, c),
        "p": (mcnemar_asymptotic if "chi2" in e["expected"] else mcnemar_exact)(b, c),
        "midp": mcnemar_mid_p(b, c),
        "asymptotic": mcnemar_asymptotic(b, c),
        "chi2": tango_statistic(b, c, b + c) ** 2,
    }
    return {name: float(value[0]) for name, value in found.items()}


def _sign_test(e: Entry) -> dict[str, float]:
    d = np.array(e["inputs"]["x"]) - np.array(e["inputs"]["y"])
    up, down = int((d > 0).sum()), int((d < 0).sum())
    return {
        "p_greater": float(mcnemar_exact(up, down, side="greater")[0]),
        "midp_greater": float(mcnemar_mid_p(up, down, side="greater")[0]),
        "p_two": float(mcnemar_exact(up, down)[0]),
    }


def _tango(e: Entry) -> tuple[float, float]:
    i = e["inputs"]
    return both_limits(tango_interval(i["b"], i["c"], i["n"], level=i["conf"]).at())


def _newcombe(e: Entry) -> tuple[float, float]:
    i = e["inputs"]
    table = PairedTable(i["a"], i["b"], i["c"], i["d"])
    return both_limits(newcombe_interval(table, corrected="method 8" not in e["method"]).at())


def _bonett_price(e: Entry) -> tuple[float, ...]:
    i = e["inputs"]
    low, high = both_limits(bonett_price_interval(i["f10"], i["f01"], i["n"]).at())
    return (low + high) / 2, (high - low) / 2 / 1.959963984540054, low, high


def _exact_proportion(e: Entry) -> tuple[float, float]:
    return both_limits(clopper_pearson(e["inputs"]["x"], e["inputs"]["n"]))


def _exact_power(e: Entry) -> dict[str, float]:
    i = e["inputs"]
    churn, ratio = i["prop_discordant"], i["odds_ratio"]
    lost = churn * ratio / (1 + ratio)
    gain = churn - 2 * lost
    found = {
        "power": mcnemar_power(i["n"], churn, gain=gain, alpha=i["alpha"], one_sided=True),
        "actual_alpha": mcnemar_power(i["n"], churn, gain=0.0, alpha=i["alpha"], one_sided=True),
    }
    return {**found, "p12": lost, "p21": churn - lost}


def _planned_cases(e: Entry) -> tuple[float]:
    found = cases_for_gain(e["inputs"]["delta"], e["inputs"]["omega2"])
    assert found is not None
    return (found.n,)


def _students_t(e: Entry) -> tuple[float, ...]:
    i = e["inputs"]
    d = np.array(i["diffs"]) if "diffs" in i else np.array(i["x"]) - np.array(i["y"])
    found = paired_t(d)
    assert isinstance(found, Estimate)
    interval = found.interval(level=0.95)
    return found.statistic(), found.p_value().value, interval.low, interval.high


def _zea(e: Entry) -> dict[str, float]:
    d = e["inputs"]["diffs"]
    two = sign_flip(d, rng=np.random.default_rng(0)).value
    one = subset_means(case_units(d), rng=np.random.default_rng(0)).p_value(side="greater").value
    counts = {"count_abs": two * 2**15, "count_ge": one * 2**15, "n_signs": 2**15}
    return {"p_two": two, "total": sum(d), **counts}


def _darwin(e: Entry) -> tuple[float]:
    return (sign_flip(e["inputs"]["diffs"], rng=np.random.default_rng(0)).value,)


def _holm_six(e: Entry) -> dict[str, Any]:
    return {"holm": holm(e["inputs"]["p"]).values}


def _holm_count(e: Entry) -> tuple[None, None, int]:
    values = holm(e["inputs"]["p"]).values
    return None, None, sum(p is not None and p <= e["inputs"]["alpha"] for p in values)


def _cluster_robust(e: Entry) -> tuple[float, float]:
    found = clustered_mean(e["inputs"]["score"], e["inputs"]["cluster"])
    assert isinstance(found, Estimate)
    return found.standard_error * np.sqrt(3 / 4), found.standard_error


def _statpsych(e: Entry) -> tuple[float]:
    i = e["inputs"]
    rates, alpha = PairedRates(i["p1"], i["p2"], i["phi"]), i["alpha"]
    if "width" in i:
        found = cases_for_width(rates, i["width"], level=1 - alpha)
    elif "h" in i:
        found = cases_for_equivalence(rates, i["h"], alpha=alpha, power=i["power"])
    else:
        found = cases_for_difference(rates, effect=i["effect"], alpha=alpha, power=i["power"])
    assert isinstance(found, Cases)
    return (found.n,)


def _combined(e: Entry) -> tuple[float | None, ...]:
    p = e["inputs"]["p"]
    found = (
        combine(p, method="fisher"),
        combine(p),
        combine(p, weights=[1, 4, 9]),
    )
    fisher, stouffer, weighted = (f.value for f in found if isinstance(f, PValue))
    return None, fisher, None, stouffer, None, None, weighted


METHODS: dict[str, Callable[[Entry], Any]] = {
    "mcnemar_ahr": _mcnemar,
    "mcnemar_exact_vassar_1": _mcnemar,
    "mcnemar_exact_vassar_2": _mcnemar,
    "mcnemar_exact_vassar_3": _mcnemar,
    "mcnemar_chi2_R_1": _mcnemar,
    "mcnemar_chi2_R_2": _mcnemar,
    "mcnemar_exact2x2_vignette": _mcnemar,
    "sign_test_depression": _sign_test,
    "tango_ahr": _tango,
    "tango1998_tableV_90": _tango,
    "tango_agresti_min": _tango,
    "tango_degenerate_all_one_way": _tango,
    "newcombe_ahr": _newcombe,
    "newcombe1998_m10": _newcombe,
    "newcombe1998_m8": _newcombe,
    "newcombe_no_discordant": _newcombe,
    "bonett_price_statpsych": _bonett_price,
    "clopper_pearson": _exact_proportion,
    "clopper_pearson_all": _exact_proportion,
    "gpower_mcnemar_power": _exact_power,
    "miller_969": _planned_cases,
    "paired_t_sleep": _students_t,
    "fisher_zea_t": _students_t,
    "fisher_zea_permutation": _zea,
    "scipy_permutation_zea": _darwin,
    "holm_hochberg_bh_six": _holm_six,
    "bh1995": _holm_count,
    "clustered_se_toy": _cluster_robust,
    "n_superiority_paired_props": _statpsych,
    "n_equivalence_paired_props": _statpsych,
    "n_ci_width_paired_props": _statpsych,
    "combine_pvalues": _combined,
}
OTHER_METHODS = {"cc", "chi2cc", "p_cc", "hochberg", "bh", "by"}
"""Columns of the reference that belong to methods evalkit does not offer."""


@pytest.mark.parametrize("name", METHODS)
def test_reference_number(
    name: str, reference: dict[str, Entry], say: Callable[[str], None]
) -> None:
    """The number of the source comes out, within the digits it was printed with."""
    entry = reference[name]
    say(f"{name}: {entry['method']} [{entry['source']}]")
    found, expected = METHODS[name](entry), entry["expected"]
    if isinstance(expected, dict):
        pairs = [(found[k], expected[k]) for k in expected.keys() - OTHER_METHODS]
    else:
        pairs = [(f, e) for f, e in zip(found, expected, strict=False) if f is not None]
    assert pairs
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, abs=entry["tolerance"], rel=0), entry["source"]


def _bbh_units(bbh: Tables) -> Units:
    sums = np.array([gained - lost for _, gained, lost, _ in bbh.values()], dtype=np.float64)
    return Units(sums, np.array([sum(t) for t in bbh.values()], dtype=np.float64), clustered=True)


def test_real_pooled_comparison(reference: dict[str, Entry], bbh: Tables) -> None:
    """6,511 real pairs: difference, Tango's interval and McNemar's statistic."""
    expected = reference["data_bbh_micro"]["expected"]
    both, gained, lost, neither = (sum(column) for column in zip(*bbh.values(), strict=True))
    n = both + gained + lost + neither
    assert (n, both, gained, lost) == tuple(expected[k] for k in ("n", "both", "gained", "lost"))
    assert both_limits(tango_interval(gained, lost, n).at()) == pytest.approx(
        expected["tango95"], abs=1e-6
    )
    chi2 = float(tango_statistic(gained, lost, n)[0]) ** 2
    assert chi2 == pytest.approx(expected["mcnemar_chi2"], rel=1e-9)


def test_real_clustered_error(reference: dict[str, Entry], bbh: Tables) -> None:
    """The 27 tasks as clusters: CR1 is six times the standard error that ignores them."""
    expected = reference["data_bbh_se"]["expected"]
    found = estimate(_bbh_units(bbh), method="CR1")
    assert isinstance(found, Estimate)
    assert found.standard_error == pytest.approx(expected["micro_clustered_se_cr1"], abs=1e-9)


def test_real_family_of_slices(reference: dict[str, Entry], bbh: Tables) -> None:
    """27 real slices: exact p, mid-p and Holm; of three raw losses one survives correction."""
    expected = reference["data_bbh_family"]["expected"]
    tables = np.array(list(bbh.values()))
    exact, mid = (f(tables[:, 1], tables[:, 2]) for f in (mcnemar_exact, mcnemar_mid_p))
    adjusted = holm(exact.tolist()).values
    for i, task in enumerate(bbh):
        if task in expected:
            found = (exact[i], mid[i], adjusted[i])
            names = ("mcnemar_exact", "mcnemar_midp", "holm_exact")
            assert found == pytest.approx([expected[task][k] for k in names], abs=1e-9)
    gains = tables[:, 1] > tables[:, 2]
    holm_p = np.array(adjusted, dtype=np.float64)
    counts = reference["data_bbh_counts"]["expected"]
    assert [int((p[gains] < 0.05).sum()) for p in (exact, holm_p)] == counts[:2]


def test_real_slices_in_one_call(bbh: Tables) -> None:
    """The vectorised call gives each slice what a call of its own gives."""
    d, group = [], []
    for i, (both, gained, lost, neither) in enumerate(bbh.values()):
        d += [1.0] * gained + [-1.0] * lost + [0.0] * (both + neither)
        group += [i] * (both + gained + lost + neither)
    found = binary_by_group(np.array(d), np.array(group), groups=len(bbh))
    for i, (_, gained, lost, _) in enumerate(bbh.values()):
        own = tango_interval(gained, lost, int(found.n[i])).at()
        assert (found.low[i], found.high[i]) == pytest.approx((own.low, own.high))
        assert found.p_exact[i] == mcnemar_exact(gained, lost, side="less")[0]


NOT_STATISTICS = {
    # Independent groups only: wrong for checkpoints scored on the same cases, so not offered.
    "dunnett1955",
    # Of text similarity, duplicates and memorisation, which are no statistics of pairs.
    "levenshtein_kitten",
    "rapidfuzz_ratio",
    "minhash_lsh_threshold",
    "canary_exposure",
    "mink_prob",
}


def test_every_entry_is_used(pytestconfig: pytest.Config, reference: dict[str, Entry]) -> None:
    """Each published number that names a method of evalkit.stats is read by some test."""
    folder = pytestconfig.rootpath / "tests" / "unit" / "stats"
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    # A name may stand whole, or with a part filled in: f"wilcoxon_zeros_{zeros}".
    written = {re.sub(r"\{\w+\}", r"\\w+", found) for found in re.findall(r'"([\w{}]+)"', text)}
    unread = {n for n in reference if not any(re.fullmatch(name, n) for name in written)}
    assert not unread
