"""Suites that only report: their tests for a change, corrected for their number.

They block nothing, so many may be looked at, and with twenty of them one "changes" by chance. Their
two-sided p-values form one family in each comparison. Such a suite is called changed only if its
adjusted p-value is at most alpha; its interval stays that of the suite alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.decide.decision import SuiteResult
from evalkit.decide.policy import PlainCorrection, Policy
from evalkit.decide.run_words import alone_a_change
from evalkit.decide.verdict import without_change
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.multiplicity import TITLES, adjust


def explored(results: Sequence[SuiteResult], policy: Policy) -> tuple[SuiteResult, ...]:
    """Return the results of one comparison, those of suites that only report corrected."""
    family = [r for r in results if r.rule == "report"]
    adjusted = _adjusted([r.p_value for r in family], policy.exploratory_correction)
    more = _taken(policy.exploratory_correction) if len(family) > 1 else ()
    found = {
        r.suite: _corrected(
            replace(r, assumptions=(*r.assumptions, *more)),
            p,
            among=len(family),
            alpha=policy.alpha,
        )
        for r, p in zip(family, adjusted, strict=True)
    }
    return tuple(found.get(r.suite, r) for r in results)


def _adjusted(
    p_values: Sequence[float | None], correction: PlainCorrection
) -> Sequence[float | None]:
    return p_values if correction == "none" else adjust(p_values, method=correction).values


def _taken(correction: PlainCorrection) -> tuple[str, ...]:
    return () if correction == "none" else assumptions_of(TITLES[correction])


def _corrected(result: SuiteResult, p: float | None, *, among: int, alpha: float) -> SuiteResult:
    found = replace(result, p_adjusted=p)
    verdict = without_change(result.verdict)
    if verdict == result.verdict or (p is not None and p <= alpha):
        return found
    note = " ".join(filter(None, (result.note, alone_a_change(p, among))))
    return replace(found, verdict=verdict, note=note)
