"""The figures that the documentation gives a reader to check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy.special import ndtri

from evalkit.decide.verdict import verdict_of
from evalkit.stats.naive import others_on_table
from evalkit.stats.paired_binary import (
    PairedTable,
    mcnemar_exact,
    tango_interval,
    tango_p,
    tango_statistic,
)

DOCS = Path(__file__).parents[3] / "docs"
ROW = re.compile(
    r"^\| [A-E] \| ([\d,]+) \| ([\d,]+) \| (\d+) \| (\d+) \| ([\d,]+) "
    r"\| ([−+]?[\d.]+) \| \*\*([\w ]+)\*\*"
    r"[^(]*\((−?[\d.]+) to (−?[\d.]+)\) \| (.*) \|$",
    re.MULTILINE,
)
VERDICTS = {
    "inconclusive": "cannot tell",
    "regressed": "probably worse",
    "regressed_within_margin": "pass",
    "non_inferior": "pass",
}


def test_the_worked_example() -> None:
    """9 fixed and 2 broken of 120: the p-values and limits of the page."""
    assert mcnemar_exact(9, 2)[0] == pytest.approx(2 * 67 / 2048)
    assert tango_p(9, 2, 120)[0] == pytest.approx(0.035, abs=5e-4)
    assert tango_statistic(9, 2, 120, null=0.0147)[0] == pytest.approx(1.645, abs=1e-3)
    gate = tango_interval(9, 2, 120, level=0.9).at()
    assert (gate.low, gate.high) == pytest.approx((0.015, 0.111), abs=5e-4)


def test_what_other_rules_say() -> None:
    """Every row of the page: counts, difference, interval, verdict and the other rules' answers."""
    rows = ROW.findall((DOCS / "other-rules.md").read_text(encoding="utf-8"))
    assert len(rows) == 5
    for n, both, gained, lost, neither, difference, verdict, low, high, others in rows:
        a, b, c, d, total = (int(v.replace(",", "")) for v in (both, gained, lost, neither, n))
        assert a + b + c + d == total
        assert number(difference) == pytest.approx(100 * (b - c) / total, abs=0.051)
        gate = tango_interval(b, c, total, level=0.9).at()
        assert (number(low), number(high)) == pytest.approx(
            (100 * gate.low, 100 * gate.high), abs=0.051
        )
        sure = max(float(tango_p(b, c, total)[0]), float(mcnemar_exact(b, c)[0])) <= 0.05
        assert VERDICTS[verdict_of(gate, margin=0.02, gain_confirmed=sure)] == verdict
        table = PairedTable(a, b, c, d)
        found = {o.method: o.promotes for o in others_on_table(table, margin=0.02, threshold=0.75)}
        methods = ("unpaired z", "unpaired Wald", "paired Wald", "flat pass rate")
        said = ["pass" if found[method] else "stop" for method in methods]
        assert others.split(" | ") == said


def number(text: str) -> float:
    """Return a number as the pages write it."""
    return float(text.replace("−", "-").replace("+", ""))


def test_the_worst_risk_of_a_guard() -> None:
    """The percentages beside the formula are the formula's, and 5.2 points are case A's limit."""
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    z2 = float(ndtri(0.95)) ** 2
    assert z2 == pytest.approx(2.71, abs=0.005)
    told = re.findall(r"([\d.]+) % (?:with|however many)(?: (\d+))?", text.split("## What is")[0])
    said = {int(n): float(p) for p, n in told if n and int(n) <= 100 and float(p) < 20}
    assert {2, 4, 6, 10, 20, 30, 100} <= said.keys()
    for n in (2, 4, 6, 10, 20, 30, 100):
        assert said[n] == pytest.approx(100 * (n / (n + z2)) ** n, abs=0.1)
    ruled_out = -100 * tango_interval(0, 0, 50, level=0.9).at().low
    assert f"a loss of {ruled_out + 0.05:.1f} points" in (DOCS / "other-rules.md").read_text(
        "utf-8"
    )
