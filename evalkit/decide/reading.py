"""What one set of paired scores says: interval, p-values, and the verdict they give together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.decide.decision import Interval, Verdict
from evalkit.decide.verdict import verdict_of
from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.paired import PairedComparison, compare
from evalkit.stats.values import NotEstimable, PValue

READING_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Reading:
    """A comparison with its intervals: ``interval`` for reading, ``gate`` (1 - 2 alpha) decides.

    ``None`` where the procedures of the comparison give nothing; ``note`` says why.
    """

    compared: PairedComparison
    interval: Interval | None
    gate: Interval | None
    p_value: PValue | None
    p_exact: PValue | None
    method: str
    verdict: Verdict
    note: str


def read(
    base: FloatArray,
    candidate: FloatArray,
    *,
    clusters: IntArray | None,
    margin: float,
    alpha: float,
    rng: np.random.Generator,
) -> Reading:
    """Return what the pairs say about a change, against ``margin``."""
    compared = compare(base, candidate, clusters=clusters, rng=rng)
    procedure, exact = compared.procedure, compared.exact
    if isinstance(procedure, NotEstimable) or isinstance(exact, NotEstimable):
        why = procedure.why if isinstance(procedure, NotEstimable) else ""
        return Reading(compared, None, None, None, None, "not estimable", "inconclusive", why)
    interval, gate = (procedure.interval(level=v) for v in (READING_LEVEL, 1 - 2 * alpha))
    found = None if isinstance(gate, NotEstimable) else gate
    p_value = procedure.p_value()
    confirmed = max(p_value.value, exact.value) <= alpha
    return Reading(
        compared=compared,
        interval=None if isinstance(interval, NotEstimable) else interval,
        gate=found,
        p_value=p_value,
        p_exact=exact,
        method=f"{procedure.method}; {exact.method}",
        verdict=verdict_of(found, margin=margin, gain_confirmed=confirmed),
        note=next((i.why for i in (gate, interval) if isinstance(i, NotEstimable)), ""),
    )
